"""One `linkweir serve` for each data folder: a lock on a file there, which ends with its process."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from linkweir.errors import DataFolderError

LOCK_FILE_NAME = "serve.lock"


@contextmanager
def lock_data_folder(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises DataFolderError at once when another process has it, OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / LOCK_FILE_NAME).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataFolderError(
                f"{folder}: another `linkweir serve` uses this data folder; stop it first, or choose another folder "
                "with --data"
            ) from None
        yield
