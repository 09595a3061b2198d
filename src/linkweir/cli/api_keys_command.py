"""`linkweir api-keys`: list, make and revoke the keys of a service's API, while it runs or not."""

import argparse
import contextlib
import json
import os
import sys
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from linkweir.cli.data_option import add_data_option
from linkweir.cli.optional_dependencies import require_service_extra
from linkweir.cli.shared_options import SubcommandParsers, UsageError, add_command
from linkweir.terminal.text import display_path

if TYPE_CHECKING:
    from linkweir.accounts.api_key_admin import ApiKeyAdmin

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
        summary="list, make or revoke the API keys of a service",
        description="The keys of the service's API. They are stored as hashes: a key is shown when it is made and "
        "never again. What is made or revoked here holds at once, also for a service that runs.",
        examples=_EXAMPLES,
    )
    actions = parser.add_subparsers(title="what to do", metavar="ACTION", required=True)
    listed = add_command(
        actions,
        "list",
        summary="show the keys: how they begin, what they may do, when they were used",
        description="Show each key's beginning, label, scopes, and when it was made and last used.",
        examples="  linkweir api-keys list --json\n",
    )
    listed.add_argument("--json", action="store_true", help="print one JSON object")
    listed.set_defaults(run=run_list)
    created = add_command(
        actions,
        "create",
        summary="make a key and print it, this once",
        description="Make a key and print it on standard output. Without --scope it may do everything.",
        examples="  linkweir api-keys create backup --scope messages:read:all --scope accounts:read\n",
    )
    created.add_argument("label", help="a name to know it by")
    created.add_argument(
        "--scope", action="append", default=[], metavar="SCOPE", help="what it may do; can be repeated"
    )
    created.set_defaults(run=run_create)
    revoked = add_command(
        actions,
        "revoke",
        summary="end keys for good",
        description="End keys for good, named by their id or by how they begin, as `list` shows them.",
        examples="  linkweir api-keys revoke linkweir-sk-Ab12Cd\n",
    )
    revoked.add_argument("names", nargs="+", metavar="KEY", help="an id, or how the key begins")
    revoked.set_defaults(run=run_revoke)
    for action in (listed, created, revoked):
        add_data_option(action)


@contextlib.contextmanager
def _open_keys(args: argparse.Namespace) -> Iterator["ApiKeyAdmin"]:
    with require_service_extra():
        from linkweir.accounts.api_key_admin import open_api_keys
        from linkweir.settings import from_environment
    settings = from_environment(os.environ, data=args.data)
    if not settings.database.exists():
        raise UsageError(f"there is no service's data in {display_path(str(settings.data))}: name it with --data")
    with open_api_keys(settings) as keys:
        yield keys


def run_list(args: argparse.Namespace) -> int:
    """Print the keys, without secrets."""
    with _open_keys(args) as keys:
        rows = keys.list_all()
    if args.json:
        print(json.dumps({"keys": rows}))
        return 0
    for row in rows:
        print(f"{row['begins'] or '(from the settings)'}  {display_path(row['label'])}")
        print(f"  {row['id']}  made {row['created']}  {_format_last_used(row)}")
        print(f"  {', '.join(row['scopes'])}")
    return 0


def _format_last_used(row: dict[str, Any]) -> str:
    return f"last used {row['last_used']}" if row["last_used"] else "never used"


def run_create(args: argparse.Namespace) -> int:
    """Make a key; it alone goes to standard output."""
    with _open_keys(args) as keys:
        print(keys.create(args.label, args.scope))
    print("linkweir: keep it, it is not shown again", file=sys.stderr)
    return 0


def run_revoke(args: argparse.Namespace) -> int:
    """End the named keys, all or none. Raises UsageError for a name that fits no key, or several."""
    with _open_keys(args) as keys:
        rows = keys.list_all()
        named = [_resolve_keys(name, rows) for name in args.names]
        keys.revoke([uuid.UUID(row["id"]) for row in named])
    for row in named:
        print(f"linkweir: {row['begins'] or row['id']} ({display_path(row['label'])}) opens nothing any more")
    return 0


def _resolve_keys(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    found = [row for row in rows if name == row["id"] or (row["begins"] and name == row["begins"])]
    if len(found) != 1:
        raise UsageError(f"{display_path(name)} names {len(found) or 'no'} keys; see `linkweir api-keys list`")
    return found[0]
