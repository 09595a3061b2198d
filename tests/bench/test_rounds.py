"""The tools of measuring: floors that do their work, ratios that are what they say, growth that is told
apart."""

import pytest
from bench.baselines import MemoryCopy, NoCompilerError, count_bytes
from bench.cases import list_cases
from bench.cases.scaling_families import FAMILIES, InputFamily
from bench.complexity import Scaling, format_table
from bench.harness.markdown_table import EngineRow, format_engine_table

from linkweir import _html
from linkweir.benchmark import Samples, compute_ratio, run_interleaved
from linkweir.benchmark.workload import TAG_BYTE


def test_the_memchr_sweep_finds_every_one() -> None:
    """The sweep counts what bytes.count counts, on every case and on none at all."""
    for document in [b"", b"<", b"x<", *(example.document for example in list_cases())]:
        assert _html.count_byte(document, TAG_BYTE) == count_bytes(document, 3) == document.count(b"<")


def test_the_copy_copies() -> None:
    """The copier moves as many bytes as the document has."""
    try:
        assert MemoryCopy(5)(b"12345", 4) == 5
    except NoCompilerError as reason:
        pytest.skip(str(reason))


def test_ratios_compare_best_with_best_and_pairs() -> None:
    """Best with best ignores a disturbed round; the other figure is the median of the rounds' ratios."""
    assert compute_ratio(Samples("a", (4.0, 9.0, 8.0)), Samples("b", (2.0, 1.0, 2.0))) == (4.0, 4.0)


def test_interleaving_runs_everything_in_every_round() -> None:
    """Each work gives one sample per round, and takes its turns among the others."""
    order: list[str] = []
    works = {name: (lambda loops, name=name: order.append(name)) for name in "ab"}
    samples = run_interleaved(works, rounds=3, sample_seconds=0.0)
    assert {name: len(each.seconds) for name, each in samples.items()} == {"a": 3, "b": 3}
    assert order[-6:] == ["a", "b", "b", "a", "a", "b"]


def test_scaling_distinguishes_linear_from_quadratic() -> None:
    """The exponent is that of the size; what did not come to its end within the cap says so."""
    linear = Scaling("ours", "tags", {100: 0.1, 200: 0.2, 400: 0.4})
    quadratic = Scaling("peer", "tags", {100: 0.1, 200: 0.4, 400: 1.6})
    assert linear.exponent == pytest.approx(1.0)
    assert quadratic.exponent == pytest.approx(2.0)
    assert str(quadratic) == "1600.0 ms, n^2.00"
    assert str(Scaling("peer", "tags", {100: 4.0})) == "> 5 s"
    assert "| tags | 400.0 ms, n^1.00 |" in format_table({("ours", "tags"): linear})


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_families_differ_by_size_only(family: InputFamily) -> None:
    """A member has about the size asked for, and its pieces are the member."""
    document = family.make(24_000)
    assert abs(len(document) - 24_000) < 100
    assert b"".join(family.pieces(document)) == document


def test_the_table_shows_faults() -> None:
    """A fault in every case is said once, one in a single case with its name; a right engine is right."""
    rows = [
        EngineRow("good", {"x": 1234.0}, {}, checked=True),
        EngineRow(
            "bad",
            {"x": 1.0},
            {"x": "wrong: 1 of 2 links; bytes changed outside", "y": "bytes changed outside"},
            True,
        ),
        EngineRow("floor", {"y": 5.0}),
    ]
    lines = format_engine_table(rows, ["x", "y"]).splitlines()
    assert lines[2] == "| good | 1,234 |  | right |"
    assert lines[3] == "| bad | 1 |  | wrong: 1 of 2 links (x); bytes changed outside (all) |"
    assert lines[4] == "| floor |  | 5 |  |"
