"""What the README says is true."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from linkweir import Outcome, scan
from linkweir.settings import PREFIX, Settings

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
CLAIMS = re.compile(r"^(\w+\(.*?)\s+# ('.*')$", re.MULTILINE)  # an expression, its value behind it or below it
ROWS = re.findall(r"^\| (`<.*?) \| `([a-z-]+)` \|", README, re.MULTILINE)


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python examples run one after the other, and an expression is worth what its comment says."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for example in EXAMPLES:
        exec(example, names)  # noqa: S102 - our own README
        for expression, value in CLAIMS.findall(example):
            assert repr(eval(expression, names)) == value, expression  # noqa: S307
    assert [len(CLAIMS.findall(example)) for example in EXAMPLES] == [1, 1, 0, 0, 0]


@pytest.mark.parametrize(("tags", "outcome"), ROWS)
def test_the_table_is_right(tags: str, outcome: str) -> None:
    """Each tag in the table of what is tracked has the outcome that stands beside it."""
    for tag in re.findall(r"`(<.*?>)`(?:, |$)", tags):
        assert [link.outcome for link in scan(tag.replace("\\|", "|"))] == [Outcome(outcome)], tag
    assert len(ROWS) >= 9


def test_every_setting_is_named() -> None:
    """The table of settings names each one that the service reads, and no other."""
    named = set(re.findall(rf"`({PREFIX}[A-Z_]+)`", README))
    assert named == {PREFIX + item.name.upper() for item in fields(Settings)}
