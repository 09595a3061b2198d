"""One link, one outcome, one reason: the library, the command and the service say the same of the same documents."""

import base64
import hashlib
import json
import quopri
import random
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from linkweir import Switches, Tracker, check, check_message, rewrite_message, scan
from linkweir.edge.parts import now
from linkweir.errors import RefusedContent
from linkweir.html import REASONS, Outcome
from linkweir.mail.identity import number_of
from linkweir.mail.lookup import account_of
from linkweir.mail.raw import RawMail
from linkweir.mime.message import PartLink
from linkweir.store import accounts, messages
from tests.edge.serving import Served
from tests.oracle.corpus import documents

Found = list[tuple[int, str, str]]  # position, outcome, reason
WISHES = {"opt_out": ["vendors", "data-quiet"], "skip": ["one-time", r"//never\."], "outlook": True}
OPTIONS = ["--vendors", "--opt-out", "data-quiet", "--one-time", "--skip", r"//never\.", "--outlook"]
SWITCHES = Switches(opt_out=("vendors", "data-quiet"), skip=("one-time", r"//never\."), outlook=True)
NOISE = "".join(chr(0x4E00 + byte) for byte in hashlib.shake_256(b"").digest(2500))  # no packing makes it short
ODD = {
    "outcomes": """<a href="https://e.example/?a=1&amp;b=2">x</a><a>x</a>
<a href=https://e.example/>x</a>
<a href = "https://e.example/"><a href="{{ url }}">x</a><a href="www.e.example">x</a><a href="http://">x</a>
<a href="https://e.example/<b>">x</a>
<a data-as-no-track href="https://e.example/">x</a><a data-quiet href="https://e.example/">x</a>
<a ses:no-track href="https://e.example/">x</a><a href="https://e.example/unsubscribe/1">x</a>
<a href="https://never.example/">x</a><a href="https://e.example/%7B%7Bid%7D%7D/">x</a>
<a href="mailto:a@e.example">x</a>
<!--[if mso]><v:rect href="https://e.example/vml"><![endif]-->
<a href="https://\u00fcber.example/\u00e4?\u00f6">x</a>""",
    "cut": '<a href="https://e.example/">x</a><a href="https://e.example/',
    "long tag": f'<a href="https://e.example/" title="{"x" * 70_000}">x</a>',
    "long address": f'<a href="https://e.example/?q={"a" * 9000}">x</a><a href="https://e.example/?q={NOISE}">x</a>',
    "hosts": """<a href="https://[::1]/">x</a><a href="https://[x]/">x</a><a href="http://h: 1/">x</a>
<a href="https://u@">x</a><a href="https://e.example:99999/">x</a><a href="http://https://e.example/">x</a>""",
    "svg": '<svg><a href="https://e.example/svg">x</a><style><a href="https://e.example/"></style></svg>',
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service for this file."""
    with Served(tmp_path_factory.mktemp("agreement") / "data", rate_limit=1e6, rate_burst=10**6) as service:
        yield service


def command(*arguments: object) -> list[dict[str, object]]:
    """The JSON lines that the command prints."""
    run = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "linkweir", *map(str, arguments)], capture_output=True, timeout=300, check=False
    )
    return [json.loads(line) for line in run.stdout.splitlines()]


def of_command(rows: list[dict[str, object]], path: Path) -> Found:
    """The links of one file among the command's lines."""
    return [(int(str(r["index"])), str(r["outcome"]), str(r["reason"])) for r in rows if r["file"] == str(path)]


def of_service(served: Served, html: str) -> tuple[Found, Found]:
    """What the dry run says, and what is said of the links of the message that was sent."""
    asked = {**WISHES, "tracking": {"click": True}}
    dry = served.client.post(f"{served.base}/check", json={"html_content": html, **asked}).json()["data"]
    (entry,) = served.send(html_content=html, **asked)
    sent = served.client.get(f"{served.base}/messages/{entry['id']}/links").json()["data"]
    return [found(one) for one in dry], [found(one) for one in sent]


def found(one: dict[str, object]) -> tuple[int, str, str]:
    """A link of the API."""
    return int(str(one["position"])), str(one["outcome"]), str(one["reason"])


def compare(served: Served, folder: Path, pages: dict[str, str]) -> None:
    """Ask everybody about every page."""
    for name, html in pages.items():
        (folder / name).write_text(html, "utf-8", newline="")
    keys, report = folder / "keys.json", folder / "report.jsonl"
    given = ["--charset", "utf-8", "--track-placeholders", *OPTIONS]
    checked = command("check", "--format", "json", *given, folder)
    command("rewrite", "-o", folder / "out", "--key-file", keys, "--base-url", served.settings.base_url, *given,
            "--message-id", "7", "--report", report, *[folder / name for name in pages])  # fmt: skip
    rewritten = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    switches = Switches(
        opt_out=SWITCHES.opt_out, skip=SWITCHES.skip, outlook=True, track_placeholders=True
    )  # where substitution has happened already, as in the service
    differ = {}
    for name, html in pages.items():
        said = {
            "library": [(one.link.index, str(one.link.outcome), one.reason) for one in check(html, switches=switches)],
            "check": of_command(checked, folder / name),
            "rewrite": of_command(rewritten, folder / name),
        }
        said["dry run"], said["links"] = of_service(served, html)
        if any(one != said["library"] for one in said.values()):
            differ[name] = {way: sorted(set(one) ^ set(said["library"])) for way, one in said.items()}
    assert differ == {}


def test_a_long_tracking_link() -> None:
    """An address that could be carried, but only by a link that is too long, is named so without any keys."""
    (link,) = check(f'<a href="https://e.example/?q={NOISE}">x</a>')
    assert (link.link.outcome, len(NOISE.encode()) < 7900) == ("too-long-destination", True)


def test_odd_documents(served: Served, tmp_path: Path) -> None:
    """Every outcome that a page can have is the same for the library, the command and the service."""
    compare(served, tmp_path, {f"{name}.html": html for name, html in ODD.items()})


@pytest.mark.external
def test_cases(served: Served, tmp_path: Path, shared: Path) -> None:
    """So it is for the cases that failed once."""
    pages = {path.name: path.read_text("utf-8") for path in sorted((shared / "cases").glob("*.html"))}
    compare(served, tmp_path, pages)


@pytest.mark.external
def test_the_corpus(served: Served, tmp_path: Path, shared: Path) -> None:
    """And for a sample of real mails."""
    sample = [(name, data) for name, data, charset in documents(shared) if charset == "utf-8"][::12]
    pages = {f"{number}.html": data.decode("utf-8", "replace") for number, (_, data) in enumerate(sample)}
    assert len(pages) >= 20
    compare(served, tmp_path, pages)


def submit(served: Served, raw: bytes, *wishes: str, largest: int | None = None) -> uuid.UUID | None:
    """Hand in a mail as SMTP does; None for one that is refused. `largest`: what its way out takes."""
    service = served.service
    head = "".join(f"{wish}\r\n" for wish in ("ahasend-sandbox: true", *wishes)).encode()
    with service.store.read() as connection:
        row = accounts.get(connection, uuid.UUID(served.account))
    assert row is not None
    mail = RawMail("news@example.com", ("ada@example.org",), head + raw, "smtp", largest=largest)
    try:
        (found,) = service.submitter.submit_raw(service.ring, account_of(row), mail, now())
    except RefusedContent:
        return None
    return found


def of_mail(links: tuple[PartLink, ...]) -> Found:
    """The links of a mail in the library."""
    return [(one.link.index, str(one.link.outcome), REASONS[one.link.outcome]) for one in links]


def of_links(served: Served, message: uuid.UUID) -> Found:
    """What is said of the links of a message that was sent."""
    return [found(one) for one in served.client.get(f"{served.base}/messages/{message}/links").json()["data"]]


def compare_mails(served: Served, folder: Path, mails: dict[str, bytes]) -> Counter[str]:
    """Ask everybody about every mail, each under the id that the service has given it; how often came which outcome."""
    sent = {name: submit(served, raw, "ahasend-track-clicks: true") for name, raw in mails.items()}
    ring, base_url = served.service.ring, served.settings.base_url
    numbers = {name: number_of(message) for name, message in sent.items() if message is not None}
    for name, number in numbers.items():
        (folder / f"{number}.eml").write_bytes(mails[name])
    report, out, keys = folder.with_suffix(".jsonl"), folder.with_suffix(".out"), served.settings.key_path
    given = ["--key-file", keys, "--base-url", base_url, "--message-id", "{stem}", "--track-placeholders", *OPTIONS]
    checked = command("check", "--format", "json", *given, folder)
    command("rewrite", "-o", out, *given, "--report", report, folder)
    rewritten = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    switches = replace(SWITCHES, track_placeholders=True)
    differ, outcomes = {}, Counter[str]()
    for name, number in numbers.items():
        tracker = Tracker(ring, base_url, message=number)
        right = of_mail(rewrite_message(mails[name], tracker, switches=switches, report=True).links)
        file, message = folder / f"{number}.eml", sent[name]
        assert message is not None
        said = {
            "dry run": of_mail(check_message(mails[name], switches=switches, links=tracker)[0]),
            "check": of_command(
                [{**row, "file": str(row["file"]).partition("[")[0]} for row in checked if row["index"] is not None],
                file,
            ),
            "rewrite": of_command(rewritten, file),
            "links": of_links(served, message),
        }
        if any(one != right for one in said.values()):
            differ[name] = {way: sorted(set(one) ^ set(right)) for way, one in said.items()}
        outcomes.update(outcome for _, outcome, _ in right)
    assert differ == {}
    return outcomes


CHARSETS = ("utf-8", "windows-1252", "windows-1251", "shift_jis", "iso-2022-jp", "utf-16", "utf-7", "x-unknown", None)
PIECES = (
    '<a href="https://e.example/">x</a>',
    '<a href="https://e.example/a/rather/long/path/with/many/words?and=some&amp;query=in&amp;it=too">x</a>',
    f'<a href="https://www.example.com/{"products/" * 20}">x</a>',
    '<a href="https://e.example/ \r\n">x</a>',
    '<a href="https://e.example/?a=1 \r\n&amp;b=2">x</a>',
    '<a href="https://e.example/\r\n?a=1">x</a>',
    '<a href="www.e.example">x</a>',
    "<a href=https://e.example/>x</a>",
    '<a data-quiet href="https://e.example/">x</a>',
    '<a href="https://e.example/unsubscribe/1">x</a>',
    '<a href="https://e.example/%C3%A4?\u00e4=\u3042">x</a>',
    f'<a href="https://e.example/?q={"a" * 8100}">x</a>',
    '<a href="https://e.example/{{ id }}">x</a>',
    "\r\n",
    "\r\n",
)


def generated(rng: random.Random) -> bytes:
    """A mail of one or two HTML parts with lines around the limit, in any charset and transfer encoding."""
    parts = [part(rng) for _ in range(rng.choice((1, 1, 2)))]
    head = b"From: news@example.com\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
    if len(parts) == 1:
        return head + parts[0]
    inside = b"".join(b"--b\r\n" + one + b"\r\n" for one in parts)
    return head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + inside + b"--b--\r\n"


def part(rng: random.Random) -> bytes:
    """One HTML part with its headers."""
    charset, encoding = rng.choice(CHARSETS), rng.choice(("7bit", "8bit", "quoted-printable", "base64"))
    lines = "".join(rng.choice(PIECES) + "y" * rng.choice((0, 0, 10, 300, 850, 900)) for _ in range(rng.randrange(12)))
    codec = charset if charset not in (None, "x-unknown") else "utf-8"
    text = f"<html><body>{lines}</body></html>".encode(codec, "xmlcharrefreplace")
    if encoding == "base64":
        text = base64.encodebytes(text).replace(b"\n", b"\r\n")
    elif encoding == "quoted-printable":
        text = quoted(text, rng)
    named = f"; charset={charset}" if charset else ""
    return f"Content-Type: text/html{named}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + text


def quoted(text: bytes, rng: random.Random) -> bytes:
    """Quoted-printable as careless programs write it: white space stands before some line ends."""
    done = quopri.encodestring(text.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return done.replace(b"=20\r\n", b" \r\n") if rng.random() < 0.5 else done


@pytest.fixture(scope="module")
def mailing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service whose operator has set the switches, which no header of a mail can set."""
    switches = {"opt_out": SWITCHES.opt_out, "skip": SWITCHES.skip, "outlook": True}
    with Served(tmp_path_factory.mktemp("mails") / "data", rate_limit=1e6, rate_burst=10**6, **switches) as service:
        yield service


def test_generated_mails(mailing: Served, tmp_path: Path) -> None:
    """Mails with long lines, odd charsets and every transfer encoding: check, rewriting and what was sent agree."""
    rng = random.Random(10)  # noqa: S311 - no secret
    outcomes = compare_mails(mailing, tmp_path, {str(number): generated(rng) for number in range(120)})
    assert {"tracked", "line-too-long", "encoding", "too-long-destination", "skipped", "opted-out"} <= set(outcomes)


@pytest.mark.external
def test_mails_of_the_cases(mailing: Served, tmp_path: Path, shared: Path) -> None:
    """So they do for the mails that failed once, where they are not refused."""
    mails = {path.name: path.read_bytes() for path in sorted((shared / "cases").glob("*.eml"))}
    assert compare_mails(mailing, tmp_path, mails).total() > 5


@pytest.mark.external
def test_mails_of_the_corpus(mailing: Served, tmp_path: Path, shared: Path) -> None:
    """And for a sample of real mails."""
    mails = {path.name: path.read_bytes() for path in sorted((shared / "corpus" / "eml").rglob("*.eml"))[::12]}
    assert len(mails) > 20
    assert compare_mails(mailing, tmp_path, mails).total() > 100


def test_a_shorter_link_behind_one_that_was_left(mailing: Served) -> None:
    """A link that was left for its line keeps this reason when another one has made room in the line since."""
    long = f"https://www.example.com/{'products/' * 40}"
    shrinks, grows = f'<a href="{long}">x</a>', '<a href="https://e.example/">x</a>'
    raw = b"From: news@example.com\r\nContent-Type: text/html\r\n\r\n" + (grows + shrinks).encode()
    raw += b"y" * (997 - len(grows + shrinks)) + b"\r\n"
    message = submit(mailing, raw, "ahasend-track-clicks: true")
    assert message is not None
    assert of_links(mailing, message) == [
        (0, "line-too-long", REASONS[Outcome.LINE_TOO_LONG]),
        (1, "tracked", REASONS[Outcome.TRACKED]),
    ]
    tracker = Tracker(mailing.service.ring, mailing.settings.base_url, message=number_of(message))
    with mailing.service.store.read() as connection:
        kept = messages.content(connection, message)
    again = check_message(kept or b"", links=tracker)[0]
    assert [one.link.outcome for one in again] == ["tracked", "already-tracked"]  # there is room for both now


def test_a_mail_that_went_out_as_it_came(mailing: Served) -> None:
    """The links of a mail that rewriting would have made too large for its way are declined, with this reason."""
    raw = b"From: news@example.com\r\nContent-Type: text/html\r\n\r\n" + b'<a href="https://e.example/">x</a>'
    raw += b"y" * 950 + b'\r\n<a href="https://e.example/">x</a><a href="www.e.example">x</a>\r\n'
    message = submit(mailing, raw, "ahasend-track-clicks: true", largest=len(raw) + 1000)
    assert message is not None
    sent = of_links(mailing, message)
    assert [(position, outcome) for position, outcome, _ in sent] == [(0, "declined"), (1, "declined"), (2, "not-http")]
    assert all(reason.startswith("the mail went out as it came: with links replaced it has") for *_, reason in sent[:2])


def test_links_behind_the_hidden_one(served: Served) -> None:
    """The link that only machines follow moves no other: those behind it have the position that the dry run says."""
    html = '<body><a href="https://e.example/">x</a></body><a href="www.e.example">x</a><a href="https://e.example/">x'
    dry = served.client.post(f"{served.base}/check", json={"html_content": html}).json()["data"]
    (entry,) = served.send(html_content=html, honeypot=True)
    sent = served.client.get(f"{served.base}/messages/{entry['id']}/links").json()["data"]
    assert [found(one) for one in sent] == [found(one) for one in dry]


def test_mails_without_tracking(mailing: Served) -> None:
    """In a mail whose clicks are not tracked no line is too long: its links are declined, with the others' reasons."""
    raw = b"From: news@example.com\r\nContent-Type: text/html\r\n\r\n" + b'<a href="https://e.example/">x</a>'
    raw += b"y" * 950 + b"\r\n" + b'<a href="https://e.example/">x</a><a href="www.e.example">x</a>\r\n'
    message = submit(mailing, raw, "ahasend-track-clicks: false")
    assert message is not None
    untracked = "clicks are not tracked in this message"
    assert of_links(mailing, message) == [
        (0, "declined", untracked),
        (1, "declined", untracked),
        (2, "not-http", REASONS[Outcome.NOT_HTTP]),
    ]


def test_placeholders_are_the_one_difference() -> None:
    """Only whether a marker behind the host counts differs, by the switch that says so."""
    html = '<a href="https://e.example/{{ id }}">x</a><a href="https://e.example/">x</a><a href="{{ url }}">x</a>'
    plain, filled = (
        [link.outcome for link in scan(html, switches=Switches(track_placeholders=wish))] for wish in (False, True)
    )
    assert (plain, filled) == (["placeholder", "tracked", "placeholder"], ["tracked", "tracked", "placeholder"])
    assert set(filled) <= set(REASONS)
