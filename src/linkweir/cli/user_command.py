"""`linkweir user`: the people who may sign in to the dashboard of a service on this machine."""

import argparse
import getpass
import os
import sys
import uuid
from typing import TYPE_CHECKING

from linkweir.cli.data_option import add_data_option
from linkweir.cli.shared_options import SubcommandParsers, UsageError, add_command
from linkweir.clock import format_minute, now
from linkweir.errors import LinkweirError, ValidationError

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from linkweir.db.database import Database

_EXAMPLES = """\
  linkweir user add ada@example.com              make a user; prints a random password once
  linkweir user add ada@example.com --ask        ask for the password instead
  linkweir user list
  linkweir user password ada@example.com         a new password; ends the user's sessions
  linkweir user remove ada@example.com           the last one only with --yes

The service may run meanwhile. --data is the folder that it was started with.
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command, which has some of its own, to the parser."""
    parser = add_command(
        commands,
        "user",
        summary="who may sign in to the dashboard (needs linkweir[service])",
        description="Make, list and remove the users of the dashboard, and set their passwords.",
        examples=_EXAMPLES,
    )
    actions = parser.add_subparsers(title="what to do", metavar="ACTION", required=True)
    for name, summary, run in (
        ("add", "make a user", run_add),
        ("list", "list the users", run_list),
        ("password", "set a user's password", run_password),
        ("remove", "remove a user", run_remove),
    ):
        action = add_command(actions, name, summary=summary, description=f"{summary.capitalize()}.", examples=_EXAMPLES)
        add_data_option(action)
        if name != "list":
            action.add_argument("email", metavar="EMAIL", help="the user's e-mail address, which they sign in with")
        if name == "add":
            action.add_argument("--account", type=uuid.UUID, metavar="UUID", help="whose user (default: the first)")
        if name in ("add", "password"):
            action.add_argument("--ask", action="store_true", help="ask for the password, or read it from a pipe")
        if name == "remove":
            action.add_argument("--yes", action="store_true", help="yes, also the last user: nobody can sign in then")
        action.set_defaults(run=run)


def run_add(args: argparse.Namespace) -> int:
    """Make a user of an account, the first one unless another is named."""
    from sqlalchemy.exc import IntegrityError

    from linkweir.db import accounts_table, users_table

    email, store = _parse_email(args.email), _open_database(args)
    password, chosen = _read_password(args)
    stored = _hash_password(password)
    try:
        with store.write() as connection:
            account = args.account or accounts_table.get_default_account(connection)
            if account is None:
                raise LinkweirError("there is no account yet: start `linkweir serve` once, or `linkweir account add`")
            if accounts_table.get(connection, account) is None:
                raise UsageError(f"there is no account {account}; see `linkweir account list`")
            users_table.add(connection, account, email, stored, now())
    except IntegrityError:
        raise LinkweirError(f"there is a user {email} already; `linkweir user password` sets a new password") from None
    _print_password(f"made the user {email}", password, chosen)
    return 0


def run_list(args: argparse.Namespace) -> int:
    """One line for each user."""
    from linkweir.db import users_table

    with _open_database(args).read() as connection:
        for row in users_table.list_all(connection):
            print(
                f"{row['email']}  made {_format_date(row['created_at'])}, "
                f"last signed in {_format_date(row['last_seen_at'])}"
            )
    return 0


def run_password(args: argparse.Namespace) -> int:
    """Set a password, end the user's sessions, and forget failed attempts at the old one."""
    from linkweir.accounts.sign_in_limiter import user_key
    from linkweir.db import sign_in_limits_table, users_table

    store = _open_database(args)
    row = _find_user(store, args.email)
    password, chosen = _read_password(args)
    stored = _hash_password(password)
    with store.write() as connection:
        users_table.set_password(connection, row["id"], stored, now())
        sign_in_limits_table.reset(connection, user_key(row["email"]))
    _print_password(f"set a new password for {row['email']}", password, chosen)
    return 0


def run_remove(args: argparse.Namespace) -> int:
    """Forget a user; whoever is signed in as them is signed out."""
    from linkweir.db import users_table

    store = _open_database(args)
    row = _find_user(store, args.email)
    with store.write() as connection:
        last = users_table.count(connection, row["account_id"]) == 1
        if last and not args.yes:
            raise UsageError(f"{row['email']} is the last user: make another first, or say --yes if you mean it")
        users_table.remove(connection, row["id"])
    print(f"removed the user {row['email']}")
    if last:
        print("nobody can sign in now; `linkweir user add EMAIL` makes a user, and so does the next `linkweir serve`")
    return 0


def _open_database(args: argparse.Namespace) -> "Database":
    """The database of the service. Raises LinkweirError when there is none."""
    from linkweir.db.database import Database
    from linkweir.db.schema_upgrade import migrate
    from linkweir.settings import from_environment

    settings = from_environment(os.environ, data=args.data)
    if not settings.database.exists():
        raise LinkweirError(f"{settings.database}: no such database; start `linkweir serve` once, or give --data")
    store = Database(settings.database, timeout=settings.store_wait)
    migrate(store)
    return store


def _find_user(store: "Database", email: str) -> "RowMapping":
    from linkweir.db import users_table

    with store.read() as connection:
        row = users_table.get_by_email(connection, _parse_email(email))
    if row is None:
        raise LinkweirError(f"there is no user {_parse_email(email)}")
    return row


def _parse_email(text: str) -> str:
    email = text.strip().lower()
    name, at, domain = email.rpartition("@")
    if not (name and at and domain) or len(email) > 320 or not email.isprintable() or " " in email:
        raise UsageError(f"{text!r} is not an e-mail address")
    return email


def _read_password(args: argparse.Namespace) -> tuple[str, bool]:
    """The password, and whether somebody chose it."""
    from linkweir.accounts import passwords

    if not args.ask:
        return passwords.generate_password(), False
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n"), True
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise UsageError("the two passwords differ")
    return password, True


def _hash_password(password: str) -> str:
    from linkweir.accounts import passwords

    try:
        return passwords.hash_password(password)
    except ValidationError as error:
        raise UsageError(f"the password {error.reason}") from None


def _print_password(summary: str, password: str, is_user_chosen: bool) -> None:
    print(summary if is_user_chosen else f"{summary}; password {password} (it is not shown again)")


def _format_date(at: int | None) -> str:
    return "never" if at is None else format_minute(at)
