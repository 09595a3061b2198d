"""`linkweir open`: what a tracking link holds, or why it does not open."""

import argparse
import json
import sys
from pathlib import Path

from linkweir.batch.names import printable
from linkweir.cli.folder import opened as service
from linkweir.cli.keyring import add_key_file, existing
from linkweir.cli.options import Commands, subparser
from linkweir.errors import BadToken
from linkweir.token import KeyRing, Opened, campaign, open_link, open_token

Fields = dict[str, str | int | None]

_EXAMPLES = """\
  linkweir open https://t.example.com/Aa0...
  linkweir open --json --key-file backup.keys https://t.example.com/Aa0... | jq -r .destination
  linkweir open --data ./linkweir-data https://t.example.com/Aa0...     a service's link, with the id of its message

Exit codes: 0 it opens, 1 it does not (the reason is on standard error), 2 a mistake in the command line.
"""


def add_to(commands: Commands) -> None:
    """Add this sub-command to the parser."""
    parser = subparser(
        commands,
        "open",
        summary="decode a tracking link",
        description="Decode a tracking link with the keys it was made with: destination, message, position, key, "
        "privacy. No network is asked, and no database without --data; no click is counted.",
        examples=_EXAMPLES,
    )
    parser.add_argument("url", metavar="URL", help="tracking link, or the token alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    keys = parser.add_mutually_exclusive_group()
    add_key_file(keys, "keys to open it with")
    keys.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="data folder of a service: open the link with its keys, and look up the message that its number stands "
        "for, and where a short link leads",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Open the link, print what it holds, and return the exit code."""
    try:
        fields = _fields(_opened(existing(args), args.url)) if args.data is None else _looked_up(args)
    except BadToken as error:
        print(f"linkweir: {error} ({error.code})", file=sys.stderr)
        if args.data is None and args.key_file is None:
            print("linkweir: a service's links open with its own keys: --data FOLDER", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(fields))
        return 0
    for name, value in fields.items():
        print(f"{name.replace('_', ' '):<12} {'-' if value is None else printable(str(value))}")
    return 0


def _opened(ring: KeyRing, url: str) -> Opened:
    return (open_link if "://" in url else open_token)(ring, url)


def _looked_up(args: argparse.Namespace) -> Fields:
    """What the link holds, and what the service knows of it: the message's id, as API and dashboard show it."""
    from linkweir import keyfile
    from linkweir.store import clicks, messages

    with service(args) as (settings, store):
        found = _opened(keyfile.load(settings.key_path), args.url)
        fields = _fields(found)
        if isinstance(found.message, int):
            with store.read() as connection:
                row = clicks.messages_of(connection, [found.message]).get(found.message)
                fields["message_id"] = None if row is None else str(row["id"])
                if found.destination is None:
                    fields["destination"] = messages.destination(connection, found.message, found.index)
    return fields


def _fields(opened: Opened) -> Fields:
    message = opened.message
    return {
        "destination": opened.destination,
        "message": message if message is None or isinstance(message, int) else str(message),
        "campaign": campaign.read(opened.campaign) if isinstance(opened.campaign, str) else opened.campaign,
        "index": opened.index,
        "key_id": opened.key_id,
        "privacy": str(opened.privacy),
        "style": str(opened.style),
        "version": opened.version,
    }
