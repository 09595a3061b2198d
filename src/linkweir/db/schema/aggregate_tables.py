"""Tables of aggregates: counts of clicks and sends by dimension, value and time (see db.aggregate_queries)."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from linkweir.db.schema.table_metadata import BinaryUuid, email_indexes, metadata, partial_index, unique_texts

aggregate_dimensions = Table(  # one dimension within one scope of an account
    "axes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", BinaryUuid, nullable=False),
    Column("scope", Text, nullable=False),  # "" the account, "tag:…", "sender:…" a sender's domain
    Column("dimension", String(80), nullable=False),  # "" the sum, link, destination, tag, country, attribute:…
    UniqueConstraint("account_id", "scope", "dimension"),
    *email_indexes("ix_axes_naming", "scope", "id", also=("dimension",)),
)

aggregate_values = Table(  # the values of all dimensions, each text once
    "words",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    *unique_texts("words"),
    *email_indexes("ix_words_naming", "text", "id"),
)


def _aggregate_columns(*counts: str) -> list[Column[Any]]:
    """Return the columns of counts by dimension, time and value; the values of one time are stored side by side."""
    return [
        Column("axis", Integer, primary_key=True, autoincrement=False),
        Column("hours", SmallInteger, primary_key=True, autoincrement=False),  # the bucket: see db.time_buckets
        Column("hour", Integer, primary_key=True, autoincrement=False),  # its first hour, since 1970
        Column("word", Integer, primary_key=True, autoincrement=False),
        *(Column(name, BigInteger, nullable=False, server_default="0") for name in counts),
    ]


def _value_index(name: str) -> Index:
    """Return an index that finds unused values: each value in use has a count over all time."""
    return partial_index(f"ix_{name}_words", "word", where="hours = 0")


EXPECTED_COUNTS = (  # by people, see db.click_probabilities
    *("expected_clicks", "expected_clicks_variance", "expected_clickers", "expected_clickers_variance"),
    "certain_clickers",
)
# clickers: by their first counted click
CLICK_COUNTS = ("human", "machine", "prefetch", "unsure", "internal", "clickers", *EXPECTED_COUNTS)

click_aggregates = Table(
    "rollups",
    metadata,
    *_aggregate_columns(*CLICK_COUNTS),
    _value_index("rollups"),
    sqlite_with_rowid=False,
    postgresql_with={"fillfactor": 70},  # room for new versions of a row on its page: they need no entries of indexes
)

frozen_aggregates = Table(  # the part of rollups of deleted messages, by the hour only
    "settled", metadata, *_aggregate_columns(*CLICK_COUNTS), sqlite_with_rowid=False
)

send_aggregates = Table(  # messages by the time of acceptance and the dimensions known before any click
    "sends", metadata, *_aggregate_columns("sent", "delivered"), _value_index("sends"), sqlite_with_rowid=False
)

pending_jobs = Table(  # jobs under way, to be resumed after a restart: "rebuild"
    "marks",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("at", BigInteger, nullable=False),
)
