"""Compiles the C sources with the tests' own, without Python in sight; says why when it can't."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).resolve().parents[2]
C_FOLDER = Path(__file__).resolve().parent
HTML = sorted((ROOT / "ext/html").glob("*.c"))
TOKENS = sorted((ROOT / "ext/tokens").glob("*.c"))
ARROW_SOURCES = sorted((ROOT / "ext/arrow").glob("*.c"))
MIME_SOURCES = sorted((ROOT / "ext/mime").glob("*.c"))
CLICK_SOURCES = sorted((ROOT / "ext/clicks").glob("*.c"))
HTTP_SOURCES = sorted((ROOT / "ext/http").glob("*.c"))
JOURNAL_SOURCES = sorted((ROOT / "ext/journal").glob("*.c"))

STRICT_FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
SANITIZER_FLAGS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def skip_or_fail(dependency: str) -> NoReturn:
    """Skips the test, or fails it where nothing may be missing."""
    if os.environ.get("LINKWEIR_REQUIRE_SHARED") == "1":
        pytest.fail(f"{dependency}, and LINKWEIR_REQUIRE_SHARED=1 makes it mandatory")
    pytest.skip(dependency)


@cache
def find_compilers() -> tuple[str, ...]:
    """The compilers there are, by name: the system's own and clang. None on Windows, whose pages we can't guard."""
    if os.name == "nt":
        return ()
    return tuple(name for name in ("cc", "clang") if shutil.which(name))


def build_program(compiler: str, sources: list[Path], program: Path, *flags: str) -> None:
    """Compiles and links; raises RuntimeError with the compiler's words when it refuses."""
    _compile(compiler, sources, program.parent, *flags, "-o", str(program))


def build_objects(compiler: str, sources: list[Path], folder: Path, *flags: str) -> None:
    """Compiles each source into an object file of its name; raises RuntimeError likewise."""
    _compile(compiler, sources, folder, *flags, "-c")


def _compile(compiler: str, sources: list[Path], folder: Path, *flags: str) -> None:
    generated = folder / "generated"
    subprocess.run([sys.executable, ROOT / "ext/generate_tables.py", generated], check=True)  # noqa: S603 - our own
    folders = [
        C_FOLDER,
        *(ROOT / "ext" / name for name in ("html", "tokens", "arrow", "mime", "clicks", "journal", "http")),
        generated,
    ]
    included = [f"-I{folder}" for folder in folders]
    command = [compiler, *STRICT_FLAGS, "-pthread", *included, *map(str, sources), *flags]
    own = {**os.environ, "TMPDIR": str(folder)}  # a compiler that is killed leaves its objects there
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=own, cwd=folder)  # noqa: S603 - our sources
    if done.returncode:
        raise RuntimeError(f"{compiler} refused:\n{done.stderr}")


def can_link(compiler: str, folder: Path, text: str, *flags: str) -> bool:
    """Does the compiler have the runtime that these flags need? Tried with a program of one line."""
    source = folder / f"probe{abs(hash(flags))}.c"
    source.write_text(text)
    command = [compiler, *flags, str(source), "-o", str(source.with_suffix(""))]
    own = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.run(command, capture_output=True, check=False, env=own).returncode == 0  # noqa: S603 - likewise
