"""The tools that keep the style: they are settings in pyproject.toml, and they hold."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


# a port that a server or a socket of a test is given: any but 0, which is one that is free
FIXED_PORT = re.compile(
    r"""(?:port|listen)["']?(?:,\ |\ ?[:=]\ ?)f?["']?(?:[\w.]*:|\[::1\]:)?(\d+)\b(?!\.)"""
    r"""|\.bind\(\(["'][^"']*["'],\ (\d+)\)"""
)
CALLED_WITHOUT_A_SERVER = {"test_settings.py", "test_serve.py"}  # they read ports, and open none


def test_no_test_has_a_fixed_port() -> None:
    """No test listens on a port of its own choice: another service on the machine may have it."""
    found = [
        f"{path.name}: {match[0]}"
        for path in (ROOT / "tests").rglob("*.py")
        if path.name not in CALLED_WITHOUT_A_SERVER | {"test_style.py"}
        for match in FIXED_PORT.finditer(path.read_text("utf-8"))
        if (match[1] or match[2]) != "0"
    ]
    assert found == []
    for text in ("listen(port=8025)", '"--port", "8025"', "smtp_listen='127.0.0.1:2525'", 's.bind(("", 80))'):
        assert FIXED_PORT.search(text)


@pytest.mark.parametrize("tool", [["ruff", "check", "--no-cache", "."], ["mypy"]], ids=["ruff", "mypy"])
def test_no_tool_reports_anything(tool: list[str]) -> None:
    """ruff finds nothing in the tree, and mypy in strict mode nothing in src and tests."""
    result = subprocess.run(  # noqa: S603 - our own tools on our own tree
        [sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
