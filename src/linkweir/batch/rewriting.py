"""Rewrite one file, or standard input, holding one chunk and one open tag, never a document.

Each file stands alone: its error ends up in its Result, and the next file is none the wiser.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from linkweir.batch.atomic import AtomicFile
from linkweir.batch.files import Job
from linkweir.batch.lengths import restate_headers, restated_path
from linkweir.batch.mailbox import MAIL_LIMIT, Piece, pieces, whole
from linkweir.batch.message import refuse_if_read_once
from linkweir.batch.names import STDIN, shown
from linkweir.batch.report import row
from linkweir.batch.source import HEAD, Nowhere, Sink, Source, Stdout, Unreadable, reason, refuse_junk
from linkweir.batch.trackers import Trackers
from linkweir.errors import LinkweirError
from linkweir.html import Outcome, Rewriter, Switches
from linkweir.html.prescan import PRESCAN_BYTES, sniff
from linkweir.mime import Rewritten, rewrite_message
from linkweir.token import KeyRing, Privacy

Tick = Callable[[int], None]
Rows = Callable[[bytes], None]
Announce = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that rewriting a file needs, in a form that travels to another process.

    `ring` is a key ring as JSON; `message` may be a pattern (see `message_for`); `report` asks for rows.
    """

    ring: bytes = field(repr=False)
    base_url: str
    message: str | None = None
    campaign: str | None = None
    privacy: Privacy = Privacy.FULL
    switches: Switches = field(default_factory=Switches)
    charset: str | None = None
    report: bool = False
    dry_run: bool = False
    in_place: bool = False


@dataclass(slots=True)
class Result:
    """What became of one job; `error` None: all right; `rows`: the report's lines, none for a failed file;
    `notes`: how often something was worth a note, by its code; `left`: mails of a mailbox that stayed as they were, and
    why.
    """

    job: Job
    size: int = 0
    counts: dict[Outcome, int] = field(default_factory=dict)
    rows: bytes = b""
    notes: dict[str, int] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    error: str | None = None


class FileRewriter:
    """Rewrites one job after another by one recipe; LinkweirError when the recipe is no good."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._announce: Announce | None = None
        self._path: str | None = None  # where the mail belongs whose name states its length
        ring = KeyRing.from_json(recipe.ring)
        self._trackers = Trackers(
            ring, recipe.base_url, message=recipe.message, campaign=recipe.campaign, privacy=recipe.privacy
        )

    def do(self, job: Job, tick: Tick, rows: Rows | None = None, announce: Announce | None = None) -> Result:
        """Do one job; `tick` hears of each chunk's size; rows go to `rows` as they come, or into the Result; `announce`
        hears each mail's number before it is done, if the job says so.

        Errors of this file are put into the result, whatever they are: the next file is none the wiser.
        BrokenPipeError comes out: nobody reads the output any more; and EOFError, by which `tick` ends the work.
        """
        self._announce = announce
        result = Result(job)
        kept: list[bytes] = []
        try:
            self._deliver(result, tick, rows or kept.append)
            result.rows = b"".join(kept)
            return result
        except (BrokenPipeError, EOFError):
            raise
        except OSError as error:
            where = "standard output" if job.target is None else shown(job.target)
            result.error = f"can't write {where}: {reason(error)}"
        except Exception as error:
            result.error = reason(error)
        result.counts, result.left = {}, []
        return result

    def _deliver(self, result: Result, tick: Tick, rows: Rows) -> None:
        job, recipe = result.job, self._recipe
        self._path = None
        refuse_if_read_once(recipe.message or "", job.source)
        with Source(job.source) as source:
            if recipe.dry_run:
                self._pour(source, Nowhere(), result, tick, rows)
            elif job.target is None:
                self._pour(source, Stdout(), result, tick, rows)
            else:
                os.makedirs(os.path.dirname(job.target) or ".", exist_ok=True)
                with AtomicFile(job.target, mode=source.mode) as sink:
                    self._pour(source, sink, result, tick, rows)
                    if recipe.in_place and not result.counts.get(Outcome.TRACKED):
                        sink.discard()  # nothing changed, so the file keeps its date
                if self._path is not None and self._path != job.target:
                    _rename(job.target, self._path, over=not recipe.in_place)

    def _pour(self, source: Source, sink: Sink, result: Result, tick: Tick, rows: Rows) -> None:
        write = _copy(source) if result.job.copy else self._done(source, result, rows)
        for data in write:
            sink.write(data)
            tick(source.offset - result.size)
            result.size = source.offset

    def _done(self, source: Source, result: Result, rows: Rows) -> Iterator[bytes]:
        if result.job.kind == "html":
            return self._rewritten(source, result, rows)
        return self._mails(source, result, rows)

    def _mails(self, source: Source, result: Result, rows: Rows) -> Iterator[bytes]:
        """Yield the mail, or the mailbox mail by mail, rewritten; a mail that can't be passes unchanged."""
        too_large = False
        box = result.job.kind == "mbox"
        for piece in pieces(_copy(source)) if box else whole(_copy(source)):
            too_large |= not piece.number
            done = self._mail(piece, result) if piece.number else None
            if done is None:
                yield piece.data
                continue
            for found in done.links:
                result.counts[found.link.outcome] = result.counts.get(found.link.outcome, 0) + 1
            for note in done.notes:
                result.notes[note.code] = result.notes.get(note.code, 0) + 1
            if self._recipe.report:
                self._tell(result, done, piece.number if box else None, rows)
            yield restate_headers(piece.data, done.raw) if box else done.raw
            self._path = (
                None if box or not result.job.target else restated_path(result.job.target, piece.data, done.raw)
            )
        if too_large and not box:
            raise Unreadable(f"the mail is larger than {MAIL_LIMIT >> 20} MiB and was left alone")
        if too_large:
            result.left.append(f"a mail is larger than {MAIL_LIMIT >> 20} MiB")

    def _mail(self, piece: Piece, result: Result) -> Rewritten | None:
        """The mail rewritten; None for one of a mailbox with which that can't be done: it costs itself only."""
        recipe, job = self._recipe, result.job
        tracker = self._trackers.of(job.source, piece.number)
        if piece.number in job.left_out:
            result.left.append(f"mail {piece.number}: the process working on it ended")
            return None
        if job.announce and self._announce:
            self._announce(piece.number)
        try:
            return rewrite_message(piece.data, tracker, switches=recipe.switches, report=True)
        except Exception as error:
            if job.kind != "mbox":
                raise
            result.left.append(f"mail {piece.number}: {reason(error)}")
            return None

    def _tell(self, result: Result, done: Rewritten, number: int | None, rows: Rows) -> None:
        for found in done.links:
            replaced = not self._recipe.dry_run
            rows(row(result.job.source, found.link, replaced=replaced, part=found.part, message=number))

    def _rewritten(self, source: Source, result: Result, rows: Rows) -> Iterator[bytes]:
        """Yield the rewritten document; on an error first the rest unchanged, since a stream is never cut."""
        piped = result.job.source == STDIN
        head = source.head(_head_size(piped, self._recipe.charset))
        rewriter = self._open(head, result.job, rows)
        failure: Exception | None = None
        data = head
        while data:
            try:
                done = rewriter.feed(data)
            except Exception as error:
                failure, done = failure or error, b""  # the rewriter passes on everything unchanged from here
            yield done
            try:
                data = source.read()
            except LinkweirError as error:
                failure, data = error, b""
        try:
            done = rewriter.close()
        except Exception as error:
            failure, done = failure or error, rewriter.close()
        yield done
        if failure:
            raise failure
        result.counts = dict(rewriter.counts)

    def _open(self, head: bytes, job: Job, rows: Rows) -> Rewriter:
        """Make the rewriter for a document that begins with `head`; raises Unreadable when it is none."""
        recipe = self._recipe
        charset = sniff(head, recipe.charset)
        if job.source != STDIN and not charset.startswith(("utf-16", "utf-32")):
            refuse_junk(head)
        replaced = not recipe.dry_run
        return Rewriter(
            self._trackers.of(job.source),
            switches=recipe.switches,
            charset=charset,
            on_link=(lambda link: rows(row(job.source, link, replaced=replaced))) if recipe.report else None,
        )


def _rename(path: str, to: str, *, over: bool) -> None:
    """After the mail is written, so that a process killed between leaves it once, with a name that states a wrong
    length. `over`: also over what an earlier run has left there.
    """
    if not os.path.islink(path) and (over or not os.path.lexists(to)):
        os.replace(path, to)


def _copy(source: Source) -> Iterator[bytes]:
    while data := source.read():
        yield data


def _head_size(piped: bool, charset: str | None) -> int:
    """How many bytes to wait for before the first link: as few as can be when somebody waits at a pipe."""
    if not piped:
        return HEAD
    return 4 if charset else PRESCAN_BYTES  # 4: the longest BOM
