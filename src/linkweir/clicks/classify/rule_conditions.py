"""The conditions of the rules: what each looks for in a hit and in what surrounds it. The table is in `rules`."""

from collections.abc import Callable

from linkweir.clicks import header_signals
from linkweir.clicks.classify.features import CLICK_CHECK_US, HitFeatures
from linkweir.clicks.classify.record_conditions import (
    answers,
    has_few_people,
    is_mostly_scanned,
    is_of_long_scanning,
    is_of_many_scans,
    is_of_people,
    is_of_scans,
    is_of_some_readers,
)

# seconds since delivery: of 836 measured sweeps 69 %, 28 %, 2 %, 0.1 %
SOON_SECONDS, MINUTES_SECONDS, LATER_SECONDS = 60.0, 300.0, 1800.0
LATE_SECONDS = 6 * 3600.0  # from here on those that come come again, and people are few
AGE_BOUNDS_SECONDS = (-20.0, 0.0, 2.0, SOON_SECONDS, MINUTES_SECONDS, LATER_SECONDS, LATE_SECONDS)  # no others
PAUSE_BOUNDS_SECONDS = (3.0, 4.0, 10.0, 12.0)  # likewise of a run's longest and shortest pause
VARIATION_BOUNDS = (0.1, 0.3)  # and of its pace
SPREAD_BOUNDS = (6, 25)  # recipients of one address
STRANGE_SIGNALS = (
    header_signals.NO_ACCEPT_LANGUAGE,
    header_signals.LACKS_HTML,
    header_signals.OLD_BROWSER,
    header_signals.AGED_BROWSER,
)
RELAYED_BROWSERS = ("Safari", "Mobile Safari")
RARELY_NAMED_BROWSERS = ("Safari", "Mobile Safari", "Firefox", "Edge")  # nearly all reports on scanners name Chrome


def has_user_agent_class(name: str) -> Callable[[HitFeatures], bool]:
    # from the user agent, or as it was noted at the redirect where the user agent may not be kept
    signal = f"agent-{name}"
    return lambda features: features.hit.user_agent_class == name or features.has_signal(signal)


def is_delivered_between(least: float, most: float) -> Callable[[HitFeatures], bool]:
    return lambda features: (age := features.age_seconds) is not None and least <= age < most


def has_signal(code: str) -> Callable[[HitFeatures], bool]:
    return lambda features: features.has_signal(code)


def is_burst(features: HitFeatures) -> bool:
    return features.links_in_window.get("half", 0) >= 3 or features.links_in_window.get("moment", 0) >= 4


def is_burst_pair(features: HitFeatures) -> bool:
    return not is_burst(features) and features.links_in_window.get("blink", 0) >= 2


def is_quick_pair(features: HitFeatures) -> bool:
    pair = not is_burst(features) and not is_burst_pair(features) and features.links_in_window.get("half", 0) >= 2
    return pair and _is_suspect(features)


def is_quick_run(features: HitFeatures) -> bool:
    run = not is_burst(features) and features.links_in_window.get("moment", 0) >= 3
    return run and _is_suspect(features)


def _is_suspect(features: HitFeatures) -> bool:
    """Whether scanners come at this time or look like this: a plain browser's tabs are as quick as some of them."""
    age = features.age_seconds
    return age is None or age < MINUTES_SECONDS or _is_strange(features)


def is_rapid(features: HitFeatures) -> bool:
    return not is_burst(features) and features.links_in_window.get("breath", 0) >= 6


def is_sweep(features: HitFeatures) -> bool:
    run = features.run
    sweep = run.links >= 4 and features.coverage(run) >= 0.75 and run.longest_pause <= 3.0 and not run.repeats
    return sweep and _is_suspect(features)


def is_slow_sweep(features: HitFeatures) -> bool:
    run = features.run
    sweep = run.links >= 5 and features.coverage(run) >= 0.75 and run.ascending and not run.repeats
    return sweep and _is_suspect(features)


def covers_most_links(features: HitFeatures) -> bool:
    return _opens_most_links(features) and not _is_reading(features) and _is_suspect(features)


def _opens_most_links(features: HitFeatures) -> bool:
    run = features.run
    return run.links >= 8 and features.coverage(run) >= 0.75 and not run.repeats


def is_plain_sweep(features: HitFeatures) -> bool:
    run = features.run
    many = run.links >= 4 and features.coverage(run) >= 0.75 and not run.repeats
    return many and not _is_reading(features) and not _is_suspect(features)


def has_even_pace(features: HitFeatures) -> bool:
    run = features.run
    return run.links >= 6 and run.pace_variation < 0.1


def is_scattered_sweep(features: HitFeatures) -> bool:
    run = features.user_agent_run
    many = (
        run.source_count >= 3
        and run.links >= 3
        and run.source_count >= 0.6 * run.links
        and features.coverage(run) >= 0.6
    )
    return many and not run.repeats and not features.excess_readers and not _may_roam(features)


def is_shared_sweep(features: HitFeatures) -> bool:
    run, links = features.everyone_run, features.evidence.link_count
    most = links is not None and run.links >= max(4, 0.85 * links)  # of the true number: a few links meet by chance
    shared = most and run.source_count >= 3 and not run.repeats and not features.excess_readers
    return shared and not _may_roam(features)


def lacks_browser_headers(features: HitFeatures) -> bool:
    if not features.hit.signals:
        return False
    if features.has_signal(header_signals.LACKS_SEC_FETCH) and features.has_signal(header_signals.NO_ACCEPT_LANGUAGE):
        return True
    return _count_lacking(features) >= 3


def lacks_some_headers(features: HitFeatures) -> bool:
    return not lacks_browser_headers(features) and _count_lacking(features) >= 1


def _count_lacking(features: HitFeatures) -> int:
    return sum(features.has_signal(code) for code in header_signals.LACKS) if features.hit.signals else 0


def is_multi_source_drip(features: HitFeatures) -> bool:
    run = features.drip_run
    return _is_drip(features) and run.source_count >= 3 and not _may_roam(features)


def _may_roam(features: HitFeatures) -> bool:
    """A phone, or a browser behind Apple's relay: their addresses change from click to click, and few scanners claim to
    be one.
    """
    hit = features.hit
    apple = hit.client in RELAYED_BROWSERS and not _has_strange_headers(features)
    return hit.network is None and (hit.device in ("phone", "tablet") or apple)


def is_single_source_drip(features: HitFeatures) -> bool:
    """Somebody who opens all links looks the same, but for what is strange about the request itself."""
    age = features.age_seconds
    early = age is None or age < LATER_SECONDS
    return (
        early
        and not _is_reading(features)
        and _is_drip(features)
        and features.drip_run.source_count < 3
        and _is_strange(features)
    )


def _is_strange(features: HitFeatures) -> bool:
    return features.hit.network is not None or _has_strange_headers(features)


def _has_strange_headers(features: HitFeatures) -> bool:
    return any(features.has_signal(code) for code in STRANGE_SIGNALS)


def lacks_language(features: HitFeatures) -> bool:
    return features.has_signal(header_signals.NO_ACCEPT_LANGUAGE) and not lacks_browser_headers(features)


def has_reader_history(features: HitFeatures) -> bool:
    """A record of people; one of whole networks only for what is odd there, since a plain browser is everywhere."""
    odd = features.hit.signals or features.hit.network is not None
    return answers(features.reputation, is_of_people) or bool(odd and answers(features.fleet, is_of_people))


def has_readers_around(features: HitFeatures) -> bool:
    return answers(features.fleet, is_of_people) and not has_reader_history(features)


def _is_drip(features: HitFeatures) -> bool:
    run, links = features.drip_run, features.evidence.link_count or features.link_count
    return run.links >= max(4, 0.5 * links) and not run.repeats and not features.excess_readers


def is_spray(features: HitFeatures) -> bool:
    """Many networks for one reader's mail, each of which took hardly more than a link, and hardly any link twice."""
    run, links = features.everyone_drip_run, features.evidence.link_count or features.link_count
    few = run.repeats * 3 <= run.links and not features.excess_readers and not _may_roam(features)
    return few and run.source_count >= 4 and run.links >= max(4, 0.4 * links) and run.source_count >= 0.5 * run.links


def is_click_check(features: HitFeatures) -> bool:
    gap = features.echo_gap_us
    return gap is not None and gap <= CLICK_CHECK_US and _is_strange(features)


def is_echo(features: HitFeatures) -> bool:
    gap = features.echo_gap_us
    return gap is not None and gap > CLICK_CHECK_US and _is_strange(features)


def is_plain_echo(features: HitFeatures) -> bool:
    return features.echo_gap_us is not None and not _is_strange(features)


def has_scanner_fleet(features: HitFeatures) -> bool:
    """A fleet of scanners; where the client itself is known as one, that is the same past and counts once."""
    fleet = answers(features.fleet, is_of_many_scans) and not has_scanner_history(features)
    age = features.age_seconds  # people come from clouds, too, but not when scanners do
    return fleet and (age is None or age < MINUTES_SECONDS or _has_strange_headers(features))


def is_data_centre_soon(features: HitFeatures) -> bool:
    """From a data centre when scanners come, unless people click from there as this one does."""
    hit, age, record = features.hit, features.age_seconds, features.fleet
    if hit.network is None or hit.network_certain or age is None or not age < MINUTES_SECONDS:
        return False
    if hit.device in ("phone", "tablet"):
        return False
    if record is None:  # an isolating browser is a current one, and complete
        return _has_strange_headers(features)
    return has_few_people(record)


def is_soon_of_several(features: HitFeatures) -> bool:
    """Soon after delivery on a mail with several links: who waits for a mail waits for its only link."""
    return is_delivered_between(0.0, SOON_SECONDS)(features) and _count_links(features) >= 3


def is_single_minutes_later(features: HitFeatures) -> bool:
    several = features.only_link_clicked and _count_links(features) >= 3
    return several and is_delivered_between(MINUTES_SECONDS, LATER_SECONDS)(features)


def is_early_in_order(features: HitFeatures) -> bool:
    run = features.run
    return run.links >= 3 and run.ascending and is_delivered_between(-20.0, MINUTES_SECONDS)(features)


def is_quick_reading(features: HitFeatures) -> bool:
    """Links opened one after another at a time when few scanners come: tabs, most of them."""
    run = features.run
    quick = run.links >= 2 and run.longest_pause < 10.0
    return quick and is_delivered_between(MINUTES_SECONDS, LATER_SECONDS)(features)


def is_later_reading(features: HitFeatures) -> bool:
    return features.run.links >= 2 and is_delivered_between(LATER_SECONDS, LATE_SECONDS)(features)


def is_half_of_many(features: HitFeatures) -> bool:
    run, links = features.drip_run, _count_links(features)
    half = links >= 8 and run.links >= 2 and run.links >= 0.5 * links
    return half and not run.repeats and not features.excess_readers


def has_other_networks(features: HitFeatures) -> bool:
    return features.everyone_run.source_count >= 2 and not features.excess_readers and not _may_roam(features)


def _count_links(features: HitFeatures) -> int:
    return features.evidence.link_count or features.link_count


def lacks_compression(features: HitFeatures) -> bool:
    return features.has_signal(header_signals.NO_ACCEPT_LANGUAGE) and features.has_signal(header_signals.LACKS_BROTLI)


def is_rarely_named_browser(features: HitFeatures) -> bool:
    return features.hit.client in RARELY_NAMED_BROWSERS and _is_complete(features)


def never_sends_fetch_headers(features: HitFeatures) -> bool:
    return _is_complete(features) and features.has_signal(header_signals.NO_SEC_FETCH)


def _is_complete(features: HitFeatures) -> bool:
    """Whether nothing that its browser sends is missing: old ones and those inside apps send no Sec-Fetch headers."""
    return not any(features.has_signal(code) for code in features.hit.signals if code != header_signals.NO_SEC_FETCH)


def is_new_in_scanner_fleet(features: HitFeatures) -> bool:
    """A program that was never seen, among such that scanned more often than people came."""
    return (
        answers(features.fleet, is_mostly_scanned) and features.reputation is None and not has_scanner_fleet(features)
    )


def has_some_reader_history(features: HitFeatures) -> bool:
    return answers(features.reputation, is_of_some_readers) and not has_reader_history(features)


def is_late_single_link(features: HitFeatures) -> bool:
    age = features.age_seconds
    return age is not None and age >= LATER_SECONDS and features.only_link_clicked and features.echo_gap_us is None


def _is_reading(features: HitFeatures) -> bool:
    """Somebody who reads each page; scanners in data centres pause, too."""
    return features.hit.network is None and has_reading_pauses(features)


def has_reading_pauses(features: HitFeatures) -> bool:
    run = features.run
    return run.links >= 2 and run.shortest_pause >= 4.0 and run.longest_pause >= 12.0 and run.pace_variation > 0.3


def has_scanner_history(features: HitFeatures) -> bool:
    return answers(features.reputation, is_of_scans)


def has_long_scanner_history(features: HitFeatures) -> bool:
    return answers(features.reputation, is_of_long_scanning)


def is_machine_run(features: HitFeatures) -> bool:
    """Whether the links were run through as no person does it: what taints the source's other hits."""
    return any(test(features) for test in (is_burst, is_rapid, is_scattered_sweep, has_even_pace))
