"""`linkweir api-keys`: list, make and revoke the keys of a service's API, while it runs or not."""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from linkweir.cli.data_option import add_data_option, open_data_folder
from linkweir.cli.shared_options import SubcommandParsers, UsageError, add_command
from linkweir.clock import now, rfc3339
from linkweir.terminal.text import display_path

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

_EXAMPLES = """\
  linkweir api-keys list
  linkweir api-keys create shop --scope 'messages:send:{example.com}'
  linkweir api-keys revoke linkweir-sk-Ab12Cd
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command, which has three of its own, to the parser."""
    parser = add_command(
        commands,
        "api-keys",
        summary="list, create or revoke the API keys of a service (needs linkweir[service])",
        description="Manage the API keys of a service. They are stored as hashes: a key is shown only when it is "
        "created. Changes take effect at once, also in a running service.",
        examples=_EXAMPLES,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listed = add_command(
        actions,
        "list",
        summary="list the keys with prefix, scopes and last use",
        description="List each key's prefix, label, scopes, creation and last use.",
        examples="  linkweir api-keys list --json\n",
    )
    listed.add_argument("--json", action="store_true", help="print one JSON object")
    listed.set_defaults(run=run_list)
    created = add_command(
        actions,
        "create",
        summary="create a key and print it once",
        description="Create a key and print it on standard output. Without --scope it has all permissions.",
        examples="  linkweir api-keys create backup --scope messages:read:all --scope accounts:read\n",
    )
    created.add_argument("label", metavar="LABEL", help="a name for the key")
    created.add_argument(
        "--scope", action="append", default=[], metavar="SCOPE", help="a permission of the key; can be repeated"
    )
    created.set_defaults(run=run_create)
    revoked = add_command(
        actions,
        "revoke",
        summary="revoke keys permanently",
        description="Revoke keys permanently, by their id or prefix as shown by `list`.",
        examples="  linkweir api-keys revoke linkweir-sk-Ab12Cd\n",
    )
    revoked.add_argument("names", nargs="+", metavar="KEY", help="id or prefix of a key")
    revoked.set_defaults(run=run_revoke)
    for action in (listed, created, revoked):
        add_data_option(action)


def run_list(args: argparse.Namespace) -> int:
    """Print the keys, without secrets."""
    with open_data_folder(args) as (_settings, database), database.read() as connection:
        from linkweir.accounts import account_settings, api_keys

        account = account_settings.require_default_account(connection)
        keys = [_to_json(row) for row in api_keys.list_all_api_keys(connection, account)]
    if args.json:
        print(json.dumps({"keys": keys}))
        return 0
    for key in keys:
        print(f"{key['begins'] or '(from the settings)'}  {display_path(key['label'])}")
        print(f"  {key['id']}  created {key['created']}  {_format_last_used(key)}")
        print(f"  {', '.join(key['scopes'])}")
    return 0


def _to_json(row: "RowMapping") -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "begins": row["hint"],
        "label": row["label"],
        "scopes": row["scopes"],
        "created": rfc3339(row["created_at"]),
        "last_used": rfc3339(row["last_used_at"]),
    }


def _format_last_used(row: dict[str, Any]) -> str:
    return f"last used {row['last_used']}" if row["last_used"] else "never used"


def run_create(args: argparse.Namespace) -> int:
    """Make a key; it alone goes to standard output."""
    with open_data_folder(args) as (_settings, database), database.write() as connection:
        from linkweir.accounts import account_settings, api_keys

        account = account_settings.require_default_account(connection)
        _, key = api_keys.create_api_key(connection, account, args.label, now(), scopes=args.scope or None)
    print(key)
    print("linkweir: store it; it is not shown again", file=sys.stderr)
    return 0


def run_revoke(args: argparse.Namespace) -> int:
    """End the named keys, all or none. Raises UsageError for a name that fits no key, or several."""
    with open_data_folder(args) as (_settings, database), database.write() as connection:
        from linkweir.accounts import account_settings, api_keys

        account = account_settings.require_default_account(connection)
        rows = api_keys.list_all_api_keys(connection, account)
        revoked = {row["id"]: row for row in (_find_key(name, rows) for name in args.names)}
        for key_id in revoked:
            api_keys.revoke_api_key(connection, account, key_id)
    for row in revoked.values():
        print(f"linkweir: {row['hint'] or row['id']} ({display_path(row['label'])}) was revoked")
    return 0


def _find_key(name: str, rows: Sequence["RowMapping"]) -> "RowMapping":
    matches = [row for row in rows if name == str(row["id"]) or (row["hint"] and name == row["hint"])]
    if len(matches) != 1:
        raise UsageError(f"{display_path(name)} matches {len(matches) or 'no'} keys; see `linkweir api-keys list`")
    return matches[0]
