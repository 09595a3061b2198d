"""Tests of linkweir.web.json_logging: what can stand in a log."""

import io
import json

from hypothesis import given
from hypothesis import strategies as st

from linkweir.web.json_logging import make_logger


@given(st.text())
def test_no_text_makes_a_line_of_its_own(text: str) -> None:
    """Whatever a stranger wrote, a log call is one line, and its JSON gives the text back."""
    stream = io.StringIO()
    make_logger("info", stream).info("mail.refused", reason=text)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["reason"] == text


def test_an_exception_shows_no_locals() -> None:
    """A bug's traceback in the log names no value of a local variable, which may be a key."""
    stream = io.StringIO()
    secret = "a-key-" + "z" * 20
    try:
        raise ValueError(len(secret))
    except ValueError:
        make_logger("info", stream).exception("bug")
    assert "ValueError" in stream.getvalue()
    assert secret not in stream.getvalue()
