"""One run of `linkweir classify`: files are read, clicks classified, lines with verdicts and the summary written."""

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any, Protocol

import orjson

from linkweir.atomic_file import AtomicFile
from linkweir.bulk.document_io import StdoutSink, describe_error
from linkweir.bulk.link_report import pluralize
from linkweir.cli.shared_options import UsageError
from linkweir.clicks.enrichment import Enricher
from linkweir.clicks.known_networks import KnownNetworks
from linkweir.clicks.offline import parquet_records
from linkweir.clicks.offline.internal_traffic import InternalTraffic, make_internal_traffic
from linkweir.clicks.offline.json_records import iter_lines, iter_values
from linkweir.clicks.offline.offline_classifier import OfflineClassifier
from linkweir.clicks.offline.provider_events import PROVIDERS, iter_provider_events
from linkweir.clicks.offline.recorded_click import InvalidClick, RecordedClick, parse_click
from linkweir.clicks.offline.verdict_summary import VerdictSummary
from linkweir.errors import LinkweirError, ValidationError
from linkweir.terminal.progress_bar import CountingProgressBar, ProgressBar, format_duration
from linkweir.terminal.text import STDIN, display_path

MAX_PRINTED_ERRORS = 20  # of one run: a million lines of another format are one mistake
OUTPUT_FIELDS = tuple(
    prefix + name for prefix in ("", "first_") for name in ("verdict", "confidence", "p_machine", "reasons")
)
_REPLACED_FIELDS = frozenset(OUTPUT_FIELDS)
_WRITE_BYTES = 1 << 18


class _Stopped(LinkweirError):
    """The first line that cannot be used, where that ends the run."""


class _Output(Protocol):
    def write(self, record: bytes, verdict: dict[str, Any], /) -> None: ...


class ClassifyRun:
    """One run."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._bad_lines = self._failed_files = self._other_events = 0
        self._summary = VerdictSummary()
        on_terminal = sys.stdout.isatty() and args.output is None and not args.summary
        self._live = sys.stderr.isatty() and not args.quiet and not on_terminal
        self._progress = self._reading_progress()

    def run(self) -> int:
        """Read, classify, write; return the exit code."""
        os.environ["SQLITE_TMPDIR"] = self._args.temp  # SQLite's own variable, for its files without a name
        enricher, internal = Enricher(None, KnownNetworks.load(self._args.networks)), self._parse_internal_traffic()
        try:
            with (
                OfflineClassifier(enricher, as_they_came=self._args.as_they_came, internal=internal) as classifier,
                _open_spool(self._args.temp) as spool,
            ):
                self._read_files(classifier, None if self._args.summary else spool)
                _rewind(spool, self._args.temp)
                self._classify(classifier)
                self._write(classifier, spool)
        except _Stopped as error:
            self._progress.print_above(f"linkweir: {error}")
            return 1
        finally:
            self._progress.close()
        self._print_summary()
        return 1 if self._bad_lines or self._failed_files else 0

    def _parse_internal_traffic(self) -> InternalTraffic:
        """The sender's own people. Raises UsageError."""
        try:
            return make_internal_traffic(self._args.internal_network, self._args.internal_address)
        except ValidationError as error:
            raise UsageError(_describe_internal_error(error, self._args)) from None

    def _reading_progress(self) -> ProgressBar:
        files = self._args.files
        sizes = [os.path.getsize(path) if os.path.isfile(path) else 0 for path in files if path != STDIN]
        total = None if STDIN in files else sum(sizes)
        return ProgressBar(sys.stderr, live=self._live, total_files=len(files), total_bytes=total)

    def _read_files(self, classifier: OfflineClassifier, spool: IO[bytes] | None) -> None:
        for path in self._args.files:
            try:
                with _open_input(path) as file:
                    self._read_file(path, file, classifier, spool)
            except OSError as error:
                self._failed_files += 1
                self._progress.print_above(f"linkweir: {display_path(path)}: can't read: {describe_error(error)}")
            self._progress.advance(files=1)

    def _read_file(self, path: str, file: IO[bytes], classifier: OfflineClassifier, spool: IO[bytes] | None) -> None:
        provider = self._args.provider
        start = file.peek(4)[:4]  # type: ignore[attr-defined]
        if parquet_records.is_parquet(start):
            records: Iterator[tuple[int, Any, bytes]] = parquet_records.iter_parquet_rows(file)
        else:
            records = iter_values(file) if provider else iter_lines(file)
        try:
            for number, value, text in records:
                self._progress.advance(size=len(text) + 1)
                for event in self._events(value) if provider else (value,):
                    self._add(f"{display_path(path)}:{number}", event, text, classifier, spool)
        except InvalidClick as error:  # of the whole file
            self._failed_files += 1
            self._progress.print_above(f"linkweir: {display_path(path)}: {error}")

    def _events(self, value: Any) -> Iterator[Any]:
        if isinstance(value, InvalidClick):
            yield value
            return
        try:
            yield from iter_provider_events(value)
        except InvalidClick as error:
            yield error

    def _add(
        self, where: str, fields: Any, text: bytes, classifier: OfflineClassifier, spool: IO[bytes] | None
    ) -> None:
        try:
            if isinstance(fields, InvalidClick):
                raise fields
            record = PROVIDERS[self._args.provider](fields) if self._args.provider else parse_click(fields)
        except InvalidClick as error:
            self._report_bad_line(where, error)
            return
        if record is None:
            self._other_events += 1
            return
        classifier.add(record)
        if spool is not None and isinstance(record, RecordedClick):
            _write_spool(spool, _to_line(fields, None if self._args.provider else text), self._args.temp)

    def _report_bad_line(self, where: str, error: InvalidClick) -> None:
        if self._args.stop_at_error:
            raise _Stopped(f"{where}: {error}")
        self._bad_lines += 1
        if self._bad_lines <= MAX_PRINTED_ERRORS:
            self._progress.print_above(f"linkweir: {where}: {error}")

    def _classify(self, classifier: OfflineClassifier) -> None:
        self._progress.close()
        if self._bad_lines > MAX_PRINTED_ERRORS:
            self._progress.print_above(f"linkweir: and {self._bad_lines - MAX_PRINTED_ERRORS:,} more such lines")
        bar = CountingProgressBar(
            sys.stderr,
            live=self._live,
            total_files=classifier.click_count * classifier.step_count,
            total_bytes=None,
        )
        try:
            classifier.classify(lambda clicks: bar.advance(files=clicks))
        finally:
            bar.close()

    def _write(self, classifier: OfflineClassifier, spool: IO[bytes]) -> None:
        if self._args.summary:
            for click in classifier.iter_classified():
                self._summary.add(click.verdict, click.first, click.label)
            return
        with _name_output(self._args.output), _open_output(self._args) as output:
            for line, click in zip(spool, classifier.iter_classified(), strict=True):
                self._summary.add(click.verdict, click.first, click.label)
                output.write(line.removesuffix(b"\n"), click.to_fields())

    def _print_summary(self) -> None:
        if self._args.quiet:
            return
        sys.stdout.flush()
        stream = sys.stdout if self._args.summary else sys.stderr
        if self._args.json:
            more = {"bad_lines": self._bad_lines, "other_events": self._other_events}
            print(orjson.dumps(self._summary.to_json() | more).decode(), file=stream)
            return
        seconds = self._progress.seconds
        took = format_duration(seconds) if seconds >= 10 else f"{seconds:.2f} s"
        left_out = f", {pluralize(self._bad_lines, 'line')} left out" if self._bad_lines else ""
        left_out += f", {pluralize(self._other_events, 'other event')}" if self._other_events else ""
        changed = f", {self._summary.changed:,} changed after arrival" if self._args.as_they_came else ""
        clicks = pluralize(self._summary.verdicts.total(), "click")
        print(f"linkweir: {clicks} classified{left_out}{changed}; {took}", file=stream)
        for line in self._summary.format_lines():
            print(line, file=stream)


@contextlib.contextmanager
def _open_spool(folder: str) -> Iterator[IO[bytes]]:
    """A temporary file without a name, which nobody has to remove."""
    try:
        file = tempfile.TemporaryFile(dir=folder, buffering=_WRITE_BYTES)  # noqa: SIM115 - closed below
    except OSError as error:
        raise UsageError(f"--temp {display_path(folder)}: {describe_error(error)}") from error
    try:
        yield file
    finally:
        with contextlib.suppress(OSError):  # of a full disk, which was reported
            file.close()


def _describe_internal_error(error: ValidationError, args: argparse.Namespace) -> str:
    """Name the option and its value, in place of the setting and the number of the entry."""
    setting, _, index = error.field.removesuffix("]").partition("[")
    option = setting.removesuffix("s" if setting == "internal_networks" else "es")
    value = display_path(getattr(args, option)[int(index)]) + " " if index else ""
    return f"--{option.replace('_', '-')} {value}{error.reason}"


@contextlib.contextmanager
def _name_output(output: str | None) -> Iterator[None]:
    """An error of what is written names it. Raises OSError with a file name; BrokenPipeError as it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, output or "standard output") from error


def _rewind(spool: IO[bytes], folder: str) -> None:
    try:
        spool.seek(0)  # which writes what waits
    except OSError as error:
        raise _full_folder(folder, error) from error


def _full_folder(folder: str, error: OSError) -> LinkweirError:
    return LinkweirError(f"can't write temporary files in {display_path(folder)}: {describe_error(error)}")


def _write_spool(spool: IO[bytes], line: bytes, folder: str) -> None:
    try:
        spool.write(line + b"\n")
    except OSError as error:
        raise _full_folder(folder, error) from error


def _to_line(fields: Any, text: bytes | None) -> bytes:
    """The record as one line, as it came where that is possible."""
    if text is not None and b"\n" not in text and not _REPLACED_FIELDS & fields.keys():
        return text
    return orjson.dumps({name: value for name, value in fields.items() if name not in _REPLACED_FIELDS})


@contextlib.contextmanager
def _open_input(path: str) -> Iterator[IO[bytes]]:
    if path == STDIN:
        yield sys.stdin.buffer
    else:
        with open(path, "rb") as file:
            yield file


class _NdjsonOutput:
    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._waiting = bytearray()

    def write(self, record: bytes, verdict: dict[str, Any], /) -> None:
        """The record's own bytes, with its verdict before the last brace."""
        self._waiting += record[:-1] + (b", " if len(record) > 2 else b"") + orjson.dumps(verdict)[1:] + b"\n"
        if len(self._waiting) >= _WRITE_BYTES:
            self.flush()

    def flush(self) -> None:
        self._write(bytes(self._waiting))
        self._waiting.clear()


class _ParquetOutput:
    def __init__(self, writer: parquet_records.ParquetVerdictWriter, *, is_click: bool) -> None:
        self._writer = writer
        self._is_click = is_click

    def write(self, record: bytes, verdict: dict[str, Any], /) -> None:
        self._writer.write(record, verdict, is_click=self._is_click)


@contextlib.contextmanager
def _open_output(args: argparse.Namespace) -> Iterator[_Output]:
    with contextlib.ExitStack() as stack:
        sink: AtomicFile | StdoutSink = StdoutSink()
        if args.output is not None:
            try:
                sink = stack.enter_context(AtomicFile(args.output))
            except OSError as error:
                raise UsageError(f"--output {display_path(args.output)}: {describe_error(error)}") from error
        if args.format == "parquet":
            writer = parquet_records.ParquetVerdictWriter(
                parquet_records.ParquetSink(sink.write), as_they_came=args.as_they_came
            )
            stack.enter_context(writer)
            yield _ParquetOutput(writer, is_click=args.provider is None)
        else:
            output = _NdjsonOutput(sink.write)
            yield output
            output.flush()
