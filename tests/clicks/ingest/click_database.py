"""A real database with an account and messages, and facts to feed it: what the tests of counting share."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select, update

from linkweir.clicks.classify import Classification, Evidence, Hit, Verdict
from linkweir.clicks.click_event import ClickEvent
from linkweir.clicks.enrichment import Enricher, Enrichment
from linkweir.clicks.ingest.message_clicks import ClassifyFunction, ClickClassifier
from linkweir.clicks.ingest.pipeline import ingest_events
from linkweir.clicks.known_networks import KnownNetworks
from linkweir.clock import HOUR_US, SECOND_US
from linkweir.db import accounts_table, messages_table, retention_queries
from linkweir.db.aggregate_columns import (
    COUNTED_VERDICTS,
    EXPECTED_LINK_COUNTS,
    EXPECTED_MESSAGE_COUNTS,
    VERDICTS,
)
from linkweir.db.messages_table import NewMessage
from linkweir.db.schema import CLICK_COUNTS, EXPECTED_COUNTS, click_aggregates, clicks, message_links, queue
from linkweir.db.schema import messages as message_rows
from linkweir.db.time_buckets import BUCKET_SIZES, bucket_start
from linkweir.db.time_buckets import HOUR as HOURLY
from linkweir.mail import message_ids
from linkweir.tokens.campaign_tags import SANDBOX_TAG
from tests.databases import make_database
from tests.db.aggregate_statements import select_with_values

START_US = (
    1_790_000_000_000_000 // HOUR_US * HOUR_US + HOUR_US - 60_000_000
)  # a minute before the hour: clicks fall on both sides
KEY_ID = 1
# no product of these lies between two basis points, where a float and a fraction might be rounded apart
MACHINE_PROBABILITIES = (0.0307, 0.9901, 0.5003, 0.1303, 0.8699)
NO_COUNTS = (0,) * len(CLICK_COUNTS)
CLICKERS_INDEX = CLICK_COUNTS.index("clickers")


class FakeEnricher(Enricher):
    """Knows what the tests say: `10.x` is in Germany, user agents are clients, `Phone…` phones, `Library` a library."""

    def __init__(self) -> None:
        super().__init__(None, KnownNetworks({}))

    def enrich(self, ip: str | None, user_agent: str | None) -> Enrichment:
        """The country stands in the address."""
        country = "DE" if ip and ip.startswith("10.") else "FR" if ip else None
        device = user_agent and ("phone" if user_agent.startswith("Phone") else "desktop")
        said = ("agent-library",) if user_agent == "Library" else ()
        return Enrichment(client=user_agent, system="Test", device=device, country=country, region=None, signals=said)

    def user_agent_class(self, user_agent: str | None) -> str | None:
        """Nothing says that it is a bot."""
        return None

    def is_scanner_network(self, network: str | None, ip: str | None) -> bool:
        """There are no known networks."""
        return False


def classify_bursts(hits: Sequence[Hit], _context: Evidence) -> list[Classification]:
    """A judge whose mind changes both ways: three or four links within two seconds are a machine's."""
    result = []
    for hit in hits:
        near = {one.position for one in hits if abs(one.at - hit.at) <= 2 * SECOND_US and one.kind == "click"}
        verdict: Verdict = "human" if len(near) < 3 else "machine" if len(near) < 5 else "unsure"
        verdict = "prefetch" if hit.prefetch else "machine" if hit.method == "HEAD" else verdict
        verdict = "internal" if hit.internal else verdict
        machine = MACHINE_PROBABILITIES[(len(near) + hit.position) % len(MACHINE_PROBABILITIES)]
        result.append(Classification(hit.id, verdict, 0.5, (f"links-{len(near)}",), machine_probability=machine))
    return result


class ClickDatabase:
    """One database; `numbers` are the tokens' numbers of its messages. `now` is when facts are kept."""

    def __init__(self, folder: Path, classify: ClassifyFunction = classify_bursts, window: int = 2 * SECOND_US) -> None:
        self.database = make_database(folder)
        self.account = uuid.uuid4()
        self.now = START_US
        self.classifier = ClickClassifier(FakeEnricher(), classify_hits=classify, window_us=window)
        self.messages: dict[int, uuid.UUID] = {}
        self.expired_aggregates: dict[tuple[Any, ...], tuple[int, ...]] = {}
        with self.database.write() as connection:
            accounts_table.create(connection, self.account, "Test", START_US)
            accounts_table.claim_link_keys(connection, {KEY_ID: None}, self.account)

    @property
    def numbers(self) -> list[int]:
        """In the order of sending."""
        return list(self.messages)

    def send(self, *tags: str, **fields: Any) -> int:
        """Deliver a message without content; the number that its tokens carry."""
        key = message_ids.new_message_id(START_US)
        values: dict[str, Any] = {
            "id": key,
            "number": message_ids.link_number(key),
            "account_id": self.account,
            "message_id": f"{key}@example.com",
            "sender": "news@example.com",
            "recipient": f"reader{len(self.messages)}@example.org",
            "subject": "News",
            "tags": list(tags),
            "track_clicks": True,
            "privacy": "full",
            "raw": b"",
            "short_links": {},
            **dict.fromkeys(("now", "due_at", "expires_at", "keep_until_at", "retain_until_at"), START_US),
            "envelope_from": "news@example.com",
            **fields,
        }
        with self.database.write() as connection:
            messages_table.add(connection, [NewMessage(**values)])
            here = message_rows.c.id == key
            status = "Sandbox Delivered" if values.get("sandbox_result") else "Delivered"
            connection.execute(update(message_rows).where(here).values(status=status, delivered_at=START_US))
        self.messages[values["number"]] = key
        return int(values["number"])

    def make_event(self, number: int | None, position: int = 0, after: float = 0.0, **fields: Any) -> ClickEvent:
        """A click `after` seconds."""
        click_event = ClickEvent(
            id=uuid.uuid4(),
            at=START_US + int(after * SECOND_US),
            method="GET",
            privacy="full",
            key_id=KEY_ID,
            number=number,
            message_ref=None if number is None else str(number),
            campaign=None,
            position=position,
            destination=f"https://example.com/{position}",
            ip="192.0.2.1",
            user_agent="Browser",
            kind="click",
            prefetch=False,
            signals="",
            objected=False,
            device=None,
            country=None,
            network=None,
        )
        return replace(click_event, **fields)

    def ingest(self, *facts: ClickEvent) -> None:
        """Count these in one transaction."""
        with self.database.write() as connection:
            ingest_events(connection, facts, self.classifier, self.now)

    def ingest_cost(self, facts: Sequence[ClickEvent]) -> int:
        """Count these; how much SQLite did for it, in thousands of its machine's instructions."""
        steps = [0]

        def step() -> None:
            steps[0] += 1

        with self.database.write() as connection:
            raw: Any = connection.connection.dbapi_connection
            raw.set_progress_handler(step, 1000)
            ingest_events(connection, facts, self.classifier, self.now)
            raw.set_progress_handler(None, 0)
        return steps[0]

    def expire_message(self, number: int) -> None:
        """The message's time is over; its sums are remembered as they are, but for what was said of its recipient, and
        for destinations that name somebody.
        """
        for key, row in recount(self, self.messages[number]).items():
            if not key[2].startswith("attribute:") and "@" not in key[3]:
                kept = self.expired_aggregates.get(key, NO_COUNTS)
                self.expired_aggregates[key] = tuple(map(sum, zip(kept, row, strict=True)))
        with self.database.write() as connection:
            here = message_rows.c.number == number
            connection.execute(update(message_rows).where(here).values(retain_until_at=0))
            connection.execute(delete(queue).where(queue.c.message_id == self.messages[number]))
            retention_queries.delete_messages(connection, 0, 10)

    def rows(self, table: Any) -> list[dict[str, Any]]:
        """All rows; sums with the words of their keys."""
        statement = select_with_values(table) if "axis" in table.c else select(table)
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def clicks(self) -> list[dict[str, Any]]:
        """All hits, oldest first."""
        return sorted(self.rows(clicks), key=lambda row: (row["at"], row["id"]))

    def message(self, number: int) -> dict[str, Any]:
        """The row of a message."""
        (row,) = (row for row in self.rows(message_rows) if row["number"] == number)
        return row

    def aggregates(self) -> dict[tuple[Any, ...], tuple[int, ...]]:
        """The sums by hour that are not nothing; those over longer times must be what these come to."""
        result: dict[int, dict[tuple[Any, ...], tuple[int, ...]]] = {size: {} for size in BUCKET_SIZES}
        for row in self.rows(click_aggregates):
            key = tuple(row[name] for name in ("account_id", "scope", "dimension", "value", "hour"))
            result[row["hours"]][key] = _counts(row, "clickers", *EXPECTED_COUNTS)
        hours = {key: row for key, row in result[HOURLY].items() if any(row)}
        for size in BUCKET_SIZES:
            longer: dict[tuple[Any, ...], tuple[int, ...]] = {}
            for key, counts in hours.items():
                place = (*key[:4], bucket_start(key[4], size))
                longer[place] = tuple(map(sum, zip(longer.get(place, NO_COUNTS), counts, strict=True)))
            assert {key: row for key, row in result[size].items() if any(row)} == longer
        return hours

    def link_aggregates(self) -> dict[tuple[Any, ...], tuple[Any, ...]]:
        """The sums of messages' links."""
        return {
            (row["message_id"], row["position"]): (
                *_counts(row, *EXPECTED_LINK_COUNTS),
                row["first_at"],
                row["destination"],
            )
            for row in self.rows(message_links)
        }

    def state(self) -> tuple[Any, ...]:
        """All that is derived from clicks and their verdicts."""
        flags = {row["id"]: (row["first"], row["firsts"]) for row in self.rows(clicks)}
        names = ("click_count", "status", *EXPECTED_MESSAGE_COUNTS)
        told = {row["id"]: tuple(row[name] for name in names) for row in self.rows(message_rows)}
        return self.aggregates(), self.link_aggregates(), flags, told


def _counts(row: dict[str, Any], *more: str) -> tuple[int, ...]:
    return tuple(row[name] for name in (*VERDICTS, *more))


def recount(
    click_database: ClickDatabase, message_id: uuid.UUID | None = None
) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """The sums by hour as one who has only the clicks and the messages would count them, slowly; what the clicks of
    messages that are gone had come to is remembered. `message_id`: those of one message.
    """
    known = {row["id"]: row for row in click_database.rows(message_rows)}
    sums: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: list(NO_COUNTS))
    sums |= {} if message_id else {key: list(row) for key, row in click_database.expired_aggregates.items()}
    seen: set[tuple[Any, ...]] = set()
    hits: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for click in click_database.clicks():
        message = known.get(click["message_id"])
        if click["kind"] != "click" or click["settled"] or (message and message["sandbox_result"]):
            continue
        if click["campaign"] == SANDBOX_TAG:
            continue
        if message_id and click["message_id"] != message_id:
            continue
        scopes, shared = _click_scopes(click, message)
        counted = click["verdict"] in COUNTED_VERDICTS
        owner = click["message_id"] or click["message_ref"]
        first = counted and owner is not None and (owner, "") not in seen
        seen |= {(owner, "")} if counted else set()
        for dimension, value in _click_dimensions(click):
            firstly = counted and owner is not None and (owner, dimension, value) not in seen
            seen |= {(owner, dimension, value)} if counted else set()
            for scope in scopes:
                _add_click(sums, click, (scope, dimension, value), firstly)
                hits[click["account_id"], scope, dimension, value, owner].append(click)
        for scope in scopes:
            for dimension, value in [("", ""), *shared]:
                _add_click(sums, click, (scope, dimension, value), first)
                hits[click["account_id"], scope, dimension, value, owner].append(click)
    _add_expected_clickers(sums, {key: result for key, result in hits.items() if key[-1] is not None})
    return {key: tuple(row) for key, row in sums.items()}


def _add_click(
    sums: dict[tuple[Any, ...], list[int]], click: dict[str, Any], where: tuple[str, ...], first: bool
) -> None:
    row = sums[click["account_id"], *where, click["at"] // HOUR_US]
    row[VERDICTS.index(click["verdict"])] += 1
    row[CLICKERS_INDEX] += first
    machine = click["machine_basis_points"]
    row[CLICKERS_INDEX + 1] += 10_000 - machine
    row[CLICKERS_INDEX + 2] += machine * (10_000 - machine)


def _add_expected_clickers(
    sums: dict[tuple[Any, ...], list[int]], hits: dict[tuple[Any, ...], list[dict[str, Any]]]
) -> None:
    """Add each message once for each place that its hits count in: by the probability that one is by a person."""
    for (account, *where), result in hits.items():
        nobody, best, hour = Fraction(1), Fraction(0), 0
        for click in result:
            machine = Fraction(click["machine_basis_points"], 10_000)
            if nobody * (1 - machine) > best:
                best, hour = nobody * (1 - machine), click["at"] // HOUR_US
            nobody *= machine
        clicked = round((1 - nobody) * 10_000)
        if clicked:
            row = sums[account, *where[:3], hour]
            for column, more in enumerate(
                (clicked, clicked * (10_000 - clicked), clicked >= 9_500), CLICKERS_INDEX + 3
            ):
                row[column] += more


def _click_dimensions(click: dict[str, Any]) -> list[tuple[str, str]]:
    position = str(click["position"])
    anonymous = click["privacy"] == "anonymous"
    values = {name: click[name] for name in ("destination", "country", "device", "client")}
    values["link"] = position if anonymous else f"{position}\t{click['destination']}"
    return [(name, value) for name, value in values.items() if value is not None]


def _click_scopes(click: dict[str, Any], message: dict[str, Any] | None) -> tuple[list[str], list[tuple[str, str]]]:
    if message is None:
        tags = [click["campaign"]] if click["campaign"] else []
        return ["", *(f"tag:{tag}" for tag in tags)], [("tag", tag) for tag in tags]
    tags = sorted(set(message["tags"]))
    shared = [("tag", tag) for tag in tags]
    shared += [(name, message[name]) for name in ("sender_domain", "recipient_domain", "variant") if message[name]]
    shared += [(f"attribute:{name}", value) for name, value in (message["attributes"] or {}).items()]
    return ["", *(f"tag:{tag}" for tag in tags), f"sender:{message['sender_domain']}"], shared
