"""A lock on a file of the data folder, by which a second `linkweir serve` there knows of the first.

Two may share a folder, as while one takes over from the other: everything is counted once all the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from linkweir.durable_files import try_lock

LOCK_FILE_NAME = "serve.lock"


@contextmanager
def lock_data_folder(folder: Path) -> Iterator[bool]:
    """Use the folder for a while; True when another process does already. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / LOCK_FILE_NAME).open("ab") as file:
        yield not try_lock(file.fileno())
