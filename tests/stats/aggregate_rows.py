"""Rows of clicks and sums as the service writes them, for tests of what is read from them."""

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, insert

from linkweir.clock import HOUR_US
from linkweir.db import click_aggregates_table, click_texts_table, schema
from linkweir.db.click_probabilities import BASIS_POINTS


def insert_click_aggregates(
    connection: Connection, account: uuid.UUID, rows: Iterable[tuple[str, str, int, str]], **counts: int
) -> None:
    """Sums of clicks: scope, dimension, hour, value; all with the same counts. Who is human or a clicker is so for
    certain, unless more is said.
    """
    people, clickers = counts.get("human", 0), counts.get("clickers", 0)
    certain = {"expected_clicks": people * BASIS_POINTS, "expected_clickers": clickers * BASIS_POINTS}
    counts = {**certain, "certain_clickers": clickers, **counts}
    numbers = tuple(counts.get(name, 0) for name in schema.CLICK_COUNTS)
    click_aggregates_table.add_deltas(
        connection, [(account, scope, side, value, hour, *numbers) for scope, side, hour, value in rows]
    )


def insert_send_aggregates(
    connection: Connection, account: uuid.UUID, row: tuple[str, str, str], numbers: tuple[int, int]
) -> None:
    """Sums of messages: scope, dimension and value; sent and delivered."""
    click_aggregates_table.add_deltas(connection, [(account, *row, 10, *numbers)], schema.send_aggregates)


def insert_click(connection: Connection, account: uuid.UUID, **fields: Any) -> uuid.UUID:
    """One click."""
    key = uuid.uuid4()
    values = {
        "id": key,
        "at": 10 * HOUR_US,
        "method": "GET",
        "privacy": "full",
        "account_id": account,
        "key_id": 0,
        "position": 0,
        "verdict": "human",
        "confidence": 0.9,
        **fields,
    }
    agents = click_texts_table.get_or_create_text_ids(connection, [values.pop("user_agent", None)])
    values["user_agent_id"] = next(iter(agents.values()), None)
    for name in ("signals", "reasons"):
        codes = click_texts_table.get_or_create_code_ids(connection, [values.pop(name, "")])
        values[f"{name}_id"] = next(iter(codes.values()), None)
    connection.execute(insert(schema.click_rows).values(**values))
    return key
