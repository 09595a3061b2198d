"""Builds the extensions with sanitizers into a folder of their own, where a copy of the package finds them.

A Python that was built without sanitizers loads them when it starts with their runtime (LD_PRELOAD) and takes its
memory from the system's allocator, which the runtime watches (PYTHONMALLOC=malloc).
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from tests.c.toolchain import (
    ARROW_SOURCES,
    CLICK_SOURCES,
    HTML,
    HTTP_SOURCES,
    JOURNAL_SOURCES,
    MIME_SOURCES,
    ROOT,
    SANITIZER_FLAGS,
    TOKENS,
)

SOURCES = {
    "html": HTML,
    "tokens": TOKENS,
    "mime": MIME_SOURCES,
    "journal": JOURNAL_SOURCES,
    "http": HTTP_SOURCES,
    "clicks": CLICK_SOURCES,
    "arrow": [*ARROW_SOURCES, *HTML, *TOKENS],
}
EXT_TESTS_FOLDER = Path(__file__).resolve().parent
RUNTIME_LIBRARIES = {
    "clang": ["libclang_rt.asan-x86_64.so", "libclang_rt.asan.so"],
    "cc": ["libasan.so", "libubsan.so"],
}
# What Cython writes into every class adds 0 to a pointer that Python may leave NULL; no code of ours runs there.
_IGNORE_LIST = "[pointer-overflow]\nfun:*_cython__\n"
_CYTHONIZE_SCRIPT = """
import sys
from Cython.Build import cythonize
from setuptools import Extension
modules = [Extension(f"linkweir.{name}", [f"ext/{name}.pyx"]) for name in sys.argv[2:]]
cythonize(modules, build_dir=sys.argv[1], compiler_directives={"language_level": "3"}, quiet=True, force=True)
"""


def find_runtime(compiler: str) -> str | None:
    """What LD_PRELOAD has to name for modules that this compiler has built; None without the sanitizers' runtime."""
    result = []
    for name in RUNTIME_LIBRARIES[compiler]:
        command = [compiler, f"-print-file-name={name}"]
        path = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
        if Path(path).is_file():
            result.append(path)
    return ":".join(result) if len(result) == (2 if compiler == "cc" else 1) else None


def build_package(compiler: str, folder: Path, flags: Sequence[str] = ("-O1", *SANITIZER_FLAGS)) -> Path:
    """The folder that is to come first in PYTHONPATH; RuntimeError with the compiler's words when it refuses."""
    package = folder / "linkweir"
    shutil.copytree(ROOT / "src/linkweir", package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    names = [f"_{name}" for name in SOURCES]
    _run([sys.executable, "-c", _CYTHONIZE_SCRIPT, str(folder / "generated"), *names])
    _run([sys.executable, str(ROOT / "ext/generate_tables.py"), str(folder / "generated")])
    (folder / "ignored.txt").write_text(_IGNORE_LIST)
    for name, sources in SOURCES.items():
        _compile(compiler, name, sources, folder, flags)
    return folder


def _compile(compiler: str, name: str, sources: Sequence[Path], folder: Path, flags: Sequence[str]) -> None:
    folders = [
        ROOT / "ext",
        *sorted({source.parent for source in sources}),
        folder / "generated",
        sysconfig.get_path("include"),
        EXT_TESTS_FOLDER,
    ]
    module = folder / "linkweir" / f"_{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    shared = ["-shared-libasan", f"-fsanitize-ignorelist={folder}/ignored.txt"] if compiler == "clang" else []
    allocator = EXT_TESTS_FOLDER / "failing_allocator"
    failing = ["-include", f"{allocator}.h", f"{allocator}.c"] if name == "journal" else []
    command = [compiler, "-g", *flags, *shared, "-fPIC", "-shared", "-pthread", "-fno-omit-frame-pointer"]
    command += [*(f"-I{place}" for place in folders), *failing, *map(str, sources)]
    # a compiler that is killed leaves its objects in TMPDIR
    _run([*command, str(folder / f"generated/ext/_{name}.c"), "-o", str(module)], TMPDIR=str(folder))


def build_program(source: Path, program: Path, flags: Sequence[str]) -> None:
    """A program with this Python in it, for clang's runtime as a shared library."""
    libraries = sysconfig.get_config_var("LIBDIR")
    python = f"-lpython{sysconfig.get_config_var('LDVERSION')}"
    command = ["clang", "-g", "-O1", *flags, "-shared-libasan", "-rdynamic", f"-I{sysconfig.get_path('include')}"]
    command += [str(source), f"-L{libraries}", f"-Wl,-rpath,{libraries}", python, "-lm", "-lstdc++", "-lpthread"]
    _run([*command, "-o", str(program)], TMPDIR=str(program.parent))


def embedding_flags(compiler: str, folder: Path) -> dict[str, str]:
    """For such a program: the same, and where this Python and its packages are."""
    variables = make_environment(compiler, folder)
    paths = [str(folder), str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
    runtimes = os.pathsep.join(str(Path(path).parent) for path in variables["LD_PRELOAD"].split(":"))
    return {
        **variables,
        "PYTHONHOME": sys.base_prefix,
        "PYTHONPATH": os.pathsep.join(paths),
        "LD_LIBRARY_PATH": runtimes,
    }


def _run(command: Sequence[str], **more: str) -> None:
    own = {**os.environ, **more}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=own)  # noqa: S603 - ours
    if done.returncode:
        raise RuntimeError(f"{command[0]} refused:\n{done.stderr[-4000:]}")


def make_environment(compiler: str, folder: Path) -> dict[str, str]:
    """For a Python that uses the folder's package. An error ends the process; what the interpreter itself never frees
    is no leak of ours."""
    options = "detect_leaks=0:abort_on_error=0:exitcode=99:allocator_may_return_null=1:detect_stack_use_after_return=0"
    return {
        **os.environ,
        "LD_PRELOAD": find_runtime(compiler) or "",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(folder),
        "ASAN_OPTIONS": options,
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
