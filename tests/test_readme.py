"""What the README says is true."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from linkweir.api.openapi.openapi_document import build_document
from linkweir.html.document import scan
from linkweir.html.outcome import Outcome
from linkweir.settings import PREFIX, Settings
from tests.conftest import skip_or_fail
from tests.web.running_service import RunningService

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


def test_every_threat_has_its_test() -> None:
    """Each test that the table of threats names is there."""
    folder = Path(__file__).resolve().parent
    rows = re.search(r"\| threat \| defence \| shown by \|\n.*?\n((?:\|.*\n)+)", README)
    assert rows is not None
    assert [row for row in rows[1].splitlines() if not re.search(r"`[\w/]+\.py::[\w*]+` \|$", row)] == []
    named = re.findall(r"`([\w/]+\.py)::([\w*]+)`", README)
    assert len(named) > 20
    for file, test in named:
        text = (folder / file).read_text(encoding="utf-8")
        assert "def test_" in text if test == "*" else f"def {test}(" in text, (file, test)


def test_every_setting_is_named() -> None:
    """The table of settings names each one that the service reads, and no other."""
    named = set(re.findall(rf"`({PREFIX}[A-Z_]+)`", README))
    assert named == {PREFIX + item.name.upper() for item in fields(Settings)}


def test_the_curl_examples_work(tmp_path: Path) -> None:
    """Each `curl` of the README, run against a service, is answered as the OpenAPI document says."""
    if shutil.which("curl") is None:
        skip_or_fail("curl is not installed")
    (block,) = [one for one in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if "curl" in one]
    commands = re.findall(r"^curl .*?(?=^curl |\Z)", block, re.DOTALL | re.MULTILINE)
    paths = build_document()["paths"]
    with RunningService(tmp_path / "data") as service:
        given = {"BASE": service.url, "ACCOUNT": service.account, "KEY": service.key}
        for command in commands:
            told = subprocess.run(  # noqa: S602 - our own README
                command.strip() + r" -w '\n%{http_code}'",
                shell=True,
                env={**os.environ, **given},
                capture_output=True,
                text=True,
                timeout=30,
                check=True,
            )
            body, _, status = told.stdout.rpartition("\n")
            path = re.findall(r"\$BASE(/[^?\"]+)", command)[0].replace("$ACCOUNT", "{account_id}")
            method = "post" if " -d " in command else "get"
            schema = paths[path][method]["responses"][status]["content"]["application/json"]["schema"]
            whole = {**schema, "components": build_document()["components"]}
            jsonschema_rs.Draft202012Validator(whole).validate(json.loads(body))
    assert len(commands) == 5
