"""`linkweir serve`: hands over to the service, which has its own options and its own packages."""

import argparse
import gc
from typing import TypedDict

from linkweir.cli.command_parser import CommandParser
from linkweir.cli.shared_options import wrap_text


class CommandHelp(TypedDict):
    """What `--help` says of a sub-command."""

    summary: str
    description: str
    examples: str


SERVE_HELP: CommandHelp = {
    "summary": "run the service: API, redirects, clicks, dashboard (needs linkweir[service])",
    "description": "Run the service. Without configuration, it stores its data in ./linkweir-data, "
    "creates an account, an API key, an SMTP credential and a user of the dashboard at the first start, and prints "
    "them with a curl command that sends a message.",
    "examples": """\
  linkweir serve                     start with the defaults
  linkweir serve --demo              fill the dashboard with sample data, send a sample newsletter
""",
}


def main(argv: list[str]) -> int:
    """Parse the service's options and run it. Raises ModuleNotFoundError when its packages are missing."""
    gc.disable()  # while modules are loaded, collections take time and find nothing
    try:
        from linkweir.server.serve import add_arguments, run
    finally:
        gc.enable()
    parser = CommandParser(
        prog="linkweir serve",
        description=wrap_text(SERVE_HELP["description"]),
        epilog="examples:\n" + SERVE_HELP["examples"],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    return run(parser.parse_args(argv))
