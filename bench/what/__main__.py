"""`python -m bench.what [NAME]`: the figures of every case, or the document itself on standard output."""

import sys

from bench.what.cases import all_cases, case
from bench.what.figures import figures


def main(arguments: list[str]) -> int:
    """Print the figures, or the document called for."""
    if arguments:
        sys.stdout.buffer.write(case(arguments[0]).document)
        return 0
    for each in all_cases():
        print(each.name, len(each.document), "bytes")
        for name, value in figures(each).items():
            print(f"  {name:32} {value:10.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
