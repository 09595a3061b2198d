"""Linkweir: byte-exact click tracking for e-mail.

>>> from linkweir import rewrite
>>> rewrite('<a href="https://example.com">x</a>', lambda destination, index: f"https://t.example.com/{index}")
'<a href="https://t.example.com/0">x</a>'
"""

from typing import TYPE_CHECKING, Any

from linkweir.errors import BadSwitch, BadToken, KeyRingError, LinkweirError, RefusedValue
from linkweir.html import (
    REASONS,
    Finding,
    Link,
    Outcome,
    Plan,
    Rewriter,
    Switches,
    arewrite_chunks,
    check,
    rewrite,
    rewrite_chunks,
    rewrite_file,
    scan,
)
from linkweir.mime import Note, PartLink, Rewritten, RewrittenMessage, check_message, rewrite_message
from linkweir.tokens import KeyFile, KeyRing, KeyVariable, Opened, Privacy, Tracker, open_link, open_token

if TYPE_CHECKING:
    from linkweir.clicks.offline import classify_clicks, classify_table

__version__ = "0.1.0"

__all__ = [
    "REASONS",
    "BadSwitch",
    "BadToken",
    "Finding",
    "KeyFile",
    "KeyRing",
    "KeyRingError",
    "KeyVariable",
    "Link",
    "LinkweirError",
    "Note",
    "Opened",
    "Outcome",
    "PartLink",
    "Plan",
    "Privacy",
    "RefusedValue",
    "Rewriter",
    "Rewritten",
    "RewrittenMessage",
    "Switches",
    "Tracker",
    "arewrite_chunks",
    "check",
    "check_message",
    "classify_clicks",
    "classify_table",
    "open_link",
    "open_token",
    "rewrite",
    "rewrite_chunks",
    "rewrite_file",
    "rewrite_message",
    "scan",
]


def __getattr__(name: str) -> Any:
    """Functions that need the packages of the service are imported when they are used. Raises ImportError."""
    if name in ("classify_clicks", "classify_table"):
        import importlib

        return getattr(importlib.import_module("linkweir.clicks.offline"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
