"""The tables of a new database by the statements that an earlier one was made with in the same process."""

import functools
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, create_engine

Upgrade = Callable[[str, Connection], None]
_STATEMENTS = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY rowid"


def make_repeating_upgrade(upgrade: Upgrade) -> Upgrade:
    """What does the same as `upgrade` to a database, but works out only once what a new one needs."""

    @functools.cache
    def record() -> tuple[Sequence[str], str]:
        with create_engine("sqlite://").begin() as connection:
            upgrade("", connection)
            statements = connection.exec_driver_sql(_STATEMENTS).scalars().all()
            revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
        return statements, revision

    def repeat(name: str, connection: Connection) -> None:
        is_sqlite = connection.dialect.name == "sqlite"
        if not is_sqlite or connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first() is not None:
            upgrade(name, connection)
            return
        statements, revision = record()
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (revision,))

    return repeat
