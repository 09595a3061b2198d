"""The data folder of a service, for sub-commands that work beside one that runs, or while none does."""

import argparse
import importlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from linkweir.cli.shared_options import UsageError
from linkweir.errors import NotFound, ValidationError
from linkweir.terminal.text import display_path

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from linkweir.db.database import Database
    from linkweir.settings import Settings


def add_data_option(parser: argparse._ActionsContainer) -> None:
    """Add `--data`."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="data folder of the service (default: LINKWEIR_DATA, ./linkweir-data)",
    )


def data_folder_settings(folder: Path | None) -> "Settings":
    """The settings of a service, with its data folder. Raises UsageError when it has no database, ModuleNotFoundError
    when the service's packages are missing.
    """
    importlib.import_module("linkweir.db.database")  # first of all: without it no folder is of use
    from linkweir.settings import from_environment

    settings = from_environment(os.environ, data=folder)
    if not settings.database and not settings.sqlite_path.exists():
        raise UsageError(f"there is no data of a service in {display_path(str(settings.data))}; use --data FOLDER")
    return settings


@contextmanager
def open_data_folder(args: argparse.Namespace, *, create: bool = False) -> Iterator[tuple["Settings", "Database"]]:
    """Open the database of the folder; with `create` a new folder gets one.

    Raises UsageError when there is none, ModuleNotFoundError when the packages of the service are missing.
    """
    if create:
        from linkweir import integrity
        from linkweir.settings import from_environment

        settings = from_environment(os.environ, data=args.data)
        integrity.check_database(settings)
    else:
        settings = data_folder_settings(args.data)
    from linkweir.db.schema_upgrade import open_database

    with open_database(settings) as database:
        yield settings, database


@contextmanager
def reject_invalid_arguments() -> Iterator[None]:
    """Report an argument that the service refuses as a usage error. Raises UsageError."""
    try:
        yield
    except ValidationError as error:
        raise UsageError(str(error)) from None


def find_account(connection: "Connection", account: uuid.UUID | None) -> uuid.UUID:
    """Return the account with this id (None: the first one). Raises UsageError."""
    from linkweir.accounts import account_settings

    found = account or account_settings.require_default_account(connection)
    try:
        account_settings.get_account(connection, found)
    except NotFound:
        raise UsageError(f"there is no account {found}; see `linkweir account list`") from None
    return found
