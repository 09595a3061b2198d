"""`python -m bench.cases [NAME]`: the figures of every case, or the document itself on standard output."""

import sys

from bench.cases.catalogue import list_cases, load_case
from bench.cases.document_stats import compute_stats


def main(arguments: list[str]) -> int:
    """Print the figures, or the document called for."""
    if arguments:
        sys.stdout.buffer.write(load_case(arguments[0]).document)
        return 0
    for each in list_cases():
        print(each.name, len(each.document), "bytes")
        for name, value in compute_stats(each).items():
            print(f"  {name:32} {value:10.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
