"""README is short, and what it says is true. Its examples run with those of the manual."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from linkweir import Outcome, scan
from linkweir.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAX_LINES = 220
MAX_COLUMNS = 120
MAX_PICTURE_BYTES = 200_000
ROWS = {
    name: re.findall(r"^\| (`<.*?) \| `([a-z-]+)` \|", text, re.MULTILINE)
    for name, text in (
        ("README", README),
        ("manual", (ROOT / "src/linkweir/manual/rewriting-rules.md").read_text(encoding="utf-8")),
    )
}


def test_it_is_short() -> None:
    """README has at most 220 lines of at most 120 characters, and its picture has at most 200 KB."""
    lines = README.splitlines()
    assert len(lines) <= MAX_LINES
    assert [line for line in lines if len(line) > MAX_COLUMNS] == []
    (picture,) = re.findall(r"!\[.*?\]\((.*?)\)", README)
    assert (ROOT / picture).stat().st_size <= MAX_PICTURE_BYTES


def test_every_link_leads_to_a_file() -> None:
    """Each link of README names a file of the repository."""
    targets = re.findall(r"\]\(([^)\s]+)\)", README)
    assert [target for target in targets if not (ROOT / target).is_file()] == []
    assert len(targets) > 5


@pytest.mark.parametrize(("tags", "outcome"), [row for rows in ROWS.values() for row in rows])
def test_the_tables_of_outcomes_are_right(tags: str, outcome: str) -> None:
    """Each tag in the tables of README and the manual has the outcome that is in its row."""
    for tag in re.findall(r"`(<.*?>)`(?:, |$)", tags):
        assert [link.outcome for link in scan(tag.replace("\\|", "|"))] == [Outcome(outcome)], tag
    assert [len(rows) for rows in ROWS.values()] == [9, 9]


@pytest.mark.parametrize("page", ["README.md", "src/linkweir/manual/architecture.md"])
def test_the_tree_of_folders_is_that_of_the_source(page: str) -> None:
    """Each folder in the tree of a page exists, and each package is in the tree."""
    text = (ROOT / page).read_text(encoding="utf-8")
    tree = text[text.index("src/linkweir/\n") :].partition("```")[0]
    named = set(re.findall(r"(?:(?<=^  )|(?<= ))(\w+)/(?= |$)", tree.partition("\next/")[0], re.MULTILINE))
    packages = {path.parent.name for path in (ROOT / "src/linkweir").glob("*/__init__.py")}
    assert {name for name in packages if name not in named} - {"demo"} == set()
    assert {name for name in named if not any((ROOT / "src/linkweir").rglob(f"{name}/__init__.py"))} == set()


def test_every_benchmark_is_there() -> None:
    """The manual's page of benchmarks names modules of `bench` that can be run."""
    page = (ROOT / "src/linkweir/manual/benchmarks.md").read_text(encoding="utf-8")
    named = re.findall(r"bench\.(\w+)", page)
    assert [name for name in named if not (ROOT / "bench" / f"{name}.py").is_file()] == []
    assert len(named) >= 9


def test_every_setting_that_it_names_is_one() -> None:
    """README names settings that the service reads."""
    named = set(re.findall(rf"`({PREFIX}[A-Z_]+)`", README))
    assert named <= {PREFIX + item.name.upper() for item in fields(Settings)}
    assert len(named) >= 5
