"""Every parameter of the statistics and lists of clicks, and what it lets through."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from linkweir.clock import HOUR_US
from linkweir.db import events_table
from tests.stats.aggregate_rows import insert_click, insert_click_aggregates
from tests.web.running_service import RunningService, random_uuid, wait_until

DELIVERABILITY = "statistics/transactional/deliverability"
OLD_PERIOD = {"from_time": "1970-01-01T00:00:00Z", "to_time": "1970-01-02T00:00:00Z"}


@pytest.fixture(scope="module")
def service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service for this file, that lets a client ask often."""
    with RunningService(
        tmp_path_factory.mktemp("counted") / "data", statistics_rate=1e6, statistics_burst=10**6
    ) as service:
        yield service


def get_json(service: RunningService, path: str, **query: Any) -> Any:
    """The answer to a GET under the account."""
    answer = service.client.get(f"{service.account_path}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def add_periods(rows: list[dict[str, Any]]) -> dict[str, int]:
    """The sums of all periods, without the zeros."""
    names = [name for name in rows[0] if name.endswith("_count")]
    return {name: total for name in names if (total := sum(row[name] for row in rows))}


def test_each_kind_of_event_is_counted_as_its_own(service: RunningService) -> None:
    """Each of the eight counts is of its own kind of event, of the messages that all parameters let through."""
    tag = random_uuid()
    sender = f"{random_uuid()}.example"
    (entry,) = service.send(
        **{"from": {"email": f"a@{sender}"}}, tags=[tag, "other"], recipients=[{"email": "x@there.example"}]
    )
    service.wait_for_mail(entry["id"])
    key, account = uuid.UUID(service.get_message(entry["id"])["id"]), uuid.UUID(service.account)
    at: dict[str, Any] = {"account": account, "message": key, "at": 5 * HOUR_US, "data": {}}
    kinds = {"transient_error": "deferred", "bounced": "bounced", "failed": "failed", "suppressed": "suppressed"}
    kinds |= {"reception": "reception", "delivered": "delivered", "open": "opened", "click": "clicked"}
    for kind, name in kinds.items():
        before = get_json(service, DELIVERABILITY, tags=tag, **OLD_PERIOD)["data"]
        with service.components.database.write() as connection:
            if kind in ("open", "click"):
                insert_click(connection, account, message_id=key, at=5 * HOUR_US, kind=kind)
            else:
                events_table.add(connection, kind=kind, **at)
        after = get_json(service, DELIVERABILITY, tags=tag, **OLD_PERIOD)["data"]
        assert add_periods(after) == add_periods(before) | {f"{name}_count": 1}
    whole = {f"{name}_count": 1 for name in kinds.values()}
    fits: dict[str, str] = {
        "sender_domain": sender,
        "recipient_domains": "other.example,There.example",
        "tags": f"x,{tag}",
        **OLD_PERIOD,
    }
    misses = {"sender_domain": "o.example", "recipient_domains": "example", "tags": "x"}
    misses |= {"from_time": "1970-01-01T05:00:00.000001Z", "to_time": "1970-01-01T05:00:00Z"}
    assert add_periods(get_json(service, DELIVERABILITY, **fits)["data"]) == whole
    for name, other in misses.items():
        assert add_periods(get_json(service, DELIVERABILITY, **{**fits, name: other})["data"]) == {}, name


@pytest.mark.parametrize(
    ("group", "first_ends", "periods"),
    [
        ("hour", "1971-01-01T11:00:00.000000Z", 24 * 16 - 10),
        ("day", "1971-01-02T00:00:00.000000Z", 16),
        (None, "1971-01-02T00:00:00.000000Z", 16),
        ("week", "1971-01-04T00:00:00.000000Z", 3),
        ("month", "1971-01-17T00:00:00.000000Z", 1),
    ],
)
def test_periods_match_the_request(service: RunningService, group: str | None, first_ends: str, periods: int) -> None:
    """Hours, days (also when nothing is said), weeks from Monday and months, cut off at both ends, without a gap."""
    span = {"from_time": "1971-01-01T10:30:00Z", "to_time": "1971-01-17T00:00:00Z"}
    rows = get_json(service, DELIVERABILITY, **span, **({"group_by": group} if group else {}))["data"]
    assert (rows[0]["from_timestamp"], rows[0]["to_timestamp"]) == ("1971-01-01T10:30:00.000000Z", first_ends)
    assert (len(rows), rows[-1]["to_timestamp"]) == (periods, "1971-01-17T00:00:00.000000Z")
    assert [row["to_timestamp"] for row in rows[:-1]] == [row["from_timestamp"] for row in rows[1:]]


@pytest.mark.parametrize(
    ("group", "value"),
    [
        *(("device", "phone"), ("client", "Firefox"), ("country", "SE"), ("variant", "A")),
        *(("destination", "https://example.com/x"), ("tag", "t"), ("sender_domain", "a.example")),
        *(("recipient_domain", "b.example"), ("attribute:plan", "pro")),
    ],
)
def test_clicks_are_grouped_by_the_requested_dimension(service: RunningService, group: str, value: str) -> None:
    """Each `group_by` gives the values of its own dimension, and `limit` and the time leave others out."""
    with service.components.database.write() as connection:
        account = uuid.UUID(service.account)
        insert_click_aggregates(connection, account, [("", group, 30, value), ("", group, 30, value + "2")], human=1)
        insert_click_aggregates(connection, account, [("", group, 30, value)], human=1, machine=2)
    span = {"from_time": "1970-01-02T06:00:00Z", "to_time": "1970-01-02T07:00:00Z"}
    result = get_json(service, "statistics/clicks", group_by=group, **span)
    assert [(row["value"], row["human"], row["machine"], row["total"]) for row in result["data"]] == [
        (value, 2, 2, 4),
        (value + "2", 1, 0, 1),
    ]
    one = get_json(service, "statistics/clicks", group_by=group, limit=1, **span)
    assert ([row["value"] for row in one["data"]], one["has_more"], result["has_more"]) == ([value], True, False)
    assert get_json(service, "statistics/clicks", group_by=group, **{**span, "from_time": "1970-01-02T06:59:00Z"})[
        "data"
    ]
    for other in ({"from_time": "1970-01-02T07:00:00Z", "to_time": "1970-01-02T08:00:00Z"}, OLD_PERIOD):
        assert get_json(service, "statistics/clicks", group_by=group, **other)["data"] == []


def test_clicks_of_one_senders_domain(service: RunningService) -> None:
    """`sender_domain` counts the clicks on mail from that domain only, and `tag` with `group_by=link` each link's."""
    domain, tag = f"{random_uuid()}.example", random_uuid()
    (entry,) = service.send(**{"from": {"email": f"a@{domain}"}}, tags=[tag])
    service.reader.get(service.delivered_links(entry["id"])[0])
    service.wait_until_ingested()

    def counted(name: str) -> int:
        rows = get_json(service, "statistics/clicks", sender_domain=name)["data"]
        return sum(row["total"] for row in rows)

    wait_until(lambda: counted(domain.upper()) == 1)
    assert counted(random_uuid() + ".example") == 0
    (row,) = get_json(service, "statistics/clicks", tag=tag, group_by="link")["data"]
    assert (row["position"], row["destination"], row["total"]) == (0, "https://example.com/a?x=1&y=2", 1)
    for group in ("hour", "day", "week", "month"):
        rows = get_json(service, "statistics/clicks", tag=tag, group_by=group)["data"]
        assert sum(row["total"] for row in rows) == 1
        last = [datetime.fromisoformat(rows[-1][name]) for name in ("from_timestamp", "to_timestamp")]
        most = {"hour": 1 / 24, "day": 1, "week": 7, "month": 31}[group]
        assert last[1] - last[0] <= timedelta(days=most)


def test_campaigns_and_variants_are_of_a_time(service: RunningService) -> None:
    """Messages outside `from_time` and `to_time` count neither for their campaign nor for their variant; `limit` and
    `baseline` are heeded.
    """
    tags = [random_uuid() for _ in range(2)]
    people = [{"email": f"{name}@example.org", "variant": name} for name in "ab"]
    for tag in tags:
        service.wait_for_mail(service.send(tags=[tag], recipients=people)[-1]["id"])
    now = datetime.now(UTC)
    past = {"from_time": (now - timedelta(days=9)).isoformat(), "to_time": (now - timedelta(days=8)).isoformat()}
    present = {"from_time": (now - timedelta(days=9)).isoformat(), "to_time": (now + timedelta(hours=1)).isoformat()}
    for span, count in ((present, 2), (past, 0), ({}, 2)):
        rows = get_json(service, "statistics/campaigns", tags=tags, **span)["data"]
        assert [(row["tag"], row["sent"]) for row in rows] == [(tag, count) for tag in tags]
        rows = get_json(service, "statistics/variants", tag=tags[0], **span)["data"]
        assert sum(row["sent"] for row in rows) == count
    one = get_json(service, "statistics/campaigns", limit=1)
    assert (len(one["data"]), one["has_more"]) == (1, True)
    compared = [
        get_json(service, "statistics/variants", tag=tags[0], baseline=name)["differences"][0] for name in ("a", "b")
    ]
    assert [(pair["base"], pair["other"]) for pair in compared] == [("a", "b"), ("b", "a")]


@pytest.mark.parametrize(
    "path", ["statistics/campaigns", "statistics/variants", "statistics/clickers", "clicks/export"]
)
@pytest.mark.parametrize(("name", "media"), [("csv", "text/csv"), ("ndjson", "application/x-ndjson")])
def test_a_file_has_the_requested_format(service: RunningService, path: str, name: str, media: str) -> None:
    """Each answer that can be a file comes in each format."""
    answer = service.client.get(f"{service.account_path}/{path}", params={"format": name, "tag": "none"})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, media)
    if name == "ndjson":
        assert all(isinstance(orjson.loads(line), dict) for line in answer.text.splitlines())
