"""The sums that are kept as clicks come in are those that anyone would count from the clicks."""

import os
import tempfile
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linkweir.clicks.ingest.rebuild_worker import rebuild_aggregates
from linkweir.mail import message_ids
from linkweir.tokens.campaign_tags import SANDBOX_TAG
from tests.clicks.ingest.click_database import START_US, ClickDatabase, recount

MESSAGES: tuple[dict[str, Any], ...] = (
    {"tags": ["spring", "news"], "variant": "a", "attributes": {"plan": "pro", "region": "north"}},
    {"tags": ["spring", "spring"], "recipient": "ada@example.net", "variant": "b"},
    {"tags": [], "attributes": {"plan": "free"}},
    {"tags": ["spring"], "sandbox_result": "deliver"},
)
MEMORY_FOLDER = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - flushes cost most of the time
EXPIRED_NUMBER = message_ids.link_number(uuid.UUID(int=(7 << 76) | (2 << 62) | (1 << 61)))


@st.composite
def generate_hit(draw: st.DrawFn) -> dict[str, Any]:
    """One hit, said in a way that does not depend on a world."""
    return {
        "whose": draw(st.sampled_from([0, 0, 1, 1, 2, 3, "bulk", "other", "anonymous", "tried", "gone"])),
        "position": draw(st.integers(0, 5)),
        "after": draw(st.integers(0, 40)) / 2 + draw(st.sampled_from([0, 0, 50, 60, 3600])),
        "method": draw(st.sampled_from(["GET", "GET", "GET", "HEAD"])),
        "prefetch": draw(st.sampled_from([False, False, False, True])),
        "kind": draw(st.sampled_from(["click", "click", "click", "open"])),
        "ip": draw(st.sampled_from(["10.0.0.1", "192.0.2.1", None])),
        "user_agent": draw(st.sampled_from(["Browser", "Phone", None])),
        "objected": draw(st.sampled_from([False, False, False, False, True])),
        "pseudonymous": draw(st.sampled_from([False, False, True])),
        "internal": draw(st.sampled_from([False, False, False, False, True])),
    }


def make_event(world: ClickDatabase, hit: dict[str, Any]) -> Any:
    """The fact of a hit, as the redirect would record it."""
    owner, fields = hit["whose"], {name: hit[name] for name in ("method", "prefetch", "kind", "ip", "user_agent")}
    fields["internal_accounts"] = world.account.hex if hit["internal"] else ""
    fact_of = {"bulk": 42, "other": None, "anonymous": None, "tried": None, "gone": EXPIRED_NUMBER}
    number = world.numbers[owner] if isinstance(owner, int) else fact_of[owner]
    if owner == "other":
        fields["message_ref"] = "letter-7"
    if hit["kind"] == "open":
        fields |= {"position": -1, "destination": None}
    if owner in ("anonymous", "tried"):
        campaign = "spring" if owner == "anonymous" else SANDBOX_TAG
        fields |= {"privacy": "anonymous", "campaign": campaign, "destination": None, "country": "IT"}
        fields |= {"ip": None, "user_agent": None}
    elif hit["objected"]:
        fields |= {"privacy": "anonymous", "objected": True, "destination": None, "message_ref": None}
        fields |= {"ip": None, "user_agent": None, "device": "phone"}
    elif hit["pseudonymous"]:
        fields |= {"privacy": "pseudonymous", "ip": None, "user_agent": None, "country": "DE", "device": "phone"}
    if hit["position"] == 4 and "destination" not in fields:
        fields["destination"] = "https://example.com/?to=ada@example.org"
    return world.make_event(number, **{"position": hit["position"], "after": hit["after"], **fields})


BATCHES = st.tuples(st.lists(generate_hit(), max_size=14), st.sampled_from([None, None, None, 0, 1, 2, 3]))


@given(st.lists(BATCHES, min_size=1, max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.both_databases
def test_counting_as_they_come_equals_counting_anew(
    batches: list[tuple[list[dict[str, Any]], int | None]], random: Any
) -> None:
    """Whatever comes in whatever order, late and twice, and whichever messages go: sums, links, counts, status and who
    came first are those of a rebuild, and the sums those of a plain recount.
    """
    with tempfile.TemporaryDirectory(dir=MEMORY_FOLDER) as folder:
        world = ClickDatabase(Path(folder))
        for fields in MESSAGES:
            world.send(*fields["tags"], **{name: value for name, value in fields.items() if name != "tags"})
        seen: list[Any] = []
        retired: set[int] = set()
        for batch, over in batches:
            facts = [make_event(world, hit) for hit in batch]
            again = random.sample(seen, min(3, len(seen)))
            world.ingest(*facts, *again, *again[:1])
            seen += facts
            if over is not None and world.numbers[over] not in retired:
                world.expire_message(world.numbers[over])
                retired.add(world.numbers[over])
        counted = world.state()
        assert world.aggregates() == recount(world)
        rebuild_aggregates(world.database, START_US, lambda _what, _done: True)
        assert world.state() == counted
        world.database.close()
