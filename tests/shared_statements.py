"""Compiled statements that the databases of all tests share, as the transactions of a service do that runs for weeks:
each test has databases of its own, and compiling anew what it asks takes longer than what most tests do.
"""

import contextlib
import importlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

_DATABASES = ("linkweir.db.sqlite_database", "linkweir.db.postgresql_database")
_MAX_STATEMENTS = 4000


class _SharedStatements(LRUCache[tuple[Any, ...], Any]):
    """By the name of the dialect, since an engine asks with a dialect that no other engine has."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        """The statement, if any engine has compiled it."""
        return super().get(_name_dialect(key), default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        super().__setitem__(_name_dialect(key), compiled)


def _name_dialect(key: tuple[Any, ...]) -> tuple[Any, ...]:
    return (key[0].name, *key[1:])


def share_statements() -> None:
    """Let all databases that are opened from now on share what they compile."""
    statements = _SharedStatements(_MAX_STATEMENTS)

    def make_sharing(create_engine: Callable[..., Engine]) -> Callable[..., Engine]:
        return lambda *words, **options: create_engine(
            *words, execution_options={"compiled_cache": statements}, **options
        )

    for name in _DATABASES:
        with contextlib.suppress(ModuleNotFoundError):  # of psycopg, where it is not installed
            module: Any = importlib.import_module(name)
            module.create_engine = make_sharing(module.create_engine)
