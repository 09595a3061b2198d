"""The metadata that all tables share, with the names of their constraints, and the type of their identifiers."""

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import MetaData
from sqlalchemy.types import UserDefinedType


class BinaryUuid(UserDefinedType[uuid.UUID]):
    """A UUID as its 16 bytes, which take half the space of its hexadecimal digits."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        """Return the name of the type in SQL."""
        return "BLOB"

    def bind_processor(self, dialect: Any) -> Callable[[uuid.UUID | None], bytes | None]:
        """Return what makes a parameter of a UUID."""
        return _to_bytes

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[bytes | None], uuid.UUID | None]:
        """Return what makes a UUID of a value."""
        return _to_uuid


def _to_bytes(value: uuid.UUID | None) -> bytes | None:
    return None if value is None else value.bytes


def _to_uuid(value: bytes | None) -> uuid.UUID | None:
    return None if value is None else uuid.UUID(int=int.from_bytes(value))


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def may_contain_email(*columns: str) -> str:
    """Return the condition of a partial index over rows that may hold an e-mail address, plain or percent-encoded,
    so that a person is found there without a full scan.
    """
    return " + ".join(f"instr({column}, '{mark}')" for column in columns for mark in ("@", "%40", "%2540")) + " > 0"
