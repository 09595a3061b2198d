"""Where two recordings differ, one line for each place."""

from collections.abc import Iterator
from typing import Any


def differences(stored: Any, found: Any, place: str = "") -> Iterator[str]:
    """Each place with what is stored of it and what was found now."""
    if isinstance(stored, dict) and isinstance(found, dict):
        for name in [*stored, *(name for name in found if name not in stored)]:
            if name not in found:
                yield f"{place}/{name}: gone; was {_short(stored[name])}"
            elif name not in stored:
                yield f"{place}/{name}: new; {_short(found[name])}"
            else:
                yield from differences(stored[name], found[name], f"{place}/{name}")
    elif isinstance(stored, list) and isinstance(found, list) and len(stored) == len(found):
        for number, (item, other) in enumerate(zip(stored, found, strict=True)):
            yield from differences(item, other, f"{place}[{number}]")
    elif isinstance(stored, list) and isinstance(found, list):
        yield from (f"{place}: gone; was {_short(item)}" for item in stored if item not in found)
        yield from (f"{place}: new; {_short(item)}" for item in found if item not in stored)
        yield f"{place}: {len(stored)} entries before, {len(found)} now"
    elif stored != found or type(stored) is not type(found):
        yield f"{place}: was {_short(stored)}, is {_short(found)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 300 else text[:300] + "..."
