"""`linkweir serve`: hands over to the service, which has its own options and its own packages."""

import argparse
import sys
from typing import TypedDict

from linkweir.cli.options import USAGE, paragraph


class Help(TypedDict):
    """What `--help` says of a sub-command."""

    summary: str
    description: str
    examples: str


HELP: Help = {
    "summary": "run the service: API, redirects, clicks (needs linkweir[service])",
    "description": "Run the service. With nothing configured it keeps its data in a folder of its own, "
    "makes an account "
    "and an API key on first start, and prints a ready-made curl for them.",
    "examples": """\
  linkweir serve                     start with the defaults
  linkweir serve --demo              send a sample newsletter through itself and print its tracking links
""",
}


def main(argv: list[str]) -> int:
    """Parse the service's options and run it; 2 with what to install when its packages are missing."""
    try:
        from linkweir.serve import add_arguments, run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "linkweir":
            raise
        print(
            f"linkweir: the service needs the package {error.name!r}, which is not installed; "
            "install it with: pip install 'linkweir[service]'",
            file=sys.stderr,
        )
        return USAGE
    parser = argparse.ArgumentParser(
        prog="linkweir serve",
        description=paragraph(HELP["description"]),
        epilog="examples:\n" + HELP["examples"],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_arguments(parser)
    return run(parser.parse_args(argv))
