"""Seals secrets that the database must be able to give back: webhook secrets, DKIM keys, replies that hold a key.

Who has a copy of the database alone learns none of them. The key is a file beside it, readable by its owner only, or
comes from elsewhere.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from linkweir.durable_files import create_file
from linkweir.errors import VaultError


class VaultKey(NamedTuple):
    """Where the key comes from; `name` is for texts."""

    name: str
    load_or_create: Callable[[], bytes]
    exists: Callable[[], bool]


class Vault:
    """Seals and opens with one key, made on first use: that of a file, or another one. Threads may share it."""

    def __init__(self, key: Path | VaultKey) -> None:
        self._key = _file_key(key) if isinstance(key, Path) else key
        self._fernet: Fernet | None = None

    def seal(self, secret: bytes) -> bytes:
        """The secret in a form that may be stored. Raises VaultError."""
        return self._load_fernet().encrypt(secret)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed. Raises VaultError when it was changed or another key sealed it."""
        try:
            return self._load_fernet().decrypt(sealed)
        except InvalidToken:
            raise VaultError(
                f"a stored secret does not open with {self._key.name}: is it the key of this database?"
            ) from None

    def _load_fernet(self) -> Fernet:
        if self._fernet is None:
            try:
                self._fernet = Fernet(self._key.load_or_create())
            except (OSError, ValueError) as error:
                raise VaultError(f"cannot use the vault key {self._key.name}: {error}") from error
        return self._fernet

    def derive_key(self, purpose: str) -> bytes:
        """32 secret bytes that are the same wherever the vault's key is, for this purpose only. Raises VaultError."""
        try:
            key = self._key.load_or_create()
        except (OSError, ValueError) as error:
            raise VaultError(f"cannot use the vault key {self._key.name}: {error}") from error
        return HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(key.strip())

    @property
    def name(self) -> str:
        """Where the key comes from."""
        return self._key.name

    def has_key(self) -> bool:
        """Whether there is a key already. Raises VaultError, DatabaseUnavailable."""
        return self._key.exists()


def _file_key(path: Path) -> VaultKey:
    return VaultKey(str(path), lambda: _load_or_create(path), path.exists)


def _load_or_create(path: Path) -> bytes:
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):  # another process was faster: then its key is the one
        create_file(path, Fernet.generate_key())
    return path.read_bytes()
