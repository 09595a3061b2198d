"""The load of recorded clicks is classified whole, and measured beside the floor and the rules."""

import pytest
from bench.classify_throughput import main


@pytest.mark.parametrize("options", [["--distinct"], ["--as-they-came"]])
def test_every_click_is_classified(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """All clicks of the load get a verdict, and each row of the table has a speed."""
    assert main(["--clicks", "300", *options]) == 0
    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == 3
    assert all(float(row[2].replace(",", "")) > 0 for row in rows)
