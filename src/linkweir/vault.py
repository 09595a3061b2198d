"""Seals secrets that the database must be able to give back: webhook secrets, DKIM keys, replies that hold a key.

Who has a copy of the database alone learns none of them. The key is a file beside it, readable by its owner only.
"""

import contextlib
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from linkweir.durable_files import create_file
from linkweir.errors import VaultError


class Vault:
    """Seals and opens with one key file, made on first use. Threads may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
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
                f"a stored secret does not open with {self._path}: is it the key of this database?"
            ) from None

    def _load_fernet(self) -> Fernet:
        if self._fernet is None:
            try:
                self._fernet = Fernet(_load_or_create(self._path))
            except (OSError, ValueError) as error:
                raise VaultError(f"cannot use the vault key {self._path}: {error}") from error
        return self._fernet


def _load_or_create(path: Path) -> bytes:
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):  # another process was faster: then its key is the one
        create_file(path, Fernet.generate_key())
    return path.read_bytes()
