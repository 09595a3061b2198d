"""Bring the generated parts of the manual up to date: `python -m linkweir.manual.generate`, in a checkout."""

import sys

from linkweir.manual.contents import FOLDER
from linkweir.manual.references import REFERENCES, update_references


def main() -> int:
    """Rewrite the pages that have a generated part, and name those that changed."""
    for topic in REFERENCES:
        path = FOLDER / f"{topic}.md"
        before = path.read_text(encoding="utf-8")
        after = update_references(topic, before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
