"""Labelled traffic, judged as real clicks are: headers at the door, user agent, networks, spread, records, rules.

Knows the simulator and the rules, which know nothing of each other; counts nothing.
"""

import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random

from bench.simulator.clients import EPOCH_SECONDS, Campaign, Mail, Request
from linkweir.clicks import header_signals
from linkweir.clicks.classify import SPREAD_US, WINDOW_US, Classification, Evidence, Hit, HitId, Verdict, classify_hits
from linkweir.clicks.classify.traffic_history import TrafficHistory
from linkweir.clicks.enrichment import Enricher
from linkweir.clicks.ingest.verdict_memory import MemoryBatch, VerdictMemory
from linkweir.clicks.internal_networks import InternalNetworks
from linkweir.clicks.known_networks import KnownNetwork, KnownNetworks
from linkweir.db.database import Database

INCREMENT_US = 20_000_000  # microseconds of clicks that are judged together: shorter ones take longer and change little
Classified = tuple[Mail, Request, Verdict]
Judged = tuple[Mail, Request, Classification]


def classify_all(
    campaign: Campaign, *, known: float = 0.0, coarse: bool = False, counted: bool = True, seed: int = 0
) -> Iterator[Classified]:
    """Every request with its verdict, each mail judged once when all is over, without records of programs.

    `known`: the part of data centres that a list of networks names; `coarse`: without addresses and user agents;
    `counted`: whether it is known how many links a mail has.
    """
    enricher = Enricher(None, KnownNetworks(_list_known_networks(campaign, known, seed)))
    spread = _RecipientsPerIp(campaign)
    for mail in campaign.mails:
        hits = [_make_hit(request, enricher, InternalNetworks(), coarse=coarse) for request in mail.requests]
        links = mail.links if counted else None
        context = Evidence(
            delivered_at=_to_microseconds(mail.delivered), link_count=links, recipients_per_ip=spread.for_mail(mail)
        )
        found = classify_hits(hits, context)
        for request, judgement in zip(mail.requests, found, strict=True):
            yield mail, request, judgement.verdict


def classify_incrementally(
    campaign: Campaign,
    *,
    remember: bool = True,
    coarse: bool = False,
    workers: int = 1,
    database: Database | None = None,
) -> Iterator[Classified]:
    """Every request with the verdict that it ends with: see `judge_incrementally`, without lists of networks."""
    for mail, request, judgement in judge_incrementally(
        campaign, remember=remember, coarse=coarse, workers=workers, database=database
    ):
        yield mail, request, judgement.verdict


def judge_incrementally(
    campaign: Campaign,
    *,
    remember: bool = True,
    coarse: bool = False,
    networks: KnownNetworks | None = None,
    batch_hits: int | None = None,
    workers: int = 1,
    database: Database | None = None,
) -> Iterator[Judged]:
    """Every request with the judgement that it ends with, judged turn by turn as the service does: each mail again with
    each new hit, with the records of programs that there are by then (`remember`: or without).

    `batch_hits`: so many hits in one turn, whatever lies between them, as by a worker that lags behind;
    `workers`: so many processes share the mails, and each remembers what it judged itself, or all of them in one
    `database`, where each sees what the others have stored before the turn began.
    """
    enricher = Enricher(None, networks or KnownNetworks({}))
    memories = _Memories(workers, database)
    near: dict[int, list[Hit]] = {}
    judgements: dict[HitId, Classification] = {}
    whose: list[tuple[HitId, Mail, Request]] = []
    for turn in _split_windows(campaign, enricher, coarse=coarse, batch_hits=batch_hits):
        for mail, request, hit in turn:
            whose.append((hit.id, mail, request))
            near.setdefault(mail.number, []).append(hit)
        mails = {mail.number: mail for mail, _, _ in turn}
        first = turn[0][2].at
        for number in mails:
            near[number] = [hit for hit in near[number] if hit.at >= first - 2 * WINDOW_US]
        histories = memories.open({number: near[number] for number in mails})
        for mail, _, hit in turn:
            if hit.ip and not hit.internal:
                histories[mail.number % workers].observe_arrival(hit.ip, mail.number, hit.at)
        for number, mail in mails.items():
            history, hits = histories[number % workers], near[number]
            context = history.evidence_for(
                hits, number, delivered_at=_to_microseconds(mail.delivered), link_count=mail.links
            )
            if not remember:
                context = replace(context, reputations={}, fleets={})
            for hit, judgement in zip(hits, classify_hits(hits, context), strict=True):
                if hit.at >= first - WINDOW_US:
                    if not hit.internal:
                        history.observe_verdict(hit, judgement, number)
                    judgements[hit.id] = judgement
        memories.store(turn[-1][2].at)
    for key, mail, request in whose:
        yield mail, request, judgements[key]


class _Memories:
    """What workers remember: each by itself, or all in one database, which each reads and writes once in a turn."""

    def __init__(self, workers: int, database: Database | None) -> None:
        self._histories = [TrafficHistory() for _ in range(workers)]
        self._database = database
        self._memory = VerdictMemory(lambda: bytes(32))
        self._batches: list[MemoryBatch] = []

    def open(self, hits_by_mail: Mapping[int, Sequence[Hit]]) -> Sequence[TrafficHistory]:
        """What each worker remembers before it judges its part of these mails."""
        if self._database is None:
            return self._histories
        with self._database.read() as connection:
            self._batches = [
                self._memory.open_batch(
                    connection,
                    history,
                    [
                        hit
                        for number, hits in hits_by_mail.items()
                        if number % len(self._histories) == worker
                        for hit in hits
                    ],
                )
                for worker, history in enumerate(self._histories)
            ]
        return [batch.history for batch in self._batches]

    def store(self, at: int) -> None:
        """Let all of them store what they have learned."""
        if self._database is not None:
            with self._database.write() as connection:
                for batch in self._batches:
                    batch.store(connection, at)


SENDER = uuid.UUID(int=1)  # whose internal networks they are


def _split_windows(
    made: Campaign, enricher: Enricher, *, coarse: bool, batch_hits: int | None
) -> Iterator[list[tuple[Mail, Request, Hit]]]:
    internal = InternalNetworks({SENDER: made.internal_networks})
    every = [
        (mail, one, _make_hit(one, enricher, internal, coarse=coarse)) for mail in made.mails for one in mail.requests
    ]
    every.sort(key=lambda one: one[2].at)
    turn: list[tuple[Mail, Request, Hit]] = []
    for one in every:
        over = len(turn) >= batch_hits if batch_hits else turn and one[2].at - turn[0][2].at > INCREMENT_US
        if over:
            yield turn
            turn = []
        turn.append(one)
    if turn:
        yield turn


def _list_known_networks(made: Campaign, known: float, seed: int) -> dict[str, KnownNetwork]:
    dice = Random(seed)  # noqa: S311 - which networks are known must be repeatable, and is no secret
    named = [centre for centre in made.data_centres if dice.random() < known]
    return {
        f"{network}.0/24": KnownNetwork("a data centre", certain=False)
        for centre in named
        for network in centre.networks
    }


def _to_microseconds(seconds: float) -> int:
    return int((EPOCH_SECONDS + seconds) * 1_000_000)


def _make_hit(request: Request, enricher: Enricher, internal: InternalNetworks, *, coarse: bool) -> Hit:
    headers = {
        name.encode(): text.encode() for name, text in {**request.headers, "user-agent": request.user_agent}.items()
    }
    described = enricher.enrich(request.ip, request.user_agent)
    network = enricher.networks.lookup(request.ip)
    at = _to_microseconds(request.at)
    hit = Hit(
        id=uuid.uuid4(),
        at=at,
        method=request.method,
        position=request.link,
        ip=request.ip,
        user_agent=request.user_agent,
        prefetch=header_signals.is_prefetch(headers),
        signals=(
            *header_signals.detect_signals(headers, request.http_version, secure=True, at=at),
            *enricher.user_agent_signals(request.user_agent),
        ),
        client=described.client,
        device=described.device,
        network=network.name if network else None,
        network_certain=bool(network and network.certain),
        user_agent_class=enricher.user_agent_class(request.user_agent),
        internal="network" if internal.find_accounts(request.ip) else None,
    )
    return replace(hit, ip=None, user_agent=None, user_agent_class=None, client=None) if coarse else hit


class _RecipientsPerIp:
    """By address, when it hit which mail."""

    def __init__(self, made: Campaign) -> None:
        self._seen: dict[str, list[tuple[float, int]]] = {}
        for mail in made.mails:
            for request in mail.requests:
                self._seen.setdefault(request.ip, []).append((request.at, mail.number))
        for seen in self._seen.values():
            seen.sort()

    def for_mail(self, mail: Mail) -> dict[str, int]:
        """For each address of the mail's requests, the recipients it hit at about the time of its first."""
        return {request.ip: self._count(request) for request in mail.requests[::-1]}

    def _count(self, request: Request) -> int:
        seen, reach = self._seen[request.ip], SPREAD_US / 1_000_000
        first, last = bisect_left(seen, (request.at - reach, 0)), bisect_right(seen, (request.at + reach, 0))
        return len({number for _, number in seen[first:last]})
