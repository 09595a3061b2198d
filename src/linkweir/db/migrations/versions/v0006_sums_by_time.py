"""Sums under numbers, by the hour, day, sixteen days and all time; events of clicks are read from these; people are
found by index; messages say how many tracked links they have.
"""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CLICKS = ("human", "machine", "prefetch", "unsure", "clickers")
SENT = ("sent", "delivered")
SIZES = (1, 24, 384, 0)  # hours of one sum, as store.spans had them when this was written; 0: all time
MARKS = ("@", "%40", "%2540")


def upgrade() -> None:
    """Move what cannot be counted again; sums of clicks that are there are counted again by the service."""
    op.execute("DELETE FROM events WHERE kind IN ('clicked', 'machine_click', 'opened')")
    words_and_axes()
    for name, counts, sizes in (("settled", CLICKS, SIZES[:1]), ("sends", SENT, SIZES)):
        op.rename_table(name, f"{name}_by_hour")
        by_time(name, counts)
        move(op.execute, name, counts, sizes)
        op.drop_table(f"{name}_by_hour")
    op.drop_table("rollups")
    by_time("rollups", CLICKS)
    for name in ("rollups", "sends"):
        op.create_index(f"ix_{name}_words", name, ["word"], sqlite_where=sa.text("hours = 0"))
    counted = "SELECT 1 FROM clicks UNION ALL SELECT 1 FROM settled"
    op.execute(f"INSERT OR IGNORE INTO marks (name, at) SELECT 'rebuild', 0 WHERE EXISTS ({counted})")
    who_is_named()
    op.add_column("messages", sa.Column("tracked_links", sa.Integer()))


def words_and_axes() -> None:
    """What the numbers stand for."""
    op.create_table(
        "axes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("dimension", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_axes"),
        sa.UniqueConstraint("account_id", "scope", "dimension", name="uq_axes_account_id_scope_dimension"),
    )
    op.create_table(
        "words",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_words"),
        sa.UniqueConstraint("text", name="uq_words_text"),
    )


def by_time(name: str, counts: tuple[str, ...]) -> None:
    """Sums by value and time along an axis."""
    keys = (("axis", sa.Integer()), ("hours", sa.SmallInteger()), ("hour", sa.Integer()), ("word", sa.Integer()))
    op.create_table(
        name,
        *(sa.Column(key, kind, autoincrement=False, nullable=False) for key, kind in keys),
        *(sa.Column(count, sa.Integer(), nullable=False, server_default="0") for count in counts),
        sa.PrimaryKeyConstraint("axis", "hours", "hour", "word", name=f"pk_{name}"),
        sqlite_with_rowid=False,
    )


def move(execute: Callable[[str], object], name: str, counts: tuple[str, ...], sizes: tuple[int, ...]) -> None:
    """Into `name` what `{name}_by_hour` holds, in sums over so many hours."""
    old, sums = f"{name}_by_hour", ", ".join(f"sum({count})" for count in counts)
    execute(f"INSERT OR IGNORE INTO axes (account_id, scope, dimension) SELECT account_id, scope, dimension FROM {old}")  # noqa: S608
    execute(f"INSERT OR IGNORE INTO words (text) SELECT value FROM {old}")  # noqa: S608
    for hours in sizes:
        start = f"hour - hour % {hours}" if hours else "0"
        execute(
            f"INSERT INTO {name} (axis, hours, hour, word, {', '.join(counts)})"  # noqa: S608
            f" SELECT a.id, {hours}, {start}, w.id, {sums} FROM {old} s"
            " JOIN axes a ON (a.account_id, a.scope, a.dimension) = (s.account_id, s.scope, s.dimension)"
            " JOIN words w ON w.text = s.value GROUP BY 1, 2, 3, 4"
        )


def who_is_named() -> None:
    """Finding a person without a look at all rows: by the recipient, and among values that may hold an address."""
    op.add_column("messages", sa.Column("person", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE messages SET person = lower(recipient)")
    op.create_index("ix_messages_person", "messages", ["person"])
    for table in ("links", "clicks", "message_links"):
        op.create_index(f"ix_{table}_naming", table, ["destination"], sqlite_where=_naming("destination"))
    op.create_index("ix_axes_naming", "axes", ["scope"], sqlite_where=_naming("scope", "dimension"))
    op.create_index("ix_words_naming", "words", ["text"], sqlite_where=_naming("text"))


def _naming(*columns: str) -> sa.TextClause:
    return sa.text(" + ".join(f"instr({column}, '{mark}')" for column in columns for mark in MARKS) + " > 0")


def downgrade() -> None:
    """Not supported: a data folder moves forward only."""
    raise NotImplementedError("there is no way back from 0006")
