"""Writes the fixtures anew: `python -m tests.frozen.record`. What changed then shows in `git diff`."""

import json
import tempfile
from pathlib import Path
from typing import Any

from tests.frozen import session

FIXTURES = Path(__file__).parent / "fixtures"
SHORT = 160  # characters of an entry that stays on one line
NAMES = ("api", "openapi", "dashboard", "smtp", "mails", "webhooks", "command", "database")


def text_of(recording: dict[str, Any]) -> str:
    """One line for each entry, and for each part of one that is long."""
    lines = [f"{json.dumps(name, ensure_ascii=False)}: {_entry(one)}" for name, one in recording.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _entry(value: Any) -> str:
    whole = _line(value)
    if len(whole) < SHORT or not isinstance(value, dict | list):
        return whole
    if isinstance(value, dict):
        return "{\n" + ",\n".join(f" {_line(name)}: {_line(item)}" for name, item in value.items()) + "}"
    return "[\n" + ",\n".join(f" {_line(item)}" for item in value) + "]"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def main() -> None:
    """Record one session and write what it gave."""
    with tempfile.TemporaryDirectory() as folder:
        recordings = session.record(Path(folder))
    for name, recording in recordings.items():
        (FIXTURES / f"{name}.json").write_text(text_of(recording))


if __name__ == "__main__":
    main()
