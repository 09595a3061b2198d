"""`linkweir serve`: hands over to the service, which has its own options and its own packages."""

import argparse
from typing import TypedDict

from linkweir.cli.options import paragraph
from linkweir.cli.packages import service_packages


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
    """Parse the service's options and run it. Raises UsageError when its packages are missing."""
    with service_packages():
        from linkweir.serve import add_arguments, run
    parser = argparse.ArgumentParser(
        prog="linkweir serve",
        description=paragraph(HELP["description"]),
        epilog="examples:\n" + HELP["examples"],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_arguments(parser)
    return run(parser.parse_args(argv))
