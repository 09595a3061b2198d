"""One run of `linkweir bench`: documents in, figures and a verdict out, in one of the formats."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from linkweir.benchmark.answer_check import WrongAnswerError
from linkweir.benchmark.benchmark_reports import format_action_benchmark, format_github, format_text
from linkweir.benchmark.measurement import Measurement, measure
from linkweir.benchmark.run_record import make_fingerprint, make_record, save_record
from linkweir.benchmark.speed_limits import Judgement, SpeedLimit, Verdict, combine_verdicts, judge
from linkweir.benchmark.workload import SourceDocument, Workload, make_html_workload, make_mail_workload
from linkweir.bulk.document_io import describe_error
from linkweir.bulk.file_lint import iter_mails, read_html
from linkweir.bulk.file_list import TEMPLATE_SUFFIXES, FileJob, list_files_to_read
from linkweir.bulk.link_report import pluralize
from linkweir.bulk.tracker_factory import TrackerFactory
from linkweir.cli.shared_options import UsageError
from linkweir.html import Switches
from linkweir.terminal.text import display_path

FORMATS = ("text", "json", "github", "github-action-benchmark")
EXIT_NOISY = 3
MAX_SAMPLE_BYTES = 8_000_000  # of documents: more of them say the same and take longer
MAX_RETRIES = 2  # a neighbour on the machine slows one side for seconds; what is slow itself stays slow
_VERDICT_ORDER: tuple[Verdict, ...] = ("noisy", "slower", "met")
_EXIT_CODES: dict[Verdict | None, int] = {None: 0, "met": 0, "slower": 1, "noisy": EXIT_NOISY}


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """What is judged and how long is measured. `max_spread`: a share of the median."""

    limits: list[SpeedLimit]
    baseline_fingerprint: str | None
    max_spread: float
    seconds: float
    has_peers: bool


class BenchRun:
    """`args` as the command line has them."""

    def __init__(self, args: argparse.Namespace, options: BenchOptions) -> None:
        self._args = args
        self._options = options
        self._failed = False

    def run(self, switches: Switches, trackers: TrackerFactory) -> int:
        """Measure, print, and return the exit code."""
        documents = self._read_documents(trackers)
        if not documents:
            _warn("no document, so nothing was measured")
            return 1
        try:
            workloads = self._make_workloads(documents, switches)
        except WrongAnswerError as error:
            _warn(f"wrong answer, so its time means nothing: {error}")
            return 1
        if not any(workload.links for workload in workloads):
            _warn("no link that can be tracked, so there is no rewriting to measure")
            return 1
        self._require_baselines(workloads)
        fingerprint = make_fingerprint((document.data for document in documents), switches)
        if self._options.baseline_fingerprint not in (None, fingerprint):
            _warn("the baseline is of other documents or settings, so its ratio may differ; renew it with --save")
        results = [self._measure(workload) for workload in workloads]
        measurements = [measurement for measurement, _ in results]
        judgements = [judgement for _, judged in results for judgement in judged]
        verdict = combine_verdicts(judgements)
        record = make_record(measurements, judgements, verdict, fingerprint)
        if self._args.format == "json":
            print(json.dumps(record, indent=1))
        elif self._args.format == "github-action-benchmark":
            print(format_action_benchmark(measurements))
        else:
            format_lines = format_github if self._args.format == "github" else format_text
            for line in format_lines(measurements, judgements, verdict):
                print(line)
        if self._args.save:
            save_record(self._args.save, record)
        return _EXIT_CODES[verdict] or int(self._failed)

    def _make_workloads(self, documents: list[SourceDocument], switches: Switches) -> list[Workload]:
        html = [document for document in documents if document.charset is not None]
        mails = [document for document in documents if document.charset is None]
        makers = ((make_html_workload, html), (make_mail_workload, mails))
        return [make(items, switches, peers=self._options.has_peers) for make, items in makers if items]

    def _require_baselines(self, workloads: list[Workload]) -> None:
        """Raise UsageError if the baseline lacks a kind of documents, which would not be judged."""
        known = {limit.kind for limit in self._options.limits}
        for workload in workloads:
            if self._options.baseline_fingerprint is not None and workload.kind not in known:
                raise UsageError(f"the baseline has no figures for documents of the kind {workload.kind}; renew it")

    def _measure(self, workload: Workload) -> tuple[Measurement, list[Judgement]]:
        """Measure until the limits are met, and up to MAX_RETRIES times again; the best try counts."""
        if sys.stderr.isatty():
            _warn(f"measuring {workload.kind} for about {self._options.seconds:g} s ...")
        limits = [limit for limit in self._options.limits if limit.kind in (None, workload.kind)]
        tries: list[tuple[Measurement, list[Judgement]]] = []
        while True:
            measurement = measure(workload, self._options.seconds)
            judgements = [judge(measurement, limit, self._options.max_spread) for limit in limits]
            tries.append((measurement, judgements))
            if combine_verdicts(judgements) in (None, "met") or len(tries) > MAX_RETRIES:
                return max(tries, key=_rank)

    def _read_documents(self, trackers: TrackerFactory) -> list[SourceDocument]:
        """All documents, or every n-th where they are more than MAX_SAMPLE_BYTES; problems go to standard error."""
        args = self._args
        suffixes = (*TEMPLATE_SUFFIXES, *args.ext)
        listing = list_files_to_read(args.paths, follow=args.follow, kind=args.kind, suffixes=suffixes)
        for path, why in listing.problems:
            self._fail(path, why)
        total = sum(job.size for job in listing.jobs)
        step = max(1, -(-total // MAX_SAMPLE_BYTES))
        documents: list[SourceDocument] = []
        count = 0
        for count, document in enumerate(self._iter_documents(listing.jobs, trackers), 1):
            if (count - 1) % step == 0 and document.data:
                documents.append(document)
        if len(documents) < count:
            _warn(f"{len(documents)} of {pluralize(count, 'document')} are measured")
        return documents

    def _iter_documents(self, jobs: Iterable[FileJob], trackers: TrackerFactory) -> Iterator[SourceDocument]:
        for job in jobs:
            name = display_path(job.source)
            try:
                if job.kind == "html":
                    data, charset = read_html(job.source, self._args.charset)
                    yield SourceDocument(name, data, charset, trackers.make_tracker(job.source))
                    continue
                for piece in iter_mails(job.source, job.kind):
                    tracker = trackers.make_tracker(job.source, piece.number)
                    yield SourceDocument(f"{name}[{piece.number}]", piece.data, None, tracker)
            except Exception as error:  # whatever it is, the next file is none the wiser
                self._fail(job.source, describe_error(error))

    def _fail(self, path: str, why: str) -> None:
        self._failed = True
        _warn(f"{display_path(path)}: {why}")


def _rank(item: tuple[Measurement, list[Judgement]]) -> tuple[int, float]:
    measurement, judgements = item
    verdict = combine_verdicts(judgements)
    return -1 if verdict is None else _VERDICT_ORDER.index(verdict), measurement.ratio.median


def _warn(text: str) -> None:
    print(f"linkweir: {text}", file=sys.stderr)
