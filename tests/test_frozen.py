"""What users, mail clients and readers see of a service stays as it was recorded, but for texts.

After a change that is meant to be seen: `python -m tests.frozen.record`, and look at `git diff tests/frozen/fixtures`.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.frozen import session
from tests.frozen.compare import differences
from tests.frozen.record import FIXTURES, NAMES

SHOWN = 60  # differences; more of them have one cause


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One session of a service, recorded now."""
    folder: Path = tmp_path_factory.mktemp("frozen")
    result = session.record(folder)
    assert set(result) == set(NAMES)
    return json.loads(json.dumps(result))  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_has_changed(recordings: dict[str, Any], name: str) -> None:
    """What is seen of a service is what was recorded of an earlier one."""
    stored = json.loads((FIXTURES / f"{name}.json").read_text())
    result = list(differences(stored, recordings[name]))
    assert not result, "\n".join([f"{name}.json: {len(result)} differences", *result[:SHOWN]])


def test_each_operation_was_seen_to_succeed(recordings: dict[str, Any]) -> None:
    """Of each operation of the OpenAPI document there is an answer that says yes, and one that says no."""
    answered: dict[str, set[int]] = {}
    for exchange in recordings["api"].values():
        if "operation" in exchange:
            answered.setdefault(exchange["operation"], set()).add(exchange["status"] // 100)
    assert {name: {2, 4} - answered.get(name, set()) for name in recordings["openapi"]} == {
        name: set() for name in recordings["openapi"]
    }


def test_a_difference_is_named() -> None:
    """What is gone, new or otherwise is told with its place, and nothing is told of what is the same."""
    stored = {"a": {"b": [1, {"c": True}], "d": "x"}, "e": 1, "same": [1, 2]}
    result = {"a": {"b": [1, {"c": 1}], "f": "y"}, "e": 2, "same": [1, 2]}
    assert list(differences(stored, result)) == [
        "/a/b[1]/c: was True, is 1",
        "/a/d: gone; was 'x'",
        "/a/f: new; 'y'",
        "/e: was 1, is 2",
    ]
    assert list(differences([1, 2], [2, 3, 4], "/x")) == [
        "/x: gone; was 1",
        "/x: new; 3",
        "/x: new; 4",
        "/x: 2 entries before, 3 now",
    ]
    assert not list(differences(stored, stored))
