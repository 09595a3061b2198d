"""Says whether another `linkweir serve` uses a data folder: a lock on a file there, which ends with its process.

That is allowed, and everything is counted once all the same; whoever did not mean it should hear of it.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_FILE_NAME = "serve.lock"


@contextmanager
def lock_data_folder(folder: Path) -> Iterator[bool]:
    """Use the folder for a while; True when somebody else did already. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / LOCK_FILE_NAME).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield True
        else:
            yield False
