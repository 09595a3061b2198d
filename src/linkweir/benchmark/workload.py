"""What is measured on a user's own documents: floors, Linkweir as the user has set it, and peers, all of them checked.

The right answer of such a document is known from its links alone: what a scan finds and a tracker mints, put in place
piece by piece, must be what `rewrite` gives, and each link must open to its destination. What peers find is compared
with that. Reads no files.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from linkweir import _html
from linkweir.benchmark.answer_check import Correctness, WrongAnswerError, check_output
from linkweir.benchmark.case import Case, LinkSite
from linkweir.benchmark.engine_registry import PEER_LOADERS, load_engine
from linkweir.benchmark.interleaved_rounds import Work, repeat
from linkweir.benchmark.mail_engine import MAIL_PEER, rewrite_with_stdlib
from linkweir.benchmark.rewriting_engine import CONSTANT, Engine, EngineNotInstalledError
from linkweir.html import Outcome, Switches, rewrite, scan
from linkweir.mime import check_message, rewrite_message
from linkweir.tokens import Tracker, open_link

TAG_BYTE = ord("<")
SWEEP = "memory sweep"
JUDGED = "rewrite"
MAIL_JUDGED = "rewrite_message"
CONSTANT_FORM = "rewrite, constant link"
_RIGHT = "right"
_FAILS = "fails: "


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """An HTML document with the label of its charset, or a raw mail (`charset` is None)."""

    name: str
    data: bytes = field(repr=False)
    charset: str | None
    tracker: Tracker = field(repr=False)


@dataclass(frozen=True, slots=True)
class Workload:
    """Documents of one kind, and everything that is measured on all of them in one go.

    `works` by name; `judged` is the one that limits apply to; `answers` says of each engine whether it is right;
    `links` counts the tracked links, `peers` names the works of others, `missing` says which cannot be used here.
    """

    kind: str
    judged: str
    size: int
    document_count: int
    links: int
    works: dict[str, Work] = field(repr=False)
    answers: dict[str, str]
    peers: tuple[str, ...]
    missing: tuple[str, ...]


def make_html_workload(documents: Sequence[SourceDocument], switches: Switches, *, peers: bool = True) -> Workload:
    """Measure `rewrite` with sealed links. Raises WrongAnswerError."""
    cases = [_make_case(document, switches) for document in documents]
    raw = [document.data for document in documents]
    works: dict[str, Work] = {
        SWEEP: sweep_work(raw),
        'bytes.count(b"<")': repeat(lambda: [data.count(b"<") for data in raw]),
        "scan in C": repeat(lambda: [_html.count_outcomes(data, switches.rules) for data in raw]),
        JUDGED: repeat(lambda: [_rewrite(document, document.tracker, switches) for document in documents]),
        "rewrite, constant link": repeat(
            lambda: [_rewrite(document, _constant_link, switches) for document in documents]
        ),
    }
    answers, missing = dict.fromkeys((JUDGED, "rewrite, constant link"), _RIGHT), []
    for name in PEER_LOADERS if peers else ():
        try:
            engine = load_engine(name)
        except EngineNotInstalledError as reason:
            missing.append(str(reason))
            continue
        answer = _compare_answers(check_output(engine, case) for case in cases)
        if answer.startswith(_FAILS):
            missing.append(f"{name} {answer}")
        else:
            answers[name] = answer
            works[name] = repeat(partial(_run_constant, engine, raw))
    used = tuple(name for name in PEER_LOADERS if name in works)
    links = sum(len(case.sites) for case in cases)
    return Workload("HTML", JUDGED, sum(map(len, raw)), len(raw), links, works, answers, used, tuple(missing))


def make_mail_workload(documents: Sequence[SourceDocument], switches: Switches, *, peers: bool = True) -> Workload:
    """Measure `rewrite_message` with sealed links. Raises WrongAnswerError."""
    raw = [document.data for document in documents]
    links = sum(_check_mail(document, switches) for document in documents)
    works: dict[str, Work] = {
        SWEEP: sweep_work(raw),
        MAIL_JUDGED: repeat(
            lambda: [rewrite_message(document.data, document.tracker, switches=switches) for document in documents]
        ),
    }
    answers = {MAIL_JUDGED: _RIGHT}
    missing: tuple[str, ...] = ()
    if peers:
        answer = _check_mail_peer(raw)
        if answer.startswith(_FAILS):
            missing = (f"{MAIL_PEER} {answer}",)
        else:
            answers[MAIL_PEER] = answer
            works[MAIL_PEER] = repeat(lambda: [rewrite_with_stdlib(data, CONSTANT) for data in raw])
    used = tuple({MAIL_PEER} & works.keys())
    return Workload("mail", MAIL_JUDGED, sum(map(len, raw)), len(raw), links, works, answers, used, missing)


def sweep_work(documents: Sequence[bytes]) -> Work:
    """The floor that speeds are compared with: libc's memchr finds every `<`."""
    return repeat(lambda: [_html.count_byte(data, TAG_BYTE) for data in documents])


def _rewrite(document: SourceDocument, links: Tracker | Callable[[str, int], str], switches: Switches) -> bytes:
    return rewrite(document.data, links, switches=switches, charset=document.charset or "utf-8")


def _constant_link(_destination: str, _index: int) -> str:
    return CONSTANT


def _run_constant(engine: Engine, documents: Sequence[bytes]) -> None:
    for data in documents:
        engine.constant(data)


def _make_case(document: SourceDocument, switches: Switches) -> Case:
    """The document with its right answer. Raises WrongAnswerError if ours is another."""
    charset, tracker = document.charset or "utf-8", document.tracker
    links = list(scan(document.data, switches=switches, charset=charset, links=tracker))
    sites = tuple(
        LinkSite(link.value_start, link.value_end, link.destination or "", link.index)
        for link in links
        if link.outcome is Outcome.TRACKED
    )
    case = Case(document.name, document.data, sites, len(links))
    if _rewrite(document, tracker, switches) != case.expected_output(tracker.mint):
        raise WrongAnswerError(f"rewrite of {document.name}")
    for site in sites:
        if open_link(tracker.ring, tracker.mint(site.destination, site.index)).destination != site.destination:
            raise WrongAnswerError(f"link {site.index} of {document.name} does not open to its destination")
    return case


def _check_mail(document: SourceDocument, switches: Switches) -> int:
    """The number of links that are replaced. Raises WrongAnswerError."""
    links, _ = check_message(document.data, switches=switches, links=document.tracker)
    expected = [item.link.destination for item in links if item.link.outcome is Outcome.TRACKED]
    result = rewrite_message(document.data, document.tracker, switches=switches, report=True)
    replaced = [item.link for item in result.links if item.link.replacement is not None]
    opened = [open_link(document.tracker.ring, link.replacement or "").destination for link in replaced]
    if opened != expected[: len(opened)] or [link.destination for link in replaced] != opened:
        raise WrongAnswerError(f"rewrite_message of {document.name}")
    return len(replaced)


def _compare_answers(results: Iterable[Correctness]) -> str:
    """One line for all documents."""
    done = list(results)
    failure = next((result.failure for result in done if result.failure), "")
    if failure:
        return f"{_FAILS}{failure}"
    wrong = sum(result.wrong for result in done)
    faults = ["1 link differs" if wrong == 1 else f"{wrong} links differ"] if wrong else []
    faults += [] if all(result.bytes_preserved for result in done) else ["bytes changed elsewhere"]
    return ", ".join(faults) or "same links"


def _check_mail_peer(mails: Sequence[bytes]) -> str:
    try:
        for data in mails:
            rewrite_with_stdlib(data, CONSTANT)
    except Exception as error:  # whatever a mail does to it
        return f"{_FAILS}{type(error).__name__}"
    return "mails generated anew"
