"""Classifies recorded clicks in bounded memory: each as the service does on arrival, and finally when all is known.

The rules are those of `clicks.classify`; this module only brings them what they want to see, in passes over a spill:
1 by message: deliveries, numbers of links, positions of links that are named by URL, and sessions (clicks of a message
  that can influence each other);
2 by time: how many recipients each address had within a minute, before and after;
3 by time, where first verdicts are wanted: what was known when a click arrived;
4 by session: the verdict on its own evidence, from which the reputation of its clients is learned; and some way
  behind, when their reputation before and after is known, the verdict again.
"""

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from linkweir.clicks.classify import (
    SPREAD_US,
    WINDOW_US,
    Classification,
    Hit,
    Verdict,
    classify_hits,
)
from linkweir.clicks.classify.click_runs import MAX_NEIGHBOURS
from linkweir.clicks.classify.reputation import HISTORY_US, IpSpread
from linkweir.clicks.classify.traffic_history import TrafficHistory
from linkweir.clicks.enrichment import Enricher
from linkweir.clicks.offline.click_spill import ClickSpill, LabelledVerdictRow, Session, StoredClick, VerdictRow
from linkweir.clicks.offline.internal_traffic import InternalTraffic
from linkweir.clicks.offline.recorded_click import Delivery, RecordedClick, make_hit
from linkweir.clock import SECOND_US

MAX_SESSION_CLICKS = 2000  # judged at once: those of a longer session in parts
MAX_ARRIVAL_NEIGHBOURS = 2 * MAX_NEIGHBOURS  # of its message, that are judged again when a click comes
MAX_MARGIN_CLICKS = 300  # of a long session, beside each part: the rules look at 64 on either side
ARRIVAL_BATCH_US = SECOND_US // 2  # clicks that the service would judge together
ARRIVAL_BATCH_CLICKS = 500
REPUTATION_LAG_US = HISTORY_US // 2  # how far the last pass stays behind what is learned
REPUTATION_LAG_SESSIONS = 20_000  # likewise, or programs of the time would be forgotten for newer ones
_PROGRESS_CLICKS = 500

Progress = Callable[[int], None]  # called with a number of clicks of which another step is done


@dataclass(frozen=True, slots=True)
class OfflineVerdict:
    """The verdict on a recorded click: `human`, `prefetch`, `machine`, `unsure` or `internal`; `confidence`: how likely
    it holds; `p_machine`: how likely a machine followed the link, None for an internal click; `reasons`: codes of the
    rules that apply, the heaviest first.
    """

    verdict: Verdict
    confidence: float
    p_machine: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClassifiedClick:
    """The final verdict on a click; `first`: what was said when it arrived, where that was wanted; and its label."""

    verdict: OfflineVerdict
    first: OfflineVerdict | None
    label: str | None

    def to_fields(self) -> dict[str, Any]:
        """What is added to the click's record."""
        fields = asdict(self.verdict)
        if self.first is not None:
            fields |= {f"first_{name}": value for name, value in asdict(self.first).items()}
        return fields


@dataclass(frozen=True, slots=True)
class _Message:
    delivered_at: int | None
    link_count: int | None
    links: Sequence[int]  # hashes of the URLs that were followed, sorted

    def position(self, click: RecordedClick) -> int:
        """The click's position among the links: as recorded, or one that its URL has in no particular order."""
        return url_position(self.links, click.link, self.link_count) if click.is_url else click.link


@dataclass(frozen=True, slots=True)
class _LoadedSession:
    """A session as the rules see it: its hits and those beside it with their numbers, of which some are its `own`;
    `recipients`: by address, how many it had at about that time.
    """

    session: Session
    message: _Message
    hits: Sequence[Hit]
    numbers: Sequence[int]
    own: frozenset[int]
    recipients: Mapping[str, int]


class OfflineClassifier:
    """Takes clicks and deliveries in any order, then classifies all of them. For `with`.

    `as_they_came`: also work out the verdict on each click at the time when it arrived; `internal`: who the sender's
    own people are. Raises SpillError.
    """

    def __init__(
        self, enricher: Enricher, *, as_they_came: bool = False, internal: InternalTraffic | None = None
    ) -> None:
        self._enricher = enricher
        self._internal = internal or InternalTraffic()
        self._as_they_came = as_they_came
        self._spill = ClickSpill()
        self._history = TrafficHistory()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._spill.__exit__()

    @property
    def click_count(self) -> int:
        """How many clicks were added."""
        return self._spill.count

    @property
    def step_count(self) -> int:
        """How often progress is made for each click."""
        return 5 if self._as_they_came else 4

    def add(self, record: RecordedClick | Delivery) -> None:
        """Take in a record."""
        if isinstance(record, Delivery):
            self._spill.add_delivery(record)
        else:
            record.internal = self._internal.origin(record)
            self._spill.add_click(record)

    def classify(self, progress: Progress = lambda clicks: None) -> None:
        """Classify everything that was added, which then is all."""
        self._spill.create_indexes()
        self._find_sessions(progress)
        self._measure_spread(progress)
        if self._as_they_came:
            self._classify_on_arrival(progress)
        self._classify_sessions(progress)

    def iter_classified(self) -> Iterator[ClassifiedClick]:
        """The verdicts on each click, in the order of adding."""
        first = self._spill.iter_verdicts("first_verdicts") if self._as_they_came else None
        for row in self._spill.iter_verdicts("verdicts"):
            yield ClassifiedClick(_to_verdict(row), _to_verdict(next(first)) if first else None, row[-1])

    def _find_sessions(self, progress: Progress) -> None:
        collector: _MessageCollector | None = None
        rows = self._spill.query(
            "SELECT message, at, number, link, is_url, delivered_at, link_count FROM clicks INDEXED BY by_message "
            "ORDER BY message, at, number"
        )
        for done, row in enumerate(rows):
            if collector is None or collector.message != row[0]:
                self._store_message(collector)
                collector = _MessageCollector(row[0])
            for session in collector.add(row):
                self._store_session(session)
            if done % _PROGRESS_CLICKS == 0:
                progress(_PROGRESS_CLICKS)
        self._store_message(collector)
        self._spill.flush()
        self._spill.execute_script("CREATE INDEX by_start ON sessions (first_at, message)")

    def _store_message(self, collector: "_MessageCollector | None") -> None:
        if collector is None:
            return
        self._store_session(collector.session)
        ((delivered_at,),) = self._spill.fetch("SELECT min(at) FROM deliveries WHERE message = ?", (collector.message,))
        row = (collector.message, collector.delivered_at or delivered_at, collector.link_count, collector.links())
        self._spill.insert("messages", row)

    def _store_session(self, session: Session) -> None:
        first, last = (session.first_at, session.message, session.first), (session.last_at, session.last)
        self._spill.insert("sessions", (*first, *last, session.is_part))

    def _load_message(self, message: int) -> _Message:
        statement = "SELECT delivered_at, link_count, links FROM messages WHERE message = ?"
        ((delivered_at, link_count, links),) = self._spill.fetch(statement, (message,))
        return _Message(delivered_at, link_count, array("q", links) if links else ())

    def _measure_spread(self, progress: Progress) -> None:
        """How many recipients each click's address had at about its time, before it and after."""
        counter, waiting = IpSpread(SPREAD_US), deque[tuple[int, str, int]]()
        statement = "SELECT number, ip, at, message FROM clicks INDEXED BY by_time ORDER BY at, number"
        for done, (number, ip, at, message) in enumerate(self._spill.query(statement)):
            while waiting and waiting[0][2] < at - SPREAD_US:
                self._note_spread(counter, waiting.popleft())
            if ip is not None:
                counter.observe(ip, message, at)
                waiting.append((number, ip, at))
            if done % _PROGRESS_CLICKS == 0:
                progress(_PROGRESS_CLICKS)
        while waiting:
            self._note_spread(counter, waiting.popleft())
        self._spill.flush()

    def _note_spread(self, counter: IpSpread, click: tuple[int, str, int]) -> None:
        number, ip, at = click
        recipients = counter.recipient_count(ip, at)
        if recipients > 1:
            self._spill.insert("spreads", (number, recipients))

    def _classify_on_arrival(self, progress: Progress) -> None:
        """As the service does: every click when it comes, beside those of its message that were there before."""
        history = TrafficHistory()
        for batch in _split_arrivals(self._spill.iter_by_time()):
            by_message: dict[int, list[StoredClick]] = {}
            for stored in batch:
                click = stored[2]
                by_message.setdefault(click.message, []).append(stored)
                if click.ip:
                    history.observe_arrival(click.ip, click.message, click.at)
            for message, new in by_message.items():
                self._classify_arrivals(message, new, history)
            progress(len(batch))
        self._spill.flush()

    def _classify_arrivals(self, message: int, new: Sequence[StoredClick], history: TrafficHistory) -> None:
        first_number, _, first = new[0]
        start = first.at - 2 * WINDOW_US
        neighbours = self._spill.load_before(message, first.at, first_number, start, MAX_ARRIVAL_NEIGHBOURS)
        clicks = [*neighbours, *new]
        facts = self._load_message(message)
        hits = self._make_hits(clicks, facts)
        evidence = history.evidence_for(hits, message, delivered_at=facts.delivered_at, link_count=facts.link_count)
        classifications = classify_hits(hits, evidence)
        for hit, (number, _, click), classification in zip(hits, clicks, classifications, strict=True):
            if click.at >= first.at - WINDOW_US:
                history.observe_verdict(hit, classification, message)
            if (click.at, number) >= (first.at, first_number):
                self._spill.insert("first_verdicts", _to_row(number, hit, classification))

    def _classify_sessions(self, progress: Progress) -> None:
        waiting = deque[tuple[_LoadedSession | Session, frozenset[str]]]()
        statement = "SELECT * FROM sessions ORDER BY first_at, message"
        for row in self._spill.query(statement):
            loaded, common = self._load_session(Session(*row)), self._history.baseline.common
            for hit, number, classification in self._classify_session(loaded, learned=None):
                self._spill.insert("verdicts", _to_row(number, hit, classification))
                self._history.observe_verdict(hit, classification, loaded.session.message)
            progress(len(loaded.own))
            waiting.append((loaded if len(loaded.own) == 1 else loaded.session, common))
            horizon = loaded.session.first_at - REPUTATION_LAG_US
            while len(waiting) > REPUTATION_LAG_SESSIONS or _session_start(waiting[0][0]) < horizon:
                progress(self._settle_session(*waiting.popleft()))
        while waiting:
            progress(self._settle_session(*waiting.popleft()))
        self._spill.flush()

    def _settle_session(self, session: _LoadedSession | Session, common: frozenset[str]) -> int:
        """Judge the clicks of a session again, if more is known than when only these signals were common."""
        loaded = self._load_session(session) if isinstance(session, Session) else session
        for hit, number, classification in self._classify_session(loaded, learned=common):
            self._spill.insert("verdicts", _to_row(number, hit, classification))
        return len(loaded.own)

    def _load_session(self, session: Session) -> _LoadedSession:
        within = self._spill.load_session(session)
        clicks = self._add_margins(session, within) if session.is_part else within
        facts = self._load_message(session.message)
        numbers = [number for number, _, _ in clicks]
        own = frozenset(number for number, _, _ in within)
        hits = self._make_hits(clicks, facts)
        recipients: dict[str, int] = {}
        for hit, (_, count, _) in zip(hits, clicks, strict=True):
            if hit.ip:
                recipients[hit.ip] = max(count, recipients.get(hit.ip, 0))
        return _LoadedSession(session, facts, hits, numbers, own, recipients)

    def _classify_session(
        self, loaded: _LoadedSession, *, learned: frozenset[str] | None
    ) -> Iterator[tuple[Hit, int, Classification]]:
        """Each click with its number; none when `learned`, what was common when they were judged before, is all that is
        known. None: their clients' reputations are not looked up.
        """
        facts = loaded.message
        evidence = self._history.evidence_for(
            loaded.hits, loaded.session.message, delivered_at=facts.delivered_at, link_count=facts.link_count
        )
        if learned is None:
            evidence = replace(evidence, reputations={}, fleets={})
        elif not evidence.reputations and not evidence.fleets and evidence.common_signals == learned:
            return
        classifications = classify_hits(loaded.hits, replace(evidence, recipients_per_ip=loaded.recipients))
        for hit, number, classification in zip(loaded.hits, loaded.numbers, classifications, strict=True):
            if number in loaded.own:
                yield hit, number, classification

    def _add_margins(self, session: Session, within: Sequence[StoredClick]) -> list[StoredClick]:
        message, first_at, last_at = session.message, session.first_at, session.last_at
        before = self._spill.load_before(message, first_at, session.first, first_at - WINDOW_US, MAX_MARGIN_CLICKS)
        after = self._spill.load_after(message, last_at, session.last, last_at + WINDOW_US, MAX_MARGIN_CLICKS)
        return [*before, *within, *after]

    def _make_hits(self, clicks: Iterable[StoredClick], message: _Message) -> list[Hit]:
        return [make_hit(number, click, message.position(click), self._enricher) for number, _, click in clicks]


def _session_start(session: _LoadedSession | Session) -> int:
    return session.first_at if isinstance(session, Session) else session.session.first_at


class _MessageCollector:
    """What the clicks of one message, the oldest first, say of it; and its sessions, each when it has ended."""

    def __init__(self, message: int) -> None:
        self.message = message
        self.delivered_at: int | None = None
        self.link_count: int | None = None
        self._urls: set[int] = set()
        self._first: tuple[int, int] | None = None
        self._last = (0, 0)
        self._clicks = 0
        self._is_part = False

    def add(self, row: Sequence[Any]) -> Iterator[Session]:
        """Take in a click's message, time, number, link, whether that is a URL's, delivery and number of links."""
        _, at, number, link, is_url, delivered_at, link_count = row
        if delivered_at is not None:
            self.delivered_at = delivered_at if self.delivered_at is None else min(self.delivered_at, delivered_at)
        if link_count is not None:
            self.link_count = max(link_count, self.link_count or 0)
        if is_url:
            self._urls.add(link)
        ends, is_full = at - self._last[0] > WINDOW_US, self._clicks >= MAX_SESSION_CLICKS
        if self._first is not None and (ends or is_full):
            follows, self._is_part = not ends, self._is_part or not ends
            yield self.session
            self._first, self._clicks, self._is_part = None, 0, follows
        self._first = self._first or (at, number)
        self._last = (at, number)
        self._clicks += 1

    @property
    def session(self) -> Session:
        """The clicks since the last session ended."""
        assert self._first is not None
        return Session(self._first[0], self.message, self._first[1], *self._last, self._is_part)

    def links(self) -> bytes | None:
        """The hashes of its URLs, sorted; None when its links have positions."""
        return array("q", sorted(self._urls)).tobytes() if self._urls else None


def url_position(links: Sequence[int], link: int, link_count: int | None) -> int:
    """A position for a link whose place in the mail is not known.

    In the order of a hash, for in the order of time every mail would seem to be followed from the top; and spread over
    the number of links, where that is known, for what was followed need not be the first ones.
    """
    index = bisect_left(links, link)
    return index if link_count is None or link_count <= len(links) else (2 * index + 1) * link_count // (2 * len(links))


def _split_arrivals(clicks: Iterable[StoredClick]) -> Iterator[list[StoredClick]]:
    batch: list[StoredClick] = []
    for click in clicks:
        if batch and (click[2].at - batch[0][2].at > ARRIVAL_BATCH_US or len(batch) >= ARRIVAL_BATCH_CLICKS):
            yield batch
            batch = []
        batch.append(click)
    if batch:
        yield batch


def _to_row(number: int, hit: Hit, classification: Classification) -> VerdictRow:
    verdict, p_machine = classification.for_method(hit.method)
    return number, verdict, classification.confidence, round(p_machine, 4), " ".join(classification.reasons)


def _to_verdict(row: LabelledVerdictRow) -> OfflineVerdict:
    _, verdict, confidence, p_machine, reasons, _ = row
    known = None if verdict == "internal" else p_machine
    return OfflineVerdict(verdict, confidence, known, tuple(reasons.split()))  # type: ignore[arg-type]
