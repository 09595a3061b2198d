"""What is handed out: an sdist that holds all sources, a wheel built from it, and what an installation needs.

Everything happens on a copy of the checkout, with the build tools that are installed and without a network.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import linkweir

ROOT = Path(__file__).resolve().parent.parent
IGNORE_GENERATED = shutil.ignore_patterns(
    *(".*", "build", "dist", "__pycache__", "*.so", "*.pyd", "*.egg-info", "linkweir-data", "node_modules")
)
EXTENSIONS = {"_arrow", "_clicks", "_html", "_mime", "_tokens"} | (
    set() if sys.platform == "win32" else {"_http", "_journal"}
)
BUILD_SCRIPT = "import sys, setuptools.build_meta as b; print(getattr(b, sys.argv[1])(sys.argv[2]))"
REWRITE_SCRIPT = """
import json, sys
before = set(sys.modules)
import linkweir
ring = linkweir.KeyRing.generate(__import__("datetime").datetime.now(__import__("datetime").UTC))
html = b'<p><a href="https://example.com/">x</a>'
out = linkweir.rewrite(html, linkweir.Tracker(ring, "https://t.example.com", message=1))
url = out.split(b'"')[1].decode()
loaded = {name for name in set(sys.modules) - before if getattr(sys.modules[name], "__file__", None)}
roots = {name.partition(".")[0] for name in loaded}
print(json.dumps({
    "file": linkweir.__file__, "url": url, "destination": linkweir.open_link(ring, url).destination,
    "foreign": sorted(roots - set(sys.stdlib_module_names) - {"linkweir"}),
}))
"""


def run(*command: str | Path, folder: Path) -> str:
    """Runs a command in a folder; fails with all it said, or returns what it printed. It compiles without
    optimisation, in a third of the time; the extensions that all other tests use are optimised.
    """
    quick = {**os.environ, "CFLAGS": "-O0"}
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False, env=quick)  # noqa: S603 - our own
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def list_files(folder: Path, *under: str) -> set[str]:
    """The files below some folders, as paths with slashes, without those that a build leaves there."""
    result = {path for name in under for path in (folder / name).rglob("*") if path.is_file()}
    sources = {path for path in result if path.suffix not in (".so", ".pyd", ".pyc")}
    return {path.relative_to(folder).as_posix() for path in sources if not path.parent.name.endswith(".egg-info")}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout without anything that was built in it."""
    copy = tmp_path_factory.mktemp("package") / "checkout"
    shutil.copytree(ROOT, copy, ignore=IGNORE_GENERATED)
    return copy


@pytest.fixture(scope="module")
def sdist_folder(checkout: Path) -> Path:
    """The sdist, built and unpacked."""
    run(sys.executable, "-c", BUILD_SCRIPT, "build_sdist", checkout.parent, folder=checkout)
    (archive,) = checkout.parent.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(checkout.parent / "unpacked", filter="data")
    (folder,) = (checkout.parent / "unpacked").iterdir()
    return folder


@pytest.fixture(scope="module")
def wheel(sdist_folder: Path) -> Path:
    """The wheel, built from the sdist."""
    out = sdist_folder.parent.parent / "wheel"
    run(sys.executable, "-c", BUILD_SCRIPT, "build_wheel", out, folder=sdist_folder)
    (wheel,) = out.glob("*.whl")
    return wheel


def test_the_sdist_holds_every_source(checkout: Path, sdist_folder: Path) -> None:
    """All files of ext/ and src/ are in the sdist, and what builds them, and the license."""
    expected = list_files(checkout, "ext", "src") | {"setup.py", "pyproject.toml", "LICENSE"}
    expected |= {path.name for path in checkout.glob("README.md")}
    assert {"ext/_html.pyx", "ext/html/tokenizer.h", "ext/generate_tables.py", "src/linkweir/py.typed"} <= expected
    assert expected - list_files(sdist_folder, ".") == set()


def test_the_wheel_holds_the_package_and_its_types(checkout: Path, wheel: Path) -> None:
    """Every file of src/linkweir, types and migrations included, and the extension modules; no C source."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {name.removeprefix("src/") for name in list_files(checkout, "src")}
    assert {"linkweir/py.typed", "linkweir/_html.pyi", "linkweir/_mime.pyi", "linkweir/_tokens.pyi"} <= package
    assert {"linkweir/_clicks.pyi", "linkweir/_journal.pyi"} <= package
    assert package - names == set()
    compiled = {name.split(".")[0] for name in names if name.endswith((".so", ".pyd"))}
    assert compiled == {f"linkweir/{name}" for name in EXTENSIONS}
    assert {name for name in names if name.endswith((".c", ".h", ".pyx"))} == set()


@pytest.fixture(scope="module")
def empty_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    run(*pip, "--no-index", "--no-deps", "--disable-pip-version-check", wheel, folder=folder)
    return python


def test_the_wheel_works_in_an_empty_environment(empty_python: Path, tmp_path: Path) -> None:
    """Installed without any dependency, the package imports from there, rewrites, opens its link and loads no other."""
    said = json.loads(run(empty_python, "-I", "-c", REWRITE_SCRIPT, folder=tmp_path))
    assert Path(said["file"]).is_relative_to(empty_python.parents[1])
    assert said["url"].startswith("https://t.example.com/")
    assert said["destination"] == "https://example.com/"
    assert said["foreign"] == []


def test_the_wheel_runs_the_librarys_examples(empty_python: Path, tmp_path: Path) -> None:
    """Every example of the library's page runs with the wheel and gives what it states: those of the library itself
    with nothing else installed, those that need an extra when its packages are added.
    """
    script = ROOT / "tests" / "manual" / "library_examples.py"
    bare, full = (
        json.loads(run(empty_python, "-I", script, *folders, folder=tmp_path).splitlines()[-1])
        for folders in ([], [path for path in sys.path if path])
    )
    assert Path(full["file"]).is_relative_to(empty_python.parents[1])
    assert (bare["run"], bare["left_out"]) == (full["run"], full["run_with_extras"])
    assert (bare["run"] >= 7, full["run_with_extras"] >= 2, bare["claims"] >= 5) == (True, True, True)


def test_the_wheel_runs_as_a_module(empty_python: Path, tmp_path: Path) -> None:
    """`python -m linkweir` and the script beside it check, rewrite and measure a file, with nothing else installed."""
    (tmp_path / "a.html").write_bytes(b'<p><a href="https://example.com/">x</a>')
    for command in ([empty_python, "-m", "linkweir"], [empty_python.with_name("linkweir")]):
        run(*command, "check", "a.html", folder=tmp_path)
        said = run(*command, "bench", "a.html", "--seconds", "0.01", "--format", "json", folder=tmp_path)
        assert {item["name"] for item in json.loads(said)["workloads"][0]["engines"]} >= {"rewrite", "careful re.sub"}
        run(*command, "rewrite", "a.html", "-o", "b.html", "--key-file", "keys", "--base-url", "https://t.example.com",
            folder=tmp_path)  # fmt: skip
        assert b"https://t.example.com/" in (tmp_path / "b.html").read_bytes()


def test_extensions_build_inplace_from_a_clean_copy(checkout: Path) -> None:
    """`setup.py build_ext --inplace` builds the modules into src/ and leaves ext/ as it was."""
    before = list_files(checkout, "ext")
    run(sys.executable, "setup.py", "--quiet", "build_ext", "--inplace", folder=checkout)
    built = {
        path.name.split(".")[0] for path in (checkout / "src/linkweir").glob("_*") if path.suffix in (".so", ".pyd")
    }
    assert built == EXTENSIONS
    assert list_files(checkout, "ext") == before


def test_without_a_compiler_one_sentence_says_so(checkout: Path, tmp_path: Path) -> None:
    """Where there is no compiler the build ends with a sentence that names it and how to install one, and no traceback;
    where only one command is missing, that is named.
    """
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace", "--force"]
    environment = {name: value for name, value in os.environ.items() if name not in ("CC", "LDSHARED")}
    for more, name in (({"PATH": str(tmp_path)}, ""), ({"CC": "no-such-compiler"}, "'no-such-compiler'")):
        done = subprocess.run(  # noqa: S603 - our own
            command, cwd=checkout, env=environment | more, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        last = done.stderr.splitlines()[-1]
        assert re.fullmatch(r"Linkweir has no wheel for this platform and cannot be compiled here, .*\)\.", last)
        assert f"the C compiler {name}" in last
        assert "Traceback" not in done.stderr


def test_the_version_is_one() -> None:
    """The command and the API tell the version that is installed."""
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == linkweir.__version__
