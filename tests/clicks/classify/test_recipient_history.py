"""What is remembered of each recipient's own browser."""

from collections.abc import Mapping
from uuid import UUID

import pytest

from linkweir.clicks.classify import Classification, Hit, Verdict
from linkweir.clicks.classify import recipient_history as module
from linkweir.clicks.classify.classification import Familiarity
from linkweir.clicks.classify.recipient_history import MAX_SIGHTINGS, RecipientHistory
from tests.clicks.classify.hit_factory import make_hit

READER = "reader@example.com"


def observe(history: RecipientHistory, hit: Hit, message: str, verdict: Verdict = "human", to: str = READER) -> None:
    """Remember a hit that was judged so."""
    history.observe(hit, Classification(hit.id, verdict, 0.9, (), verdict, behaviour=verdict), message, to)


def look_up(history: RecipientHistory, hit: Hit, message: str = "new", to: str | None = READER) -> Familiarity | None:
    """How familiar a hit is."""
    found: Mapping[UUID, Familiarity] = history.lookup([hit], message, to)
    return found.get(hit.id)


def test_the_browser_of_an_earlier_mail_is_known() -> None:
    """From the same networks, with the same browser and headers: the recipient's; anything else is another's."""
    history = RecipientHistory()
    observe(history, make_hit(client="Chrome"), "a")
    assert look_up(history, make_hit(client="Chrome", ip="192.0.9.9")) == "own client"
    for other in (
        make_hit(client="Chrome", ip="198.51.100.7"),
        make_hit(client="Edge"),
        make_hit(client="Chrome", signals=("no-accept-language",)),
    ):
        assert look_up(history, other) == "other client"


def test_only_other_mails_of_the_same_recipient_count() -> None:
    """The message itself says nothing about its hits, nor does a mail to somebody else, nor one to nobody known."""
    history = RecipientHistory()
    observe(history, make_hit(), "a")
    assert look_up(history, make_hit(), "a") is None
    assert look_up(history, make_hit(), to="other@example.com") is None
    assert look_up(history, make_hit(), to=None) is None
    assert look_up(history, make_hit(ip=None)) is None
    assert look_up(history, make_hit(kind="open")) is None


def test_a_client_that_ran_through_links_is_nobodys_own() -> None:
    """Security software on the reader's computer looks like the reader, and takes the record away."""
    history = RecipientHistory()
    observe(history, make_hit(), "a")
    observe(history, make_hit(), "b", "machine")
    assert look_up(history, make_hit()) is None
    observe(history, make_hit(client="Edge"), "c", "machine")
    assert look_up(history, make_hit(client="Edge")) is None


def test_many_readers_of_one_mailbox_make_no_stranger() -> None:
    """Where more than two clients follow links, another one is nothing strange."""
    history = RecipientHistory()
    for number in range(2):
        observe(history, make_hit(client=f"Browser {number}"), f"{number}")
    assert look_up(history, make_hit(client="Browser 9")) == "other client"
    observe(history, make_hit(client="Browser 2"), "2")
    assert look_up(history, make_hit(client="Browser 9")) is None
    assert look_up(history, make_hit(client="Browser 1")) == "own client"


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest sightings of a recipient go first, and the recipients unseen for longest."""
    monkeypatch.setattr(module, "MAX_RECIPIENTS", 2)
    history = RecipientHistory()
    observe(history, make_hit(client="old"), "first")
    for number in range(MAX_SIGHTINGS):
        observe(history, make_hit(client="new"), f"{number}")
    assert look_up(history, make_hit(client="old")) == "other client"
    for address in ("second@example.com", "third@example.com"):
        observe(history, make_hit(), "m", to=address)
    assert look_up(history, make_hit(client="new")) is None
    assert look_up(history, make_hit(), to="third@example.com") == "own client"
