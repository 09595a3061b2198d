"""What is remembered of programs, and what is not."""

import uuid
from typing import Any

from linkweir.click import records
from linkweir.click.records import DAYS, MESSAGES, Records
from linkweir.click.verdict import Hit, Judgement, Record, Verdict
from tests.click.verdict.scenes import SECOND, START, hit


def learnt(*seen: tuple[Hit, Verdict, str]) -> Records:
    """Records of these hits, each judged so by itself, on the message of this name."""
    found = Records()
    for one, verdict, message in seen:
        found.learn(one, Judgement(one.id, "machine", 0.9, (), verdict), message)
    return found


def of(known: Records, one: Hit, message: str = "new") -> Record | None:
    """The record of a hit's program."""
    return known.of([one], message).get(one.id)


def test_messages_are_counted_each_once() -> None:
    """A sweep of five links is one message; machines and people count apart, whatever was sure of neither does not."""
    sweep: list[Any] = [(hit(number, number), "machine", "a") for number in range(5)]
    more: list[Any] = [
        (hit(9), "machine", "b"),
        (hit(10), "human", "b"),
        (hit(11), "unsure", "c"),
        (hit(12), "prefetch", "d"),
    ]
    assert of(learnt(*sweep, *more), hit(60)) == Record(machine=2, people=1, age=56 * SECOND)


def test_what_a_message_shows_is_no_record_for_itself() -> None:
    """Only other messages speak."""
    known = learnt((hit(), "machine", "a"), (hit(1), "machine", "b"))
    assert of(known, hit(2), "a") == Record(1, 0, SECOND)
    assert of(learnt((hit(), "machine", "a")), hit(2), "a") is None


def test_a_program_is_network_browser_and_headers() -> None:
    """Other addresses of a /24 and of a /48 are the same program; other networks, user agents and headers are not."""
    known = learnt((hit(), "machine", "a"), (hit(ip="2001:db8:5:1::1"), "machine", "a"))
    assert of(known, hit(ip="192.0.2.200")) == of(known, hit(ip="2001:db8:5:2::9")) == Record(1, 0, 0)
    others: list[dict[str, Any]] = [{"ip": "192.0.3.7"}, {"ip": "2001:db8:6::1"}, {"user_agent": "x"}, {"ip": None}]
    assert [of(known, hit(**more)) for more in (*others, {"signals": ("no-accept",)})] == [None] * 5


def test_opens_and_hits_without_an_address_leave_no_record() -> None:
    """A pixel's hits say nothing, and in the stricter privacy modes there is nothing to remember a program by."""
    assert of(learnt((hit(kind="open"), "machine", "a")), hit()) is None
    assert of(learnt((hit(ip=None), "machine", "a")), hit(ip=None)) is None


def test_it_forgets_after_days() -> None:
    """What lies further back than DAYS is not told of."""
    known = learnt((hit(), "machine", "a"), (hit(DAYS / SECOND / 2), "human", "b"))
    assert of(known, hit(DAYS / SECOND)) == Record(1, 1, DAYS)
    assert of(known, hit(DAYS / SECOND + 1)) == Record(0, 1, DAYS // 2 + SECOND)


def test_memory_is_bounded(monkeypatch: Any) -> None:
    """Of a program the newest messages are kept, and of programs those that were seen last."""
    known = learnt(*((hit(number), "machine", f"m{number}") for number in range(MESSAGES + 10)))
    assert of(known, hit()) is not None
    assert (of(known, hit(MESSAGES + 10)) or Record(0, 0, 0)).machine == MESSAGES
    monkeypatch.setattr(records, "PROGRAMS", 3)
    known = learnt(*((hit(user_agent=name), "machine", "a") for name in "abcad"))
    assert [name for name in "abcd" if of(known, hit(user_agent=name))] == ["a", "c", "d"]


def test_no_address_and_no_user_agent_is_kept() -> None:
    """Whatever is held is a number: no address, user agent or id of a message can be read from it."""
    message = uuid.uuid4()
    known = Records()
    one = hit(ip="192.0.2.7", user_agent="Somebody's own browser")
    known.learn(one, Judgement(one.id, "machine", 0.9, (), "machine"), message)
    held = known._programs
    assert all(isinstance(key, int) for key in held)
    assert all(isinstance(key, int) and key != message.int for seen in held.values() for key in seen)
    assert one.at == START
