"""Where the shared material and the outside judge are, or why their tests skip."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def _missing(what: str) -> None:
    if os.environ.get("LINKWEIR_REQUIRE_SHARED") == "1":
        pytest.fail(f"{what}, and LINKWEIR_REQUIRE_SHARED=1 makes it mandatory")
    pytest.skip(what)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of rules, corpus and suites beside the checkout."""
    if not SHARED.is_dir():
        _missing("the shared material is not beside the checkout (../shared)")
    return SHARED


@pytest.fixture(scope="session")
def hrefs() -> Callable[[bytes, str], list[tuple[str, str | None]]]:
    """html5-parser as an independent judge: every `a` element of a document, as (namespace, href)."""
    try:
        from tests.oracle.tree import hrefs as parsed
    except ImportError as reason:
        _missing(f"html5-parser is not installed ({reason}): pip install --no-binary lxml 'linkweir[oracle]'")
    return parsed
