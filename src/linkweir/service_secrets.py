"""Where a service has its secrets: the key ring that signs links, and the key of its vault.

Files of the data folder, unless the operator gives them in the environment, or a master key: then the database holds
both, sealed, and every machine that has the database and the master key has them. No text, repr or error here shows a
secret.
"""

import base64
import binascii
import contextlib
import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Connection

from linkweir.background import read_fingerprint
from linkweir.clock import now as clock_now
from linkweir.db import service_secrets_table
from linkweir.db.database import Database
from linkweir.durable_files import replace_file
from linkweir.errors import DatabaseUnavailable, KeyRingError, SettingsError, VaultError
from linkweir.settings import Settings
from linkweir.tokens import KeyRing, keyring_file
from linkweir.vault import Vault, VaultKey

MASTER_KEY_BYTES: Final = 32
KEY_RING: Final = "key-ring"  # names of rows
VAULT_KEY: Final = "vault-key"


class MasterKey:
    """Seals the secrets that the database holds."""

    def __init__(self, secret: bytes) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(secret))

    def seal(self, secret: bytes) -> bytes:
        """The secret in a form that may be stored."""
        return self._fernet.encrypt(secret)

    def open(self, sealed: bytes, name: str) -> bytes:
        """What was sealed. Raises VaultError when another key sealed it."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise VaultError(f"the {name} in the database was sealed under another master key than this one") from None


def parse_master_key(text: str, source: str) -> MasterKey:
    """The key that `text` is. Raises SettingsError, which names the source and shows nothing of the text."""
    with contextlib.suppress(binascii.Error, ValueError):
        secret = base64.b64decode(text.strip(), validate=True)
        if len(secret) == MASTER_KEY_BYTES:
            return MasterKey(secret)
    raise SettingsError(f"{source}: must be {MASTER_KEY_BYTES} random bytes in base64: openssl rand -base64 32")


def read_master_key(path: Path) -> str:
    """The text of a file that holds a master key. Raises SettingsError."""
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not ASCII text"
        raise SettingsError(f"cannot read the master key in {path}: {why}") from None


def load_master_key(settings: Settings) -> MasterKey:
    """The master key that the settings name. Raises SettingsError, also when they name two that differ."""
    texts = [settings.master_key.strip()] if settings.master_key else []
    if settings.master_key_file is not None:
        texts.append(read_master_key(settings.master_key_file))
    if len(set(texts)) != 1:
        raise SettingsError("LINKWEIR_MASTER_KEY and LINKWEIR_MASTER_KEY_FILE hold different keys: give one of them")
    return parse_master_key(texts[0], "LINKWEIR_MASTER_KEY" if settings.master_key else "LINKWEIR_MASTER_KEY_FILE")


class KeyRingSource(ABC):
    """Where the key ring is; `name` is for texts. All methods raise KeyRingError, and DatabaseUnavailable."""

    name: str
    is_shared = False  # other machines may have a newer ring than this one has loaded

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is a ring."""

    @abstractmethod
    def load(self) -> KeyRing:
        """The ring."""

    @abstractmethod
    def load_or_create(self, now: datetime, hosts: Iterable[str]) -> KeyRing:
        """The ring, made now if there is none; all who race get the same."""

    @abstractmethod
    def update(self, transform: Callable[[KeyRing], KeyRing]) -> KeyRing:
        """Replace the ring by `transform` of it, one at a time; return the new ring."""

    @abstractmethod
    def get_version(self) -> object:
        """What differs once the ring was changed."""


class KeyRingFile(KeyRingSource):
    """A file that the service makes, or the operator."""

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path

    def exists(self) -> bool:
        """As KeyRingSource has it."""
        return self._path.exists()

    def load(self) -> KeyRing:
        """As KeyRingSource has it."""
        return keyring_file.load(self._path)

    def load_or_create(self, now: datetime, hosts: Iterable[str]) -> KeyRing:
        """As KeyRingSource has it."""
        return keyring_file.load_or_create(self._path, now, hosts)

    def update(self, transform: Callable[[KeyRing], KeyRing]) -> KeyRing:
        """As KeyRingSource has it."""
        return keyring_file.update(self._path, transform)

    def get_version(self) -> object:
        """As KeyRingSource has it."""
        return read_fingerprint(self._path)


class KeyRingVariable(KeyRingSource):
    """LINKWEIR_KEY_RING: a ring whose keys this service cannot change. Hosts are added in memory only: they follow from
    the settings and the database.
    """

    name = "LINKWEIR_KEY_RING"

    def __init__(self, text: str) -> None:
        self._text = text

    def exists(self) -> bool:
        """As KeyRingSource has it."""
        return True

    @functools.cached_property
    def _ring(self) -> KeyRing:
        try:
            return KeyRing.from_json(self._text)
        except KeyRingError as error:
            raise KeyRingError(f"{self.name}: {error}") from None

    def load(self) -> KeyRing:
        """As KeyRingSource has it."""
        return self._ring

    def load_or_create(self, now: datetime, hosts: Iterable[str]) -> KeyRing:
        """As KeyRingSource has it; it is there."""
        return self._ring

    def update(self, transform: Callable[[KeyRing], KeyRing]) -> KeyRing:
        """As KeyRingSource has it, but for keys."""
        after = transform(self._ring)
        if after.keys != self._ring.keys:
            raise KeyRingError(f"the key ring comes from {self.name}, so its keys can be changed only there")
        self._ring = after
        return after

    def get_version(self) -> object:
        """As KeyRingSource has it: the environment stays."""
        return None


class SealedSecrets:
    """The secrets in the database. What is not there yet is made, or taken over from the file that held it so far."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self._settings = settings

    @functools.cached_property
    def master_key(self) -> MasterKey:
        """The key that seals them. Raises SettingsError."""
        return load_master_key(self._settings)

    def load(self, name: str) -> bytes | None:
        """The secret of this name; None when there is none. While the database is away, as this machine had it last:
        it keeps a copy, sealed. Raises VaultError, DatabaseUnavailable.
        """
        copy = self._settings.data / f"{name}.sealed"
        try:
            with self.database.read() as connection:
                row = service_secrets_table.get(connection, name)
        except DatabaseUnavailable:
            if not copy.exists():
                raise
            return self.master_key.open(copy.read_bytes(), name)
        if row is None:
            return None
        secret = self.master_key.open(row.sealed, name)
        if not (copy.exists() and copy.read_bytes() == row.sealed):
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(copy, row.sealed)
        return secret

    def _load(self, connection: Connection, name: str) -> bytes | None:
        row = service_secrets_table.get(connection, name)
        return None if row is None else self.master_key.open(row.sealed, name)

    def load_or_create(self, name: str, create: Callable[[], bytes]) -> bytes:
        """The secret of this name, made by `create` if there is none; all who race get the same."""
        secret = self.load(name)
        return self.update(name, lambda stored: create() if stored is None else stored) if secret is None else secret

    def update(self, name: str, transform: Callable[[bytes | None], bytes]) -> bytes:
        """Replace the secret by `transform` of it, one at a time; return the new one."""
        with self.database.write() as connection:
            before = self._load(connection, name)
            after = transform(before)
            if after != before:
                service_secrets_table.store(connection, name, self.master_key.seal(after), clock_now())
        return after

    def get_revision(self, name: str) -> int:
        """How often it was changed. Raises DatabaseUnavailable."""
        with self.database.read() as connection:
            return service_secrets_table.get_revision(connection, name)

    def list_names(self) -> list[tuple[str, int]]:
        """Name and time of the last change (microseconds since 1970) of each. Raises VaultError for one that the master
        key does not open.
        """
        with self.database.read() as connection:
            rows = service_secrets_table.list_all(connection)
        for row in rows:
            self.master_key.open(row.sealed, row.name)
        return [(row.name, row.updated_at) for row in rows]

    def reseal(self, new: MasterKey) -> list[str]:
        """Seal all of them under another master key, in one transaction; their names. Raises VaultError."""
        with self.database.write() as connection:
            rows = service_secrets_table.list_all(connection)
            for row in rows:
                secret = self.master_key.open(row.sealed, row.name)
                service_secrets_table.store(connection, row.name, new.seal(secret), clock_now())
        return [row.name for row in rows]


class SealedKeyRing(KeyRingSource):
    """The ring in the database, which all machines share. `file`: where it was so far, if anywhere."""

    is_shared = True

    def __init__(self, secrets: SealedSecrets, file: Path) -> None:
        self.name = f"the key ring in {secrets.database.name}"
        self._secrets = secrets
        self._file = file
        self._version = 0

    def exists(self) -> bool:
        """As KeyRingSource has it."""
        return self._secrets.load(KEY_RING) is not None or self._file.exists()

    def load(self) -> KeyRing:
        """As KeyRingSource has it; from the file as long as the database has none."""
        data = self._secrets.load(KEY_RING)
        return keyring_file.load(self._file) if data is None else KeyRing.from_json(data)

    def load_or_create(self, now: datetime, hosts: Iterable[str]) -> KeyRing:
        """As KeyRingSource has it."""

        def create() -> bytes:
            return (keyring_file.load(self._file) if self._file.exists() else KeyRing.generate(now, hosts)).to_json()

        return KeyRing.from_json(self._secrets.load_or_create(KEY_RING, create))

    def update(self, transform: Callable[[KeyRing], KeyRing]) -> KeyRing:
        """As KeyRingSource has it."""

        def change(data: bytes | None) -> bytes:
            return transform(keyring_file.load(self._file) if data is None else KeyRing.from_json(data)).to_json()

        return KeyRing.from_json(self._secrets.update(KEY_RING, change))

    def get_version(self) -> object:
        """As KeyRingSource has it; the last one that is known while the database is away."""
        with contextlib.suppress(DatabaseUnavailable):
            self._version = self._secrets.get_revision(KEY_RING)
        return self._version


def uses_master_key(settings: Settings) -> bool:
    """Whether the database holds what is neither in the environment nor in a file of its own."""
    return bool(settings.master_key) or settings.master_key_file is not None


def choose_keyring_source(settings: Settings, database: Database) -> KeyRingSource:
    """Where the settings say that the key ring is: the environment, a file that they name, the database, or the data
    folder. Does no I/O.
    """
    if settings.key_ring:
        return KeyRingVariable(settings.key_ring)
    if settings.key_file is None and uses_master_key(settings):
        return SealedKeyRing(SealedSecrets(database, settings), settings.key_path)
    return KeyRingFile(settings.key_path)


def make_vault(settings: Settings, database: Database) -> Vault:
    """The vault, with its key from the environment, the database, or the data folder. Does no I/O."""
    if settings.vault_key:
        return Vault(VaultKey("LINKWEIR_VAULT_KEY", settings.vault_key.encode, lambda: True))
    if not uses_master_key(settings):
        return Vault(settings.vault_path)
    secrets, file = SealedSecrets(database, settings), settings.vault_path

    def create() -> bytes:
        return file.read_bytes() if file.exists() else Fernet.generate_key()

    return Vault(
        VaultKey(
            f"the vault key in {database.name}",
            load_or_create=lambda: secrets.load_or_create(VAULT_KEY, create),
            exists=lambda: secrets.load(VAULT_KEY) is not None or file.exists(),
        )
    )
