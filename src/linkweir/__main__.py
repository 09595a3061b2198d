"""`python -m linkweir` is the command `linkweir`."""

import sys

from linkweir.cli.entry_point import main

if __name__ == "__main__":
    sys.exit(main())
