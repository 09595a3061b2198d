"""`python -m bench.verdicts [--seeds 8] [--first 1] [--by-manner]`: how well people are told from machines.

The simulator's labelled traffic goes through everything that real clicks go through: headers at the door, user agent,
networks, spread, and the rules. Printed are precision and recall of each verdict, by the number of links of a mail, and
the part of people's clicks that count as a machine's. Without lists of networks unless `--known` names a part of the
data centres: what the rules see by themselves is the harder case. `--coarse`: in mode pseudonymous, without addresses
and user agents.
"""

import argparse
import sys
import uuid
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from statistics import fmean

from bench.simulator.traffic import Campaign, campaign
from bench.simulator.world import Mail, Request
from linkweir.click import signals
from linkweir.click.enrich import Enricher
from linkweir.click.networks import Known, Networks
from linkweir.click.verdict import SPREAD, Context, Hit, judge

EPOCH = 1_750_000_000
SIZES = ("1 link", "2 links", "3+ links")
VERDICTS = ("human", "machine", "prefetch", "unsure")


@dataclass(slots=True)
class Outcome:
    """How often each truth got each verdict: by the size of the mail, and by who it was."""

    by_size: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    by_actor: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    by_mail: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    mails: int = 0

    def add(self, mail: Mail, request: Request, verdict: str) -> None:
        """Count one hit."""
        self.by_size[SIZES[min(mail.links, 3) - 1], request.truth, verdict] += 1
        self.by_actor[request.truth, request.actor, verdict] += 1
        if request.truth == "machine":
            self.by_mail[SIZES[min(mail.links, 3) - 1], self.mails, verdict] += 1

    def _count(self, sizes: Sequence[str], truths: Sequence[str], verdicts: Sequence[str]) -> int:
        return sum(self.by_size[size, truth, verdict] for size in sizes for truth in truths for verdict in verdicts)

    def precision(self, verdict: str, *sizes: str) -> float:
        """Of the hits with this verdict, the part that it is true of."""
        all_of = self._count(sizes, ("human", "machine", "prefetch"), (verdict,))
        return self._count(sizes, (verdict,), (verdict,)) / all_of if all_of else float("nan")

    def recall(self, truth: str, *sizes: str) -> float:
        """Of the hits that were this in truth, the part whose verdict says so."""
        all_of = self._count(sizes, (truth,), VERDICTS)
        return self._count(sizes, (truth,), (truth,)) / all_of if all_of else float("nan")

    def recall_by_mail(self, size: str) -> float:
        """The recall of machines with every mail counted once, however many links were swept in it."""
        wanted = [count for count in self.by_mail.items() if count[0][0] == size]
        totals: Counter[int] = Counter()
        right: Counter[int] = Counter()
        for (_, mail, verdict), count in wanted:
            totals[mail] += count
            right[mail] += count * (verdict == "machine")
        return fmean(right[mail] / total for mail, total in totals.items()) if totals else float("nan")

    def lost_people(self, *sizes: str) -> float:
        """The part of people's clicks that do not count: taken for a machine's or a prefetch."""
        all_of = self._count(sizes, ("human",), VERDICTS)
        return self._count(sizes, ("human",), ("machine", "prefetch")) / all_of if all_of else float("nan")

    def unsure(self, *sizes: str) -> float:
        """The part of all hits of which nothing was decided."""
        truths = ("human", "machine", "prefetch")
        return self._count(sizes, truths, ("unsure",)) / max(1, self._count(sizes, truths, VERDICTS))


def measure(seeds: Sequence[int], *, mails: int = 400, known: float = 0.0, coarse: bool = False) -> Outcome:
    """Judge the traffic of these seeds. `known`: the part of data centres that a list of networks names; `coarse`:
    without addresses and user agents.
    """
    outcome = Outcome()
    for seed in seeds:
        made = campaign(seed, mails)
        enricher = Enricher(None, Networks(_listed(made, known, seed)))
        spread = _Spread(made)
        for mail in made.mails:
            hits = [_hit(request, enricher, coarse=coarse) for request in mail.requests]
            context = Context(delivered_at=_moment(mail.delivered), spread=spread.of(mail))
            found = judge(hits, context)
            for request, judgement in zip(mail.requests, found, strict=True):
                outcome.add(mail, request, judgement.verdict)
            outcome.mails += 1
    return outcome


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


def report(outcome: Outcome) -> Iterator[list[str]]:
    """Rows: verdict, size, precision, recall; and what became of people."""
    for size in SIZES:
        for verdict in ("machine", "human", "prefetch"):
            yield [verdict, size, _percent(outcome.precision(verdict, size)), _percent(outcome.recall(verdict, size))]
        yield ["machine, each mail once", size, "", _percent(outcome.recall_by_mail(size))]
        yield ["people taken for machines", size, "", _percent(outcome.lost_people(size))]
        yield ["undecided", size, "", _percent(outcome.unsure(size))]
    yield ["people taken for machines", "all", "", _percent(outcome.lost_people(*SIZES))]


def _percent(part: float) -> str:
    return f"{100 * part:.2f} %"


def by_actor(outcome: Outcome) -> Iterator[list[str]]:
    """Rows: who it was in truth, how many hits, and how many of them got each verdict."""
    for truth, actor in sorted({(truth, actor) for truth, actor, _ in outcome.by_actor}):
        counts = [outcome.by_actor[truth, actor, verdict] for verdict in VERDICTS]
        yield [truth, actor, str(sum(counts)), *(_percent(count / sum(counts)) for count in counts)]


def table(heads: Sequence[str], rows: Iterator[list[str]]) -> str:
    """A markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def main(arguments: Sequence[str]) -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(prog="python -m bench.verdicts", description="How well verdicts hold.")
    parser.add_argument("--seeds", type=int, default=8, help="how many campaigns (default: %(default)s)")
    parser.add_argument("--first", type=int, default=1, help="the first one's seed (default: %(default)s)")
    parser.add_argument("--mails", type=int, default=400, help="mails of a campaign (default: %(default)s)")
    parser.add_argument("--known", type=float, default=0.0, help="part of the data centres that a list names (0 to 1)")
    parser.add_argument("--coarse", action="store_true", help="without addresses and user agents")
    parser.add_argument("--by-manner", action="store_true", help="also by who it was in truth")
    options = parser.parse_args(arguments)
    seeds = range(options.first, options.first + options.seeds)
    outcome = measure(seeds, mails=options.mails, known=options.known, coarse=options.coarse)
    print(table(["verdict", "mails with", "precision", "recall (or part)"], report(outcome)))
    if options.by_manner:
        print("\n" + table(["truth", "who", "hits", *VERDICTS], by_actor(outcome)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
