"""What is remembered of programs, and what is not."""

import uuid
from typing import Any

from linkweir.clicks.classify import Classification, Hit, Reputation, Verdict, reputation
from linkweir.clicks.classify.reputation import HISTORY_US, MAX_MESSAGES_PER_CLIENT, ReputationStore
from linkweir.clock import SECOND_US
from tests.clicks.classify.hit_factory import START_US, make_hit


def observe_hits(*seen: tuple[Hit, Verdict, str]) -> ReputationStore:
    """Records of these hits, each judged so by itself, on the message of this name."""
    found = ReputationStore()
    for one, verdict, message in seen:
        found.observe(one, Classification(one.id, "machine", 0.9, (), verdict), message)
    return found


def get_record(known: ReputationStore, hit: Hit, message: str = "new") -> Reputation | None:
    """The record of a hit's program."""
    return known.lookup([hit], message).get(hit.id)


def test_messages_are_counted_each_once() -> None:
    """A sweep of five links is one message; machines and people count apart, whatever was sure of neither does not."""
    sweep: list[Any] = [(make_hit(number, number), "machine", "a") for number in range(5)]
    more: list[Any] = [
        (make_hit(9), "machine", "b"),
        (make_hit(10), "human", "b"),
        (make_hit(11), "unsure", "c"),
        (make_hit(12), "prefetch", "d"),
    ]
    assert get_record(observe_hits(*sweep, *more), make_hit(60)) == Reputation(
        machine_messages=2, human_messages=1, age_us=56 * SECOND_US
    )


def test_what_a_message_shows_is_no_record_for_itself() -> None:
    """Only other messages speak."""
    known = observe_hits((make_hit(), "machine", "a"), (make_hit(1), "machine", "b"))
    assert get_record(known, make_hit(2), "a") == Reputation(1, 0, SECOND_US)
    assert get_record(observe_hits((make_hit(), "machine", "a")), make_hit(2), "a") is None


def test_a_program_is_network_browser_and_headers() -> None:
    """Other addresses of a /24 and of a /48 are the same program; other networks, user agents and headers are not."""
    known = observe_hits((make_hit(), "machine", "a"), (make_hit(ip="2001:db8:5:1::1"), "machine", "a"))
    assert (
        get_record(known, make_hit(ip="192.0.2.200"))
        == get_record(known, make_hit(ip="2001:db8:5:2::9"))
        == Reputation(1, 0, 0)
    )
    others: list[dict[str, Any]] = [{"ip": "192.0.3.7"}, {"ip": "2001:db8:6::1"}, {"user_agent": "x"}, {"ip": None}]
    assert [get_record(known, make_hit(**more)) for more in (*others, {"signals": ("no-accept",)})] == [None] * 5


def test_opens_and_hits_without_an_address_leave_no_record() -> None:
    """A pixel's hits say nothing, and in the stricter privacy modes there is nothing to remember a program by."""
    assert get_record(observe_hits((make_hit(kind="open"), "machine", "a")), make_hit()) is None
    assert get_record(observe_hits((make_hit(ip=None), "machine", "a")), make_hit(ip=None)) is None


def test_it_forgets_after_days() -> None:
    """What lies further back than DAYS is not told of."""
    known = observe_hits((make_hit(), "machine", "a"), (make_hit(HISTORY_US / SECOND_US / 2), "human", "b"))
    assert get_record(known, make_hit(HISTORY_US / SECOND_US)) == Reputation(1, 1, HISTORY_US)
    assert get_record(known, make_hit(HISTORY_US / SECOND_US + 1)) == Reputation(0, 1, HISTORY_US // 2 + SECOND_US)


def test_memory_is_bounded(monkeypatch: Any) -> None:
    """Of a program the newest messages are kept, and of programs those that were seen last."""
    known = observe_hits(
        *((make_hit(number), "machine", f"m{number}") for number in range(MAX_MESSAGES_PER_CLIENT + 10))
    )
    assert get_record(known, make_hit()) is not None
    assert (
        get_record(known, make_hit(MAX_MESSAGES_PER_CLIENT + 10)) or Reputation(0, 0, 0)
    ).machine_messages == MAX_MESSAGES_PER_CLIENT
    monkeypatch.setattr(reputation, "MAX_CLIENTS", 3)
    known = observe_hits(*((make_hit(user_agent=name), "machine", "a") for name in "abcad"))
    assert [name for name in "abcd" if get_record(known, make_hit(user_agent=name))] == ["a", "c", "d"]


def test_no_address_and_no_user_agent_is_stored() -> None:
    """Whatever is held is a number: no address, user agent or id of a message can be read from it."""
    message = uuid.uuid4()
    known = ReputationStore()
    one = make_hit(ip="192.0.2.7", user_agent="Somebody's own browser")
    known.observe(one, Classification(one.id, "machine", 0.9, (), "machine"), message)
    held = known._clients
    assert all(isinstance(key, int) for key in held)
    for record in held.values():
        messages = {*record._bits, *record._seen_at}
        assert messages
        assert all(isinstance(key, int) and key != message.int for key in messages)
    assert one.at == START_US
