"""`linkweir user`: the people who may sign in to the dashboard of a service on this machine."""

import argparse
import getpass
import sys
import uuid
from typing import TYPE_CHECKING

from linkweir.cli.data_option import add_data_option, find_account, open_data_folder, reject_invalid_arguments
from linkweir.cli.shared_options import SubcommandParsers, UsageError, add_command
from linkweir.clock import format_minute, now
from linkweir.errors import Conflict, NotFound
from linkweir.terminal.text import display_path

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping

ROLES = ("owner", "editor", "viewer")  # as accounts.roles has them, which this command loads only when it runs
_EXAMPLES = """\
  linkweir user add ada@example.com              create a user; prints a random password once
  linkweir user add ada@example.com --ask        prompt for the password instead
  linkweir user add ben@example.com --role viewer
  linkweir user list
  linkweir user role ben@example.com editor      owner, editor or viewer
  linkweir user password ada@example.com         a new password; ends the user's sessions
  linkweir user unlink ada@example.com           who has the address at the identity provider now may sign in as ada
  linkweir user remove ada@example.com           the last user only with --yes

The service may be running. --data is its data folder.
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command, which has some of its own, to the parser."""
    parser = add_command(
        commands,
        "user",
        summary="manage the users of the dashboard (needs linkweir[service])",
        description="Create, list and remove users of the dashboard, and set their passwords.",
        examples=_EXAMPLES,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    for name, summary, run in (
        ("add", "create a user", run_add),
        ("list", "list the users", run_list),
        ("role", "change what a user may do", run_role),
        ("password", "set a user's password", run_password),
        ("unlink", "forget who a user is to the identity provider", run_unlink),
        ("remove", "remove a user", run_remove),
    ):
        action = add_command(actions, name, summary=summary, description=f"{summary.capitalize()}.", examples=_EXAMPLES)
        add_data_option(action)
        if name != "list":
            action.add_argument("email", metavar="EMAIL", help="e-mail address, used to sign in")
        if name == "add":
            action.add_argument("--role", choices=ROLES, default="owner", help="what the user may do (default: owner)")
        if name == "role":
            action.add_argument(
                "role", metavar="ROLE", choices=ROLES, help="what the user may do: owner, editor or viewer"
            )
        if name in ("add", "role"):
            action.add_argument("--account", type=uuid.UUID, metavar="UUID", help="account (default: the first)")
        if name in ("add", "password"):
            action.add_argument("--ask", action="store_true", help="prompt for the password, or read it from a pipe")
        if name == "remove":
            action.add_argument("--yes", action="store_true", help="also remove the last user: then nobody can sign in")
        action.set_defaults(run=run)


def run_add(args: argparse.Namespace) -> int:
    """Make a user of an account, the first one unless another is named; one who exists belongs to it from then on."""
    with reject_invalid_arguments(), open_data_folder(args) as (_settings, database):
        from linkweir.accounts import users

        email = users.parse_email(args.email)
        with database.write() as connection:
            account = find_account(connection, args.account)
            known = _find_user(connection, email)
            if known is not None:
                try:
                    users.add_to_account(connection, known["id"], account, args.role, now())
                except Conflict:
                    hint = "`linkweir user password` sets a new password"
                    raise Conflict(f"the user {email} exists already; {hint}") from None
        if known is not None:
            print(f"{email}, who exists already, is {args.role} of the account {account} now; the password stays")
            return 0
        password, is_user_chosen = _read_password(args)
        users.create_user(database, account, email, password, now(), role=args.role)
    _print_password(f"created user {email}", password, is_user_chosen)
    return 0


def run_role(args: argparse.Namespace) -> int:
    """Give a user another role in an account."""
    with reject_invalid_arguments(), open_data_folder(args) as (_settings, database), database.write() as connection:
        from linkweir.accounts import users

        account = find_account(connection, args.account)
        user = users.get_user(connection, args.email)
        users.set_role(connection, account, user["id"], args.role)
    print(f"{user['email']} is {args.role} now")
    return 0


def _find_user(connection: "Connection", email: str) -> "RowMapping | None":
    from linkweir.accounts import users

    try:
        return users.get_user(connection, email)
    except NotFound:
        return None


def run_list(args: argparse.Namespace) -> int:
    """One line for each user."""
    with open_data_folder(args) as (_settings, database), database.read() as connection:
        from linkweir.accounts import users

        for row in users.list_users(connection):
            created, seen = _format_date(row["created_at"]), _format_date(row["last_seen_at"])
            memberships = users.list_memberships(connection, row["id"])
            roles = ", ".join(f"{each['role']} of {display_path(each['name'])}" for each in memberships)
            print(f"{row['email']}  created {created}, last signed in {seen}; {roles}")
    return 0


def run_password(args: argparse.Namespace) -> int:
    """Set a password, end the user's sessions, and forget failed attempts at the old one."""
    with reject_invalid_arguments(), open_data_folder(args) as (_settings, database):
        from linkweir.accounts import users

        with database.read() as connection:
            email = users.get_user(connection, args.email)["email"]
        password, is_user_chosen = _read_password(args)
        users.set_password(database, email, password, now())
    _print_password(f"set a new password for {email}", password, is_user_chosen)
    return 0


def run_unlink(args: argparse.Namespace) -> int:
    """Forget who a user is to the identity provider, and sign them out: whoever has the address there is the user."""
    with reject_invalid_arguments(), open_data_folder(args) as (_settings, database), database.write() as connection:
        from linkweir.accounts import single_sign_on, users

        row = users.get_user(connection, args.email)
        forgotten = single_sign_on.unlink(connection, row["id"])
    if forgotten:
        print(f"{row['email']} is signed out; the next to sign in with this address at the provider is this user")
    else:
        print(f"{row['email']} was not known to a provider; signed out")
    return 0


def run_remove(args: argparse.Namespace) -> int:
    """Forget a user; whoever is signed in as them is signed out."""
    with reject_invalid_arguments(), open_data_folder(args) as (_settings, database), database.write() as connection:
        from linkweir.accounts import users

        row = users.get_user(connection, args.email)
        is_last = users.is_last_user(connection, row)
        if is_last and not args.yes:
            raise UsageError(f"{row['email']} is the last user: create another one first, or confirm with --yes")
        users.delete_user(connection, row)
    print(f"removed user {row['email']}")
    if is_last:
        print("nobody can sign in now; `linkweir user add EMAIL` creates a user, and so does the next `linkweir serve`")
    return 0


def _read_password(args: argparse.Namespace) -> tuple[str, bool]:
    """The password, and whether somebody chose it."""
    from linkweir.accounts import passwords

    if not args.ask:
        return passwords.generate_password(), False
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n"), True
    password = getpass.getpass("Password: ")
    if getpass.getpass("Repeat password: ") != password:
        raise UsageError("the two passwords differ")
    return password, True


def _print_password(summary: str, password: str, is_user_chosen: bool) -> None:
    print(summary if is_user_chosen else f"{summary}; password {password} (it is not shown again)")


def _format_date(at: int | None) -> str:
    return "never" if at is None else format_minute(at)
