"""What the rules make of hits that are known from the field."""

from dataclasses import replace
from typing import Any

import pytest

from linkweir.clicks.classify import (
    RULES,
    VERDICT_REASONS,
    Classification,
    Evidence,
    Hit,
    Reputation,
    classify_hits,
)
from linkweir.clock import SECOND_US
from tests.clicks.classify.hit_factory import CHROME, START_US, make_hit, make_scan

LATE_CONTEXT = Evidence(delivered_at=START_US - 7200 * SECOND_US)
EARLY_CONTEXT = Evidence(delivered_at=START_US - 40 * SECOND_US)


def classify_single(hit: Hit, context: Evidence = LATE_CONTEXT) -> Classification:
    """The judgement on a hit that is alone."""
    return classify_hits([hit], context)[0]


def list_verdicts(hits: list[Hit], context: Evidence = LATE_CONTEXT) -> list[str]:
    """The verdicts on these hits of one mail."""
    return [found.verdict for found in classify_hits(hits, context)]


def test_a_click_hours_after_delivery_is_a_persons() -> None:
    """One link of five, followed two hours later from a browser: human."""
    assert classify_single(make_hit()).verdict == "human"


def test_an_early_click_on_the_only_link_is_little_more_than_a_guess() -> None:
    """A mail with one link leaves nothing to tell a scanner by, when it comes as early as scanners do."""
    found = classify_single(make_hit(), Evidence(delivered_at=START_US - 40 * SECOND_US))
    assert found.verdict != "machine"
    assert 0.35 < found.machine_probability < 0.65


def test_a_burst_is_a_machines_from_its_first_hit_on() -> None:
    """Five links within a second are a machine's, the first of them too, which alone was a person's."""
    hits = make_scan([0, 0.2, 0.3, 0.5, 0.9])
    assert classify_single(hits[0]).verdict == "human"
    assert list_verdicts(hits) == ["machine"] * 5
    assert all("burst" in found.reasons for found in classify_hits(hits, LATE_CONTEXT))


def test_a_burst_from_several_data_centres_is_one() -> None:
    """The same links, each from another network, with one user agent or with several."""
    for agents in ([CHROME] * 5, [CHROME, "b", "c", "d", "e"]):
        hits = [
            make_hit(number * 0.1, number, ip=f"198.51.{number}.1", user_agent=agent)
            for number, agent in enumerate(agents)
        ]
        assert list_verdicts(hits) == ["machine"] * 5


def test_whoever_follows_a_link_beside_a_burst_stays_a_person() -> None:
    """A sweep taints neither somebody on a phone half an hour later nor somebody at a desk ten seconds later."""
    people = [
        make_hit(10, 2, ip="203.0.113.9", user_agent="Firefox/140.0"),
        make_hit(1800, 1, ip="203.0.113.8", user_agent="iPhone", device="phone"),
    ]
    found = classify_hits([*make_scan([0, 0.2, 0.3, 0.5, 0.9]), *people], EARLY_CONTEXT)
    assert found[5].verdict in ("human", "unsure")
    assert found[6].verdict == "human"


def test_a_slow_sweep_soon_after_delivery_is_a_machines() -> None:
    """Ten links from the top to the end, two seconds apart, begun half a minute after delivery."""
    hits = make_scan([2.0 * number for number in range(10)])
    assert list_verdicts(hits, Evidence(delivered_at=START_US - 30 * SECOND_US)) == ["machine"] * 10


def test_a_sweep_from_many_networks_is_a_machines() -> None:
    """One user agent that follows six links from six networks within a minute."""
    hits = [make_hit(9.0 * number, number, ip=f"198.51.{number}.1") for number in range(6)]
    assert list_verdicts(hits, Evidence(delivered_at=START_US - 30 * SECOND_US)) == ["machine"] * 6


def make_shared_scan(links: int, again: int = 0, networks: int = 4) -> list[Hit]:
    """So many links, each followed once by one of three browsers from some networks, and some of them once more."""
    return [
        make_hit(
            9.0 * number + number % 3 * 4.0,
            number % links,
            ip=f"198.51.{number % networks}.1",
            user_agent=f"Browser/{number % 3}",
        )
        for number in range(links + again)
    ]


def test_a_sweep_that_several_programs_share_is_a_machines() -> None:
    """Twelve links of twelve or fourteen, each once within minutes, as soon after delivery as scanners come."""
    for links in (12, 14):
        found = classify_hits(make_shared_scan(12), replace(EARLY_CONTEXT, link_count=links))
        assert {(one.verdict, "shared-sweep" in one.reasons) for one in found} == {("machine", True)}


@pytest.mark.parametrize(
    ("hits", "context"),
    [
        (make_shared_scan(12), EARLY_CONTEXT),  # how many links there are is not known
        (make_shared_scan(12), replace(EARLY_CONTEXT, link_count=15)),  # a fifth was left out
        (make_shared_scan(12, again=1), replace(EARLY_CONTEXT, link_count=12)),  # one was followed again
        (make_shared_scan(3), replace(EARLY_CONTEXT, link_count=3)),  # so few that people meet
        (make_shared_scan(12), replace(LATE_CONTEXT, link_count=12)),  # when colleagues may share the reading
        (make_shared_scan(12, networks=2), replace(EARLY_CONTEXT, link_count=12)),  # somebody on two devices
    ],
    ids=["not known", "not all", "again", "few", "later", "two"],
)
def test_links_that_several_people_follow_are_not_shared_out(hits: list[Hit], context: Evidence) -> None:
    """Clicks from several networks are no machine's where a part of the rule is missing."""
    assert "machine" not in list_verdicts(hits, context)


def test_a_double_click_is_a_persons() -> None:
    """The same link twice within half a second is nobody's burst."""
    assert list_verdicts([make_hit(0), make_hit(0.3)]) == ["human", "human"]


def test_a_reader_of_several_links_is_a_person() -> None:
    """Three links of five with time to read between them, and the first once more on a phone."""
    hits = [
        make_hit(0, 0),
        make_hit(25, 1),
        make_hit(90, 3),
        make_hit(7000, 0, ip="203.0.113.5", user_agent="iPhone", device="phone"),
    ]
    assert list_verdicts(hits) == ["human"] * 4


def test_a_shared_office_is_full_of_people() -> None:
    """An address that follows links of thirty recipients makes no click a machine's, not even an early one."""
    office = Evidence(delivered_at=START_US - 40 * SECOND_US, recipients_per_ip={"192.0.2.7": 30})
    assert classify_single(make_hit(), office).verdict in ("human", "unsure")


def test_a_scanner_that_is_known_is_one_on_a_single_link() -> None:
    """An early click by a program that ran through other messages is a machine's, though alone it would not be."""
    click = make_hit()
    known = replace(
        EARLY_CONTEXT, reputations={click.id: Reputation(machine_messages=2, human_messages=0, age_us=60 * SECOND_US)}
    )
    found = classify_single(click, known)
    assert (found.verdict, found.reasons[0], found.verdict_without_reputation) == ("machine", "known-scanner", "human")
    assert classify_single(click, replace(LATE_CONTEXT, reputations=known.reputations)).verdict in ("human", "unsure")


@pytest.mark.parametrize("record", [Reputation(1, 0, 0), Reputation(30, 4, 0), Reputation(5, 1, 0)])
def test_a_reputation_that_includes_people_decides_nothing(record: Reputation) -> None:
    """Where people come with a scanner's browser from its address, or little is known, nothing changes."""
    click = make_hit()
    assert classify_single(click, replace(EARLY_CONTEXT, reputations={click.id: record})) == classify_single(
        click, EARLY_CONTEXT
    )


def test_a_program_that_once_read_is_likelier_a_readers() -> None:
    """One message that the very program followed as a person does speaks for it; five scans for it take that back."""
    click = make_hit(signals=("old-browser",))
    found = [
        classify_single(click, replace(EARLY_CONTEXT, reputations={click.id: record}))
        for record in (Reputation(0, 1, 0), Reputation(4, 1, 0), Reputation(5, 1, 0))
    ]
    assert ["known-reader" in one.reasons for one in found] == [True, True, False]
    assert found[0].machine_probability < 0.5 < found[2].machine_probability


def test_a_new_program_is_known_by_its_fleet() -> None:
    """What was never seen is likelier a scanner's where such programs scanned, and as before where people use them."""
    click = make_hit()
    scanned, mixed = (
        classify_single(click, replace(EARLY_CONTEXT, fleets={click.id: record}))
        for record in (Reputation(3, 0, 0), Reputation(3, 2, 0))
    )
    assert "new-in-fleet" in scanned.reasons
    assert mixed == classify_single(click, EARLY_CONTEXT)
    seen = replace(EARLY_CONTEXT, fleets={click.id: Reputation(3, 0, 0)}, reputations={click.id: Reputation(1, 0, 0)})
    assert "new-in-fleet" not in classify_single(click, seen).reasons


def test_who_waits_for_a_mail_waits_for_its_only_link() -> None:
    """A click within a minute speaks for a scanner where a mail has several links, and hardly where it has one."""
    click = make_hit()
    one, many = (classify_single(click, replace(EARLY_CONTEXT, link_count=links)) for links in (1, 8))
    assert "soon-several" in many.reasons
    assert "soon-several" not in one.reasons
    assert one.machine_probability < 0.5 < many.machine_probability


@pytest.mark.parametrize(("client", "rare"), [("Edge", True), ("Firefox", True), ("Safari", True), ("Chrome", False)])
def test_scanners_name_chrome(client: str, rare: bool) -> None:
    """A complete browser that scanners hardly ever name is likelier a person's, but not with headers missing."""
    assert ("rarely-named" in classify_single(make_hit(client=client)).reasons) is rare
    assert "rarely-named" not in classify_single(make_hit(client=client, signals=("lacks-html",))).reasons


def test_browsers_without_fetch_headers_are_peoples() -> None:
    """An old Safari sends no Sec-Fetch headers and lacks nothing; a browser that should send them does."""
    assert "no-fetch-browser" in classify_single(make_hit(signals=("no-sec-fetch",))).reasons
    assert "no-fetch-browser" not in classify_single(make_hit(signals=("no-sec-fetch", "lacks-sec-fetch"))).reasons


def test_mails_with_few_links_need_more_evidence() -> None:
    """The same missing headers soon after delivery are a machine's on eight links, and undecided on one."""
    click = make_hit(signals=("no-accept-language",))
    few, many = (classify_single(click, replace(EARLY_CONTEXT, link_count=links)).verdict for links in (1, 8))
    assert (few, many) == ("unsure", "machine")


def test_who_is_long_known_as_nothing_else_is_a_machine_later_too() -> None:
    """Minutes after delivery a click is a person's, but for a program that was nothing but a scanner for a day."""
    click = make_hit()
    quarter = Evidence(delivered_at=START_US - 900 * SECOND_US)
    assert classify_single(click, quarter).verdict == "human"
    long = classify_single(click, replace(quarter, reputations={click.id: Reputation(9, 0, 86_400 * SECOND_US)}))
    assert (long.verdict, long.reasons[0], long.verdict_without_reputation) == (
        "machine",
        "long-known-scanner",
        "human",
    )


def test_a_relay_is_full_of_people() -> None:
    """A data centre's address alone, as of an isolating browser, makes no click a machine's."""
    relayed = make_hit(network="a cloud", network_certain=False)
    assert classify_single(relayed).verdict == "human"
    people = replace(EARLY_CONTEXT, fleets={relayed.id: Reputation(3, 2, 0)})
    assert classify_single(relayed, people).verdict == "unsure"
    assert "data-centre-soon" not in classify_single(relayed, EARLY_CONTEXT).reasons
    scanning = replace(EARLY_CONTEXT, fleets={relayed.id: Reputation(3, 0, 0)})
    assert classify_single(relayed, scanning).verdict == "machine"
    strange = make_hit(network="a cloud", network_certain=False, signals=("no-accept-language",))
    assert "data-centre-soon" in classify_single(strange, EARLY_CONTEXT).reasons


def test_what_people_were_seen_with_is_not_held_against_them() -> None:
    """An old browser that followed other mails' links as a person does is a person's when it comes early, too."""
    old = make_hit(signals=("old-browser",))
    early = replace(EARLY_CONTEXT, link_count=1)
    assert classify_single(old, early).verdict == "unsure"
    known = replace(early, reputations={old.id: Reputation(0, 2, 0)})
    assert "known-readers" in classify_single(old, known).reasons
    assert classify_single(old, known).verdict == "human"


def test_a_shared_mailbox_is_read_by_people() -> None:
    """Sixty people who follow links of one message within some minutes, some in the same second, are no machine."""
    hits = [
        make_hit(
            number * 4.1 + (number % 3) * 0.9, number % 5, ip=f"203.0.{number}.1", user_agent=f"Browser/{number % 9}"
        )
        for number in range(60)
    ]
    assert "machine" not in list_verdicts(hits, LATE_CONTEXT)


def test_a_flood_is_a_machines() -> None:
    """One source that runs through five links again and again is no crowd of readers."""
    hits = [make_hit(number * 0.1, number % 5) for number in range(300)]
    assert set(list_verdicts(hits)) == {"machine"}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"method": "HEAD"}, "head"),
        ({"method": "OPTIONS"}, "odd-method"),
        ({"kind": "honeypot"}, "honeypot"),
        ({"user_agent_class": "bot"}, "agent-bot"),
        ({"user_agent_class": "library"}, "agent-library"),
        ({"user_agent_class": "preview"}, "agent-preview"),
        ({"user_agent_class": "automation"}, "agent-automation"),
        ({"network": "a scanner's", "network_certain": True}, "network-certain"),
    ],
)
def test_decisive_rules_need_no_others(more: dict[str, Any], reason: str) -> None:
    """These need no other hit, not even soon after delivery: a machine, with this reason before all others."""
    found = classify_single(make_hit(**more), EARLY_CONTEXT)
    assert (found.verdict, found.reasons[0]) == ("machine", reason)


def test_a_prefetch_is_recognised_by_its_header() -> None:
    """A browser that fetches ahead is a prefetch; the click that follows is a person's."""
    assert list_verdicts([make_hit(0, prefetch=True), make_hit(20)]) == ["prefetch", "human"]


def test_the_hidden_link_decides_for_its_source() -> None:
    """Whoever followed the hidden link is a machine on every link, and others are not."""
    trap = make_hit(1, -1, kind="honeypot")
    found = classify_hits([make_hit(0), trap, make_hit(4, 2), make_hit(5, 3, ip="203.0.113.5")], LATE_CONTEXT)
    assert [one.verdict for one in found] == ["machine", "machine", "machine", "human"]
    assert found[0].reasons[0] == "honeypot-source"


def test_head_and_then_get_is_one_machine() -> None:
    """A GET just after its own source's HEAD for the same link is a machine's; one from elsewhere is not."""
    head = make_hit(0, method="HEAD")
    assert list_verdicts([head, make_hit(0.4)], EARLY_CONTEXT) == ["machine", "machine"]
    assert list_verdicts([head, make_hit(0.4, ip="203.0.113.5", user_agent="Firefox/140.0")])[1] == "human"


def test_an_open_is_classified_by_its_own_request() -> None:
    """A pixel that is fetched in the middle of a burst is unsure, a robot's is a machine's."""
    hits = [
        *make_scan([0, 0.2, 0.3, 0.5]),
        make_hit(0.4, -1, kind="open"),
        make_hit(9, -1, kind="open", user_agent_class="bot"),
    ]
    assert list_verdicts(hits, EARLY_CONTEXT)[4:] == ["unsure", "machine"]


def test_missing_headers_make_unsure_and_a_whole_set_makes_a_machine() -> None:
    """No language alone is a person's oddity; a Chrome of these years that sends nothing of its own is none."""
    assert classify_single(make_hit(signals=("no-accept-language",)), EARLY_CONTEXT).verdict == "unsure"
    bare = make_hit(signals=("no-accept-language", "lacks-sec-fetch", "lacks-brotli"))
    assert classify_single(bare, EARLY_CONTEXT).verdict == "machine"


def test_without_an_address_the_rest_decides() -> None:
    """In the stricter privacy modes a burst is still a burst, and that nothing was kept says nothing."""
    bare: dict[str, Any] = {"ip": None, "user_agent": None}
    assert list_verdicts(make_scan([0, 0.2, 0.3, 0.5], **bare)) == ["machine"] * 4
    assert classify_single(make_hit(**bare)).verdict == "human"
    assert classify_single(make_hit(**bare, signals=("agent-library",))).reasons[0] == "agent-library"


def test_every_rule_is_explained() -> None:
    """Codes are unique and fit between spaces, each has a sentence, and either a weight or a verdict."""
    assert len(VERDICT_REASONS) == len(RULES)
    for rule in RULES:
        assert rule.code.replace("-", "").isalpha()
        assert rule.sentence.endswith(".")
        assert (rule.weight == 0.0) == (rule.verdict is not None)


def test_the_probability_agrees_with_the_verdict() -> None:
    """The confidence is the probability of a machine where a machine is the verdict, and of a person where one is."""
    for seconds in ([0, 0.2, 0.3, 0.5], [0], [0, 30, 95]):
        for found in classify_hits(make_scan(seconds), EARLY_CONTEXT) + classify_hits(make_scan(seconds), LATE_CONTEXT):
            machine = found.machine_probability
            expected = {"machine": machine, "human": 1 - machine}.get(found.verdict, max(machine, 1 - machine))
            assert found.confidence == round(expected, 3)


def test_a_check_beside_a_click_is_a_machines_and_the_click_a_persons() -> None:
    """The same link from a data centre a second before a reader's phone follows it."""
    reader = make_hit(0, 2, ip="203.0.113.9", user_agent="iPhone", device="phone")
    check = make_hit(-1, 2, ip="198.51.100.1", network="a cloud", signals=("no-accept-language",))
    found = classify_hits([check, reader], LATE_CONTEXT)
    assert [one.verdict for one in found] == ["machine", "human"]
    assert "click-check" in found[0].reasons


def test_a_click_beside_a_sweep_is_no_echo() -> None:
    """Who follows a link some seconds after a scanner ran through all of them is not taken for its echo."""
    reader = make_hit(10, 2, ip="203.0.113.9", user_agent="Firefox/140.0")
    found = classify_hits([*make_scan([0, 0.2, 0.3, 0.5, 0.9]), reader], LATE_CONTEXT)
    assert not {"echo", "click-check"} & set(found[-1].reasons)


def test_links_followed_minutes_apart_by_one_program_are_a_machines() -> None:
    """Six links from six networks, two minutes apart, with one user agent; and from one with an old browser."""
    many = [make_hit(120.0 * number, number, ip=f"198.51.{number}.1") for number in range(6)]
    assert list_verdicts(many, replace(EARLY_CONTEXT, link_count=8)) == ["machine"] * 6
    one = [make_hit(120.0 * number, number, signals=("old-browser",)) for number in range(6)]
    assert list_verdicts(one, replace(EARLY_CONTEXT, link_count=8)) == ["machine"] * 6
    reader = [make_hit(120.0 * number, number) for number in range(6)]
    assert "machine" not in list_verdicts(reader, replace(EARLY_CONTEXT, link_count=8))


def test_links_that_strangers_follow_one_by_one_are_a_machines() -> None:
    """Six links within minutes, each from another network with another browser."""
    hits = [
        make_hit(40.0 * number, number, ip=f"198.{number}.100.1", user_agent=f"Browser/{number}") for number in range(6)
    ]
    assert list_verdicts(hits, replace(EARLY_CONTEXT, link_count=8)) == ["machine"] * 6


def test_an_owners_other_addresses_are_suspect_beside_its_machines() -> None:
    """A single hit from a cloud that swept the other links a minute ago is suspect; one from elsewhere is not."""
    sweep = make_scan([0, 0.2, 0.3, 0.5], ip="198.51.1.1", network="a cloud")
    inside = make_hit(60, 5, ip="198.52.1.1", user_agent="Browser/1", network="a cloud")
    outside = make_hit(60, 5, ip="203.0.113.9", user_agent="Browser/1")
    assert "beside-owner" in classify_hits([*sweep, inside], LATE_CONTEXT)[-1].reasons
    assert "beside-owner" not in classify_hits([*sweep, outside], LATE_CONTEXT)[-1].reasons
