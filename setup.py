"""Declares the C extensions; everything else is in pyproject.toml."""

import glob
import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

sys.path.insert(0, "ext/core")
import make_refs

make_refs.write(Path("build/generated"))

# -O3: the SSE2 sweep gains a lot over -O2. Hidden symbols: calls between our own files need no PLT.
OPTIMIZE = [] if os.name == "nt" else ["-O3", "-fvisibility=hidden"]


def needs(room: str) -> list[str]:
    """What an extension is made from beside its C files: rebuilt when one changes, and in the sdist by this alone."""
    return [
        path for kind in ("*.pyx", "*.pxd", f"{room}/*.h", f"{room}/*.py") for path in sorted(glob.glob(f"ext/{kind}"))
    ]


core = Extension(
    "linkweir._core",
    ["ext/_core.pyx", *sorted(glob.glob("ext/core/*.c"))],
    include_dirs=["ext", "ext/core", "build/generated"],
    extra_compile_args=OPTIMIZE,
    depends=needs("core"),
)
token = Extension(
    "linkweir._token",
    ["ext/_token.pyx", *sorted(glob.glob("ext/token/*.c"))],
    include_dirs=["ext", "ext/token"],
    extra_compile_args=OPTIMIZE,
    depends=needs("token"),
)
mime = Extension(
    "linkweir._mime",
    ["ext/_mime.pyx", *sorted(glob.glob("ext/mime/*.c"))],
    include_dirs=["ext", "ext/mime"],
    extra_compile_args=OPTIMIZE,
    depends=needs("mime"),
)
journal = Extension(
    "linkweir._journal",
    ["ext/_journal.pyx", *sorted(glob.glob("ext/journal/*.c"))],
    include_dirs=["ext", "ext/journal"],
    extra_compile_args=OPTIMIZE,
    depends=needs("journal"),
)
service = [] if os.name == "nt" else [journal]  # the service needs POSIX; the library and the file command do not

setup(
    ext_modules=cythonize(
        [core, token, mime, *service],
        build_dir="build",  # generated C stays out of ext/
        compiler_directives={"language_level": "3"},
    )
)
