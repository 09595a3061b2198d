"""What the manual and README show can be run as it stands there."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import pytest

from linkweir.api.openapi_document import build_document
from linkweir.manual.contents import TOPICS
from tests.conftest import skip_or_fail
from tests.manual.examples import PAGES, ROOT, RUN, SHOWN, Workbench
from tests.manual.library_examples import examples
from tests.web.running_service import RunningService

FILES = {"README": ROOT / "README.md", **{topic: PAGES / f"{topic}.md" for topic in TOPICS}}
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
MAX_NOT_RUN = 11  # set-up and tests, each three times; servers of a database and of NATS, a container engine, roles
RUN_ELSEWHERE = (
    "the tests of integrations run it",  # tests/integrations/test_engines.py
    "the tests of its command run it",  # tests/cli: with a database server
    "the test of this page runs it",  # test_scaling_recipe.py
    "the test of this page does the same",  # test_scaling_recipe.py
)


@pytest.mark.parametrize("name", FILES)
def test_the_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each Python and shell example of a page runs, the expressions have the values that their comments state, and
    each answer of the API is as its OpenAPI document says.
    """
    todo = [example for example in examples(TEXTS[name]) if example.language in RUN and not example.not_run]
    if not todo:
        assert "```python" not in TEXTS[name]
        return
    if shutil.which("curl") is None:
        skip_or_fail("curl is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    with RunningService(tmp_path / "linkweir-data", smtp_port=0) as served:
        bench = Workbench(tmp_path, served)
        for example in todo:
            bench.run(example)
        _check_answers(bench.exchanges)
    assert bench.claims >= sum(
        text.count("  # '") for text in (item.text for item in todo if item.language == "python")
    )


def _check_answers(exchanges: list[dict[str, str]]) -> None:
    described = build_document()
    for exchange in exchanges:
        assert exchange["status"].startswith(("2", "3")), exchange
        responses = _responses(described["paths"], exchange)
        content = responses[exchange["status"]].get("content", {}) if responses else {}
        if "application/json" in content and exchange["body"].startswith("{"):
            schema = {**content["application/json"]["schema"], "components": described["components"]}
            jsonschema_rs.Draft202012Validator(schema).validate(json.loads(exchange["body"]))


def _responses(paths: dict[str, Any], exchange: dict[str, str]) -> dict[str, Any]:
    """What the document says of the answers to a request; nothing for a request that is not the API's."""
    path = urlsplit(exchange["url"]).path
    for template, methods in paths.items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path):
            responses: dict[str, Any] = methods[exchange["method"].lower()]["responses"]
            return responses
    return {}


@pytest.mark.parametrize("name", FILES)
def test_every_block_names_its_language(name: str) -> None:
    """Each fenced block is of a language that is run, or of one that nobody runs."""
    text = TEXTS[name]
    result = examples(text)
    assert len(re.findall(r"^```", text, re.MULTILINE)) == 2 * len(result)
    assert {example.language for example in result} <= {*RUN, *SHOWN}


def test_few_examples_are_not_run() -> None:
    """An example that needs root or another machine says so, and these are few."""
    reasons = [example.not_run for text in TEXTS.values() for example in examples(text) if example.not_run]
    elsewhere = [reason for reason in reasons if reason.endswith(RUN_ELSEWHERE)]
    assert len(reasons) - len(elsewhere) <= MAX_NOT_RUN
