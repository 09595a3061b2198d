"""Declares the two C extensions; everything else is in pyproject.toml."""

import glob
import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

sys.path.insert(0, "ext/core")
import make_refs

make_refs.write(Path("build/generated"))

OPTIMIZE = [] if os.name == "nt" else ["-O3"]  # the sweep gains a lot over -O2 where it is compiled for SSE2
HEADERS = sorted(glob.glob("ext/*.h")) + sorted(glob.glob("ext/*.pxd"))

core = Extension(
    "linkweir._core",
    ["ext/_core.pyx", *sorted(glob.glob("ext/core/*.c"))],
    include_dirs=["ext", "ext/core", "build/generated"],
    extra_compile_args=OPTIMIZE,
    depends=HEADERS + sorted(glob.glob("ext/core/*.h")),
)
token = Extension(
    "linkweir._token",
    ["ext/_token.pyx", *sorted(glob.glob("ext/token/*.c"))],
    include_dirs=["ext", "ext/token"],
    extra_compile_args=OPTIMIZE,
    depends=HEADERS + sorted(glob.glob("ext/token/*.h")),
)

setup(
    ext_modules=cythonize(
        [core, token],
        build_dir="build",  # generated C stays out of ext/
        compiler_directives={"language_level": "3", "freethreading_compatible": True},
    )
)
