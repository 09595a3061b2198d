"""Set up a virtual environment in .venv and run the tests: `python3 tests/run.py [pytest's options]`;
`--numprocesses 0` for one process.

Needs Python 3.11 or newer and a C compiler. Where libxml2's headers are installed, html5-parser is built too, as an
independent oracle; without them the tests that need it skip and say so. With LINKWEIR_REQUIRE_SHARED=1 nothing may
skip for such a reason.
"""

import sys

sys.path.pop(0)  # this folder: its `token` would stand before the standard library's

import os
import shutil
import subprocess
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
ORACLE_WHEELS = VENV / "oracle-wheels"
WORKERS_PER_CORE = 2
SHARED_REQUIRED = os.environ.get("LINKWEIR_REQUIRE_SHARED") == "1"


def run(*command: str | Path) -> None:
    """Run a command in the project's folder; a failure ends the script with its status."""
    status = subprocess.run([str(word) for word in command], cwd=ROOT, check=False).returncode  # noqa: S603
    if status:
        sys.exit(status)


def has_libxml2() -> bool:
    """Are libxml2's headers there, so that lxml and html5-parser can be built from source?"""
    tool = shutil.which("pkg-config")
    return tool is not None and subprocess.run([tool, "--exists", "libxml-2.0"], check=False).returncode == 0  # noqa: S603


def has_oracle() -> bool:
    """Is html5-parser there, with an lxml that it can be used with?"""
    command = [str(PYTHON), "-c", "import html5_parser"]
    return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0  # noqa: S603


def start_building_oracle() -> subprocess.Popen[bytes]:
    """Begin to build lxml and html5-parser into ORACLE_WHEELS, which takes a core for a while."""
    import tomllib  # here, so that an older Python still learns what is needed

    (requirement,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["oracle"]
    words = ("wheel", "--quiet", "--no-binary", "lxml,html5-parser", "--wheel-dir", ORACLE_WHEELS, requirement)
    # Optimizing lxml takes longer than all the documents that the tests let it read.
    variables = {**os.environ, "CFLAGS": f"{os.environ.get('CFLAGS', '')} -O0"}
    return subprocess.Popen([PYTHON, "-m", "pip", *words], cwd=ROOT, env=variables)  # noqa: S603


def install() -> None:
    """Install the package with what its tests need. Byte code is left to the first import: most of it is never used."""
    run(PYTHON, "-m", "pip", "install", "--quiet", "--upgrade", "pip")
    building = None
    if (SHARED_REQUIRED or has_libxml2()) and not has_oracle():
        print("building lxml and html5-parser from source (some minutes) ...", flush=True)
        building = start_building_oracle()
    run(PYTHON, "-m", "pip", "install", "--quiet", "--no-compile", "--editable", ".[test]")
    if building is not None:
        if building.wait():
            sys.exit(building.returncode)
        wheels = sorted(ORACLE_WHEELS.glob("*.whl"))
        run(PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", *wheels)


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - this script is run by whatever python3 there is
        sys.exit(f"Linkweir needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    if not PYTHON.exists():
        venv.create(VENV, with_pip=True)
    install()
    # The tests start the command a thousand times: without byte code on disk each start would compile it anew, and each
    # worker all tests.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # More workers than cores, since many tests wait most of the time. What each worker gets is up to `conftest`.
    workers = ["--numprocesses", str(WORKERS_PER_CORE * (os.cpu_count() or 1)), "--no-loadscope-reorder"]
    run(PYTHON, "-m", "pytest", *workers, *sys.argv[1:])


if __name__ == "__main__":
    main()
