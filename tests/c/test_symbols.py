"""What the C core asks of the world, read from its object files."""

import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.c.toolchain import (
    ARROW_SOURCES,
    CLICK_SOURCES,
    HTML,
    HTTP_SOURCES,
    JOURNAL_SOURCES,
    MIME_SOURCES,
    TOKENS,
    build_objects,
    find_compilers,
    skip_or_fail,
)

# Memory and strings of libc, the processor's features, and what position-independent and hardened code refers to.
ALLOWED_SYMBOLS = {
    *("memchr", "memcmp", "memcpy", "memmove", "memset", "strlen", "strcmp", "strncmp"),
    *("__cpu_model", "__cpu_indicator_init", "__stack_chk_fail", "__stack_chk_guard", "_GLOBAL_OFFSET_TABLE_"),
    *("__memcpy_chk", "__memmove_chk", "__memset_chk"),
    *("sqrt", "nearbyint"),
}


def undefined_symbols(objects: list[Path]) -> set[str]:
    """The symbols that the object files use and none of them defines."""
    command = ["nm", "-g", *map(str, objects)]
    known = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - no foreign input
    kinds = [line.split()[-2:] for line in known.splitlines() if len(line.split()) >= 2]
    return {name for kind, name in kinds if kind == "U"} - {name for kind, name in kinds if kind != "U"}


@pytest.fixture(scope="module")
def compile_sources(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Compiles our C by a compiler of this name, with optimisation and all warnings, into a folder of object files."""

    @cache
    def compile_by(compiler: str) -> Path:
        folder = tmp_path_factory.mktemp(compiler)
        sources = [*HTML, *TOKENS, *ARROW_SOURCES, *MIME_SOURCES, *CLICK_SOURCES, *JOURNAL_SOURCES, *HTTP_SOURCES]
        build_objects(compiler, sources, folder, "-O2")
        return folder

    return compile_by


@pytest.mark.parametrize("folder", ["html", "tokens", "arrow", "mime", "clicks", "http"])
def test_the_core_allocates_nothing_and_knows_no_python(folder: str, compile_sources: Callable[[str], Path]) -> None:
    """Beside memory, strings and roots no outside symbol is used: no allocation, no input or output, no Python."""
    if not find_compilers() or shutil.which("nm") is None:
        skip_or_fail("no C compiler or no nm")
    made = compile_sources(find_compilers()[0])
    sources = {"html": HTML, "tokens": TOKENS, "mime": MIME_SOURCES, "clicks": CLICK_SOURCES, "http": HTTP_SOURCES}
    sources["arrow"] = [*ARROW_SOURCES, *HTML, *TOKENS]  # which it is built with
    objects = [made / f"{source.stem}.o" for source in sources[folder]]
    assert objects
    unexpected = {
        name
        for name in undefined_symbols(objects)
        if name not in ALLOWED_SYMBOLS and name.removeprefix("_") not in ALLOWED_SYMBOLS
    }
    assert unexpected == set()


@pytest.mark.parametrize("compiler", ["cc", "clang"])
def test_the_sources_compile_without_a_warning(compiler: str, compile_sources: Callable[[str], Path]) -> None:
    """With optimisation on, -Wall -Wextra -Wpedantic finds nothing in our C, as C11."""
    if compiler not in find_compilers():
        skip_or_fail(f"no compiler named {compiler}")
    sources = {*HTML, *TOKENS, *ARROW_SOURCES, *MIME_SOURCES, *CLICK_SOURCES, *JOURNAL_SOURCES, *HTTP_SOURCES}
    assert {path.stem for path in compile_sources(compiler).glob("*.o")} == {source.stem for source in sources}
