"""The mix of traffic that verdicts are judged on: it follows from its seed, has all behaviours, and is as its sources
say."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from ipaddress import ip_address, ip_network
from itertools import pairwise
from random import Random
from statistics import quantiles

import pytest
from bench.simulator.clients import EPOCH_SECONDS, Campaign, Mail, Request
from bench.simulator.holdout import companions, devices, generate, machines, organisations, people
from bench.simulator.holdout.browsers import Browser
from bench.simulator.holdout.distributions import (
    READER_DELAY_QUANTILES,
    SWEEP_BEGIN_BANDS,
    delay_by_bands,
    delay_by_quantiles,
)
from bench.simulator.holdout.sources import OWN_JUDGEMENT, SOURCES
from bench.simulator.holdout.world import WorldBuilder

MAILS = 4000
HUMAN_LABELS = (
    *("single-link", "several-links", "tabs", "in-order", "opens-all", "tester", "confirms", "double-click", "retry"),
    *("second-device", "forwarded", "chat", "revisit", "weeks-later"),
)
COMPANION_LABELS = (
    *("machine/check-head", "machine/check-get", "machine/check-agent", "machine/echo", "machine/antivirus"),
    *("machine/antivirus-arrival", "machine/toolbar", "prefetch/hover-preview", "prefetch/office", "prefetch/app"),
    "prefetch/chat-preview",
)
LABELS = {
    *(f"human/{name}" for name in HUMAN_LABELS),
    *(f"machine/{name}" for name in machines.BEHAVIOURS),
    *COMPANION_LABELS,
}
DEVICES = (
    *("current-desktop", "current-iphone", "current-safari", "phone", "old-chromium", "old-safari"),
    *("internet-explorer", "iphone-in-app", "android-in-app", "tor"),
)
NETWORKS = ("mobile", *organisations.HOME_NETWORKS, *organisations.OFFICE_NETWORKS)


@cache
def campaign(seed: int = 5) -> Campaign:
    """The traffic of a seed."""
    return generate(seed, MAILS)


def requests_of(mails: Iterable[Mail]) -> list[Request]:
    """All requests of mails."""
    return [request for mail in mails for request in mail.requests]


def label_of(request: Request) -> str:
    """The label of a request, truth and actor."""
    return f"{request.truth}/{request.actor}"


def is_business(mail: Mail) -> bool:
    """Whether a company gets the mail."""
    return "@company" in mail.recipient


def test_the_same_seed_gives_the_same_traffic_and_another_seed_another() -> None:
    """All follows from the seed: mails, requests, networks."""
    assert generate(7, 300) == generate(7, 300)
    assert generate(7, 300).mails != generate(8, 300).mails


def test_every_mail_has_requests_for_its_links_in_order_of_time() -> None:
    """Numbers are indexes, links exist, times ascend and begin around the epoch of the mix."""
    mails = campaign().mails
    assert [mail.number for mail in mails] == list(range(MAILS))
    for mail in mails:
        assert mail.requests
        assert {request.mail for request in mail.requests} == {mail.number}
        assert all(0 <= request.link < mail.links for request in mail.requests)
        assert all(before.at <= after.at for before, after in pairwise(mail.requests))
        assert 0 <= mail.delivered < 60 * 86_400
        assert all(ip_address(request.ip) for request in mail.requests)


def test_every_behaviour_occurs_and_no_other() -> None:
    """Each label of the three kinds of truth is in the traffic."""
    seen = {label_of(request) for seed in (5, 6) for request in requests_of(campaign(seed).mails)}
    assert seen == LABELS


def test_people_have_groups_and_machines_have_none() -> None:
    """Each request of a person names its device and network; all groups occur; testers and habits are marked."""
    everything = requests_of(campaign(5).mails + campaign(6).mails)
    counts = Counter(trait for request in everything for trait in request.traits)
    assert {f"device:{name}" for name in DEVICES} | {f"network:{name}" for name in NETWORKS} <= counts.keys()
    for request in everything:
        if request.truth == "human":
            assert [trait.partition(":")[0] for trait in request.traits[:2]] == ["device", "network"]
        else:
            assert request.traits == ()
        assert ("habit:tester" in request.traits) == (label_of(request) == "human/tester")
        assert ("habit:opens-all" in request.traits) == (label_of(request) == "human/opens-all")


@pytest.mark.parametrize(
    "behaviour",
    [
        *machines.BEHAVIOURS.values(),
        *(people.single_link, people.several_links, people.tabs, people.in_order, people.opens_all, people.tester),
        *(people.confirms, *(follow_up for _, follow_up in people.FOLLOW_UPS)),
        *(companions.check_head, companions.check_get, companions.check_agent, companions.echo, companions.antivirus),
        *(companions.antivirus_arrival, companions.toolbar, companions.hover_preview, companions.office_prefetch),
        *(companions.app_prefetch, companions.chat_preview),
    ],
)
def test_every_behaviour_names_its_sources(behaviour: Callable[..., None]) -> None:
    """The docstring of a behaviour names a source of the table, or own judgement."""
    _, _, cited = (behaviour.__doc__ or "").partition("Sources:")
    names = set(re.findall(r"[\w.#-]*\w", cited))
    assert names & SOURCES.keys() or OWN_JUDGEMENT in cited
    assert {name for name in names if "#" in name} <= SOURCES.keys()


def test_sweeps_begin_and_readers_click_when_the_sources_say() -> None:
    """Two thirds of sweeps begin between 20 and 60 s; a third of first clicks is in an hour, 81 % in a day."""
    rng = Random(1)  # noqa: S311 - no secret
    begins = [delay_by_bands(rng, SWEEP_BEGIN_BANDS) for _ in range(20_000)]
    assert sum(20 <= begin < 60 for begin in begins) / 20_000 == pytest.approx(0.664, abs=0.015)
    assert sum(begin < 20 for begin in begins) / 20_000 == pytest.approx(0.027, abs=0.006)
    delays = [delay_by_quantiles(rng, READER_DELAY_QUANTILES) for _ in range(20_000)]
    for hours, share in ((1, 0.336), (3, 0.514), (24, 0.81), (168, 0.981)):
        assert sum(delay <= hours * 3600 for delay in delays) / 20_000 == pytest.approx(share, abs=0.015)


def test_machines_make_the_share_of_clicks_that_senders_report() -> None:
    """About 75 % to companies, half to consumers, two thirds of all, each link of a mail counted once."""
    for seed in (5, 6):
        shares = {}
        for business in (True, False):
            clicks = Counter(
                machine
                for mail in campaign(seed).mails
                if is_business(mail) is business
                for _, machine in {(r.link, r.truth != "human") for r in mail.requests if r.method == "GET"}
            )
            shares[business] = clicks[True] / clicks.total()
        assert 0.68 < shares[True] < 0.86, shares
        assert 0.35 < shares[False] < 0.65, shares


def test_the_first_two_links_get_most_clicks() -> None:
    """Of five links the first has 35 %, the second as much, the third a third of that; of twenty the first most too."""
    rng = Random(1)  # noqa: S311 - no secret
    links = Counter(people.preferred_link(rng, 5) for _ in range(20_000))
    assert links[0] / 20_000 == pytest.approx(0.35, abs=0.015)
    assert links[1] / 20_000 == pytest.approx(0.36, abs=0.015)
    assert links[2] / links[1] == pytest.approx(0.33, abs=0.02)
    many = Counter(people.preferred_link(rng, 20) for _ in range(20_000))
    assert len(many) == 20
    assert many.most_common(1)[0][0] == 0


def test_the_world_has_the_shares_of_its_tables() -> None:
    """Over many seeds, networks, habits, programs, checks and filters are as frequent as the tables say."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("office", "home", "habits", "companions", "checks")}
    unprotected = Counter[bool]()
    for seed in range(20):
        world = WorldBuilder(Random(seed)).build(600)  # noqa: S311 - no secret
        for person in world.people:
            desk = "office" if person.organisation.business else "home"
            counts[desk][person.desk().network.kind] += 1
            counts["habits"][person.habit] += 1
            counts["companions"][person.companion] += 1
        counts["checks"].update(company.check for company in world.companies)
        unprotected.update(not any(layer.behaviour != "archive" for layer in c.filters) for c in world.companies)
    for name, table in (
        ("office", organisations.OFFICE_NETWORKS),
        ("home", organisations.HOME_NETWORKS),
        ("habits", organisations.HABITS),
        ("companions", organisations.COMPANIONS),
        ("checks", organisations.CLICK_CHECKS),
    ):
        for item, share in table.items():
            each = counts[name].total() / 20  # in a world, of which the first have every item once
            expected = share / sum(table.values()) * (1 - len(table) / each) + 1 / each
            assert counts[name][item] / counts[name].total() == pytest.approx(expected, rel=0.35, abs=0.006), item
    each, none = unprotected.total() / 20, organisations.FILTERS["none"][1]
    first = none * (1 - len(organisations.FILTERS) / each) + 1 / each
    expected = first * (1 - organisations.SECOND_FILTER_SHARE * (1 - none))
    assert unprotected[True] / unprotected.total() == pytest.approx(expected, abs=0.04)
    assert sum(share for _, share in organisations.FILTERS.values()) == pytest.approx(1)


def test_browsers_are_as_frequent_as_the_tables_say() -> None:
    """Over ten seeds, families of desktops, offices and phones have their shares, old Chromes theirs."""
    desktops, offices, phones = Counter[str](), Counter[str](), Counter[str]()
    old = 0
    for seed in range(10):
        rng = Random(seed)  # noqa: S311 - no secret
        market = devices.DeviceMarket(rng)
        for _ in range(2000):
            desktop = market.desktop(rng, False)
            old += desktop.family == "chrome" and desktop.version > 0
            desktops[desktop.family] += 1
            offices[market.desktop(rng, True).family] += 1
            phones[market.phone(rng).family] += 1
    for counts, table in (
        (desktops, devices.DESKTOP_FAMILIES),
        (offices, devices.OFFICE_FAMILIES),
        (phones, devices.PHONE_FAMILIES),
    ):
        for family, share in table.items():
            assert counts[family] / counts.total() == pytest.approx(share, rel=0.25, abs=0.01), family
    assert old / 20_000 == pytest.approx(devices.OLD_CHROME_SHARE, rel=0.2)


def test_follow_ups_are_as_frequent_as_stated() -> None:
    """Double clicks, forwards and chats follow the stated shares of visits."""
    mails = campaign(5).mails + campaign(6).mails
    visits = sum(
        any(r.actor in ("single-link", "several-links", "tabs", "in-order", "opens-all") for r in mail.requests)
        for mail in mails
    )
    for actor, share in (
        ("double-click", people.DOUBLE_CLICK_SHARE),
        ("revisit", people.REVISIT_SHARE),
        ("second-device", people.SECOND_DEVICE_SHARE * 0.75),  # a quarter has no phone
        ("forwarded", people.FORWARD_SHARE),
        ("chat", people.CHAT_SHARE),
        ("retry", people.RETRY_SHARE),
    ):
        count = sum(any(request.actor == actor for request in mail.requests) for mail in mails)
        assert count / visits == pytest.approx(share, rel=0.35), actor


def test_consumers_click_more_on_phones_than_people_at_work() -> None:
    """Phones make nearly half of single clicks at home, a quarter at work."""
    for business, low, high in ((True, 0.18, 0.37), (False, 0.37, 0.6)):
        clicks = [
            request
            for mail in campaign().mails + campaign(6).mails
            if is_business(mail) is business
            for request in mail.requests
            if request.actor == "single-link"
        ]
        phones = sum("iPhone" in request.user_agent or "Android" in request.user_agent for request in clicks)
        assert low < phones / len(clicks) < high


def test_browsers_send_what_their_version_sends() -> None:
    """Sec-Fetch from Chrome 80, Firefox 90 and Safari 16.4, Sec-Fetch-User never from Safari, versions by date."""

    def headers(family: str, system: str, version: float) -> dict[str, str]:
        return Browser(family, system, "de", version).request(EPOCH_SECONDS)[1]

    assert "sec-fetch-mode" not in headers("chrome", "windows-7", 72)
    assert headers("chrome", "windows-7", 109)["sec-fetch-user"] == "?1"
    assert "sec-ch-ua" not in headers("chrome", "windows", 83)
    assert "zstd" in headers("chrome", "windows", 130)["accept-encoding"]
    assert "zstd" not in headers("chrome", "windows", 109)["accept-encoding"]
    assert "sec-fetch-mode" not in headers("iphone", "iphone", 15.8)
    assert headers("iphone", "iphone", 18.5)["sec-fetch-site"] == "none"
    assert "sec-fetch-user" not in headers("iphone", "iphone", 18.5)
    assert headers("firefox", "windows", 139)["accept-language"] == "de,en-US;q=0.7,en;q=0.3"
    assert not any(name.startswith("sec-") for name in headers("internet-explorer", "windows", 0))
    assert "x-requested-with" in headers("android-in-app", "android", 137)
    assert Browser("chrome", "windows", "de").current_version(EPOCH_SECONDS) == 137
    assert Browser("firefox", "windows", "de").current_version(EPOCH_SECONDS) == 139
    assert Browser("chrome", "windows", "de", lag_days=40).current_version(EPOCH_SECONDS) == 136


def test_proxies_change_headers_and_versions_of_http() -> None:
    """A stripping proxy leaves no Sec-Fetch and no encoding, an old one speaks HTTP/1.0 and names itself."""
    everything = requests_of(campaign(5).mails + campaign(6).mails)
    for request in everything:
        if "network:stripping-proxy" in request.traits:
            assert not any(name.startswith("sec-") or name == "accept-encoding" for name in request.headers)
        if "network:http10-proxy" in request.traits:
            assert request.http_version == "1.0"
            assert request.headers["via"].startswith("1.0")
    assert {request.actor for request in everything if request.http_version == "1.0" and request.truth == "machine"}


def test_only_checks_use_head_and_headless_browsers_name_no_language() -> None:
    """HEAD comes from checks, libraries, antivirus and Office; HeadlessChrome has Sec-Fetch without a language."""
    everything = requests_of(campaign(5).mails + campaign(6).mails)
    assert {label_of(request) for request in everything if request.method == "HEAD"} == {
        *("machine/head-first", "machine/check-head", "machine/library", "machine/antivirus", "prefetch/office"),
    }
    headless = [request for request in everything if "HeadlessChrome" in request.user_agent]
    assert headless
    assert all("sec-fetch-mode" in r.headers and "accept-language" not in r.headers for r in headless)


def test_nothing_comes_before_delivery_but_what_may() -> None:
    """Before delivery come only filters that decide about the mail, and checks of clicks within seconds of it."""
    for mail in campaign(5).mails + campaign(6).mails:
        early = {request.actor for request in mail.requests if request.at < mail.delivered}
        assert early <= {"before-delivery", "check-head", "check-get", "check-agent", "antivirus", "office"}
    early_sweeps = [m for m in campaign().mails if any(r.actor == "before-delivery" for r in m.requests)]
    assert sum(mail.requests[0].at < mail.delivered for mail in early_sweeps) / len(early_sweeps) > 0.9


def test_rescans_archives_and_drips_take_their_time() -> None:
    """Rescans and archives come an hour or more later for most mails, drips wait half a minute and more."""
    for actor in ("rescan", "archive"):
        delays = [r.at - m.delivered for m in campaign().mails for r in m.requests[:1] if r.actor == actor]
        assert quantiles(delays)[0] > 3600
        assert quantiles(delays)[2] < 6 * 86_400
    gaps = []
    for mail in campaign(5).mails + campaign(6).mails:
        times = [request.at for request in mail.requests if request.actor == "slow-drip"]
        gaps += [after - before for before, after in pairwise(times)]
    assert quantiles(gaps)[0] > 20
    assert quantiles(gaps)[2] < 600


def test_an_echo_comes_seconds_after_a_click_from_another_address() -> None:
    """Before each echo a person has followed the same link, from another address."""
    for mail in campaign(5).mails + campaign(6).mails:
        for request in mail.requests:
            if request.actor == "echo":
                clicks = [r for r in mail.requests if r.truth == "human" and r.link == request.link]
                assert any(0 < request.at - click.at < 600 and click.ip != request.ip for click in clicks)


def test_a_spray_has_another_address_and_agent_for_each_request() -> None:
    """The requests of a spray for one mail come from nearly as many addresses."""
    for mail in campaign().mails:
        spray = [request for request in mail.requests if request.actor == "spray"]
        if len(spray) > 5:
            assert len({request.ip for request in spray}) >= len(spray) - 1
            assert len({request.user_agent for request in spray}) > 2


def test_people_and_machines_share_networks() -> None:
    """Offices, data centres and even addresses have requests of both."""
    networks: dict[str, set[str]] = {}
    for request in requests_of(campaign().mails + campaign(6).mails):
        networks.setdefault(request.ip.rpartition(".")[0], set()).add(request.truth)
    assert sum({"human", "machine"} <= truths for truths in networks.values()) > 20
    listed = {network for centre in campaign().data_centres for network in centre.networks}
    inside = Counter(r.truth for r in requests_of(campaign().mails) if r.ip.rpartition(".")[0] in listed)
    assert inside["machine"] > inside["human"] > 20


def test_people_and_organisations_return_in_many_mailings() -> None:
    """An address gets mails of several mailings, with the same devices, and mailings have the same links."""
    mails = campaign().mails
    by_recipient = Counter(mail.recipient for mail in mails)
    assert max(by_recipient.values()) > 5
    assert len(by_recipient) < len(mails) / 3
    links: dict[int, set[int]] = {}
    for mail in mails:
        links.setdefault(mail.mailing, set()).add(mail.links)
    assert len(links) > 30
    assert all(len(counts) == 1 for counts in links.values())


def test_testers_are_mostly_in_the_senders_networks() -> None:
    """The sender's own people test from the networks that the campaign names, some from home."""
    inside = Counter(
        any(ip_address(request.ip) in ip_network(network) for network in campaign(seed).internal_networks)
        for seed in (5, 6)
        for request in requests_of(campaign(seed).mails)
        if request.actor == "tester"
    )
    assert inside[True] > 0
    assert inside[False] > 0
