"""Rewriting whole mails: MB/s beside the standard library's way (parse, replace, generate), in one run.

`python -m bench.mime_throughput [--rounds N]`. The mail: a 100 KB newsletter, multipart/alternative, in each transfer
encoding. Both answers are checked: the same destinations stand in both results, and ours differs nowhere else.
Beside it: which share of our time goes into asking the caller's function for each link's value, and rewriting with
sealed links, whose keyed hash the standard library's way does not have to pay.
"""

import argparse
import base64
import quopri
import sys
from collections.abc import Callable

from bench.cases.catalogue import load_case
from bench.harness.sample_tracker import make_tracker
from bench.ratios import Ratio
from linkweir.benchmark import Samples, WrongAnswerError, compute_ratio, repeat, run_interleaved
from linkweir.benchmark.mail_engine import rewrite_with_stdlib
from linkweir.html.charset import Charset
from linkweir.html.resolver import make_resolver
from linkweir.html.rewriter import DEFAULT_SWITCHES
from linkweir.mime import iter_html_bodies, rewrite_message

BODY_CASE = "newsletter 100 KB"
ENCODINGS = ("8bit", "quoted-printable", "base64")
LINK_URL = "https://t.example.com/c/"


def make_mail(encoding: str) -> bytes:
    """The newsletter as a mail with CRLF line ends."""
    page = load_case(BODY_CASE).document.replace(b"\r\n", b"\n")
    if encoding == "quoted-printable":
        body = quopri.encodestring(page).replace(b"\n", b"\r\n")
    elif encoding == "base64":
        body = base64.encodebytes(page).replace(b"\n", b"\r\n")
    else:
        body = page.replace(b"\n", b"\r\n")
    head = f"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    text = b"Content-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n"
    top = b"From: a@example.com\r\nTo: b@example.org\r\nSubject: News\r\nMIME-Version: 1.0\r\n"
    top += b'Content-Type: multipart/alternative; boundary="=_x"\r\n'
    return b"".join((top, b"\r\n--=_x\r\n", text, b"\r\n--=_x\r\n", head, body, b"\r\n--=_x--\r\n"))


def _link(_destination: str, _index: int) -> str:
    return LINK_URL


def rewrite_with_linkweir(raw: bytes) -> bytes:
    """Spliced."""
    return rewrite_message(raw, _link).raw


def _check(raw: bytes) -> None:
    expected = load_case(BODY_CASE).expected_output(_link).replace(b"\r\n", b"\n")
    ((_, mine, _),), ((_, theirs, _),) = (
        iter_html_bodies(rewrite_with_linkweir(raw)),
        iter_html_bodies(rewrite_with_stdlib(raw, LINK_URL)),
    )
    if mine.replace(b"\r\n", b"\n").strip() != expected.strip():
        raise WrongAnswerError("rewrite_message: not what the newsletter should become")
    sealed = rewrite_message(raw, make_tracker()).raw
    ((_, minted, _),) = iter_html_bodies(sealed)
    if (
        minted.replace(b"\r\n", b"\n").strip()
        != load_case(BODY_CASE).expected_output(make_tracker().mint).replace(b"\r\n", b"\n").strip()
    ):
        raise WrongAnswerError("rewrite_message with sealed links: not what the newsletter should become")
    if theirs.count(LINK_URL.encode()) < len(load_case(BODY_CASE).destinations):  # it also finds links in comments
        raise WrongAnswerError("standard library: links are missing")


def measure(encoding: str, rounds: int) -> dict[str, Samples]:
    """Seconds for one mail: "standard"'s way, "ours", ours "sealed", and of ours the "asking" for the values."""
    raw, sealed = make_mail(encoding), make_tracker()
    _check(raw)
    ask = make_resolver(_link, DEFAULT_SWITCHES, Charset("utf-8"))
    destinations = [destination.encode() for destination in load_case(BODY_CASE).destinations]
    indexes = [site.index for site in load_case(BODY_CASE).sites]
    works: dict[str, Callable[[int], object]] = {
        "standard": repeat(lambda: rewrite_with_stdlib(raw, LINK_URL)),
        "ours": repeat(lambda: rewrite_with_linkweir(raw)),
        "sealed": repeat(lambda: rewrite_message(raw, sealed)),
        "asking": repeat(lambda: ask(destinations, indexes)),
    }
    return run_interleaved(works, rounds=rounds, sample_seconds=0.02)


def speedup_over_stdlib(encoding: str, rounds: int) -> Ratio:
    """How many times as fast as the standard library; for the guard."""
    result = measure(encoding, max(3, rounds // 5))
    theirs, mine = result["standard"], result["ours"]
    best, paired = compute_ratio(theirs, mine)
    size = len(make_mail(encoding)) / 1e6
    detail = f"{size / mine.best:.0f} MB/s against {size / theirs.best:.1f}"
    detail += f"; {result['asking'].best / mine.best:.0%} of it asks for {len(load_case(BODY_CASE).sites)} values"
    return Ratio(best, paired, f"{detail}; sealed {size / result['sealed'].best:.0f} MB/s")


def main(arguments: list[str]) -> int:
    """Print a line for each transfer encoding."""
    parser = argparse.ArgumentParser(prog="python -m bench.mime_throughput", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args(arguments).rounds
    for encoding in ENCODINGS:
        result = speedup_over_stdlib(encoding, rounds)
        print(f"{encoding:18} {result.value:5.1f} times the standard library ({result.detail})", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
