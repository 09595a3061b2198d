"""`linkweir block`: hosts and destinations that a service sends nobody to any more, phishing above all."""

import argparse
import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from linkweir.cli.data_option import add_data_option, data_folder_settings
from linkweir.cli.shared_options import SubcommandParsers, add_command
from linkweir.terminal.text import display_path

if TYPE_CHECKING:
    from linkweir.clicks.blocklist import Blocklist

_EXAMPLES = """\
  linkweir block add phishing.example                    the host and every host below it
  linkweir block add https://docs.example/form?id=7      this destination only
  linkweir block list
  linkweir block remove phishing.example
A running service applies changes within seconds: readers get a page (410) instead of the destination.
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command, which has three of its own, to the parser."""
    parser = add_command(
        commands,
        "block",
        summary="block redirects to a host or destination (needs linkweir[service])",
        description="Block hosts and destinations on a service's tracking links.",
        examples=_EXAMPLES,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, summary, run in (
        ("add", "block a host or destination", run_add),
        ("remove", "unblock a host or destination", run_remove),
        ("list", "list what is blocked", run_list),
    ):
        action = add_command(actions, name, summary=summary, description=f"{summary.capitalize()}.", examples=_EXAMPLES)
        add_data_option(action)
        action.set_defaults(run=run)
        if name == "list":
            action.add_argument("--json", action="store_true", help="print one JSON object a line")
        else:
            action.add_argument("what", metavar="TARGET", help="a host, or a URL that begins with http(s)://")
        if name == "add":
            action.add_argument("--reason", default="", help="a note")


def run_add(args: argparse.Namespace) -> int:
    """Block it."""
    with closing(_open_blocklist(args)) as blocking:
        print(f"linkweir: blocked the {display_path(blocking.add(args.what, args.reason))}")
    return 0


def run_remove(args: argparse.Namespace) -> int:
    """Open it again; 1 when it was not blocked."""
    with closing(_open_blocklist(args)) as blocking:
        removed = blocking.remove(args.what)
    if removed is None:
        print(f"linkweir: {display_path(args.what)} is not blocked", file=sys.stderr)
        return 1
    print(f"linkweir: unblocked the {display_path(removed)}")
    return 0


def run_list(args: argparse.Namespace) -> int:
    """Print what is blocked."""
    with closing(_open_blocklist(args)) as blocking:
        for kind, value, reason in blocking.list_entries():
            if args.json:
                print(json.dumps({"kind": kind, "value": value, "reason": reason}))
            else:
                print(display_path(f"{kind:<12} {value}" + (f"  ({reason})" if reason else "")))
    return 0


def _open_blocklist(args: argparse.Namespace) -> "Blocklist":
    from linkweir.clicks.blocklist import Blocklist

    return Blocklist(data_folder_settings(args.data))
