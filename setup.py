"""Declares the C extensions; everything else is in pyproject.toml."""

import glob
import os
import shutil
import sys
import sysconfig
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CompileError

sys.path.insert(0, "ext")
from generate_tables import write_tables

write_tables(Path("build/generated"))

# -O3: the SSE2 sweep gains a lot over -O2; CFLAGS=-O0 asks for a quick build. Hidden symbols: calls between our own
# files need no PLT.
LEVEL = [] if "-O0" in os.environ.get("CFLAGS", "").split() else ["-O3"]
OPTIMIZE = [] if os.name == "nt" else [*LEVEL, "-fvisibility=hidden"]


def needs(folder: str) -> list[str]:
    """What an extension is made from beside its C files: rebuilt when one changes, and in the sdist by this alone."""
    kinds = ("*.pyx", "*.pxd", "*.py", f"{folder}/*.h", f"{folder}/*.py")
    return [path for kind in kinds for path in sorted(glob.glob(f"ext/{kind}"))]


html = Extension(
    "linkweir._html",
    ["ext/_html.pyx", *sorted(glob.glob("ext/html/*.c"))],
    include_dirs=["ext", "ext/html", "build/generated"],
    extra_compile_args=OPTIMIZE,
    depends=needs("html"),
)
tokens = Extension(
    "linkweir._tokens",
    ["ext/_tokens.pyx", *sorted(glob.glob("ext/tokens/*.c"))],
    include_dirs=["ext", "ext/tokens", "build/generated"],
    extra_compile_args=OPTIMIZE,
    depends=needs("tokens"),
)
mime = Extension(
    "linkweir._mime",
    ["ext/_mime.pyx", *sorted(glob.glob("ext/mime/*.c"))],
    include_dirs=["ext", "ext/mime"],
    extra_compile_args=OPTIMIZE,
    depends=needs("mime"),
)
ARROW_PARTS = ("arrow", "html", "tokens")  # its loop goes through all of them without Python between
arrow = Extension(
    "linkweir._arrow",
    [
        "ext/_arrow.pyx",
        *(path for name in ("arrow", "html", "tokens") for path in sorted(glob.glob(f"ext/{name}/*.c"))),
    ],
    include_dirs=["ext", "ext/arrow", "ext/html", "ext/tokens", "build/generated"],
    extra_compile_args=OPTIMIZE,
    depends=[path for name in ARROW_PARTS for path in needs(name)],
)
journal = Extension(
    "linkweir._journal",
    ["ext/_journal.pyx", *sorted(glob.glob("ext/journal/*.c"))],
    include_dirs=["ext", "ext/journal"],
    extra_compile_args=OPTIMIZE,
    depends=needs("journal"),
)
http = Extension(
    "linkweir._http",
    ["ext/_http.pyx", *sorted(glob.glob("ext/http/*.c"))],
    include_dirs=["ext", "ext/http"],
    extra_compile_args=OPTIMIZE,
    depends=needs("http"),
)
clicks = Extension(
    "linkweir._clicks",
    ["ext/_clicks.pyx", *sorted(glob.glob("ext/clicks/*.c"))],
    include_dirs=["ext", "ext/clicks"],
    libraries=[] if os.name == "nt" else ["m"],
    extra_compile_args=OPTIMIZE,
    depends=needs("clicks"),
)


class BuildExtensions(build_ext):
    """Says in one sentence what is missing where nothing can be compiled; other errors are the compiler's own."""

    def build_extensions(self) -> None:
        """Compile all of them."""
        try:
            super().build_extensions()
        except (BaseError, CompileError, OSError) as error:
            missing = self._find_missing_tool()
            if missing is None:
                raise
            raise SystemExit(
                f"Linkweir has no wheel for this platform and cannot be compiled here, because {missing} is missing "
                "(Debian, Ubuntu: apt install gcc python3-dev; Alpine: apk add gcc musl-dev python3-dev; macOS: "
                "xcode-select --install; Windows: the Build Tools for Visual Studio)."
            ) from error

    def _find_missing_tool(self) -> str | None:
        command = getattr(self.compiler, "compiler_so", None)  # Windows: found by setuptools, or an error without more
        if not command:
            return "a C compiler"
        if shutil.which(command[0]) is None:
            return f"the C compiler {command[0]!r}"
        headers = Path(sysconfig.get_path("include"), "Python.h")
        return None if headers.exists() else f"Python's header {headers}"


service = [] if os.name == "nt" else [http, journal]  # the service needs POSIX; the library and the file command do not

setup(
    cmdclass={"build_ext": BuildExtensions},
    ext_modules=cythonize(
        [html, tokens, mime, arrow, clicks, *service],
        build_dir="build",  # generated C stays out of ext/
        compiler_directives={"language_level": "3"},
    ),
)
