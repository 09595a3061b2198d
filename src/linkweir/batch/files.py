"""From the paths somebody typed to a list of jobs: what is read, what is written, what is left out and why.

Decides names only; opens nothing for writing. The order is that of the paths, folders sorted by name inside,
so that two runs over the same tree do the same things in the same order.
"""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from linkweir.batch.atomic import is_temporary
from linkweir.batch.kinds import SUFFIXES, Kind, kind_of
from linkweir.batch.names import STDIN, shown
from linkweir.batch.source import reason
from linkweir.errors import LinkweirError

NOT_REGULAR = "not a regular file"
NOTHING_KNOWN = f"a folder without any file that is known here ({', '.join(SUFFIXES)} or a mail of a Maildir)"

Identity = tuple[int, int]  # device and inode: what tells two names of one file


class BadPlan(LinkweirError, ValueError):
    """What was asked for can't be done to these paths at all; nothing has been touched."""


@dataclass(frozen=True, slots=True)
class Job:
    """One file to do; `size` in bytes, 0 if unknown; no `target`: standard output (dry run: nowhere).

    A mailbox in which a process has died is done again, with every mail announced, and then without those that did it.
    """

    source: str
    target: str | None
    size: int
    copy: bool = False
    kind: Kind = "html"
    announce: bool = False
    left_out: frozenset[int] = frozenset()


@dataclass(slots=True)
class Listing:
    """What a list of paths came to.

    `problems` holds (path, reason) of what could not be listed, `sources` each input by its identity;
    `others` and `links_to_folders` count what was left out.
    """

    jobs: list[Job] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    others: int = 0
    links_to_folders: int = 0
    sources: dict[Identity, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """A file met on the way; `below` is its path inside the folder that was named, "" if itself named."""

    path: str
    below: str
    state: os.stat_result


def walk(path: str, listing: Listing, *, follow: bool = False) -> Iterator[Found]:
    """Yield the file `path`, or all files below the folder; what can't be read goes to `listing.problems`."""
    try:
        state = os.stat(path)
    except (OSError, ValueError) as error:
        listing.problems.append((path, reason(error)))
        return
    if stat.S_ISDIR(state.st_mode):
        yield from _walk_folder(path, _identity(state), listing, follow)
    else:
        yield Found(path, "", state)


def _identity(state: os.stat_result) -> Identity:
    return state.st_dev, state.st_ino


def _walk_folder(top: str, identity: Identity, listing: Listing, follow: bool) -> Iterator[Found]:
    """Walk with a stack of our own (a path may be deeper than Python recurses); know loops by identity."""
    stack = [(iter(_entries(top, listing)), "", frozenset({identity}))]
    while stack:
        entries, below, above = stack[-1]
        entry = next(entries, None)
        if entry is None:
            stack.pop()
            continue
        relative = os.path.join(below, entry.name)
        try:
            state = entry.stat()
            is_link = entry.is_symlink()
        except OSError as error:
            listing.problems.append((entry.path, reason(error)))
            continue
        if not stat.S_ISDIR(state.st_mode):
            yield Found(entry.path, relative, state)
        elif is_link and not follow:
            listing.links_to_folders += 1
        elif _identity(state) in above:
            listing.problems.append((entry.path, "symbolic link loop: leads back to a folder above it"))
        else:
            stack.append((iter(_entries(entry.path, listing)), relative, above | {_identity(state)}))


def _entries(folder: str, listing: Listing) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listed:
            return sorted(listed, key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        listing.problems.append((folder, reason(error)))
        return []


def list_for_reading(paths: list[str], *, follow: bool = False, kind: Kind | None = None) -> Listing:
    """List the HTML files and mails under `paths`; one that is named itself counts whatever its suffix, and a folder
    without any is a problem: somebody who misspelt its name would be told that all is well.

    `kind`: what standard input and files that are named themselves hold; None goes by their names.
    """
    listing = Listing()
    for path in paths:
        if path == STDIN:
            listing.jobs.append(Job(STDIN, None, 0, kind=kind or "html"))
            continue
        before = len(listing.jobs), len(listing.problems)
        for found in walk(path, listing, follow=follow):
            known = kind_of(found.path)
            if found.below and known and not stat.S_ISREG(found.state.st_mode):
                listing.problems.append((found.path, NOT_REGULAR))  # a pipe would keep us waiting for ever
            elif not found.below or known:
                told = kind if not found.below else None
                listing.jobs.append(Job(found.path, None, found.state.st_size, kind=told or known or "html"))
            else:
                listing.others += 1
        if before == (len(listing.jobs), len(listing.problems)):
            listing.problems.append((path, NOTHING_KNOWN))
    return listing


def list_for_rewriting(
    paths: list[str],
    *,
    output: str | None = None,
    in_place: bool = False,
    dry_run: bool = False,
    copy_others: bool = False,
    follow: bool = False,
    kind: Kind | None = None,
) -> Listing:
    """Plan a rewriting run. Raises BadPlan before two files become one or an input is written over.

    One folder is mirrored into `output` itself; with several paths each goes under its own name in `output`;
    a single file becomes `output`, or goes into it when that is a folder.
    """
    listing = Listing()
    folders = [path for path in paths if path != STDIN and os.path.isdir(path)]
    many = len(paths) > 1 or bool(folders)
    if STDIN in paths and (len(paths) > 1 or in_place):
        raise BadPlan("standard input (-) can't be mixed with other paths or rewritten in place")
    if many and not (output or in_place or dry_run):
        raise BadPlan("several files need --output DIR or --in-place (or --dry-run)")
    if many and output:
        _check_output_folder(folders, output)
    into_folder = many or (output is not None and (output.endswith(os.sep) or os.path.isdir(output)))
    for path in paths:
        if path == STDIN:
            name = os.path.join(output, "stdin.html") if output and into_folder else output
            listing.jobs.append(Job(STDIN, None if dry_run else name, 0, kind=kind or "html"))
            continue
        base = _base(path, output, into_folder, alone=len(paths) == 1)
        for found in walk(path, listing, follow=follow):
            told = kind if not found.below else None
            _add(listing, found, base, told, in_place=in_place, dry_run=dry_run, copy_others=copy_others)
    if in_place:
        listing.jobs = _once_each(listing.jobs)
    else:
        _check_targets(listing)
    return listing


def _base(path: str, output: str | None, into_folder: bool, *, alone: bool) -> str | None:
    """Where the files of `path` go: a folder for a folder, a file name for a file."""
    if output is None or not into_folder or (alone and os.path.isdir(path)):
        return output
    own = os.path.basename(os.path.normpath(path))
    return os.path.join(output, own if own not in {"", ".", ".."} else os.path.basename(os.path.realpath(path)))


def _add(
    listing: Listing,
    found: Found,
    base: str | None,
    told: Kind | None,
    *,
    in_place: bool,
    dry_run: bool,
    copy_others: bool,
) -> None:
    name = os.path.basename(found.path)
    if is_temporary(name):
        return
    known = told or kind_of(found.path)
    html = not found.below or known is not None
    regular = stat.S_ISREG(found.state.st_mode)
    if not regular and (found.below or in_place):
        listing.problems.append((found.path, NOT_REGULAR))
        return
    if not html and (in_place or dry_run or not copy_others):
        listing.others += 1
        return
    target = None if dry_run else found.path if in_place else base
    if target is not None and not in_place and found.below:
        target = os.path.join(target, found.below)
    listing.sources[_identity(found.state)] = found.path
    listing.jobs.append(Job(found.path, target, found.state.st_size if regular else 0, not html, known or "html"))


def _check_output_folder(folders: list[str], output: str) -> None:
    if os.path.exists(output) and not os.path.isdir(output):
        raise BadPlan(f"--output {shown(output)} must be a folder here")
    inside = os.path.join(os.path.realpath(output), "")
    for folder in folders:
        if inside.startswith(os.path.join(os.path.realpath(folder), "")):
            raise BadPlan(
                f"--output {shown(output)} lies inside the input folder {shown(folder)}; "
                "choose a folder outside it, or --in-place"
            )


def _check_targets(listing: Listing) -> None:
    """Refuse two jobs for one target, and a target that is one of the inputs, before anything is written."""
    targets: dict[str, Job] = {}
    for job in listing.jobs:
        if job.target is None:
            continue
        state = _state(job.target)
        if state is not None and not stat.S_ISREG(state.st_mode):
            continue  # a terminal or /dev/null takes any number
        real = os.path.realpath(job.target)  # two names may be links to one file
        if real in targets:
            raise BadPlan(
                f"{shown(targets[real].source)} and {shown(job.source)} would both become {shown(job.target)}"
            )
        targets[real] = job
        if state is not None and _identity(state) in listing.sources:
            raise BadPlan(f"{shown(job.target)} is an input too; use --in-place to rewrite files where they are")


def _state(path: str) -> os.stat_result | None:
    with contextlib.suppress(OSError):
        return os.stat(path)
    return None


def written_over(path: str, targets: Iterable[str]) -> str | None:
    """Return the first of `targets` that is the file `path`, by whatever name or link; None if none is."""
    real, state = os.path.realpath(path), _state(path)
    for target in targets:
        there = _state(target)
        if state is not None and there is not None:
            if _identity(there) == _identity(state):
                return target
        elif os.path.realpath(target) == real:
            return target
    return None


def _once_each(jobs: list[Job]) -> list[Job]:
    """Keep one job per real file, which several symbolic links may lead to."""
    kept: dict[str, Job] = {}
    for job in jobs:
        kept.setdefault(os.path.realpath(job.source), job)
    return list(kept.values())
