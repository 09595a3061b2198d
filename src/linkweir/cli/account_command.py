"""`linkweir account`: the customers of a service on this machine, the first one and further ones."""

import argparse
import sys

from linkweir.cli.data_option import add_data_option, open_data_folder, reject_invalid_arguments
from linkweir.cli.shared_options import SubcommandParsers, add_command
from linkweir.clock import format_minute, now
from linkweir.terminal.text import display_path

_EXAMPLES = """\
  linkweir account add 'Example Ltd'             create an account and its first API key
  linkweir account list
  linkweir user add ada@example.com --account UUID

The service may be running. --data is its data folder; in a new folder this creates the first account.
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command, which has two of its own, to the parser."""
    parser = add_command(
        commands,
        "account",
        summary="create and list the accounts of a service (needs linkweir[service])",
        description="Create and list accounts. Each account has its own messages, API keys, domains, "
        "webhooks and users.",
        examples=_EXAMPLES,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, summary, run in (("add", "create an account", run_add), ("list", "list the accounts", run_list)):
        action = add_command(actions, name, summary=summary, description=f"{summary.capitalize()}.", examples=_EXAMPLES)
        add_data_option(action)
        if name == "add":
            action.add_argument("name", metavar="NAME", help="name of the account")
        action.set_defaults(run=run)


def run_add(args: argparse.Namespace) -> int:
    """Make an account and its first API key; id and key go to standard output, a line each."""
    with reject_invalid_arguments(), open_data_folder(args, create=True) as (_settings, database):
        from linkweir.accounts import account_settings, api_keys

        with database.write() as connection:
            account = account_settings.create_account(connection, args.name, now())
            _, key = api_keys.create_api_key(connection, account, "first", now())
    print(f"account {account}\nAPI key {key}")
    print("linkweir: store the key; it is not shown again", file=sys.stderr)
    return 0


def run_list(args: argparse.Namespace) -> int:
    """One line for each account, the oldest first."""
    with open_data_folder(args) as (_settings, database), database.read() as connection:
        from linkweir.accounts import account_settings

        for row in account_settings.list_accounts(connection):
            print(f"{row['id']}  created {format_minute(row['created_at'])}  {display_path(row['name'])}")
    return 0
