"""The tools that keep the style: they are settings in pyproject.toml, and they hold."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("tool", [["ruff", "check", "--no-cache", "."], ["mypy"]], ids=["ruff", "mypy"])
def test_no_tool_reports_anything(tool: list[str]) -> None:
    """ruff finds nothing in the tree, and mypy in strict mode nothing in src and tests."""
    result = subprocess.run(  # noqa: S603 - our own tools on our own tree
        [sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
