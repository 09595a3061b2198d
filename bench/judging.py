"""Labelled traffic, judged as real clicks are: headers at the door, user agent, networks, spread, records, rules.

Knows the simulator and the rules, which know nothing of each other; counts nothing.
"""

import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from bench.simulator.traffic import Campaign
from bench.simulator.world import Mail, Request
from linkweir.click import signals
from linkweir.click.enrich import Enricher
from linkweir.click.networks import Known, Networks
from linkweir.click.records import Records
from linkweir.click.sources import Sources
from linkweir.click.verdict import SPREAD, WINDOW, Context, Hit, Verdict, judge

EPOCH = 1_750_000_000
TURN = 20_000_000  # microseconds of clicks that are judged together: shorter ones take longer and change little
Found = tuple[Mail, Request, Verdict]


def at_once(
    made: Campaign, *, known: float = 0.0, coarse: bool = False, counted: bool = True, seed: int = 0
) -> Iterator[Found]:
    """Every request with its verdict, each mail judged once when all is over, without records of programs.

    `known`: the part of data centres that a list of networks names; `coarse`: without addresses and user agents;
    `counted`: whether it is known how many links a mail has.
    """
    enricher = Enricher(None, Networks(_listed(made, known, seed)))
    spread = _Spread(made)
    for mail in made.mails:
        hits = [_hit(request, enricher, coarse=coarse) for request in mail.requests]
        links = mail.links if counted else None
        context = Context(delivered_at=_moment(mail.delivered), links=links, spread=spread.of(mail))
        found = judge(hits, context)
        for request, judgement in zip(mail.requests, found, strict=True):
            yield mail, request, judgement.verdict


def as_they_come(made: Campaign, *, remember: bool = True, coarse: bool = False) -> Iterator[Found]:
    """Every request with the verdict that it ends with, judged turn by turn as the service does: each mail again with
    each new hit, with the records of programs that there are by then (`remember`: or without).
    """
    enricher, sources, records = Enricher(None, Networks({})), Sources(SPREAD), Records()
    near: dict[int, list[Hit]] = {}
    verdicts: dict[uuid.UUID, Verdict] = {}
    whose: list[tuple[uuid.UUID, Mail, Request]] = []
    for turn in _turns(made, enricher, coarse=coarse):
        for mail, request, hit in turn:
            whose.append((hit.id, mail, request))
            near.setdefault(mail.number, []).append(hit)
            if hit.ip:
                sources.note(hit.ip, mail.number, hit.at)
        mails = {mail.number: mail for mail, _, _ in turn}
        first = turn[0][2].at
        for number, mail in mails.items():
            hits = near[number] = [hit for hit in near[number] if hit.at >= first - 2 * WINDOW]
            context = Context(
                delivered_at=_moment(mail.delivered),
                links=mail.links,
                spread={hit.ip: sources.spread(hit.ip, hit.at) for hit in hits if hit.ip},
                records=records.of(hits, number) if remember else {},
            )
            for hit, judgement in zip(hits, judge(hits, context), strict=True):
                if hit.at >= first - WINDOW:
                    records.learn(hit, judgement, number)
                    verdicts[hit.id] = judgement.verdict
    for key, mail, request in whose:
        yield mail, request, verdicts[key]


def _turns(made: Campaign, enricher: Enricher, *, coarse: bool) -> Iterator[list[tuple[Mail, Request, Hit]]]:
    every = [(mail, one, _hit(one, enricher, coarse=coarse)) for mail in made.mails for one in mail.requests]
    every.sort(key=lambda one: one[2].at)
    turn: list[tuple[Mail, Request, Hit]] = []
    for one in every:
        if turn and one[2].at - turn[0][2].at > TURN:
            yield turn
            turn = []
        turn.append(one)
    if turn:
        yield turn


def _listed(made: Campaign, known: float, seed: int) -> dict[str, Known]:
    dice = Random(seed)  # noqa: S311 - which networks are known must be repeatable, and is no secret
    named = [centre for centre in made.data_centres if dice.random() < known]
    return {f"{network}.0/24": Known("a data centre", certain=False) for centre in named for network in centre.networks}


def _moment(seconds: float) -> int:
    return int((EPOCH + seconds) * 1_000_000)


def _hit(request: Request, enricher: Enricher, *, coarse: bool) -> Hit:
    headers = {name.encode(): text.encode() for name, text in {**request.headers, "user-agent": request.agent}.items()}
    described = enricher.describe(request.ip, request.agent)
    network = enricher.networks.of(request.ip)
    hit = Hit(
        id=uuid.uuid4(),
        at=_moment(request.at),
        method=request.method,
        position=request.link,
        ip=request.ip,
        user_agent=request.agent,
        prefetch=signals.ahead(headers),
        signals=(*signals.of_request(headers, "1.1", secure=True), *enricher.signals(request.agent)),
        client=described.client,
        device=described.device,
        network=network.name if network else None,
        network_certain=bool(network and network.certain),
        user_agent_class=enricher.user_agent_class(request.agent),
    )
    return replace(hit, ip=None, user_agent=None, user_agent_class=None, client=None) if coarse else hit


class _Spread:
    """By address, when it hit which mail."""

    def __init__(self, made: Campaign) -> None:
        self._seen: dict[str, list[tuple[float, int]]] = {}
        for mail in made.mails:
            for request in mail.requests:
                self._seen.setdefault(request.ip, []).append((request.at, mail.number))
        for seen in self._seen.values():
            seen.sort()

    def of(self, mail: Mail) -> dict[str, int]:
        """For each address of the mail's requests, the recipients it hit at about the time of its first."""
        return {request.ip: self._count(request) for request in mail.requests[::-1]}

    def _count(self, request: Request) -> int:
        seen, reach = self._seen[request.ip], SPREAD / 1_000_000
        first, last = bisect_left(seen, (request.at - reach, 0)), bisect_right(seen, (request.at + reach, 0))
        return len({number for _, number in seen[first:last]})
