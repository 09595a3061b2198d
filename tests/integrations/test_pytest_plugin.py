"""Tests of the pytest plugin, in runs of real pytest that find it by its entry point."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.integrations.django_project import read_examples

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import sys
from email.message import EmailMessage

import pytest

LOADED = sorted(name for name in sys.modules if name.partition(".")[0] == "linkweir")


def test_nothing_is_loaded_until_it_is_used():
    assert LOADED == []


def test_good(assert_trackable):
    html = '<a href="https://example.com/ü">x</a> <a href="mailto:a@example.com">y</a>'
    assert assert_trackable(html) == assert_trackable(html.encode(), count=1) == ["https://example.com/ü"]
    mail = EmailMessage()
    mail.set_content("text")
    mail.add_alternative(html * 2, subtype="html", cte="quoted-printable")
    assert len(assert_trackable(mail, count=2)) == 2


def test_lost(assert_trackable):
    assert_trackable('<a href="https://example.com/">x</a>\\n<a href="www.example.com">y</a>')


def test_none(assert_trackable):
    assert_trackable("<p>no link</p>")


def test_number(assert_trackable):
    assert_trackable('<a href="https://example.com/">x</a>', count=2)
"""


def test_the_fixture_judges_mails(tmp_path: Path) -> None:
    """It passes trackable links of text, bytes and mails, names those that are lost with line and reason, and fails
    without any link and for another number; a run that does not use it loads nothing of Linkweir.
    """
    (tmp_path / "test_mail.py").write_text(TESTS)
    (tmp_path / "test_manual.py").write_text(read_examples("pytest")[0])
    entry_points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    metadata = tmp_path / "plugin-1.0.dist-info"  # as an installation writes it, which may be older than this checkout
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1.0\n")
    lines = [f"{name} = {module}" for name, module in entry_points.items()]
    (metadata / "entry_points.txt").write_text("[pytest11]\n" + "\n".join(lines) + "\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "test_mail.py",
        "test_manual.py",
    ]
    path = [str(tmp_path), str(ROOT / "src"), *sys.path]
    environment = {"PYTHONPATH": ":".join(path), "PATH": "", "COLUMNS": "300"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert "3 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    assert "line 2, column 1: www.example.com: " in done.stdout
    assert "no link will be tracked" in done.stdout
    assert "1 links will be tracked, not 2: ['https://example.com/']" in done.stdout
