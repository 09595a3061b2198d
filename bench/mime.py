"""Rewriting whole mails: MB/s beside the standard library's way (parse, replace, generate), in one run.

`python -m bench.mime [--rounds N]`. The mail is the 100 KB newsletter in a multipart/alternative, once in each transfer
encoding. Both answers are checked: the same destinations stand in both results, and ours differs nowhere else.
Beside it: which share of our time goes into asking the caller's function for each link's value, and rewriting with
sealed links, whose keyed hash the standard library's way does not have to pay.
"""

import argparse
import base64
import email
import email.policy
import quopri
import re
import sys
from collections.abc import Callable
from email.message import EmailMessage

from bench.how.rounds import Samples, interleave, ratio, repeated
from bench.ratios import Ratio, WrongAnswerError
from bench.what.cases import case
from bench.who.sealed import tracker
from linkweir.html.charset import Charset
from linkweir.html.resolve import resolver
from linkweir.html.stream import DEFAULT
from linkweir.mime import html_bodies, rewrite_message

BODY = "newsletter 100 KB"
ENCODINGS = ("8bit", "quoted-printable", "base64")
LINK = "https://t.example.com/c/"
HREF = re.compile(r'(<a\b[^>]*?\shref=")(https?://[^"]*)"', re.IGNORECASE)


def mail(encoding: str) -> bytes:
    """The newsletter as a mail with CRLF line ends."""
    page = case(BODY).document.replace(b"\r\n", b"\n")
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
    return LINK


def ours(raw: bytes) -> bytes:
    """Spliced."""
    return rewrite_message(raw, _link).raw


def standard(raw: bytes) -> bytes:
    """Parsed, replaced by a regular expression, and generated anew."""
    found = email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.SMTP)
    page = found.get_body(("html",))
    assert isinstance(page, EmailMessage)
    encoding = page["content-transfer-encoding"]
    text = HREF.sub(rf'\g<1>{LINK}"', page.get_content())
    page.set_content(text, subtype="html", charset="utf-8", cte=str(encoding))
    return found.as_bytes()


def _check(raw: bytes) -> None:
    expected = case(BODY).rewritten(_link).replace(b"\r\n", b"\n")
    ((_, mine, _),), ((_, theirs, _),) = html_bodies(ours(raw)), html_bodies(standard(raw))
    if mine.replace(b"\r\n", b"\n").strip() != expected.strip():
        raise WrongAnswerError("rewrite_message: not what the newsletter should become")
    sealed = rewrite_message(raw, tracker()).raw
    ((_, minted, _),) = html_bodies(sealed)
    if minted.replace(b"\r\n", b"\n").strip() != case(BODY).rewritten(tracker().mint).replace(b"\r\n", b"\n").strip():
        raise WrongAnswerError("rewrite_message with sealed links: not what the newsletter should become")
    if theirs.count(LINK.encode()) < len(case(BODY).destinations):  # it also finds links in comments
        raise WrongAnswerError("standard library: links are missing")


def measure(encoding: str, rounds: int) -> dict[str, Samples]:
    """Seconds for one mail: "standard"'s way, "ours", ours "sealed", and of ours the "asking" for the values."""
    raw, sealed = mail(encoding), tracker()
    _check(raw)
    ask = resolver(_link, DEFAULT, Charset("utf-8"))
    destinations = [destination.encode() for destination in case(BODY).destinations]
    indexes = [site.index for site in case(BODY).sites]
    works: dict[str, Callable[[int], object]] = {
        "standard": repeated(lambda: standard(raw)),
        "ours": repeated(lambda: ours(raw)),
        "sealed": repeated(lambda: rewrite_message(raw, sealed)),
        "asking": repeated(lambda: ask(destinations, indexes)),
    }
    return interleave(works, rounds=rounds, sample_seconds=0.02)


def times_standard(encoding: str, rounds: int) -> Ratio:
    """How many times as fast as the standard library; for the guard."""
    found = measure(encoding, max(3, rounds // 5))
    theirs, mine = found["standard"], found["ours"]
    best, paired = ratio(theirs, mine)
    size = len(mail(encoding)) / 1e6
    detail = f"{size / mine.best:.0f} MB/s against {size / theirs.best:.1f}"
    detail += f"; {found['asking'].best / mine.best:.0%} of it asks for {len(case(BODY).sites)} values"
    return Ratio(best, paired, f"{detail}; sealed {size / found['sealed'].best:.0f} MB/s")


def main(arguments: list[str]) -> int:
    """Print a line for each transfer encoding."""
    parser = argparse.ArgumentParser(prog="python -m bench.mime", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args(arguments).rounds
    for encoding in ENCODINGS:
        found = times_standard(encoding, rounds)
        print(f"{encoding:18} {found.value:5.1f} times the standard library ({found.detail})", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
