"""The rules by which people are told from machines: one table, and nothing else.

Each rule has a stable code, what it looks at, and a sentence. A rule with a `verdict` is decisive: the first that
applies ends the matter. Every other one has a `weight`, the natural logarithm of how many times likelier what it sees
is of a machine than of a person (negative: of a person). Weights add up. A rule that is not `strong` can make a hit
unsure but never a machine's, however many of its kind come together: none of them is beyond a person.
"""

from collections.abc import Callable
from dataclasses import dataclass

from linkweir.click import signals
from linkweir.click.verdict.hit import CLICK, HONEYPOT, OPEN, SECOND, Verdict
from linkweir.click.verdict.scene import Scene

PRIOR = -0.4  # of a click of which nothing is known: somewhat fewer than half are a machine's
SOON, MINUTES, LATER = 60.0, 300.0, 1800.0  # seconds since delivery: of 836 measured sweeps 69 %, 28 %, 2 %, 0.1 %


PEOPLE = 8  # a program is a scanner's if it was a machine at least that many times as often as a person
LONG = 12 * 3600 * SECOND  # by then people from the same place and with the same browser would have shown


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table."""

    code: str
    looks_at: str
    applies: Callable[[Scene], bool]
    sentence: str
    weight: float = 0.0
    strong: bool = False
    verdict: Verdict | None = None
    confidence: float = 0.0
    remembered: bool = False  # looks at other messages: what it says is not remembered in turn


def _agent(name: str) -> Callable[[Scene], bool]:
    # from the user agent, or as it was noted at the door where the user agent may not be kept
    signal = f"agent-{name}"
    return lambda scene: scene.hit.user_agent_class == name or signal in scene.hit.signals


def _age(least: float, most: float) -> Callable[[Scene], bool]:
    return lambda scene: (age := scene.age) is not None and least <= age < most


def _signal(code: str) -> Callable[[Scene], bool]:
    return lambda scene: code in scene.hit.signals


def _burst(scene: Scene) -> bool:
    return scene.dense.get("half", 0) >= 3 or scene.dense.get("moment", 0) >= 4


def _pair(scene: Scene) -> bool:
    return not _burst(scene) and scene.dense.get("blink", 0) >= 2


def _quick_pair(scene: Scene) -> bool:
    return not _burst(scene) and not _pair(scene) and scene.dense.get("half", 0) >= 2


def _quick_run(scene: Scene) -> bool:
    return not _burst(scene) and scene.dense.get("moment", 0) >= 3


def _rapid(scene: Scene) -> bool:
    return not _burst(scene) and scene.dense.get("breath", 0) >= 6


def _sweep(scene: Scene) -> bool:
    run = scene.run
    return run.links >= 4 and scene.covers(run) >= 0.75 and run.longest <= 3.0 and not run.repeats


def _slow_sweep(scene: Scene) -> bool:
    run = scene.run
    return run.links >= 5 and scene.covers(run) >= 0.75 and run.ascending and not run.repeats


def _most_links(scene: Scene) -> bool:
    run = scene.run
    return run.links >= 8 and scene.covers(run) >= 0.75 and not run.repeats


def _even(scene: Scene) -> bool:
    run = scene.run
    return run.links >= 6 and run.evenness < 0.1


def _scatter(scene: Scene) -> bool:
    run = scene.scattered
    many = run.sources >= 3 and run.links >= 3 and run.sources >= 0.6 * run.links and scene.covers(run) >= 0.6
    return many and not run.repeats and not scene.crowd


def _shared_sweep(scene: Scene) -> bool:
    run, links = scene.together, scene.context.links
    most = links is not None and run.links >= max(4, 0.85 * links)  # of the true number: a few links meet by chance
    return most and run.sources >= 3 and not run.repeats and not scene.crowd


def _no_browser(scene: Scene) -> bool:
    return scene.modern and {signals.NO_ACCEPT_LANGUAGE, signals.NO_SEC_FETCH} <= set(scene.hit.signals)


def _read_between(scene: Scene) -> bool:
    run = scene.run
    return run.links >= 2 and run.shortest >= 4.0 and run.longest >= 12.0 and run.evenness > 0.3


def _known(scene: Scene) -> bool:
    """A record of scanning, and hardly any of people: they may be there too, with the same browser."""
    record = scene.record
    return record is not None and record.machine >= 2 and record.people * PEOPLE <= record.machine


def _long_known(scene: Scene) -> bool:
    record = scene.record
    return record is not None and record.machine >= 8 and not record.people and record.age >= LONG


def machine_run(scene: Scene) -> bool:
    """Whether the links were run through as no person does it: what taints the source's other hits."""
    return any(test(scene) for test in (_burst, _rapid, _scatter, _even))


RULES = (
    # decisive
    Rule("head", "method", lambda scene: scene.hit.method == "HEAD",
         "A HEAD request: browsers follow links by GET.", verdict="machine", confidence=0.99),
    Rule("honeypot", "link", lambda scene: scene.hit.kind == HONEYPOT,
         "The hidden link was followed, which no reader can see.", verdict="machine", confidence=0.99),
    Rule("honeypot-source", "link", lambda scene: scene.trapped,
         "The same program at the same address followed the hidden link.", verdict="machine", confidence=0.99),
    Rule("prefetch", "headers", lambda scene: scene.hit.prefetch,
         "The request said that it fetches ahead of a reader.", verdict="prefetch", confidence=0.98),
    # how the links were followed
    Rule("burst", "time", _burst,
         "Several links of the message were followed within about a second.", 7.0, strong=True),
    Rule("burst-pair", "time", _pair,
         "Two links of the message were followed within a fraction of a second.", 3.6, strong=True),
    Rule("quick-pair", "time", _quick_pair,
         "Two links were followed faster than most people can.", 2.2, strong=True),
    Rule("quick-run", "time", _quick_run,
         "Three links were followed faster than most people can.", 2.2, strong=True),
    Rule("rapid", "time", _rapid,
         "Many links were followed within a few seconds.", 2.5, strong=True),
    Rule("sweep", "time and coverage", _sweep,
         "Most links were followed one after the other, without a pause to look at any.", 1.8, strong=True),
    Rule("slow-sweep", "coverage and order", _slow_sweep,
         "Most links were followed from the top of the message to its end.", 1.4, strong=True),
    Rule("most-links", "coverage", _most_links,
         "Nearly all of many links were followed, each of them once.", 1.4, strong=True),
    Rule("even-pace", "time", _even,
         "The links were followed in the even rhythm of a clock.", 3.0, strong=True),
    Rule("scattered-sweep", "sources and coverage", _scatter,
         "The same program followed most links from several networks, a part from each.", 4.0, strong=True),
    Rule("shared-sweep", "sources and coverage", _shared_sweep,
         "Nearly all links were followed, each of them once, and several networks shared them.",
         3.0, strong=True),  # enough by itself within five minutes of delivery only
    Rule("beside-sweep", "source", lambda scene: scene.swept,
         "The same program at the same address ran through the message's links at about this time.", 1.6),
    Rule("head-beside", "method and source", lambda scene: scene.head and scene.hit.method != "HEAD",
         "The same source asked for this link by HEAD at about this time.", 4.0, strong=True),
    Rule("odd-method", "method", lambda scene: scene.hit.method not in ("GET", "HEAD"),
         "A method that no browser uses to follow a link.", 4.0, strong=True),
    # where from
    Rule("spread-wide", "source", lambda scene: scene.spread >= 25,
         "This address followed links of very many recipients at about this time.", 1.5),
    Rule("spread", "source", lambda scene: 6 <= scene.spread < 25,
         "This address followed links of many recipients at about this time.", 0.8),
    Rule("network-certain", "network", lambda scene: scene.hit.network is not None and scene.hit.network_certain,
         "The address belongs to a network of scanners.", 5.0, strong=True),
    Rule("network-probable", "network", lambda scene: scene.hit.network is not None and not scene.hit.network_certain,
         "The address belongs to a data centre; people come from there only through relays.", 1.2),
    Rule("known-scanner", "other messages", lambda scene: _known(scene) and not _long_known(scene),
         "The same program from the same network ran through the links of other messages lately.",
         2.2, strong=True, remembered=True),
    Rule("long-known-scanner", "other messages", _long_known,
         "The same program from the same network ran through the links of many messages, and followed none as a person "
         "does.", 4.0, strong=True, remembered=True),
    # by what
    Rule("agent-bot", "user agent", _agent("bot"),
         "The user agent names a robot.", 6.0, strong=True),
    Rule("agent-library", "user agent", _agent("library"),
         "The user agent names an HTTP library.", 6.0, strong=True),
    Rule("agent-automation", "user agent", _agent("automation"),
         "The user agent names a browser that is driven by a program.", 6.0, strong=True),
    Rule("agent-preview", "user agent", _agent("preview"),
         "The user agent names a service that draws previews of links.", 6.0, strong=True),
    Rule("not-a-browser", "headers", _no_browser,
         "The browser that is named always sends headers that are missing.", 2.5, strong=True),
    Rule("no-user-agent", "headers", _signal(signals.NO_USER_AGENT),
         "No user agent was named.", 3.0, strong=True),
    Rule("no-accept", "headers", _signal(signals.NO_ACCEPT),
         "No kind of content was asked for, as browsers do.", 1.0),
    Rule("no-accept-language", "headers", _signal(signals.NO_ACCEPT_LANGUAGE),
         "No language was asked for, as browsers do.", 1.0),
    Rule("no-accept-encoding", "headers", _signal(signals.NO_ACCEPT_ENCODING),
         "No compression was offered, as browsers do.", 0.8),
    Rule("no-sec-fetch", "headers", _signal(signals.NO_SEC_FETCH),
         "Nothing was said of how the link came to be followed, as newer browsers do.", 0.4),
    Rule("not-navigation", "headers", _signal(signals.NOT_NAVIGATION),
         "The browser says that a script fetched this, and no window was to show it.", 1.2),
    Rule("old-http", "headers", _signal(signals.OLD_HTTP),
         "HTTP/1.0 was spoken, as no current browser does.", 0.6),
    # when
    Rule("before-delivery", "time", _age(-20.0, 0.0),
         "The message had not been delivered yet.", 3.5, strong=True),
    Rule("at-once", "time", _age(0.0, 2.0),
         "Followed as soon as the message was delivered.", 1.8),
    Rule("soon", "time", _age(2.0, SOON),
         "Followed within a minute of delivery, when scanners come.", 1.5),
    Rule("within-minutes", "time", _age(SOON, MINUTES),
         "Followed within five minutes of delivery.", 0.6),
    Rule("later", "time", _age(MINUTES, LATER),
         "Followed when few scanners come any more.", -1.2),
    Rule("much-later", "time", _age(LATER, float("inf")),
         "Followed long after delivery.", -2.0),
    # what people do
    Rule("one-link", "coverage", lambda scene: scene.alone and scene.links >= 3,
         "Of several links only this one was followed.", -1.0),
    Rule("read-between", "time", _read_between,
         "Between the links there was time to look at them.", -0.8),
    Rule("same-again", "time", lambda scene: scene.again and scene.alone,
         "The same link was followed twice, as with a double click.", -0.4),
    Rule("on-the-move", "user agent", lambda scene: scene.hit.device in ("phone", "tablet"),
         "Followed on a phone or tablet, which few scanners claim to be.", -0.8),
)  # fmt: skip
# An open is judged by what its own request says: images are fetched for people by proxies, at any time and pace.
FOR_OPENS = {"head", "prefetch", "odd-method", "network-certain", "agent-bot", "agent-library", "agent-automation"}
REASONS = {rule.code: rule.sentence for rule in RULES}


def rules_for(kind: str) -> tuple[Rule, ...]:
    """The rules that look at hits of this kind."""
    return _BY_KIND[kind]


_BY_KIND = {
    CLICK: RULES,
    HONEYPOT: RULES[:2],
    OPEN: tuple(rule for rule in RULES if rule.code in FOR_OPENS),
}
