"""`python -m linkweir` is the command `linkweir`."""

import sys

from linkweir.cli import main

if __name__ == "__main__":
    sys.exit(main())
