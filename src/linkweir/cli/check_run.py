"""One run of `linkweir check`: files in, results and a summary out, in one of the formats."""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import linkweir
from linkweir.bulk.document_io import describe_error
from linkweir.bulk.file_lint import LintResult, lint_file
from linkweir.bulk.file_list import TEMPLATE_SUFFIXES, FileJob, list_files_to_read
from linkweir.bulk.link_report import format_summary, pluralize
from linkweir.bulk.lint_baseline import Baseline
from linkweir.bulk.lint_policy import WARNING_CODE, LintFinding, LintPolicy, list_findings
from linkweir.bulk.lint_reports import (
    UNREADABLE_CODE,
    CheckedFile,
    format_github,
    format_gitlab,
    format_junit,
    format_sarif,
)
from linkweir.bulk.tracker_factory import TrackerFactory
from linkweir.html import Outcome, Switches
from linkweir.terminal.text import STDIN, display_path, escape_unprintable

FORMATS = ("text", "json", "github", "gitlab", "sarif", "junit")
_LEVEL_COLOURS = {"ok": "32", "note": "2", "problem": "1;31", "warning": "33"}


class CheckRun:
    """`args` as the command line has them; `folder`: what patterns of files are relative to."""

    def __init__(self, args: argparse.Namespace, policy: LintPolicy, folder: Path, baseline: Baseline) -> None:
        self._args = args
        self._policy = policy
        self._folder = folder
        self._baseline = baseline
        self._summary = _Summary()
        self._files: list[CheckedFile] = []  # for reports that need all of them
        self._findings: list[LintFinding] = []

    def run(self, switches: Switches, trackers: TrackerFactory) -> int:
        """Check, print, and return the exit code."""
        args = self._args
        suffixes = (*TEMPLATE_SUFFIXES, *args.ext)
        listing = list_files_to_read(args.paths, follow=args.follow, kind=args.kind, suffixes=suffixes)
        for path, why in listing.problems:
            self._fail(path, why)
        for job in listing.jobs:
            self._check_file(job, switches, trackers)
        self._print_report()
        is_empty = not (self._summary.links or self._summary.parts or self._summary.failed or args.allow_empty)
        if is_empty:
            print("linkweir: no link found, so nothing was checked; --allow-empty allows that", file=sys.stderr)
        if args.update_baseline:
            count = Baseline.save(args.baseline, (found for found in self._findings if found.code != UNREADABLE_CODE))
            print(f"linkweir: {pluralize(count, 'finding')} in {display_path(str(args.baseline))}", file=sys.stderr)
        if not args.quiet:
            self._summary.print(self._baseline.unused_count)
        if args.update_baseline:
            return 1 if self._summary.failed else 0
        return 1 if self._summary.has_failed(strict=args.strict) or is_empty else 0

    def _check_file(self, job: FileJob, switches: Switches, trackers: TrackerFactory) -> None:
        charset = self._args.charset
        try:
            results = lint_file(job.source, switches=switches, charset=charset, trackers=trackers, kind=job.kind)
        except BrokenPipeError:
            raise
        except Exception as error:  # whatever it is, the next file is none the wiser
            self._fail(job.source, describe_error(error))
            return
        self._report(job.source, self._policy.apply(self._relate(job.source, self._folder), results))

    def _report(self, path: str, results: list[LintResult]) -> None:
        reported, shown = self._relate(path, Path.cwd()), display_path(path)
        new = [self._forget_known(result, reported, shown) for result in results]
        findings = list_findings(reported, shown, new, is_strict=self._args.strict)
        self._summary.add(new)
        self._findings += findings
        if self._args.format == "github":
            _print_lines(format_github(findings))
        elif self._args.format == "junit":
            self._files.append(CheckedFile(reported, shown, new, findings))
        elif self._args.format in ("text", "json"):
            _print_results(new, self._args.format, only_problems=self._args.only_problems)

    def _forget_known(self, result: LintResult, path: str, shown: str) -> LintResult:
        """The result without what the baseline knows of it."""
        for finding in list_findings(path, shown, [result], is_strict=False):
            if self._baseline.take(finding):
                self._summary.known += 1
                is_warning = finding.code == WARNING_CODE
                result = replace(result, warning=None) if is_warning else replace(result, problem=False)
        return result

    def _fail(self, path: str, why: str) -> None:
        self._summary.failed += 1
        shown = display_path(path)
        print(f"linkweir: {shown}: {why}", file=sys.stderr)
        finding = LintFinding(self._relate(path, Path.cwd()), "", 1, 1, UNREADABLE_CODE, "error", why, "")
        self._findings.append(finding)
        self._files.append(CheckedFile(finding.path, shown, (), (finding,)))
        if self._args.format == "github":
            _print_lines(format_github([finding]))

    def _relate(self, path: str, folder: Path) -> str:
        """The path as reports and patterns have it: below the folder if it is there, with slashes."""
        if path == STDIN:
            return display_path(path)
        below = os.path.relpath(os.path.abspath(path), os.path.abspath(folder))
        shown = path if below.startswith(os.pardir) else below
        return shown.replace(os.sep, "/")

    def _print_report(self) -> None:
        match self._args.format:
            case "gitlab":
                print(format_gitlab(self._findings))
            case "sarif":
                print(format_sarif(self._findings, linkweir.__version__))
            case "junit":
                _print_lines(format_junit(self._files))


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


class _Summary:
    """Counts over all files; `known`: findings of the baseline."""

    def __init__(self) -> None:
        self.files = self.failed = self.problems = self.warnings = self.parts = self.known = 0
        self.counts: Counter[str] = Counter()

    @property
    def links(self) -> int:
        return self.counts.total()

    def has_failed(self, *, strict: bool) -> bool:
        """Whether anything is wrong."""
        return bool(self.failed or self.problems or (strict and self.warnings))

    def add(self, results: list[LintResult]) -> None:
        """Count the results of a file."""
        self.files += 1
        self.problems += sum(remark.problem for remark in results)
        self.warnings += sum(remark.warning is not None for remark in results)
        self.parts += sum(remark.index is None for remark in results)
        self.counts.update(remark.outcome for remark in results if remark.index is not None)

    def print(self, unused: int) -> None:
        """`unused`: findings of the baseline that are not there."""
        sys.stdout.flush()  # the summary belongs below, also where both go to one file
        unreadable = f", {self.failed} unreadable" if self.failed else ""
        unreadable += f", {pluralize(self.parts, 'part')} not judged" if self.parts else ""
        print(
            f"linkweir: {pluralize(self.files, 'file')}{unreadable}, {pluralize(self.counts.total(), 'link')}, "
            f"{pluralize(self.problems, 'problem')}, {pluralize(self.warnings, 'warning')}",
            file=sys.stderr,
        )
        if self.known or unused:
            gone = f", {unused} of it not found (--update-baseline removes them)" if unused else ""
            print(f"  {pluralize(self.known, 'finding')} of the baseline{gone}", file=sys.stderr)
        for line in format_summary({Outcome(code): number for code, number in self.counts.items()}):
            print(line, file=sys.stderr)


def _print_results(remarks: list[LintResult], output_format: str, *, only_problems: bool) -> None:
    if only_problems:
        remarks = [remark for remark in remarks if remark.problem or remark.warning]
    if output_format == "json":
        for remark in remarks:
            print(json.dumps(asdict(remark)))
        return
    rows = [row for remark in remarks for row in _to_rows(remark, only_problems)]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for row in rows:
        print(_format_row(row, widths, coloured))


def _to_rows(remark: LintResult, only_problems: bool) -> list[tuple[str, str, str, str, str]]:
    """Return the remark's columns: place, level, outcome, reason, address; a warning is a row of its own."""
    location = f"{remark.file}:{remark.line}:{remark.column}"
    address = escape_unprintable(remark.destination if remark.destination is not None else remark.tag)
    level = "problem" if remark.problem else "ok" if remark.outcome is Outcome.TRACKED else "note"
    rows = [(location, level, str(remark.outcome), remark.reason, address)]
    if only_problems and not remark.problem:
        rows = []
    if remark.warning:
        rows.append((location, "warning", str(remark.outcome), remark.warning, escape_unprintable(remark.text)))
    return rows


def _format_row(row: tuple[str, ...], widths: list[int], coloured: bool) -> str:
    location, level, outcome, reason, address = row
    parts = [
        location.ljust(widths[0]),
        level.ljust(widths[1]),
        outcome.ljust(widths[2]),
        reason.ljust(widths[3]),
    ]
    if coloured:
        parts[1] = f"\x1b[{_LEVEL_COLOURS[level]}m{parts[1]}\x1b[0m"
    return "  ".join([*parts, address]).rstrip()
