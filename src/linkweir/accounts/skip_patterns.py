"""Regular expressions of customers for links that are never tracked, and the other options of link rewriting.

The attack: a pattern like `(a+)+$`, which takes Python's own engine exponential time (ReDoS). RE2 takes time linear in
the text; what it does not support (lookahead, back references) is refused.
"""

from functools import lru_cache
from typing import Any

import re2

from linkweir.errors import BadSwitch, ValidationError
from linkweir.html import Switches
from linkweir.html.switches import SKIP_PRESETS, Pattern
from linkweir.translation import gettext

MAX_PATTERNS = 50  # of one message, as of a domain and an account
MAX_MEMORY_BYTES = 1 << 20  # bytes for one pattern, and for its matching


@lru_cache(1024)
def compile_skip_pattern(text: str) -> str | Pattern:
    """The pattern for `Switches.skip`, letter case aside; a preset's name stays. Raises BadSwitch."""
    if text in SKIP_PRESETS:
        return text
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = MAX_MEMORY_BYTES
    try:
        pattern: Pattern = re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if error.args else ""
        problem = gettext(
            "%(pattern)s is not a regular expression that can be used: %(reason)s",
            pattern=repr(text[:80]),
            reason=reason[:200],
        )
        raise BadSwitch(f"skip: {problem}") from None
    return pattern


def to_link_options(opt_out: list[str] | None, skip: list[str] | None, outlook: bool | None) -> dict[str, Any]:
    """Return the validated options of the link rules. Raises ValidationError."""
    try:
        if len(skip or ()) > MAX_PATTERNS or len(opt_out or ()) > MAX_PATTERNS:
            raise ValidationError(
                "skip" if len(skip or ()) > MAX_PATTERNS else "opt_out",
                gettext("has more than %(most)s entries", most=MAX_PATTERNS),
            )
        Switches(opt_out=tuple(opt_out or ()), skip=tuple(map(compile_skip_pattern, skip or ())))
    except BadSwitch as error:
        field, _, reason = str(error).partition(": ")  # the error names the switch, which is the field
        raise ValidationError(field, reason) from None
    return {"opt_out": tuple(opt_out or ()), "skip": tuple(skip or ()), "outlook": outlook}
