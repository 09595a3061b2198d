"""`linkweir corrections`: where the links of sent mails lead from now on, after a wrong one went out."""

import argparse
import json
import sys
import uuid
from collections.abc import Mapping
from typing import Any

from linkweir.cli.data_option import add_data_option, find_account, open_data_folder, reject_invalid_arguments
from linkweir.cli.shared_options import SubcommandParsers, UsageError, add_command
from linkweir.clock import format_minute, now, rfc3339
from linkweir.errors import KeyRingError, NotFound
from linkweir.terminal.text import display_path

_EXAMPLES = """\
  linkweir corrections add https://example.com/slae https://example.com/sale
  linkweir corrections add https://example.com/a https://example.com/b --campaign spring
  linkweir corrections list
  linkweir corrections remove ID
A running service applies changes within seconds. The destination has to be written as the sent links have it, with
campaign parameters; clicks go on counting for it.
"""
_FIELDS = ("id", "destination", "replacement", "campaign", "message_id", "created_by", "removed_by")


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command, which has three of its own, to the parser."""
    parser = add_command(
        commands,
        "corrections",
        summary="lead the links of sent mails to another address (needs linkweir[service])",
        description="Correct links after they were sent: a destination leads to another address from now on.",
        examples=_EXAMPLES,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, summary, run in (
        ("add", "correct a destination", run_add),
        ("remove", "let a destination lead to itself again", run_remove),
        ("list", "list what is corrected", run_list),
    ):
        action = add_command(actions, name, summary=summary, description=f"{summary.capitalize()}.", examples=_EXAMPLES)
        add_data_option(action)
        action.add_argument("--account", type=uuid.UUID, metavar="UUID", help="account (default: the first)")
        action.set_defaults(run=run)
        if name == "add":
            action.add_argument("destination", metavar="DESTINATION", help="the address that the links have")
            action.add_argument("replacement", metavar="REPLACEMENT", help="the address that they lead to from now on")
            scope = action.add_mutually_exclusive_group()
            scope.add_argument("--campaign", metavar="TAG", help="only in messages with this tag")
            scope.add_argument("--message", metavar="ID", help="only in this message")
        elif name == "remove":
            action.add_argument("id", metavar="ID", type=uuid.UUID, help="the correction, as `list` shows it")
        else:
            action.add_argument("--all", action="store_true", help="also those that were removed: the whole record")
            action.add_argument("--json", action="store_true", help="print one JSON object a line")


def run_add(args: argparse.Namespace) -> int:
    """Correct a destination; the id of the correction goes to standard output."""
    with reject_invalid_arguments(), open_data_folder(args) as (settings, database):
        import msgspec

        from linkweir.accounts import account_settings
        from linkweir.clicks import corrections
        from linkweir.mail import stored_messages
        from linkweir.tokens import keyring_file

        given = {"destination": args.destination, "replacement": args.replacement}
        try:
            request = msgspec.convert(
                {**given, "campaign": args.campaign, "message_id": args.message}, corrections.CorrectionCreate
            )
            ring = keyring_file.load(settings.key_path)
        except (msgspec.ValidationError, KeyRingError) as error:
            raise UsageError(str(error)) from None
        with database.write() as connection:
            account = account_settings.get_account(connection, find_account(connection, args.account))
            try:
                number = stored_messages.find_number(connection, account["id"], args.message)
            except NotFound as error:
                raise UsageError(str(error)) from None
            row = corrections.create_correction(
                connection,
                account["id"],
                request,
                now(),
                number=number,
                author=corrections.COMMAND_LINE_AUTHOR,
                rules=corrections.make_link_rules(ring, settings.base_url, settings.skip, account),
            )
    print(row["id"])
    where = f"{display_path(row['destination'])} leads to {display_path(row['replacement'])} from now on"
    print(f"linkweir: {where}", file=sys.stderr)
    return 0


def run_remove(args: argparse.Namespace) -> int:
    """Take a correction out of force; 1 when it is not."""
    with open_data_folder(args) as (_settings, database):
        from linkweir.clicks import corrections

        try:
            with database.write() as connection:
                account = find_account(connection, args.account)
                author = corrections.COMMAND_LINE_AUTHOR
                corrections.remove_correction(connection, account, args.id, author, now())
        except NotFound as error:
            print(f"linkweir: {error}", file=sys.stderr)
            return 1
    print(f"linkweir: removed the correction {args.id}", file=sys.stderr)
    return 0


def run_list(args: argparse.Namespace) -> int:
    """Print the corrections, the oldest first."""
    with open_data_folder(args) as (_settings, database), database.read() as connection:
        from linkweir.clicks import corrections

        account = find_account(connection, args.account)
        load = corrections.list_recorded_corrections if args.all else corrections.list_corrections_in_force
        rows = load(connection, account)
    for row in rows:
        print(json.dumps(_to_json(row)) if args.json else display_path(_format(row)))
    return 0


def _to_json(row: Mapping[Any, Any]) -> dict[str, Any]:
    texts = {name: None if row[name] is None else str(row[name]) for name in _FIELDS}
    return {**texts, "created_at": rfc3339(row["created_at"]), "removed_at": rfc3339(row["removed_at"])}


def _format(row: Mapping[Any, Any]) -> str:
    scope = f"campaign {row['campaign']}" if row["campaign"] is not None else "account"
    scope = scope if row["number"] is None else f"message {row['message_id'] or 'that is not stored any more'}"
    made = f"since {format_minute(row['created_at'])} by {row['created_by']}"
    gone = f", removed {format_minute(row['removed_at'])} by {row['removed_by']}" if row["removed_at"] else ""
    return f"{row['id']}  {row['destination']} -> {row['replacement']}  ({scope}, {made}{gone})"
