"""`linkweir open`: what a tracking link holds, or why it does not open."""

import argparse
import json
import sys

from linkweir.batch.names import printable
from linkweir.cli.keyring import add_key_file, existing
from linkweir.cli.options import Commands, subparser
from linkweir.errors import BadToken
from linkweir.token import Opened, open_link, open_token

_EXAMPLES = """\
  linkweir open https://t.example.com/Aa0...
  linkweir open --json --key-file backup.keys https://t.example.com/Aa0... | jq -r .destination

Exit codes: 0 it opens, 1 it does not (the reason is on standard error), 2 a mistake in the command line.
"""


def add_to(commands: Commands) -> None:
    """Add this sub-command to the parser."""
    parser = subparser(
        commands,
        "open",
        summary="decode a tracking link",
        description="Decode a tracking link with the keys it was made with: destination, message, position, "
        "key, "
        "privacy. No network and no database is asked; no click is counted.",
        examples=_EXAMPLES,
    )
    parser.add_argument("url", metavar="URL", help="tracking link, or the token alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_key_file(parser, "keys to open it with")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Open the link, print what it holds, and return the exit code."""
    ring = existing(args)
    try:
        opened = (open_link if "://" in args.url else open_token)(ring, args.url)
    except BadToken as error:
        print(f"linkweir: {error} ({error.code})", file=sys.stderr)
        return 1
    fields = _fields(opened)
    if args.json:
        print(json.dumps(fields))
        return 0
    for name, value in fields.items():
        print(f"{name.replace('_', ' '):<12} {'-' if value is None else printable(str(value))}")
    return 0


def _fields(opened: Opened) -> dict[str, str | int | None]:
    message, campaign = opened.message, opened.campaign
    return {
        "destination": opened.destination,
        "message": message if message is None or isinstance(message, int) else str(message),
        "campaign": campaign,
        "index": opened.index,
        "key_id": opened.key_id,
        "privacy": str(opened.privacy),
        "style": str(opened.style),
        "version": opened.version,
    }
