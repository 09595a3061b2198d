"""Converts the given paths to a list of jobs: inputs, outputs, and what is left out and why.

Opens nothing for writing. The order is that of the paths, folders sorted by name, so that runs over the same tree are
identical.
"""

import contextlib
import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import Literal

from linkweir.atomic_file import is_temporary
from linkweir.bulk.document_io import describe_error
from linkweir.bulk.tables.table_format import TABLE_FORMATS, detect_table_format
from linkweir.errors import LinkweirError
from linkweir.terminal.text import STDIN, display_path

FileKind = Literal["html", "eml", "mbox", "ndjson", "csv", "parquet"]
FILE_KINDS: tuple[FileKind, ...] = ("html", "eml", "mbox")
SUFFIXES: dict[str, FileKind] = {
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    ".eml": "eml",
    ".mbox": "mbox",
}
# Of files that templates of mails and pages are written in; they are checked, not rewritten.
TEMPLATE_SUFFIXES = (
    *(".j2", ".jinja", ".jinja2", ".njk", ".liquid", ".mjml", ".hbs", ".handlebars", ".mustache", ".twig", ".erb"),
    *(".ejs", ".eta", ".ftl", ".ftlh", ".vm", ".tmpl", ".gohtml", ".cshtml", ".phtml", ".heml"),
)
NOT_REGULAR = "not a regular file"
NO_SUPPORTED_FILE = f"a folder without any file that is known here ({', '.join(SUFFIXES)} or a mail of a Maildir)"

FileIdentity = tuple[int, int]  # device and inode: two names of one file have the same


class InvalidPlan(LinkweirError, ValueError):
    """The run is impossible with these paths; nothing was changed."""


@dataclass(frozen=True, slots=True)
class FileJob:
    """One file to process; `size` in bytes, 0 if unknown; no `target`: standard output (dry run: none).

    A mailbox in which a process has died is done again without the mails that did it. A source that is not `is_regular`
    (a pipe) may keep its reader waiting.
    """

    source: str
    target: str | None
    size: int
    copy_only: bool = False
    kind: FileKind = "html"
    excluded_mails: frozenset[int] = frozenset()
    is_regular: bool = True


@dataclass(slots=True)
class FileList:
    """The files of a list of paths.

    `problems` holds (path, reason) of what could not be listed, `sources` each input by its identity, `targets` each
    target by its real path, `existing_targets` by its identity; `skipped_files`, `skipped_file_links` and
    `skipped_folder_links` count what was left out.
    """

    jobs: list[FileJob] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    skipped_files: int = 0
    skipped_file_links: int = 0
    skipped_folder_links: int = 0
    sources: dict[FileIdentity, str] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)
    existing_targets: dict[FileIdentity, str] = field(default_factory=dict)

    def find_target(self, path: str) -> str | None:
        """Return the target that is the file `path`, by whatever name or link; None if none is."""
        state = _stat_or_none(path)
        if state is not None and _identity(state) in self.existing_targets:
            return self.existing_targets[_identity(state)]
        return self.targets.get(os.path.realpath(path))

    def find_source(self, path: str) -> str | None:
        """Return the input that is the file `path`, by whatever name or link; None if none is."""
        state = _stat_or_none(path)
        return None if state is None else self.sources.get(_identity(state))


@dataclass(frozen=True, slots=True)
class WalkedFile:
    """A file found. `relative_path`: inside the given folder, "" if the file itself was given; `is_link`: a symbolic
    link was found, and `stat` is of what it leads to.
    """

    path: str
    relative_path: str
    stat: os.stat_result
    is_link: bool = False


def walk(path: str, listing: FileList, *, follow: bool = False) -> Iterator[WalkedFile]:
    """Yield the file `path`, or all files below the folder; errors go to `listing.problems`."""
    try:
        state = os.stat(path)
    except (OSError, ValueError) as error:
        listing.problems.append((path, describe_error(error)))
        return
    if stat.S_ISDIR(state.st_mode):
        yield from _walk_folder(path, _identity(state), listing, follow)
    else:
        yield WalkedFile(path, "", state)


def _identity(state: os.stat_result) -> FileIdentity:
    return state.st_dev, state.st_ino


def _walk_folder(top: str, identity: FileIdentity, listing: FileList, follow: bool) -> Iterator[WalkedFile]:
    """Walk without recursion (paths may be deeper than Python's limit); detect loops by identity."""
    stack = [(iter(_scan_folder(top, listing)), "", frozenset({identity}))]
    while stack:
        entries, prefix, above = stack[-1]
        entry = next(entries, None)
        if entry is None:
            stack.pop()
            continue
        relative = prefix + entry.name
        try:
            state = entry.stat()
            is_link = entry.is_symlink()
        except OSError as error:
            listing.problems.append((entry.path, describe_error(error)))
            continue
        if not stat.S_ISDIR(state.st_mode):
            yield WalkedFile(entry.path, relative, state, is_link)
        elif is_link and not follow:
            listing.skipped_folder_links += 1
        elif _identity(state) in above:
            listing.problems.append((entry.path, "symbolic link loop: leads back to a folder above it"))
        else:
            stack.append((iter(_scan_folder(entry.path, listing)), relative + os.sep, above | {_identity(state)}))


def _scan_folder(folder: str, listing: FileList) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listed:
            entries = list(listed)
    except OSError as error:
        listing.problems.append((folder, describe_error(error)))
        return []
    if all(entry.name.isascii() for entry in entries):  # whose letters and bytes have the same order
        return sorted(entries, key=attrgetter("name"))
    return sorted(entries, key=lambda entry: os.fsencode(entry.name))


def list_files_to_read(
    paths: list[str], *, follow: bool = False, kind: FileKind | None = None, suffixes: Collection[str] = ()
) -> FileList:
    """List the HTML files and mails under `paths`. A file that is given itself counts whatever its suffix. A folder
    without any is a problem: else a wrong name would look like success.

    `kind`: of standard input and of files that are given themselves; None: by their names. `suffixes`: of further HTML
    files, in lower case.
    """
    listing = FileList()
    for path in paths:
        if path == STDIN:
            listing.jobs.append(FileJob(STDIN, None, 0, kind=kind or "html"))
            continue
        before = len(listing.jobs), len(listing.problems)
        for entry in walk(path, listing, follow=follow):
            known = detect_kind(entry.path) or ("html" if entry.path.lower().endswith(tuple(suffixes)) else None)
            if entry.relative_path and known and not stat.S_ISREG(entry.stat.st_mode):
                listing.problems.append((entry.path, NOT_REGULAR))  # a pipe would block for ever
            elif not entry.relative_path or known:
                given_kind = kind if not entry.relative_path else None
                listing.jobs.append(FileJob(entry.path, None, entry.stat.st_size, kind=given_kind or known or "html"))
            else:
                listing.skipped_files += 1
        if before == (len(listing.jobs), len(listing.problems)):
            listing.problems.append((path, NO_SUPPORTED_FILE))
    return listing


def plan_rewrite(
    paths: list[str],
    *,
    output: str | None = None,
    in_place: bool = False,
    dry_run: bool = False,
    copy_others: bool = False,
    follow: bool = False,
    kind: FileKind | None = None,
    tables: bool = False,
) -> FileList:
    """Plan a rewriting run. `tables`: also of the tables in folders.

    Raises InvalidPlan if two files would become one or an input would be overwritten.

    One folder is mirrored into `output` itself; of several paths each is written under its own name in `output`; a
    single file becomes `output`, or is written into it if that is a folder.
    """
    listing = FileList()
    folders = [path for path in paths if path != STDIN and os.path.isdir(path)]
    many = len(paths) > 1 or bool(folders)
    if STDIN in paths and (len(paths) > 1 or in_place):
        raise InvalidPlan("standard input (-) can't be mixed with other paths or rewritten in place")
    if many and not (output or in_place or dry_run):
        raise InvalidPlan("several files need --output DIR or --in-place (or --dry-run)")
    if many and output:
        _check_output_folder(folders, output)
    into_folder = many or (output is not None and (output.endswith(os.sep) or os.path.isdir(output)))
    for path in paths:
        if path == STDIN:
            name = os.path.join(output, f"stdin.{kind or 'html'}") if output and into_folder else output
            listing.jobs.append(FileJob(STDIN, None if dry_run else name, 0, kind=kind or "html"))
            continue
        base = _output_base(path, output, into_folder, is_only_path=len(paths) == 1)
        for entry in walk(path, listing, follow=follow):
            if in_place and entry.is_link and not follow and detect_kind(entry.path):
                listing.skipped_file_links += 1  # what it leads to may be outside of the folder
                continue
            given_kind = kind if not entry.relative_path else None
            if given_kind is None and (tables or not entry.relative_path):
                given_kind = detect_table_format(entry.path)
            _add_job(listing, entry, base, given_kind, in_place=in_place, dry_run=dry_run, copy_others=copy_others)
    if in_place:
        listing.jobs = _deduplicate(listing.jobs)
        listing.existing_targets = listing.sources if not dry_run else {}
    else:
        _check_targets(listing)
        _check_table_formats(listing)
    return listing


def _check_table_formats(listing: FileList) -> None:
    """Refuse a target whose name stands for another format: tables are not converted."""
    for job in listing.jobs:
        format_ = detect_table_format(job.target) if job.target is not None else None
        if job.kind in TABLE_FORMATS and format_ is not None and format_ != job.kind:
            raise InvalidPlan(
                f"{display_path(job.target or '')} would be {job.kind} as {display_path(job.source)} is, but its name "
                f"stands for {format_}"
            )


def _output_base(path: str, output: str | None, into_folder: bool, *, is_only_path: bool) -> str | None:
    """Return the target of `path`: a folder for a folder, a file name for a file."""
    if output is None or not into_folder or (is_only_path and os.path.isdir(path)):
        return output
    own = os.path.basename(os.path.normpath(path))
    return os.path.join(output, own if own not in {"", ".", ".."} else os.path.basename(os.path.realpath(path)))


def _add_job(
    listing: FileList,
    file: WalkedFile,
    base: str | None,
    explicit_kind: FileKind | None,
    *,
    in_place: bool,
    dry_run: bool,
    copy_others: bool,
) -> None:
    if is_temporary(os.path.basename(file.path)):
        return
    known = explicit_kind or detect_kind(file.path)
    html = not file.relative_path or known is not None
    regular = stat.S_ISREG(file.stat.st_mode)
    if not regular and (file.relative_path or in_place):
        listing.problems.append((file.path, NOT_REGULAR))
        return
    if not html and (in_place or dry_run or not copy_others):
        listing.skipped_files += 1
        return
    target = None if dry_run else file.path if in_place else base
    if target is not None and not in_place and file.relative_path:
        target = os.path.join(target, file.relative_path)
    listing.sources[_identity(file.stat)] = file.path
    size = file.stat.st_size if regular else 0
    listing.jobs.append(FileJob(file.path, target, size, not html, known or "html", is_regular=regular))


def _check_output_folder(folders: list[str], output: str) -> None:
    if os.path.exists(output) and not os.path.isdir(output):
        raise InvalidPlan(f"--output {display_path(output)} must be a folder here")
    inside = os.path.join(os.path.realpath(output), "")
    for folder in folders:
        if inside.startswith(os.path.join(os.path.realpath(folder), "")):
            raise InvalidPlan(
                f"--output {display_path(output)} lies inside the input folder {display_path(folder)}; "
                "choose a folder outside it, or --in-place"
            )


def _check_targets(listing: FileList) -> None:
    """Refuse two jobs for one target, and a target that is one of the inputs, before anything is written."""
    resolver = _PathResolver()
    jobs: dict[str, FileJob] = {}
    for job in listing.jobs:
        if job.target is None:
            continue
        state, real = resolver.resolve(job.target)
        if state is not None:
            listing.existing_targets[_identity(state)] = job.target
            if not stat.S_ISREG(state.st_mode):
                continue  # a terminal or /dev/null takes any number
        if real in jobs:  # two names may be links to one file
            raise InvalidPlan(
                f"{display_path(jobs[real].source)} and "
                f"{display_path(job.source)} would both become {display_path(job.target)}"
            )
        jobs[real] = job
        listing.targets[real] = job.target
        if state is not None and _identity(state) in listing.sources:
            raise InvalidPlan(
                f"{display_path(job.target)} is an input too; use --in-place to rewrite files where they are"
            )


class _PathResolver:
    """Real paths and states of many files in few folders: each folder is resolved once."""

    def __init__(self) -> None:
        self._folders: dict[str, tuple[str, bool]] = {}

    def _resolve_folder(self, path: str) -> tuple[str, bool]:
        """The real path of a folder, with a separator at its end, and whether there is one."""
        known = self._folders.get(path)
        if known is None:
            real = os.path.join(os.path.realpath(path or "."), "")
            known = self._folders[path] = real, os.path.isdir(path or ".")
        return known

    def resolve(self, path: str) -> tuple[os.stat_result | None, str]:
        """The state of the file that a path leads to, None without one, and its real path."""
        folder, name = os.path.split(path)
        real_folder, exists = self._resolve_folder(folder)
        if name in {"", ".", ".."}:
            return _stat_or_none(path), os.path.realpath(path)
        if not exists:
            return None, real_folder + name
        try:
            state = os.lstat(path)
        except (OSError, ValueError):
            return None, real_folder + name
        if stat.S_ISLNK(state.st_mode):
            return _stat_or_none(path), os.path.realpath(path)
        return state, real_folder + name


def _stat_or_none(path: str) -> os.stat_result | None:
    with contextlib.suppress(OSError):
        return os.stat(path)
    return None


def is_same_file(path: str, other: str) -> bool:
    """Whether two paths lead to one file, by whatever name or link; of files that do not exist, to one path."""
    state, other_state = _stat_or_none(path), _stat_or_none(other)
    if state is not None and other_state is not None:
        return _identity(state) == _identity(other_state)
    return os.path.realpath(path) == os.path.realpath(other)


def _deduplicate(jobs: list[FileJob]) -> list[FileJob]:
    """Keep one job per real file, which several symbolic links may lead to."""
    resolver = _PathResolver()
    unique: dict[str, FileJob] = {}
    for job in jobs:
        unique.setdefault(resolver.resolve(job.source)[1], job)
    return list(unique.values())


def detect_kind(path: str) -> FileKind | None:
    """Return the kind of the file by its name and folder, None if unsupported. Mails of a Maildir have no suffix."""
    kind = SUFFIXES.get(os.path.splitext(path)[1].lower())
    if kind is not None:
        return kind
    folder, name = os.path.split(path)
    if os.path.basename(folder) in ("cur", "new") and not name.startswith("."):
        return "eml" if _is_maildir(os.path.dirname(folder)) else None
    return None


@lru_cache(maxsize=64)
def _is_maildir(folder: str) -> bool:
    return all(os.path.isdir(os.path.join(folder, name)) for name in ("cur", "new", "tmp"))
