"""Patterns that customers write, for links that are never tracked (RE2).

The attack: a pattern like `(a+)+$`, over which Python's own engine broods for ever, and the whole process with it. RE2
takes time that grows with the text only; what it does not know (looking ahead, back references) is refused.
"""

from functools import lru_cache

import re2

from linkweir.errors import BadSwitch
from linkweir.html.options import SKIP_PRESETS, Pattern

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
        found: Pattern = re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if error.args else ""
        raise BadSwitch(f"skip: {text[:80]!r} is no regular expression that can be used: {reason[:200]}") from None
    return found
