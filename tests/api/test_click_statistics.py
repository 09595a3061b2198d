"""Tests of the endpoints on clicks against a running service: lists, sums, comparisons, files."""

import csv
import io
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from sqlalchemy import insert

from linkweir.clock import HOUR_US
from linkweir.db import schema
from tests.stats.aggregate_rows import insert_click, insert_click_aggregates
from tests.web.running_service import RunningService, wait_until

MAIL = """<p><a href="https://example.com/a?x=1&amp;y=2">one <b>more</b></a> <a href="mailto:a@example.com">write</a>
<a href="https://example.org/b">two</a></p>"""


@pytest.fixture(scope="module")
def service(dialect: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service for this file, that lets a client ask often."""
    with RunningService(
        tmp_path_factory.mktemp("figures") / "data", statistics_rate=1e6, statistics_burst=10**6
    ) as service:
        yield service


def send_and_deliver(service: RunningService, **fields: Any) -> str:
    """The id of a delivered message."""
    message = service.send(html_content=MAIL, **fields)[0]["id"]
    service.wait_for_mail(message)
    return str(service.get_message(message)["id"])


def get_json(service: RunningService, path: str, status: int = 200, **query: str | int) -> Any:
    """The answer to a GET under the account."""
    response = service.client.get(f"{service.account_path}/{path}", params=query)
    assert response.status_code == status, response.text
    return response.json()


def get_text(service: RunningService, path: str, **query: Any) -> str:
    """The file that a GET under the account gives."""
    response = service.client.get(f"{service.account_path}/{path}", params=query)
    assert response.status_code == 200, response.text
    assert "attachment" in response.headers["content-disposition"]
    return response.text


def test_single_clicks_are_listed_newest_first(service: RunningService) -> None:
    """Each click comes with its verdict, a sentence for each reason, and what was derived; in pages."""
    message = uuid.UUID(send_and_deliver(service))
    account = uuid.UUID(service.account)
    with service.components.database.write() as connection:
        for hour in (5, 7, 6):
            insert_click(
                connection,
                account,
                message_id=message,
                at=hour * HOUR_US,
                destination="https://example.org/b",
                ip="192.0.2.1",
                user_agent="x",
                country="SE",
                reasons="head other-code",
            )
        insert_click(connection, account, message_id=message, kind="open", position=-1)
    whole = get_json(service, f"messages/{message}/clicks")
    assert [item["time"] for item in whole["data"]] == [f"1970-01-01T0{hour}:00:00.000000Z" for hour in (7, 6, 5)]
    first = whole["data"][0]
    assert (first["verdict"], first["confidence"], first["country"], first["ip"]) == ("human", 0.9, "SE", "192.0.2.1")
    assert [reason["code"] for reason in first["reasons"]] == ["head", "other-code"]
    assert all(reason["sentence"] for reason in first["reasons"])
    page = get_json(service, f"messages/{message}/clicks", limit=2)
    rest = get_json(service, f"messages/{message}/clicks", limit=2, after=page["pagination"]["next_cursor"])
    assert [*page["data"], *rest["data"]] == whole["data"]
    assert get_json(service, f"messages/{message}/clicks", limit=2, cursor=page["pagination"]["next_cursor"]) == rest
    back = get_json(service, f"messages/{message}/clicks", limit=2, before=rest["pagination"]["previous_cursor"])
    assert back["data"] == page["data"]
    assert not rest["pagination"]["has_more"]


@pytest.mark.parametrize("style", ["sealed", "short"])
def test_links_are_read_from_the_mail(service: RunningService, style: str) -> None:
    """Every link of the kept mail is listed with its text and outcome, those that nobody followed too."""
    message = send_and_deliver(service, link_style=style)
    with service.components.database.write() as connection:
        row = {"message_id": uuid.UUID(message), "position": 2, "destination": "https://example.org/b"}
        connection.execute(
            insert(schema.message_link_rows).values(**row, human=2, machine=5, unsure=1, first_at=HOUR_US)
        )
    result = get_json(service, f"messages/{message}/links")
    assert (result["complete"], result["note"]) == (True, None)
    shown = [(item["position"], item["text"], item["destination"], item["outcome"]) for item in result["data"]]
    assert shown == [
        (0, "one more", "https://example.com/a?x=1&y=2", "tracked"),
        (1, "write", "mailto:a@example.com", "not-http"),
        (2, "two", "https://example.org/b", "tracked"),
    ]
    assert [item["total"] for item in result["data"]] == [0, 0, 8]
    assert (result["data"][2]["click_count"], result["data"][2]["first_at"]) == (3, "1970-01-01T01:00:00.000000Z")


def test_links_of_a_mail_that_is_gone(service: RunningService) -> None:
    """When the content is no longer kept, the followed links remain, and the answer says that others are missing."""
    message = send_and_deliver(service, retention={"data": 0})
    with service.components.database.write() as connection:
        row = {"message_id": uuid.UUID(message), "position": 2, "destination": "https://example.org/b"}
        connection.execute(insert(schema.message_link_rows).values(**row, human=2))
    result = get_json(service, f"messages/{message}/links")
    assert [(item["position"], item["text"], item["human"]) for item in result["data"]] == [(2, None, 2)]
    assert not result["complete"]
    assert "no longer kept" in result["note"]


def test_a_mail_without_tracking_has_links_too(service: RunningService) -> None:
    """Links that were not replaced are listed as such."""
    result = get_json(service, f"messages/{send_and_deliver(service, tracking=None)}/links")
    assert [item["outcome"] for item in result["data"]] == ["declined", "not-http", "declined"]


def test_links_that_settings_exclude(service: RunningService) -> None:
    """A link that the domain or the message itself wanted left alone says so, whatever the domain wants by now."""
    domain = {"domain": "example.com", "skip": ["/b$"]}
    assert service.client.post(f"{service.account_path}/domains", json=domain).status_code == 201
    first = send_and_deliver(service)
    assert [item["outcome"] for item in get_json(service, f"messages/{first}/links")["data"]] == [
        "tracked",
        "not-http",
        "skipped",
    ]
    assert service.client.delete(f"{service.account_path}/domains/example.com").status_code < 300
    for message in (first, send_and_deliver(service, skip=["/b$"])):
        result = get_json(service, f"messages/{message}/links")["data"]
        assert [item["outcome"] for item in result] == ["tracked", "not-http", "skipped"]


def test_the_hidden_link_is_none_of_the_mails(service: RunningService) -> None:
    """The link that only machines follow is not listed among the links of a mail."""
    result = get_json(service, f"messages/{send_and_deliver(service, honeypot=True)}/links")["data"]
    assert [item["position"] for item in result] == [0, 1, 2]


def test_another_accounts_messages_are_not_there(service: RunningService) -> None:
    """A message that does not exist, or not for this account, is 404 for clicks and links."""
    for name in ("clicks", "links"):
        assert get_json(service, f"messages/{uuid.uuid4()}/{name}", 404) == {"message": "there is no such message"}


def test_who_clicked_is_listed_in_pages_and_as_a_file(service: RunningService) -> None:
    """Recipients with a counted click, with its time and number; for a tag, and for one link of it."""
    tag = uuid.uuid4().hex
    ids = [
        uuid.UUID(send_and_deliver(service, tags=[tag], recipients=[{"email": f"r{n}@example.org"}])) for n in range(4)
    ]
    with service.components.database.write() as connection:
        rows = [
            {
                "message_id": ids[0],
                "position": 0,
                "destination": "https://example.com/",
                "human": 2,
                "first_at": HOUR_US,
            },
            {"message_id": ids[0], "position": 2, "destination": "https://example.org/", "human": 1, "first_at": 9},
            {"message_id": ids[1], "position": 0, "destination": "https://example.com/", "machine": 7},
            {
                "message_id": ids[2],
                "position": 0,
                "destination": "https://example.com/",
                "unsure": 1,
                "first_at": HOUR_US,
            },
        ]
        for row in rows:
            connection.execute(insert(schema.message_link_rows).values(**row))
    result = get_json(service, "statistics/clickers", tag=tag)["data"]
    assert [(one["recipient"], one["click_count"], one["links"]) for one in result] == [
        ("r2@example.org", 1, 1),
        ("r0@example.org", 3, 2),
    ]
    assert result[1]["first_at"] == "1970-01-01T00:00:00.000009Z"
    page = get_json(service, "statistics/clickers", tag=tag, limit=1)
    rest = get_json(service, "statistics/clickers", tag=tag, limit=1, after=page["pagination"]["next_cursor"])
    assert [*page["data"], *rest["data"]] == result
    assert get_json(service, "statistics/clickers", tag=tag, limit=1, cursor=page["pagination"]["next_cursor"]) == rest
    back = get_json(service, "statistics/clickers", tag=tag, limit=1, before=rest["pagination"]["previous_cursor"])
    assert back["data"] == page["data"]
    one = get_json(service, "statistics/clickers", tag=tag, position=2)["data"]
    assert [(row["recipient"], row["click_count"]) for row in one] == [("r0@example.org", 1)]
    for place, people in (("https://example.net/", []), ("https://example.org/", ["r0@example.org"])):
        one = get_json(service, "statistics/clickers", tag=tag, destination=place)["data"]
        assert [row["recipient"] for row in one] == people
    table = list(csv.DictReader(io.StringIO(get_text(service, "statistics/clickers", tag=tag, format="csv"))))
    assert [row["recipient"] for row in table] == ["r2@example.org", "r0@example.org"]
    assert "tag" in get_json(service, "statistics/clickers", 400)["message"]


def test_sums_by_time_and_by_value(service: RunningService) -> None:
    """Hours asked for are answered whole, in the time zone asked for, and the answer says which they are."""
    account = uuid.UUID(service.account)
    with service.components.database.write() as connection:
        insert_click_aggregates(
            connection, account, [("tag:z", "", hour, "") for hour in (22, 23, 24)], human=1, machine=2
        )
        insert_click_aggregates(connection, account, [("tag:z", "device", 23, "phone")], human=3, clickers=2)
    query: dict[str, Any] = {"tag": "z", "from_time": "1970-01-01T00:30:00Z", "to_time": "1970-01-02T03:30:00Z"}
    berlin = get_json(service, "statistics/clicks", group_by="day", time_zone="Europe/Berlin", **query)
    assert (berlin["from_timestamp"], berlin["to_timestamp"]) == (
        "1970-01-01T00:00:00.000000Z",
        "1970-01-02T04:00:00.000000Z",
    )
    assert [(row["from_timestamp"][:13], row["total"]) for row in berlin["data"]] == [
        *(("1970-01-01T00", 3), ("1970-01-01T23", 6)),
    ]
    device = get_json(service, "statistics/clicks", group_by="device", **query)
    assert [(row["value"], row["clickers"]) for row in device["data"]] == [("phone", 2)]
    lines = get_text(service, "statistics/clicks", group_by="device", format="ndjson", **query).splitlines()
    assert orjson.loads(lines[0])["value"] == "phone"
    assert len(lines) == 1


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({"group_by": "planet"}, 400, "group_by"),
        ({"time_zone": "Mars/Base"}, 400, "time_zone"),
        ({"from_time": "2026-01-02T00:00:00Z", "to_time": "2026-01-01T00:00:00Z"}, 400, "from_time"),
        ({"from_time": "yesterday"}, 400, "from_time"),
        ({"group_by": "hour", "from_time": "2020-01-01T00:00:00Z"}, 400, "group_by"),
        ({"limit": "0", "group_by": "country"}, 400, "limit"),
        ({"format": "xlsx"}, 400, "format"),
        ({"group_by": "country", "tag": "a", "sender_domain": "example.com"}, 422, "sender_domain"),
    ],
)
def test_questions_that_are_refused(service: RunningService, query: dict[str, Any], status: int, said: str) -> None:
    """What cannot be answered is refused, naming the parameter."""
    assert said in get_json(service, "statistics/clicks", status, **query)["message"]


def test_campaigns_and_variants_of_real_messages(service: RunningService) -> None:
    """Messages sent and delivered count for their tag and variant by themselves."""
    tag = uuid.uuid4().hex
    recipients = [
        {"email": f"v{n}@example.org", "variant": "AB"[n % 2], "attributes": {"plan": "pro"}} for n in range(3)
    ]
    last = service.send(tags=[tag], recipients=recipients)[-1]["id"]
    service.wait_for_mail(last)
    wait_until(lambda: get_json(service, "statistics/campaigns", tags=tag)["data"][0]["delivered"] == 3)
    (row,) = get_json(service, "statistics/campaigns", tags=tag)["data"]
    assert (row["tag"], row["sent"], row["delivered"], row["click_rate"]) == (tag, 3, 3, 0.0)
    assert tag in {one["tag"] for one in get_json(service, "statistics/campaigns", limit=1000)["data"]}
    result = get_json(service, "statistics/variants", tag=tag)
    assert [(one["variant"], one["sent"]) for one in result["data"]] == [("A", 2), ("B", 1)]
    assert [one["significant"] for one in result["differences"]] == [None]
    assert "baseline" in get_json(service, "statistics/variants", 400, tag=tag, baseline="Z")["message"]
    rows = list(csv.DictReader(io.StringIO(get_text(service, "statistics/variants", tag=tag, format="csv"))))
    assert [(one["variant"], one["sent"], one["click_rate"]) for one in rows] == [("A", "2", "0.0"), ("B", "1", "0.0")]
    assert "format" in get_json(service, "statistics/variants", 400, tag=tag, format="xlsx")["message"]


def test_every_click_as_a_file(service: RunningService) -> None:
    """The export has each click of the time once, with its recipient and tags, and only those of a tag when asked."""
    tag, account = uuid.uuid4().hex, uuid.UUID(service.account)
    message = uuid.UUID(send_and_deliver(service, tags=[tag], recipients=[{"email": "export@example.org"}]))
    with service.components.database.write() as connection:
        keys = {
            str(insert_click(connection, account, message_id=message, at=50 * HOUR_US + n // 2)) for n in range(2501)
        }
        other = str(insert_click(connection, account, at=50 * HOUR_US, user_agent="=cmd()"))
        insert_click(connection, account, at=60 * HOUR_US)
    span: dict[str, Any] = {"from_time": "1970-01-03T02:00:00Z", "to_time": "1970-01-03T03:00:00Z"}
    rows = list(csv.DictReader(io.StringIO(get_text(service, "clicks/export", **span))))
    assert {row["id"] for row in rows} == {*keys, other}
    assert len(rows) == len(keys) + 1
    assert [row["user_agent"] for row in rows if row["id"] == other] == ["'=cmd()"]
    tagged = get_text(service, "clicks/export", format="ndjson", tag=tag, **span).splitlines()
    assert {orjson.loads(line)["recipient"] for line in tagged} == {"export@example.org"}
    assert all(orjson.loads(line)["tags"] == [tag] for line in tagged)
    assert {row["id"]: row["tags"] for row in rows} == {**dict.fromkeys(keys, tag), other: ""}
    assert len(tagged) == len(keys)


def test_keys_for_one_domain_see_their_own(service: RunningService) -> None:
    """A key for one sender's domain reads clicks of that domain's messages, and no sums of others."""
    message = send_and_deliver(service)
    scopes = ["messages:read:{other.example}", "statistics-transactional:read:{other.example}"]
    created = service.client.post(f"{service.account_path}/api-keys", json={"label": "x", "scopes": scopes}).json()

    def ask(path: str) -> int:
        headers = {"Authorization": f"Bearer {created['secret_key']}"}
        return service.reader.get(f"{service.account_path}/{path}", headers=headers).status_code

    assert ask(f"messages/{message}/clicks") == 403
    assert ask(f"messages/{message}/links") == 403
    assert ask("statistics/clicks") == 403
    assert ask("statistics/clicks?sender_domain=other.example") == 200
    assert ask("statistics/campaigns") == 403
    assert ask("statistics/clickers?tag=a") == 403
    assert ask("recipients/" + quote("ada@example.org")) == 403
    assert ask("clicks/export") == 200
