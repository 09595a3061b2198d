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

from linkweir.accounts.account_lookup import account_from_row
from linkweir.clock import now
from linkweir.db import accounts_table, contents_table
from linkweir.errors import RejectedContent
from linkweir.html import REASONS, Outcome
from linkweir.html.document import scan
from linkweir.html.lint import check
from linkweir.html.switches import Switches
from linkweir.mail.message_ids import link_number
from linkweir.mail.raw_submission import RawMail
from linkweir.mime.message import PartLink, check_message, rewrite_message
from linkweir.tokens.tracker import Tracker
from tests.oracle.corpus import load_documents
from tests.web.running_service import RunningService

LinkReport = list[tuple[int, str, str]]  # position, outcome, reason
PREFERENCES = {"opt_out": ["vendors", "data-quiet"], "skip": ["one-time", r"//never\."], "outlook": True}
OPTIONS = ["--vendors", "--opt-out", "data-quiet", "--one-time", "--skip", r"//never\.", "--outlook"]
SWITCHES = Switches(opt_out=("vendors", "data-quiet"), skip=("one-time", r"//never\."), outlook=True)
NOISE_TEXT = "".join(chr(0x4E00 + byte) for byte in hashlib.shake_256(b"").digest(2500))  # no packing makes it short
ODD_DOCUMENTS = {
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
    "long address": f'<a href="https://e.example/?q={"a" * 9000}">x</a><a href="https://e.example/?q={NOISE_TEXT}">x</a>',
    "hosts": """<a href="https://[::1]/">x</a><a href="https://[x]/">x</a><a href="http://h: 1/">x</a>
<a href="https://u@">x</a><a href="https://e.example:99999/">x</a><a href="http://https://e.example/">x</a>""",
    "svg": '<svg><a href="https://e.example/svg">x</a><style><a href="https://e.example/"></style></svg>',
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """One service for this file."""
    with RunningService(tmp_path_factory.mktemp("agreement") / "data", rate_limit=1e6, rate_burst=10**6) as service:
        yield service


def run_command(*arguments: object) -> list[dict[str, object]]:
    """The JSON lines that the command prints."""
    run = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "linkweir", *map(str, arguments)], capture_output=True, timeout=300, check=False
    )
    return [json.loads(line) for line in run.stdout.splitlines()]


def links_from_command(rows: list[dict[str, object]], path: Path) -> LinkReport:
    """The links of one file among the command's lines."""
    return [(int(str(r["index"])), str(r["outcome"]), str(r["reason"])) for r in rows if r["file"] == str(path)]


def links_from_service(service: RunningService, html: str) -> tuple[LinkReport, LinkReport]:
    """What the dry run says, and what is said of the links of the message that was sent."""
    asked = {**PREFERENCES, "tracking": {"click": True}}
    dry = service.client.post(f"{service.account_path}/check", json={"html_content": html, **asked}).json()["data"]
    (entry,) = service.send(html_content=html, **asked)
    sent = service.client.get(f"{service.account_path}/messages/{entry['id']}/links").json()["data"]
    return [link_report(item) for item in dry], [link_report(item) for item in sent]


def link_report(link: dict[str, object]) -> tuple[int, str, str]:
    """A link of the API."""
    return int(str(link["position"])), str(link["outcome"]), str(link["reason"])


def compare_pages(service: RunningService, folder: Path, pages: dict[str, str]) -> None:
    """Ask everybody about every page."""
    for name, html in pages.items():
        (folder / name).write_text(html, "utf-8", newline="")
    keys, report = folder / "keys.json", folder / "report.jsonl"
    given = ["--charset", "utf-8", "--track-placeholders", *OPTIONS]
    checked = run_command("check", "--format", "json", *given, folder)
    run_command("rewrite", "-o", folder / "out", "--key-file", keys, "--base-url", service.settings.base_url, *given,
            "--message-id", "7", "--report", report, *[folder / name for name in pages])  # fmt: skip
    rewritten = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    switches = Switches(
        opt_out=SWITCHES.opt_out, skip=SWITCHES.skip, outlook=True, track_placeholders=True
    )  # where substitution has happened already, as in the service
    differ = {}
    for name, html in pages.items():
        said = {
            "library": [
                (item.link.index, str(item.link.outcome), item.reason) for item in check(html, switches=switches)
            ],
            "check": links_from_command(checked, folder / name),
            "rewrite": links_from_command(rewritten, folder / name),
        }
        said["dry run"], said["links"] = links_from_service(service, html)
        if any(item != said["library"] for item in said.values()):
            differ[name] = {way: sorted(set(item) ^ set(said["library"])) for way, item in said.items()}
    assert differ == {}


def test_a_long_tracking_link() -> None:
    """An address that could be carried, but only by a link that is too long, is named so without any keys."""
    (link,) = check(f'<a href="https://e.example/?q={NOISE_TEXT}">x</a>')
    assert (link.link.outcome, len(NOISE_TEXT.encode()) < 7900) == ("too-long-destination", True)


def test_odd_documents(service: RunningService, tmp_path: Path) -> None:
    """Every outcome that a page can have is the same for the library, the command and the service."""
    compare_pages(service, tmp_path, {f"{name}.html": html for name, html in ODD_DOCUMENTS.items()})


@pytest.mark.external
def test_cases(service: RunningService, tmp_path: Path, shared_folder: Path) -> None:
    """So it is for the cases that failed once."""
    pages = {path.name: path.read_text("utf-8") for path in sorted((shared_folder / "cases").glob("*.html"))}
    compare_pages(service, tmp_path, pages)


@pytest.mark.external
def test_the_corpus(service: RunningService, tmp_path: Path, shared_folder: Path) -> None:
    """And for a sample of real mails."""
    sample = [(name, data) for name, data, charset in load_documents(shared_folder) if charset == "utf-8"][::12]
    pages = {f"{number}.html": data.decode("utf-8", "replace") for number, (_, data) in enumerate(sample)}
    assert len(pages) >= 20
    compare_pages(service, tmp_path, pages)


def submit_mail(service: RunningService, raw: bytes, *wishes: str, largest: int | None = None) -> uuid.UUID | None:
    """Hand in a mail as SMTP does; None for one that is refused. `largest`: what its way out takes."""
    components = service.components
    head = "".join(f"{wish}\r\n" for wish in ("ahasend-sandbox: true", *wishes)).encode()
    with components.database.read() as connection:
        row = accounts_table.get(connection, uuid.UUID(service.account))
    assert row is not None
    mail = RawMail("news@example.com", ("ada@example.org",), head + raw, "smtp", max_message_bytes=largest)
    try:
        (result,) = components.submitter.submit_raw(components.keyring, lambda _: account_from_row(row), mail, now())
    except RejectedContent:
        return None
    return result


def links_from_mail(links: tuple[PartLink, ...]) -> LinkReport:
    """The links of a mail in the library."""
    return [(link.link.index, str(link.link.outcome), REASONS[link.link.outcome]) for link in links]


def links_from_message(service: RunningService, message: uuid.UUID) -> LinkReport:
    """What is said of the links of a message that was sent."""
    return [
        link_report(item)
        for item in service.client.get(f"{service.account_path}/messages/{message}/links").json()["data"]
    ]


def compare_mails(service: RunningService, folder: Path, mails: dict[str, bytes]) -> Counter[str]:
    """Ask everybody about every mail, each under the id that the service has given it; how often came which outcome."""
    sent = {name: submit_mail(service, raw, "ahasend-track-clicks: true") for name, raw in mails.items()}
    ring, base_url = service.components.keyring, service.settings.base_url
    numbers = {name: link_number(message) for name, message in sent.items() if message is not None}
    for name, number in numbers.items():
        (folder / f"{number}.eml").write_bytes(mails[name])
    report, out, keys = folder.with_suffix(".jsonl"), folder.with_suffix(".out"), service.settings.key_path
    given = ["--key-file", keys, "--base-url", base_url, "--message-id", "{stem}", "--track-placeholders", *OPTIONS]
    checked = run_command("check", "--format", "json", *given, folder)
    run_command("rewrite", "-o", out, *given, "--report", report, folder)
    rewritten = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    switches = replace(SWITCHES, track_placeholders=True)
    differ, outcomes = {}, Counter[str]()
    for name, number in numbers.items():
        tracker = Tracker(ring, base_url, message=number)
        right = links_from_mail(rewrite_message(mails[name], tracker, switches=switches, report=True).links)
        file, message = folder / f"{number}.eml", sent[name]
        assert message is not None
        said = {
            "dry run": links_from_mail(check_message(mails[name], switches=switches, links=tracker)[0]),
            "check": links_from_command(
                [{**row, "file": str(row["file"]).partition("[")[0]} for row in checked if row["index"] is not None],
                file,
            ),
            "rewrite": links_from_command(rewritten, file),
            "links": links_from_message(service, message),
        }
        if any(item != right for item in said.values()):
            differ[name] = {way: sorted(set(item) ^ set(right)) for way, item in said.items()}
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


def generate_mail(rng: random.Random) -> bytes:
    """A mail of one or two HTML parts with lines around the limit, in any charset and transfer encoding."""
    parts = [generate_part(rng) for _ in range(rng.choice((1, 1, 2)))]
    head = b"From: news@example.com\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
    if len(parts) == 1:
        return head + parts[0]
    inside = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + inside + b"--b--\r\n"


def generate_part(rng: random.Random) -> bytes:
    """One HTML part with its headers."""
    charset, encoding = rng.choice(CHARSETS), rng.choice(("7bit", "8bit", "quoted-printable", "base64"))
    lines = "".join(rng.choice(PIECES) + "y" * rng.choice((0, 0, 10, 300, 850, 900)) for _ in range(rng.randrange(12)))
    codec = charset if charset not in (None, "x-unknown") else "utf-8"
    text = f"<html><body>{lines}</body></html>".encode(codec, "xmlcharrefreplace")
    if encoding == "base64":
        text = base64.encodebytes(text).replace(b"\n", b"\r\n")
    elif encoding == "quoted-printable":
        text = encode_quoted_printable(text, rng)
    named = f"; charset={charset}" if charset else ""
    return f"Content-Type: text/html{named}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + text


def encode_quoted_printable(text: bytes, rng: random.Random) -> bytes:
    """Quoted-printable as careless programs write it: white space stands before some line ends."""
    done = quopri.encodestring(text.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return done.replace(b"=20\r\n", b" \r\n") if rng.random() < 0.5 else done


@pytest.fixture(scope="module")
def mail_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service whose operator has set the switches, which no header of a mail can set."""
    switches = {"opt_out": SWITCHES.opt_out, "skip": SWITCHES.skip, "outlook": True}
    with RunningService(
        tmp_path_factory.mktemp("mails") / "data", rate_limit=1e6, rate_burst=10**6, **switches
    ) as service:
        yield service


def test_generated_mails(mail_service: RunningService, tmp_path: Path) -> None:
    """Mails with long lines, odd charsets and every transfer encoding: check, rewriting and what was sent agree."""
    rng = random.Random(10)  # noqa: S311 - no secret
    outcomes = compare_mails(mail_service, tmp_path, {str(number): generate_mail(rng) for number in range(120)})
    assert {"tracked", "line-too-long", "encoding", "too-long-destination", "skipped", "opted-out"} <= set(outcomes)


@pytest.mark.external
def test_mails_of_the_cases(mail_service: RunningService, tmp_path: Path, shared_folder: Path) -> None:
    """So they do for the mails that failed once, where they are not refused."""
    mails = {path.name: path.read_bytes() for path in sorted((shared_folder / "cases").glob("*.eml"))}
    assert compare_mails(mail_service, tmp_path, mails).total() > 5


@pytest.mark.external
def test_mails_of_the_corpus(mail_service: RunningService, tmp_path: Path, shared_folder: Path) -> None:
    """And for a sample of real mails."""
    mails = {path.name: path.read_bytes() for path in sorted((shared_folder / "corpus" / "eml").rglob("*.eml"))[::12]}
    assert len(mails) > 20
    assert compare_mails(mail_service, tmp_path, mails).total() > 100


def test_a_shorter_link_behind_one_that_was_left(mail_service: RunningService) -> None:
    """A link that was left for its line keeps this reason when another one has made room in the line since."""
    long = f"https://www.example.com/{'products/' * 40}"
    shrinks, grows = f'<a href="{long}">x</a>', '<a href="https://e.example/">x</a>'
    raw = b"From: news@example.com\r\nContent-Type: text/html\r\n\r\n" + (grows + shrinks).encode()
    raw += b"y" * (997 - len(grows + shrinks)) + b"\r\n"
    message = submit_mail(mail_service, raw, "ahasend-track-clicks: true")
    assert message is not None
    assert links_from_message(mail_service, message) == [
        (0, "line-too-long", REASONS[Outcome.LINE_TOO_LONG]),
        (1, "tracked", REASONS[Outcome.TRACKED]),
    ]
    tracker = Tracker(mail_service.components.keyring, mail_service.settings.base_url, message=link_number(message))
    with mail_service.components.database.read() as connection:
        kept = contents_table.get(connection, message)
    again = check_message(kept or b"", links=tracker)[0]
    assert [item.link.outcome for item in again] == ["tracked", "already-tracked"]  # there is room for both now


def test_a_mail_that_went_out_as_it_came(mail_service: RunningService) -> None:
    """The links of a mail that rewriting would have made too large for its way are declined, with this reason."""
    raw = b"From: news@example.com\r\nContent-Type: text/html\r\n\r\n" + b'<a href="https://e.example/">x</a>'
    raw += b"y" * 950 + b'\r\n<a href="https://e.example/">x</a><a href="www.e.example">x</a>\r\n'
    message = submit_mail(mail_service, raw, "ahasend-track-clicks: true", largest=len(raw) + 1000)
    assert message is not None
    sent = links_from_message(mail_service, message)
    assert [(position, outcome) for position, outcome, _ in sent] == [(0, "declined"), (1, "declined"), (2, "not-http")]
    assert all(reason.startswith("the mail went out as it came: with links replaced it has") for *_, reason in sent[:2])


def test_links_behind_the_hidden_one(service: RunningService) -> None:
    """The link that only machines follow moves no other: those behind it have the position that the dry run says."""
    html = '<body><a href="https://e.example/">x</a></body><a href="www.e.example">x</a><a href="https://e.example/">x'
    dry = service.client.post(f"{service.account_path}/check", json={"html_content": html}).json()["data"]
    (entry,) = service.send(html_content=html, honeypot=True)
    sent = service.client.get(f"{service.account_path}/messages/{entry['id']}/links").json()["data"]
    assert [link_report(item) for item in sent] == [link_report(item) for item in dry]


def test_mails_without_tracking(mail_service: RunningService) -> None:
    """In a mail whose clicks are not tracked no line is too long: its links are declined, with the others' reasons."""
    raw = b"From: news@example.com\r\nContent-Type: text/html\r\n\r\n" + b'<a href="https://e.example/">x</a>'
    raw += b"y" * 950 + b"\r\n" + b'<a href="https://e.example/">x</a><a href="www.e.example">x</a>\r\n'
    message = submit_mail(mail_service, raw, "ahasend-track-clicks: false")
    assert message is not None
    untracked = "clicks are not tracked in this message"
    assert links_from_message(mail_service, message) == [
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
