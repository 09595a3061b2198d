"""The data folder of a service, for sub-commands that work beside one that runs, or while none does."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from linkweir.batch.names import shown
from linkweir.cli.options import UsageError
from linkweir.cli.packages import service_packages

if TYPE_CHECKING:
    from linkweir.settings import Settings
    from linkweir.store.engine import Store


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add `--data`."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="data folder of the service (default: LINKWEIR_DATA, ./linkweir-data)",
    )


@contextmanager
def opened(args: argparse.Namespace) -> Iterator[tuple["Settings", "Store"]]:
    """Settings and store of the folder. Raises UsageError when there is none, or the service's packages are missing."""
    with service_packages():
        from linkweir.app import opened_store
        from linkweir.settings import from_environment
    settings = from_environment(os.environ, data=args.data)
    if not settings.database.exists():
        raise UsageError(f"there is no service's data in {shown(str(settings.data))}; name its folder with --data")
    with opened_store(settings) as store:
        yield settings, store
