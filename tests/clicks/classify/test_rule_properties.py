"""What holds for every set of hits, whatever it looks like."""

import uuid
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from linkweir.clicks.classify import (
    RULES,
    VERDICT_REASONS,
    WINDOW_US,
    Evidence,
    Hit,
    Reputation,
    classify_hits,
)
from linkweir.clicks.classify.calibration import MAX_PROBABILITY
from linkweir.clicks.classify.features import FeatureExtractor
from linkweir.clicks.classify.rule_matching import match_rules, matching_codes
from linkweir.clicks.header_signals import SIGNALS
from linkweir.clock import SECOND_US
from tests.clicks.classify.hit_factory import CHROME, START_US, shuffle

IPS = st.sampled_from(["192.0.2.1", "192.0.2.200", "198.51.100.4", "2001:db8::1", "2001:db8:0:0:5::9", None])
AGENTS = st.sampled_from([CHROME, "Firefox/140.0", "curl/8", None])
TIMES = st.one_of(st.integers(0, 3 * SECOND_US), st.integers(0, 300 * SECOND_US), st.integers(0, 4 * WINDOW_US))
HITS = st.builds(
    Hit,
    id=st.builds(uuid.UUID, int=st.integers(0, 2**128 - 1)),
    at=TIMES.map(lambda at: START_US + at),
    method=st.sampled_from(["GET", "GET", "GET", "HEAD", "POST"]),
    position=st.integers(0, 9),
    kind=st.sampled_from(["click", "click", "click", "open", "honeypot"]),
    ip=IPS,
    user_agent=AGENTS,
    prefetch=st.sampled_from([False, False, False, True]),
    signals=st.lists(st.sampled_from(SIGNALS), unique=True, max_size=4).map(tuple),
    device=st.sampled_from([None, "phone", "desktop"]),
    network=st.sampled_from([None, None, "a network"]),
    network_certain=st.booleans(),
    user_agent_class=st.sampled_from([None, None, None, "bot", "preview", "image-proxy"]),
)
HIT_LISTS = st.lists(HITS, min_size=1, max_size=24, unique_by=lambda hit: hit.id)
CONTEXTS = st.builds(
    Evidence,
    delivered_at=st.one_of(st.none(), st.integers(-7200 * SECOND_US, 300 * SECOND_US).map(lambda at: START_US + at)),
    link_count=st.one_of(st.none(), st.integers(1, 12)),
    recipients_per_ip=st.dictionaries(st.sampled_from(["192.0.2.1", "198.51.100.4"]), st.integers(1, 200)),
)
BROWSERS = st.builds(
    Hit,
    id=st.builds(uuid.UUID, int=st.integers(0, 2**128 - 1)),
    at=TIMES.map(lambda at: START_US + at),
    position=st.integers(0, 9),
    ip=IPS,
    user_agent=AGENTS,
    signals=st.lists(st.sampled_from([code for code in SIGNALS if code != "no-user-agent"]), unique=True).map(tuple),
    network=st.sampled_from([None, "a cloud"]),
)


@given(HIT_LISTS, CONTEXTS, st.integers())
def test_order_changes_nothing(hits: list[Hit], context: Evidence, seed: int) -> None:
    """The same hits in any order, and judged again, get the same judgements, in the order asked in."""
    first = classify_hits(hits, context)
    assert [one.id for one in first] == [hit.id for hit in hits]
    assert {one.id: one for one in classify_hits(shuffle(hits, seed), context)} == {one.id: one for one in first}


@given(HIT_LISTS, CONTEXTS)
def test_judgements_are_well_formed(hits: list[Hit], context: Evidence) -> None:
    """A verdict of the four, a confidence between a half (a third for people) and one, and codes that are explained."""
    for judgement in classify_hits(hits, context):
        assert judgement.verdict in ("human", "prefetch", "machine", "unsure")
        assert 0.5 <= judgement.confidence <= MAX_PROBABILITY
        assert set(judgement.reasons) <= VERDICT_REASONS.keys()
        assert len(set(judgement.reasons)) == len(judgement.reasons)


@given(BROWSERS, CONTEXTS)
def test_one_get_of_a_browser_is_never_certain(hit: Hit, context: Evidence) -> None:
    """A single GET that nothing strong speaks against is never a machine's; with something, never with certainty."""
    (found,) = classify_hits([hit], context)
    strong = {rule.code for rule in RULES if rule.strong or rule.verdict}
    assert found.verdict != "machine" or strong & set(found.reasons)
    assert found.verdict != "machine" or found.confidence < 1


@given(HIT_LISTS, CONTEXTS, st.data())
def test_a_record_never_feeds_itself(hits: list[Hit], context: Evidence, data: st.DataObject) -> None:
    """What a hit shows by itself is the verdict that it has without records, whatever they say; and none but those of
    people speak for a click.
    """
    known = st.builds(Reputation, st.integers(0, 40), st.integers(0, 3), st.integers(0, 9 * 86_400 * SECOND_US))
    records = {hit.id: data.draw(known) for hit in hits}
    order = ("human", "unsure", "machine", "prefetch")
    for hit, old, new in zip(
        hits, classify_hits(hits, context), classify_hits(hits, replace(context, reputations=records)), strict=True
    ):
        assert new.verdict_without_reputation == old.verdict_without_reputation
        if "data-centre-soon" not in old.reasons:  # what is learned may take that back, so it is never remembered
            assert old.verdict_without_reputation == old.verdict
        of_people = records[hit.id].human_messages > 0
        assert of_people or order.index(new.verdict) >= order.index(old.verdict)
        assert hit.kind == "click" or new == old


@given(HIT_LISTS, CONTEXTS, HITS)
def test_what_is_far_away_changes_nothing(hits: list[Hit], context: Evidence, other: Hit) -> None:
    """A hit further from all others than WINDOW changes none of their verdicts."""
    far = replace(other, id=uuid.uuid4(), at=max(hit.at for hit in hits) + WINDOW_US + 1)
    assert classify_hits([*hits, far], context)[:-1] == classify_hits(hits, context)


@settings(max_examples=200)
@given(HIT_LISTS, CONTEXTS, HITS)
def test_a_head_makes_nobody_more_of_a_person(hits: list[Hit], context: Evidence, other: Hit) -> None:
    """A HEAD is a machine's itself, and no GET that was a machine's stops being one by it; opens stay as they were."""
    head = replace(other, id=uuid.uuid4(), method="HEAD", kind="click", prefetch=False)
    before, after = classify_hits(hits, context), classify_hits([*hits, head], context)
    assert after[-1].verdict == "machine"
    for hit, old, new in zip(hits, before, after, strict=False):
        if hit.kind == "open":
            assert new == old
        if old.verdict == "machine":
            assert new.verdict == "machine"
        if hit.method == "HEAD" or hit.prefetch or hit.kind == "honeypot":
            assert (new.verdict, new.confidence) == (old.verdict, old.confidence)


@given(HIT_LISTS, CONTEXTS)
def test_a_hidden_link_only_condemns(hits: list[Hit], context: Evidence) -> None:
    """A hit on the hidden link makes those of its own address and program a machine's; others change only where that
    condemns a sweep of their network's owner, and then towards a machine.
    """
    trap = Hit(id=uuid.uuid4(), at=START_US, kind="honeypot", ip="192.0.2.1", user_agent=CHROME)
    clean = [hit for hit in hits if hit.kind != "honeypot"]
    before, after = classify_hits(clean, context), classify_hits([*clean, trap], context)
    for hit, old, new in zip(clean, before, after, strict=False):
        if (hit.ip, hit.user_agent) == (trap.ip, trap.user_agent):
            assert new == old or new.verdict == "machine"
        elif new != old:
            assert "beside-owner" in set(new.reasons) - set(old.reasons)
            assert new.machine_probability >= old.machine_probability


RECORDS = st.none() | st.builds(
    Reputation,
    st.integers(0, 10),
    st.integers(0, 10),
    st.sampled_from([0, 43_199, 43_200]).map(lambda age: age * SECOND_US),
)


@given(HIT_LISTS, CONTEXTS, st.data())
def test_rules_that_are_not_asked_would_not_apply(hits: list[Hit], context: Evidence, data: st.DataObject) -> None:
    """Asking only the rules whose evidence is there, and looking up what they said of an alike hit, finds what
    asking all of them would.
    """
    drawn = [(hit.id, data.draw(RECORDS), data.draw(RECORDS)) for hit in hits]
    context = replace(
        context,
        reputations={key: record for key, record, _ in drawn if record},
        fleets={key: fleet for key, _, fleet in drawn if fleet},
    )
    extractor = FeatureExtractor(hits, context)
    for hit in hits:
        features = extractor.extract(hit)
        everything = {rule.code for rule in RULES if rule.matches(features)}
        for asked in (matching_codes(features), match_rules(extractor, hit, context).codes):
            assert set(asked) == everything or features.hit.kind != "click"
