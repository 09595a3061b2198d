"""`linkweir open`: what a tracking link holds, or why it does not open."""

import argparse
import json
import sys
from pathlib import Path

from linkweir.cli.data_option import open_data_folder as service
from linkweir.cli.key_file_option import add_key_file_option, load_existing_keyring
from linkweir.cli.shared_options import SubcommandParsers, add_command
from linkweir.errors import BadToken
from linkweir.terminal.text import escape_unprintable
from linkweir.tokens import KeyRing, Opened, campaign_tags, open_link, open_token

LinkFields = dict[str, str | int | None]

_EXAMPLES = """\
  linkweir open https://t.example.com/Aa0...
  linkweir open --json --key-file backup.keys https://t.example.com/Aa0... | jq -r .destination
  linkweir open --data ./linkweir-data https://t.example.com/Aa0...     a link of a service, with its message id

Exit codes: 0 success, 1 the link does not open (the reason is on standard error), 2 usage error.
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command to the parser."""
    parser = add_command(
        commands,
        "open",
        summary="decode a tracking link",
        description="Decode a tracking link with its keys: destination, message, position, key, privacy. "
        "Uses no network, and no database without --data; counts no click.",
        examples=_EXAMPLES,
    )
    parser.add_argument("url", metavar="URL", help="tracking link, or the token alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    keys = parser.add_mutually_exclusive_group()
    add_key_file_option(keys, "keys to open the link with")
    keys.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="data folder of a service: open the link with its keys, and look up the message and the destination "
        "of a short link",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Open the link, print what it holds, and return the exit code."""
    try:
        fields = (
            _to_fields(_open_link(load_existing_keyring(args), args.url))
            if args.data is None
            else _open_with_database(args)
        )
    except BadToken as error:
        print(f"linkweir: {error} ({error.code})", file=sys.stderr)
        if args.data is None and args.key_file is None:
            print("linkweir: a service's links open with its own keys: --data FOLDER", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(fields))
        return 0
    for name, value in fields.items():
        print(f"{name.replace('_', ' '):<12} {'-' if value is None else escape_unprintable(str(value))}")
    return 0


def _open_link(ring: KeyRing, url: str) -> Opened:
    return (open_link if "://" in url else open_token)(ring, url)


def _open_with_database(args: argparse.Namespace) -> LinkFields:
    """What the link holds, and what the service knows of it: the message's id, as API and dashboard show it."""
    from linkweir.mail import stored_messages
    from linkweir.service_secrets import choose_keyring_source

    with service(args) as (settings, database):
        opened = _open_link(choose_keyring_source(settings, database).load(), args.url)
        fields = _to_fields(opened)
        if isinstance(opened.message, int):
            with database.read() as connection:
                message = stored_messages.find_message_by_number(connection, opened.message)
                fields["message_id"] = None if message is None else str(message)
                if opened.destination is None:
                    fields["destination"] = stored_messages.find_short_link_destination(
                        connection, opened.message, opened.index
                    )
    return fields


def _to_fields(link: Opened) -> LinkFields:
    message = link.message
    return {
        "destination": link.destination,
        "message": message if message is None or isinstance(message, int) else str(message),
        "campaign": campaign_tags.decode_tag(link.campaign) if isinstance(link.campaign, str) else link.campaign,
        "index": link.index,
        "key_id": link.key_id,
        "privacy": str(link.privacy),
        "style": str(link.style),
        "version": link.version,
    }
