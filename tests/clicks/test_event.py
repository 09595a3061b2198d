"""Tests of linkweir.clicks.click_event: what each privacy mode lets through."""

import dataclasses
import uuid
from typing import Any

from linkweir.clicks.click_event import ClickEvent, RecordingPolicy, make_event
from linkweir.clicks.enrichment import MAX_USER_AGENT_CHARS, Enrichment
from linkweir.tokens import Opened, Privacy

SAMPLE_REQUEST: dict[str, Any] = {"at": 7, "method": "GET", "ip": "192.0.2.1", "user_agent": "Browser/1"}
SAMPLE_TOKEN = Opened(
    style="sealed",
    version=1,
    key_id=3,
    privacy=Privacy.FULL,
    message=42,
    campaign=None,
    index=5,
    destination="https://example.com/?who=ada",
)


def record_event(**changes: object) -> ClickEvent:
    """The fact of a visit to a link that differs from OPENED by `changes`."""
    opened = dataclasses.replace(SAMPLE_TOKEN, **changes)  # type: ignore[arg-type]
    result = make_event(opened, "https://example.com/?who=ada", **SAMPLE_REQUEST)
    assert result is not None
    return result


def test_full_records_everything() -> None:
    """Time, address, user agent, destination, message, link, method and key are all there."""
    result = record_event()
    assert (result.at, result.method, result.ip, result.user_agent) == (7, "GET", "192.0.2.1", "Browser/1")
    assert (result.number, result.message_ref, result.position, result.key_id) == (42, "42", 5, 3)
    assert result.destination == "https://example.com/?who=ada"


def test_pseudonymous_leaves_out_the_person() -> None:
    """No address and no user agent; message, link and destination stay."""
    result = record_event(privacy=Privacy.PSEUDONYMOUS)
    assert (result.ip, result.user_agent) == (None, None)
    assert (result.number, result.position, result.destination) == (42, 5, "https://example.com/?who=ada")


def test_anonymous_records_campaign_and_link_only() -> None:
    """Nothing ties the fact to a message or person, not even a destination that may differ for each recipient."""
    result = record_event(privacy=Privacy.ANONYMOUS, message=None, campaign="spring")
    assert (result.campaign, result.position) == ("spring", 5)
    assert (result.number, result.message_ref, result.ip, result.user_agent, result.destination) == (None,) * 5


def test_none_records_nothing() -> None:
    """In mode `none` there is no fact."""
    assert (
        make_event(dataclasses.replace(SAMPLE_TOKEN, privacy=Privacy.NONE), "https://example.com/", **SAMPLE_REQUEST)
        is None
    )


def test_ids_are_unique() -> None:
    """Two visits to one link are two facts."""
    assert record_event().id != record_event().id


def test_messages_of_others_retain_their_name() -> None:
    """A message that is no number of ours keeps its name as text."""
    key = uuid.uuid4()
    assert record_event(message=key).message_ref == str(key)
    assert record_event(message=key).number is None
    assert record_event(message="sale").message_ref == "sale"
    assert record_event(message=(1 << 64) - 1).number is None


def test_user_agents_are_cut() -> None:
    """A user agent of any length fills at most the limit."""
    request = {**SAMPLE_REQUEST, "user_agent": "x" * 10_000}
    result = make_event(SAMPLE_TOKEN, "https://example.com/", **request)
    assert result is not None
    assert result.user_agent == "x" * MAX_USER_AGENT_CHARS


def test_an_honest_program_is_recognised_without_storing_its_name() -> None:
    """In pseudonymous mode the class of a user agent is a signal, and the user agent itself is nowhere in the fact."""

    def describe(_ip: str | None, _agent: str | None) -> Enrichment:
        return Enrichment(device="other", signals=("agent-library",))

    opened = dataclasses.replace(SAMPLE_TOKEN, privacy=Privacy.PSEUDONYMOUS)
    request = {**SAMPLE_REQUEST, "signals": ("no-accept",), "policy": RecordingPolicy(describe)}
    result = make_event(opened, "https://example.com/", **request)
    assert result is not None
    assert result.signals == "no-accept agent-library"
    assert "Browser/1" not in str(result)
    full = make_event(SAMPLE_TOKEN, "https://example.com/", **request)
    assert full is not None
    assert full.signals == "no-accept"  # there it is derived from the user agent
