"""Tests of linkweir.web.structured_logging: what can stand in a log."""

import io
import json
import os
import re
import subprocess
import sys
from io import RawIOBase
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkweir.web.structured_logging import LogFormat, make_logger
from tests.web.running_service import WAIT_SECONDS


@given(st.text())
def test_no_text_makes_a_line_of_its_own(text: str) -> None:
    """Whatever a stranger wrote, a log call is one line, and its JSON gives the text back."""
    stream = io.StringIO()
    make_logger("info", stream).info("mail.refused", reason=text)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["reason"] == text


@given(st.text())
def test_no_text_drives_a_terminal(text: str) -> None:
    """As text, too, a log call is one line of printable characters that shows what the stranger wrote."""
    stream = io.StringIO()
    make_logger("info", stream, "text").info("mail.refused", reason=text)
    line = stream.getvalue().removesuffix("\n")
    assert line.isprintable()
    assert line.endswith(f" mail.refused             reason={text!r}")


@pytest.mark.parametrize("log_format", get_args(LogFormat))
def test_an_exception_shows_no_locals(log_format: LogFormat) -> None:
    """A bug's traceback in the log names no value of a local variable, which may be a key, and begins no line with the
    error's own text.
    """
    stream = io.StringIO()
    secret = "a-key-" + "z" * 20
    try:
        raise ValueError(f"{len(secret)}\n2026-01-01 00:00:00 [error    ] forged\x1b[2J")
    except ValueError:
        make_logger("info", stream, log_format).exception("bug")
    assert "ValueError" in stream.getvalue()
    assert secret not in stream.getvalue()
    assert not any(line.startswith("2026-01-01") or "\x1b" in line for line in stream.getvalue().splitlines())


class TerminalStream(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.mark.parametrize(("log_format", "is_json"), [("auto", False), ("text", False), ("json", True)])
def test_the_format_can_be_chosen(log_format: LogFormat, is_json: bool) -> None:
    """`auto` writes text to a terminal, `json` JSON there, too; `text` writes text, in colors only to a terminal."""
    terminal, file = TerminalStream(), io.StringIO()
    for stream in (terminal, file):
        make_logger("info", stream, log_format).info("service.started")
    assert terminal.getvalue().startswith("{") is is_json
    assert file.getvalue().startswith("{") is (log_format != "text")
    assert ("\x1b[" in terminal.getvalue()) is (not is_json and "NO_COLOR" not in os.environ)
    assert "\x1b[" not in file.getvalue()


def test_the_service_logs_text_to_a_terminal(tmp_path: Path) -> None:
    """`linkweir serve` whose standard error is a terminal logs a readable line when it has started."""
    leader, follower = os.openpty()
    words = ["-m", "linkweir", "serve", "--workers", "1", "--port", "0", "--smtp-port", "-1"]
    with open(leader, "rb", buffering=0) as terminal:
        process = subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, *words, "--data", tmp_path / "data"],
            stdout=subprocess.DEVNULL,
            stderr=follower,
            env={
                **{name: os.environ[name] for name in os.environ if not name.startswith("LINKWEIR_")},
                "NO_COLOR": "1",
            },
        )
        os.close(follower)
        text = b""
        while b"service.started" not in text and (more := _read_terminal(terminal)):
            text += more
        process.terminate()
        while _read_terminal(terminal):
            pass  # or the process would wait for room in the terminal
        assert process.wait(WAIT_SECONDS) == 0
    assert re.search(rb"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[info     \] service.started ", text, re.MULTILINE), text


def _read_terminal(terminal: RawIOBase) -> bytes:
    """Return the next bytes; nothing after the last process has closed its side (EIO on Linux)."""
    try:
        return terminal.read(4096) or b""
    except OSError:
        return b""
