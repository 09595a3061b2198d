"""Where a key ring is loaded from: what a tracker carries to other processes instead of the secrets themselves."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from linkweir.errors import KeyRingError, check_type
from linkweir.tokens import keyring_file
from linkweir.tokens.keyring import KeyRing


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key file, as the command and the service use it: readable by its owner only, replaced atomically.

    All methods raise KeyRingError for a file that cannot be used.
    """

    path: str | os.PathLike[str]

    def __post_init__(self) -> None:
        check_type("path", self.path, (str, os.PathLike), "str or a path")
        # whoever unpickles it may be in another folder
        object.__setattr__(self, "path", os.path.abspath(os.fspath(self.path)))

    def load(self) -> KeyRing:
        """Load the ring; a file that has not changed since is not read again."""
        try:
            status = os.stat(self.path)
        except OSError as error:
            raise KeyRingError(f"key file {self.path}: {error.strerror}") from error
        version = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return _load_version(os.path.abspath(self.path), version)

    def create(self, ring: KeyRing) -> None:
        """Create the file. Raises FileExistsError if there is one, also in a race."""
        check_type("ring", ring, KeyRing, "a KeyRing")
        keyring_file.create(self.path, ring)

    def load_or_create(self, hosts: Iterable[str] = ()) -> KeyRing:
        """Load the ring, or create the file with a new one. Processes that race get the same ring."""
        return keyring_file.load_or_create(self.path, datetime.now(UTC), hosts)

    def update(self, transform: Callable[[KeyRing], KeyRing]) -> KeyRing:
        """Replace the ring by `transform` of it, under a lock; return the new ring."""
        return keyring_file.update(Path(self.path), transform)


@functools.lru_cache(16)
def _load_version(path: str, version: tuple[int, ...]) -> KeyRing:
    del version  # of the file: another one is loaded anew
    return keyring_file.load(path)


@dataclass(frozen=True, slots=True)
class KeyVariable:
    """An environment variable that contains a key ring as `KeyRing.to_json` writes it."""

    name: str

    def __post_init__(self) -> None:
        check_type("name", self.name, str, "str")

    def load(self) -> KeyRing:
        """Parse the ring. Raises KeyRingError, whose text contains no secret."""
        text = os.environ.get(self.name)
        if text is None:
            raise KeyRingError(f"the environment variable {self.name} is not set, but it should hold a key ring")
        try:
            return _parse(text)
        except KeyRingError as error:
            raise KeyRingError(f"environment variable {self.name}: {error}") from None


@functools.lru_cache(4)
def _parse(text: str) -> KeyRing:
    return KeyRing.from_json(text.encode("utf-8", "surrogateescape"))


KeySource: TypeAlias = KeyFile | KeyVariable
