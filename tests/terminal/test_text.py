"""Showing names to people."""

import os

from linkweir.terminal.text import display_path, escape_unprintable, truncate


def test_a_name_never_drives_the_terminal() -> None:
    """Escape codes, line ends and bidi marks in a name come out escaped."""
    assert display_path("a\x1b[31m\n\u202eb.html") == "a\\x1b[31m\\n\\u202eb.html"


def test_a_name_that_is_not_utf8_is_shown() -> None:
    r"""A byte that is not UTF-8 comes out as \xNN, in a string that can be encoded."""
    name = display_path(os.fsdecode(b"caf\xe9.html"))
    assert name == "caf\\xe9.html"
    assert name.encode("utf-8")


def test_umlauts_and_spaces_stay() -> None:
    """Printable text of any script is left as it is."""
    assert escape_unprintable("Grüße 日本 .html") == "Grüße 日本 .html"


def test_standard_input_has_a_name() -> None:
    """The path - is shown as <stdin>."""
    assert display_path("-") == "<stdin>"


def test_shortened_marks_the_cut() -> None:
    """A text longer than the width is cut to it and ends in an ellipsis."""
    assert truncate("abcdef", 4) == "abc…"
    assert truncate("abcd", 4) == "abcd"
