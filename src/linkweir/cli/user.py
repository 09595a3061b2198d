"""`linkweir user`: the people who may sign in to the dashboard of a service on this machine."""

import argparse
import getpass
import os
import sys
import time
import uuid
from typing import TYPE_CHECKING

from linkweir.cli.folder import add_data
from linkweir.cli.options import Commands, UsageError, subparser
from linkweir.errors import BadInput, LinkweirError

if TYPE_CHECKING:
    from sqlalchemy import RowMapping

    from linkweir.store.engine import Store

_EXAMPLES = """\
  linkweir user add ada@example.com              make a user; prints a random password once
  linkweir user add ada@example.com --ask        ask for the password instead
  linkweir user list
  linkweir user password ada@example.com         a new password; ends the user's sessions
  linkweir user remove ada@example.com           the last one only with --yes

The service may run meanwhile. --data is the folder that it was started with.
"""


def add_to(commands: Commands) -> None:
    """Add this sub-command, which has some of its own, to the parser."""
    parser = subparser(
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
        action = subparser(actions, name, summary=summary, description=f"{summary.capitalize()}.", examples=_EXAMPLES)
        add_data(action)
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

    from linkweir.store import accounts, users

    email, store = _email(args.email), _store(args)
    password, chosen = _password(args)
    stored = _hashed(password)
    try:
        with store.write() as connection:
            account = args.account or accounts.first(connection)
            if account is None:
                raise LinkweirError("there is no account yet: start `linkweir serve` once, or `linkweir account add`")
            if accounts.get(connection, account) is None:
                raise UsageError(f"there is no account {account}; see `linkweir account list`")
            users.add(connection, account, email, stored, time.time_ns() // 1000)
    except IntegrityError:
        raise LinkweirError(f"there is a user {email} already; `linkweir user password` sets a new password") from None
    _tell(f"made the user {email}", password, chosen)
    return 0


def run_list(args: argparse.Namespace) -> int:
    """One line for each user."""
    from linkweir.store import users

    with _store(args).read() as connection:
        for row in users.every(connection):
            print(f"{row['email']}  made {_day(row['created_at'])}, last signed in {_day(row['last_seen_at'])}")
    return 0


def run_password(args: argparse.Namespace) -> int:
    """Set a password, end the user's sessions, and forget failed attempts at the old one."""
    from linkweir.edge.attempts import user_key
    from linkweir.store import sign_ins, users

    store = _store(args)
    row = _found(store, args.email)
    password, chosen = _password(args)
    stored = _hashed(password)
    with store.write() as connection:
        users.set_password(connection, row["id"], stored, time.time_ns() // 1000)
        sign_ins.lift(connection, user_key(row["email"]))
    _tell(f"set a new password for {row['email']}", password, chosen)
    return 0


def run_remove(args: argparse.Namespace) -> int:
    """Forget a user; whoever is signed in as them is signed out."""
    from linkweir.store import users

    store = _store(args)
    row = _found(store, args.email)
    with store.write() as connection:
        last = users.count(connection, row["account_id"]) == 1
        if last and not args.yes:
            raise UsageError(f"{row['email']} is the last user: make another first, or say --yes if you mean it")
        users.remove(connection, row["id"])
    print(f"removed the user {row['email']}")
    if last:
        print("nobody can sign in now; `linkweir user add EMAIL` makes a user, and so does the next `linkweir serve`")
    return 0


def _store(args: argparse.Namespace) -> "Store":
    """The database of the service. Raises LinkweirError when there is none."""
    from linkweir.settings import from_environment
    from linkweir.store.engine import Store
    from linkweir.store.migrate import migrate

    settings = from_environment(os.environ, data=args.data)
    if not settings.database.exists():
        raise LinkweirError(f"{settings.database}: no such database; start `linkweir serve` once, or give --data")
    store = Store(settings.database, wait=settings.store_wait)
    migrate(store)
    return store


def _found(store: "Store", email: str) -> "RowMapping":
    from linkweir.store import users

    with store.read() as connection:
        row = users.by_email(connection, _email(email))
    if row is None:
        raise LinkweirError(f"there is no user {_email(email)}")
    return row


def _email(text: str) -> str:
    email = text.strip().lower()
    name, at, domain = email.rpartition("@")
    if not (name and at and domain) or len(email) > 320 or not email.isprintable() or " " in email:
        raise UsageError(f"{text!r} is not an e-mail address")
    return email


def _password(args: argparse.Namespace) -> tuple[str, bool]:
    """The password, and whether somebody chose it."""
    from linkweir.edge.dashboard import passwords

    if not args.ask:
        return passwords.new(), False
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n"), True
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise UsageError("the two passwords differ")
    return password, True


def _hashed(password: str) -> str:
    from linkweir.edge.dashboard import passwords

    try:
        return passwords.hashed(password)
    except BadInput as error:
        raise UsageError(f"the password {error.reason}") from None


def _tell(done: str, password: str, chosen: bool) -> None:
    print(done if chosen else f"{done}; password {password} (it is not shown again)")


def _day(at: int | None) -> str:
    return "never" if at is None else time.strftime("%Y-%m-%d %H:%M", time.gmtime(at // 1_000_000)) + " UTC"
