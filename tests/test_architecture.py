"""The house rules that can be checked: imports go one way, and the library needs nothing but Python."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOADED_MODULES_SCRIPT = """
import sys
before = set(sys.modules)
import linkweir
linkweir.rewrite(b'<a href="https://x.example/">', lambda destination, index: None)
added = set(sys.modules) - before
files = {name for name in added if getattr(sys.modules[name], "__file__", None)}  # Cython's runtime has none
print(*sorted({name.partition(".")[0] for name in files}))
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A command in the project's folder, with its output as text."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own


def test_imports_are_layered() -> None:
    """import-linter finds the contract of layers in pyproject.toml and no broken one."""
    linter = Path(sys.executable).with_name("lint-imports")
    command = str(linter) if linter.exists() else shutil.which("lint-imports")
    if command is None:
        pytest.skip("import-linter is not installed: pip install 'linkweir[test]'")
    result = run(command, "--no-cache")
    assert result.returncode == 0, result.stdout + result.stderr
    assert " kept, 0 broken" in result.stdout


def test_nobody_inside_imports_the_public_names() -> None:
    """Inside the package the root is imported for its modules and its version only: the linter ignores that."""
    package = ROOT / "src" / "linkweir"
    parts = {path.name.partition(".")[0] for path in package.iterdir()} | {"__version__"}
    expected = re.compile(r"^\s*from (?:linkweir|\.\.) import (.*)$", re.MULTILINE)
    wrong = [
        (path.name, names)
        for path in package.glob("*/*.py")
        for names in expected.findall(path.read_text("utf-8"))
        if not set(re.sub(r" as \w+", "", names).replace(",", " ").split()) <= parts
    ]
    assert wrong == []


DURABILITY_CALLS = re.compile(r"\b(?:fcntl\.|import fcntl|os\.f(?:data)?sync\b|os\.(?:replace|link)\(|O_EXCL\b)")
OWN_DURABILITY = {
    "durable_files.py": "the module of these calls",
    "atomic_file.py": "replaces users' files: names them in its own order",
    "mail/transport/maildir.py": "a Maildir's own protocol: written in tmp, linked into new",
    "bulk/file_rewriter.py": "renames a mail of a Maildir after its length has changed",
}


def test_durability_is_in_one_module() -> None:
    """Locks, flushes and atomic replacements are calls of durable_files, but for the exceptions with a reason."""
    package = ROOT / "src" / "linkweir"
    users = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if DURABILITY_CALLS.search(path.read_text("utf-8"))
    }
    assert users == set(OWN_DURABILITY)


def test_the_library_needs_nothing_but_python() -> None:
    """`import linkweir` and rewriting load the standard library and the package itself, nothing else."""
    result = run(sys.executable, "-c", LOADED_MODULES_SCRIPT)
    assert result.returncode == 0, result.stderr
    loaded = set(result.stdout.split())
    assert "linkweir" in loaded
    assert loaded - {"linkweir"} - set(sys.stdlib_module_names) == set()
