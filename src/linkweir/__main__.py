"""`python -m linkweir` is the command `linkweir`."""

from linkweir.cli.entry_point import run_process

if __name__ == "__main__":
    run_process()
