"""Floors under every figure: `bytes.count` and a memory copy. The memchr sweep is the package's own.

The copy is in C, compiled when first needed, with `$CC` or `cc`, into a folder of this process that goes away with it.
"""

import atexit
import ctypes
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

SOURCE_FILE = Path(__file__).parent / "baselines.c"


class NoCompilerError(Exception):
    """The floor in C can't be built here; the message says why."""


@cache
def load_library() -> ctypes.CDLL:
    """The compiled floor. Raises NoCompilerError."""
    folder = tempfile.mkdtemp(prefix="linkweir-floors-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    target = Path(folder) / "floors.so"
    command = [os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-o", str(target), str(SOURCE_FILE)]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - the command is ours
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoCompilerError(f"the floor could not be compiled: {error}") from error
    built = ctypes.CDLL(str(target))
    built.floor_copy.restype = ctypes.c_size_t
    built.floor_copy.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t)
    return built


def count_bytes(document: bytes, rounds: int = 1) -> int:
    """How many `<` the document has, found `rounds` times over by `bytes.count`."""
    count = 0
    for _ in range(rounds):
        count = document.count(b"<")
    return count


class MemoryCopy:
    """Copies documents into a buffer of its own whose pages are already there."""

    def __init__(self, size: int) -> None:
        """Raises NoCompilerError."""
        self._copy = load_library().floor_copy
        self._target = ctypes.create_string_buffer(size)
        ctypes.memset(self._target, 1, size)

    def __call__(self, document: bytes, rounds: int = 1) -> int:
        """Bytes copied per round."""
        total: int = self._copy(self._target, document, len(document), rounds)
        return total // rounds
