"""One link, one outcome, one reason: the library, the command and the service say the same of the same documents."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from linkweir import Switches, check, scan
from linkweir.html import REASONS
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


def test_placeholders_are_the_one_difference() -> None:
    """Only whether a marker behind the host counts differs, by the switch that says so."""
    html = '<a href="https://e.example/{{ id }}">x</a><a href="https://e.example/">x</a><a href="{{ url }}">x</a>'
    plain, filled = (
        [link.outcome for link in scan(html, switches=Switches(track_placeholders=wish))] for wish in (False, True)
    )
    assert (plain, filled) == (["placeholder", "tracked", "placeholder"], ["tracked", "tracked", "placeholder"])
    assert set(filled) <= set(REASONS)
