"""`python -m bench.classification_quality [--seeds 8] [--first 1] [--mailings 6]`: quality of the verdicts.

The simulator's labelled traffic passes through what real clicks pass through (`bench.classification_run`). Printed are
precision and recall of each verdict, by the number of links of a mail, the part of people's clicks that count as a
machine's, and who was taken for whom. Without lists of networks unless `--known` names a part of the data centres: what
the rules see by themselves is the harder case. `--coarse`: in mode pseudonymous, without addresses and user agents.
`--uncounted`: without the number of links of a mail. `--mailings`: so many mailings over days to the same people,
judged as they come; `--forget`: without remembering what programs did with earlier messages; `--workers`: by so many
processes, each of which remembers what it judged itself, or (`--shared`) all in one database. Several numbers, as in
`--workers 1 4 16`: only the recall of machines, of each number with memories of their own and with one.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from bench.classification_run import classify_all, classify_incrementally
from bench.simulator.clients import Mail, Request
from bench.simulator.traffic import generate_campaign, generate_campaign_series
from linkweir.db.schema_upgrade import migrate
from linkweir.db.sqlite_database import SqliteDatabase

SIZES = ("1 link", "2 links", "3+ links")
VERDICTS = ("human", "machine", "prefetch", "unsure")
LABELS = ("human", "machine", "prefetch")


@dataclass(slots=True)
class ConfusionMatrix:
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
            self.by_mail[SIZES[min(mail.links, 3) - 1], self.mails + mail.number, verdict] += 1

    def count(self, sizes: Sequence[str], truths: Sequence[str], verdicts: Sequence[str]) -> int:
        """How many hits on mails of these sizes were one of these in truth, and got one of these verdicts."""
        return sum(self.by_size[size, truth, verdict] for size in sizes for truth in truths for verdict in verdicts)

    def precision(self, verdict: str, *sizes: str) -> float:
        """Of the hits with this verdict, the part that it is true of."""
        all_of = self.count(sizes, LABELS, (verdict,))
        return self.count(sizes, (verdict,), (verdict,)) / all_of if all_of else float("nan")

    def recall(self, truth: str, *sizes: str) -> float:
        """Of the hits that were this in truth, the part whose verdict says so."""
        all_of = self.count(sizes, (truth,), VERDICTS)
        return self.count(sizes, (truth,), (truth,)) / all_of if all_of else float("nan")

    def mail_recall(self, size: str) -> float:
        """The recall of machines with every mail counted once, however many links were swept in it."""
        wanted = [count for count in self.by_mail.items() if count[0][0] == size]
        totals: Counter[int] = Counter()
        right: Counter[int] = Counter()
        for (_, mail, verdict), count in wanted:
            totals[mail] += count
            right[mail] += count * (verdict == "machine")
        return fmean(right[mail] / total for mail, total in totals.items()) if totals else float("nan")

    def false_positive_rate(self, *sizes: str) -> float:
        """The part of people's clicks that do not count: taken for a machine's or a prefetch."""
        all_of = self.count(sizes, ("human",), VERDICTS)
        return self.count(sizes, ("human",), ("machine", "prefetch")) / all_of if all_of else float("nan")

    def false_positive_rate_of(self, actor: str) -> float:
        """As `lost_people`, of those whose description begins so: `office`, `relayed`."""
        theirs = {key: count for key, count in self.by_actor.items() if key[0] == "human" and key[1].startswith(actor)}
        lost = sum(count for (_, _, verdict), count in theirs.items() if verdict in ("machine", "prefetch"))
        return lost / sum(theirs.values()) if theirs else float("nan")

    def unsure_rate(self, *sizes: str) -> float:
        """The part of all hits of which nothing was decided."""
        return self.count(sizes, LABELS, ("unsure",)) / max(1, self.count(sizes, LABELS, VERDICTS))


def measure_campaigns(
    seeds: Sequence[int], *, mails: int = 400, known: float = 0.0, coarse: bool = False, counted: bool = True
) -> ConfusionMatrix:
    """Judge one mailing of each of these seeds: see `bench.classification_run.at_once`."""
    outcome = ConfusionMatrix()
    for seed in seeds:
        made = generate_campaign(seed, mails)
        for found in classify_all(made, known=known, coarse=coarse, counted=counted, seed=seed):
            outcome.add(*found)
        outcome.mails += len(made.mails)
    return outcome


def measure_campaign_series(
    seeds: Sequence[int],
    *,
    mails: int = 100,
    mailings: int = 6,
    lists: bool = True,
    remember: bool = True,
    coarse: bool = False,
    workers: int = 1,
    shared: bool = False,
) -> ConfusionMatrix:
    """Judge several mailings of each of these seeds: see `bench.classification_run`. `lists`: also to lists and
    shared mailboxes, whose many readers take most of the time. `shared`: workers remember in one database.
    """
    outcome = ConfusionMatrix()
    for seed in seeds:
        made = generate_campaign_series(seed, mails, mailings, lists=lists)
        with _open_memory() if shared else nullcontext() as database:
            for found in classify_incrementally(
                made, remember=remember, coarse=coarse, workers=workers, database=database
            ):
                outcome.add(*found)
        outcome.mails += len(made.mails)
    return outcome


@contextmanager
def _open_memory() -> Iterator[SqliteDatabase]:
    """A database for what workers remember."""
    with TemporaryDirectory() as folder:
        database = SqliteDatabase(Path(folder) / "linkweir.db", timeout=5)
        migrate(database)
        yield database
        database.close()


def worker_rows(outcomes: Iterable[tuple[str, ConfusionMatrix]]) -> Iterator[list[str]]:
    """Rows: whose memory, recall of machines by size, and the part of people taken for them."""
    for name, outcome in outcomes:
        yield [
            name,
            *(_format_percent(outcome.recall("machine", size)) for size in SIZES),
            _format_percent(outcome.false_positive_rate(*SIZES)),
        ]


def report_rows(outcome: ConfusionMatrix) -> Iterator[list[str]]:
    """Rows: verdict, size, precision, recall; and what became of people."""
    for size in SIZES:
        for verdict in ("machine", "human", "prefetch"):
            yield [
                verdict,
                size,
                _format_percent(outcome.precision(verdict, size)),
                _format_percent(outcome.recall(verdict, size)),
            ]
        yield ["machine, each mail once", size, "", _format_percent(outcome.mail_recall(size))]
        yield ["people taken for machines", size, "", _format_percent(outcome.false_positive_rate(size))]
        yield ["undecided", size, "", _format_percent(outcome.unsure_rate(size))]
    yield ["people taken for machines", "all", "", _format_percent(outcome.false_positive_rate(*SIZES))]
    for who, said in (("office", "in shared offices"), ("relayed", "behind isolating browsers")):
        yield [f"people {said} taken for machines", "all", "", _format_percent(outcome.false_positive_rate_of(who))]


def confusion_rows(outcome: ConfusionMatrix) -> Iterator[list[str]]:
    """Rows: size, what it was in truth, and how many hits got each verdict."""
    for size in SIZES:
        for truth in LABELS:
            yield [size, truth, *(str(outcome.count((size,), (truth,), (verdict,))) for verdict in VERDICTS)]


def _format_percent(part: float) -> str:
    return f"{100 * part:.2f} %"


def actor_rows(outcome: ConfusionMatrix) -> Iterator[list[str]]:
    """Rows: who it was in truth, how many hits, and how many of them got each verdict."""
    for truth, actor in sorted({(truth, actor) for truth, actor, _ in outcome.by_actor}):
        counts = [outcome.by_actor[truth, actor, verdict] for verdict in VERDICTS]
        yield [truth, actor, str(sum(counts)), *(_format_percent(count / sum(counts)) for count in counts)]


def format_table(heads: Sequence[str], rows: Iterator[list[str]]) -> str:
    """A markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def main(arguments: Sequence[str]) -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.classification_quality", description="How well verdicts hold."
    )
    parser.add_argument("--seeds", type=int, default=8, help="how many campaigns (default: %(default)s)")
    parser.add_argument("--first", type=int, default=1, help="the first one's seed (default: %(default)s)")
    parser.add_argument("--mails", type=int, help="mails of a mailing (default: 400, or 100 of several)")
    parser.add_argument("--known", type=float, default=0.0, help="part of the data centres that a list names (0 to 1)")
    parser.add_argument("--coarse", action="store_true", help="without addresses and user agents")
    parser.add_argument("--uncounted", action="store_true", help="without the number of links of a mail")
    parser.add_argument("--mailings", type=int, default=1, help="to the same people, over days (default: %(default)s)")
    parser.add_argument("--forget", action="store_true", help="without what programs did with earlier messages")
    parser.add_argument(
        "--workers", type=int, nargs="+", default=[1], help="processes that share the mails of several mailings"
    )
    parser.add_argument("--shared", action="store_true", help="they remember in one database")
    parser.add_argument("--by-manner", action="store_true", help="also by who it was in truth")
    options = parser.parse_args(arguments)
    seeds, coarse = range(options.first, options.first + options.seeds), options.coarse
    if options.mailings > 1:
        if options.known or options.uncounted:
            parser.error("--known and --uncounted go with one mailing only")
        measure = partial(
            measure_campaign_series,
            seeds,
            mails=options.mails or 100,
            mailings=options.mailings,
            remember=not options.forget,
            coarse=coarse,
        )
        if len(options.workers) > 1:
            outcomes = (
                (f"{workers}, {'one memory' if shared else 'each its own'}", measure(workers=workers, shared=shared))
                for shared in (False, True)
                for workers in options.workers
            )
            print(format_table(["workers", *SIZES, "people taken for machines"], worker_rows(outcomes)))
            return 0
        outcome = measure(workers=options.workers[0], shared=options.shared)
    else:
        mails, counted = options.mails or 400, not options.uncounted
        outcome = measure_campaigns(seeds, mails=mails, known=options.known, coarse=coarse, counted=counted)
    print(f"{outcome.mails} mails\n")
    print(format_table(["verdict", "mails with", "precision", "recall (or part)"], report_rows(outcome)))
    print("\n" + format_table(["mails with", "in truth", *VERDICTS], confusion_rows(outcome)))
    if options.by_manner:
        print("\n" + format_table(["truth", "who", "hits", *VERDICTS], actor_rows(outcome)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
