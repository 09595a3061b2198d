"""The table of threats names tests that are there."""

import re

from tests.manual.examples import PAGES, ROOT

PAGE = (PAGES / "security.md").read_text(encoding="utf-8")


def test_every_threat_has_its_test() -> None:
    """Each row of the table of threats ends with tests, and each of them exists."""
    rows = re.search(r"\| threat \| defence \| shown by \|\n.*?\n((?:\|.*\n)+)", PAGE)
    assert rows is not None
    assert [row for row in rows[1].splitlines() if not re.search(r"`[\w/]+\.py::[\w*]+` \|$", row)] == []
    named = re.findall(r"`([\w/]+\.py)::([\w*]+)`", PAGE)
    assert len(named) > 20
    for file, test in named:
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert "def test_" in text if test == "*" else f"def {test}(" in text, (file, test)
