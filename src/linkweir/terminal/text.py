"""How file names and addresses are shown to people: printable, UTF-8, never driving a terminal."""

import os

STDIN = "-"


def display_path(path: str) -> str:
    r"""Return `path` fit for a terminal or a report: controls and bytes that are not UTF-8 as `\xNN`."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "<stdin>" if text == STDIN else escape_unprintable(text)


def escape_unprintable(text: str) -> str:
    """Escape what a terminal might obey or hide in `text`: controls, bidi marks, lone surrogates."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def truncate(text: str, width: int) -> str:
    """Cut `text` to `width` characters, the cut marked by an ellipsis."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"
