"""Offline classification: final verdicts, first ones, and what they are based on."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow
import pytest
from bench.classification_run import classify_incrementally
from bench.simulator.clients import EPOCH_SECONDS, Mail, Request
from bench.simulator.traffic import generate_campaign_series

from linkweir.clicks.offline import InvalidClick, classify_clicks, classify_table, offline_classifier
from linkweir.clicks.offline.offline_classifier import ClassifiedClick
from linkweir.clock import DAY_US, SECOND_US, rfc3339
from linkweir.errors import ValidationError

AT = 1_769_853_600_000_000
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/144.0.0.0 Safari/537.36"
)


def make_click(seconds: float, message: str, link: int | str = 0, **fields: Any) -> dict[str, Any]:
    """A click this long after a fixed moment, by a browser at one address."""
    base = {"at": AT + round(seconds * SECOND_US), "message": message, "link": link}
    return {**base, "ip": "192.0.2.7", "user_agent": CHROME, **fields}


def make_burst(message: str, seconds: float = 0.0, links: int = 8, **fields: Any) -> list[dict[str, Any]]:
    """Every link of a message within a second."""
    return [make_click(seconds + link / 20, message, link, links=links, **fields) for link in range(links)]


def classify(clicks: Iterable[dict[str, Any]], **options: Any) -> list[ClassifiedClick]:
    """The verdicts on clicks, of which none is left out."""
    found = list(classify_clicks(clicks, **options))
    return [one for one in found if one is not None]


def verdicts_of(found: Sequence[ClassifiedClick]) -> list[str]:
    return [one.verdict.verdict for one in found]


def make_request_click(mail: Mail, request: Request) -> dict[str, Any]:
    """A simulated request as a record."""
    return {
        "at": int((EPOCH_SECONDS + request.at) * 1_000_000),
        "message": str(mail.number),
        "delivered_at": int((EPOCH_SECONDS + mail.delivered) * 1_000_000),
        "links": mail.links,
        "link": request.link,
        "method": request.method,
        "http": request.http_version,
        "ip": request.ip,
        "user_agent": request.user_agent,
        "headers": request.headers,
    }


def test_a_burst_is_a_machines_and_a_late_click_a_persons() -> None:
    """All clicks of a burst are a machine's, and one click an hour after delivery is a person's."""
    person = make_click(3600, "m2", 3, ip="198.51.100.1", delivered_at=AT, links=8)
    found = classify([*make_burst("m1", delivered_at=AT), person])
    assert verdicts_of(found) == ["machine"] * 8 + ["human"]
    assert found[0].verdict.reasons[0] == "burst"
    assert (found[0].verdict.p_machine or 0) > 0.9
    assert (found[-1].verdict.p_machine or 1) < 0.35


def test_the_order_of_lines_changes_nothing() -> None:
    """Shuffled, every click gets the verdict that it gets in the order of time."""
    campaign = generate_campaign_series(5, 60, 2)
    clicks = [make_request_click(mail, request) for mail in campaign.mails for request in mail.requests]
    clicks.sort(key=lambda click: click["at"])
    order = list(range(len(clicks)))
    random.Random(1).shuffle(order)  # noqa: S311 - repeatable, and no secret
    straight, shuffled = classify(clicks), classify([clicks[index] for index in order])
    assert len(straight) == len(clicks) > 300
    different = [index for place, index in enumerate(order) if shuffled[place].verdict != straight[index].verdict]
    assert different == []


def test_final_verdicts_agree_with_the_service() -> None:
    """Judged one after the other as the service does, at most 2 % of simulated clicks end with another verdict."""
    campaign = generate_campaign_series(11, 60, 3)
    expected = list(classify_incrementally(campaign))
    found = classify([make_request_click(mail, request) for mail, request, _ in expected], as_they_came=True)
    different = sum(one.verdict.verdict != verdict for one, (_, _, verdict) in zip(found, expected, strict=True))
    assert len(expected) > 500
    assert different <= 0.02 * len(expected)


def test_what_is_said_on_arrival_knows_only_what_came_before() -> None:
    """The first click of a burst is undecided when it comes; the last one is seen as a machine's at once."""
    burst = make_burst("m1", links=8, delivered_at=AT - 7200 * SECOND_US)
    for index, click in enumerate(burst):
        click["at"] = AT + index * 600_000  # each in a batch of its own
    found = classify(reversed(burst), as_they_came=True)[::-1]
    assert {one.verdict.verdict for one in found} == {"machine"}
    firsts = [one.first.verdict for one in found if one.first]
    assert firsts[0] != "machine"
    assert firsts[-1] == "machine"


def test_an_address_is_counted_before_and_after_a_click() -> None:
    """The first of thirty mails that one address visits within a minute shows as many as the last."""
    found = classify([make_click(number, f"m{number}") for number in range(30)])
    assert ["spread-wide" in one.verdict.reasons for one in found] == [True] * 30
    assert not any("spread" in one.verdict.reasons[:] for one in classify([make_click(0, "m1")]))


def test_reputation_comes_from_before_and_after() -> None:
    """A program whose single click precedes its sweeps through other mails is known by them; a person is not."""
    first = make_click(0, "first", 2, links=8)
    sweeps = [click for number in range(4) for click in make_burst(f"m{number}", 7200.0 * (number + 1))]
    person = make_click(100, "other", 2, ip="198.51.100.1", links=8)
    found = classify([first, *sweeps, person])
    assert "known-scanner" in found[0].verdict.reasons
    assert "known-scanner" not in found[-1].verdict.reasons


def test_reputation_is_forgotten_after_weeks() -> None:
    """What a program did a month later tells nothing of its click."""
    sweeps = [click for number in range(4) for click in make_burst(f"m{number}", 40 * DAY_US / SECOND_US + number)]
    found = classify([make_click(0, "first", 2, links=8), *sweeps])
    assert "known-scanner" not in found[0].verdict.reasons


@pytest.mark.parametrize("as_they_came", [False, True])
def test_parts_of_a_long_session_are_judged_as_the_whole(monkeypatch: pytest.MonkeyPatch, as_they_came: bool) -> None:
    """A message with many clicks gets the same verdicts in parts, whose neighbours are looked at, as at once."""
    dice = random.Random(3)  # noqa: S311 - repeatable, and no secret
    clicks = [
        make_click(dice.uniform(0, 1500), "list", dice.randrange(6), ip=f"198.51.100.{dice.randrange(200)}")
        for _ in range(150)
    ]
    clicks += make_burst("list", 1000.0, 6, ip="192.0.2.9")
    whole = classify(clicks, as_they_came=as_they_came)
    monkeypatch.setattr(offline_classifier, "MAX_SESSION_CLICKS", 50)
    assert classify(clicks, as_they_came=as_they_came) == whole
    assert verdicts_of(whole[-6:]) == ["machine"] * 6


def test_urls_do_not_look_like_a_row_from_the_top() -> None:
    """Links that are named by URL and followed one after the other, with pauses to read, are no sweep in order."""
    found = []
    for number in range(20):
        pauses = (0, 14, 21, 39, 48)
        clicks = [make_click(pause, "m", f"https://example.com/{number}/{pause}") for pause in pauses]
        found += [one.verdict.reasons for one in classify(clicks)]
    assert sum("slow-sweep" in reasons for reasons in found) <= 10  # one order of 120 is that of the hashes


def test_the_number_of_links_keeps_urls_apart() -> None:
    """Positions of URLs are distinct and below the number of links, where that is known."""
    links = sorted(random.Random(2).sample(range(1 << 62), 9))  # noqa: S311 - repeatable, and no secret
    for count in (None, 3, 9, 10, 40):
        found = [offline_classifier.url_position(links, link, count) for link in links]
        assert len(set(found)) == 9
        assert max(found) < max(9, count or 0)


def test_deliveries_of_a_provider_are_evidence() -> None:
    """A delivery event tells how long after it a click came, and no verdict comes out for it."""
    message = {"sg_message_id": "x", "email": "a@example.com"}
    second = AT // SECOND_US
    click = {**message, "event": "click", "timestamp": second + 4000, "url": "https://example.com", "ip": "192.0.2.1"}
    delivered = {**message, "event": "delivered", "timestamp": second}
    found = list(classify_clicks([click, delivered, {**message, "event": "open"}], provider="sendgrid"))
    assert found[0] is not None
    assert found[1:] == [None, None]
    assert "much-later" in found[0].verdict.reasons


def test_an_error_names_the_click() -> None:
    """A record that cannot be used is named by its number."""
    with pytest.raises(InvalidClick, match=r"^click 1: link: missing"):
        classify([make_click(0, "m"), {"at": AT, "message": "m"}])


def test_tables_get_columns() -> None:
    """An Arrow table comes back with its columns and the verdicts, whatever its chunks and types of time."""
    clicks = make_burst("m1", links=8, headers={"accept": "*/*"})
    texts = pyarrow.Table.from_pylist([{**click, "at": rfc3339(click["at"]), "note": "x"} for click in clicks])
    stamps = pyarrow.array([click["at"] for click in clicks], pyarrow.timestamp("us", "UTC"))
    for table in (texts, texts.set_column(0, "at", stamps), pyarrow.concat_tables([texts[:3], texts[3:]])):
        found = classify_table(table, as_they_came=True)
        assert found.select(table.column_names).equals(table)
        assert found["verdict"].to_pylist() == ["machine"] * 8
        assert found["reasons"].to_pylist()[0][0] == "burst"
        assert found["first_p_machine"].null_count == 0
    assert classify_table(texts[:0])["verdict"].to_pylist() == []


def test_the_senders_own_people_are_told_by_network_and_recipient() -> None:
    """Clicks from an internal network, and on mail to an internal recipient, are internal, with no probability; what
    they do changes no other verdict, and a table says the same.
    """
    reader = make_click(3600, "m1", ip="198.51.100.9", recipient="reader@example.org")
    office = make_burst("m1", 3600.5, ip="203.0.113.7", recipient="reader@example.org")
    to_ada = make_click(3600, "m2", ip="198.51.100.9", recipient="Ada+test@Example.com")
    options: dict[str, Any] = {"internal_networks": ["203.0.113.0/24"], "internal_addresses": ["ada@example.com"]}
    found = classify([reader, *office, to_ada], **options)
    assert verdicts_of(found[1:]) == ["internal"] * 9
    assert {one.verdict.p_machine for one in found[1:]} == {None}
    assert found[1].verdict.reasons == ("internal-network",)
    assert found[-1].verdict.reasons == ("internal-recipient",)
    assert found[0].verdict == classify([{**reader, "links": 8}])[0].verdict
    table = classify_table(pyarrow.Table.from_pylist([to_ada, reader]), **options)
    assert table["p_machine"].to_pylist()[0] is None
    with pytest.raises(ValidationError, match="internal_networks"):
        classify([reader], internal_networks=["203.0.113"])
