"""The command as a whole: help, version, how it is started."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import linkweir as package
from tests.cli.command_runner import HTML_LINE, CommandRunner

OPTIONS = {
    "rewrite": """--output --in-place --dry-run --copy-others --follow --base-url --key-file --message-id --campaign
        --privacy --opt-out --vendors --outlook --skip --one-time --track-placeholders --tag-limit --charset --jobs
        --report --quiet --kind --html-column --id-column PATH""",
    "render": """--recipients --recipients-format --id-column --address-column --variant-column --subject --text --from
        --output --format --report --restart --quiet --send --data --account --base-url --campaign --privacy --key-file
        --jobs --opt-out --vendors --outlook --skip --one-time --track-placeholders --tag-limit --charset TEMPLATE""",
    "check": """--base-url --message-id --campaign --privacy --format --only-problems --quiet --follow --key-file
        --opt-out --vendors --outlook --skip --one-time
        --track-placeholders --tag-limit --charset --kind --config --no-config --ext --select --ignore
        --per-file-ignores --strict --allow-empty --baseline --update-baseline PATH""",
    "bench": """--base-url --message-id --campaign --privacy --format --save --no-peers --min --baseline --tolerance
        --max-spread --seconds --follow --opt-out --vendors --outlook --skip --one-time --track-placeholders --tag-limit
        --charset --kind --config --no-config --ext PATH""",
    "open": "--json --key-file --data URL",
    "completion": "SHELL",
    "keys": "list rotate export",
    "keys list": "--json --key-file --data",
    "keys rotate": "--key-file --data",
    "keys export": "--output --yes --key-file --data",
    "block": "add remove list",
    "block add": "--data --reason TARGET",
    "block remove": "--data TARGET",
    "block list": "--data --json",
    "corrections": "add remove list",
    "corrections add": "--account --campaign --data --message DESTINATION REPLACEMENT",
    "corrections remove": "--account --data ID",
    "corrections list": "--account --all --data --json",
}


@pytest.mark.parametrize("command", OPTIONS)
def test_help_mentions_each_option_and_gives_examples(linkweir: CommandRunner, command: str) -> None:
    """The help of a sub-command explains each of its options and ends with examples that name the sub-command."""
    run = linkweir(*command.split(), "--help", COLUMNS="100")
    assert run.code == 0
    text = run.out.decode()
    explained = set(re.findall(r"^  (?:-\w(?: \w+)?, )?(--[\w-]+|[A-Z]+)\b", text, re.MULTILINE))
    explained |= set(re.findall(r"^    (\w+)  ", text, re.MULTILINE))
    assert explained - {"-h", "--help"} >= set(OPTIONS[command].split())
    usage = set(re.findall(r"--[\w-]+", text.partition("\n\n")[0]))
    assert usage <= explained | {"--help"}
    assert f"linkweir {command}" in text.rpartition("examples:")[2]


def test_options_are_all_known_to_this_test(linkweir: CommandRunner) -> None:
    """No sub-command has an option that the table above does not list."""
    for command, names in OPTIONS.items():
        usage = linkweir(*command.split(), "--help").out.decode().partition("\n\n")[0]
        assert set(re.findall(r"--[\w-]+", usage)) <= set(names.split())


def test_the_bare_command_prints_its_help(linkweir: CommandRunner) -> None:
    """Without any word the whole help is on standard error, and the exit code says that nothing was done."""
    bare, asked = linkweir(), linkweir("--help")
    assert (bare.code, bare.out, bare.err) == (2, b"", asked.out.decode())


def test_the_first_help_names_every_sub_command(linkweir: CommandRunner) -> None:
    """`linkweir --help` lists the five sub-commands, an example of each but keys, and the exit codes."""
    text = linkweir("--help").out.decode()
    for command in ("rewrite", "check", "open", "keys", "serve"):
        assert re.search(rf"^    {command} ", text, re.MULTILINE)
    for command in ("rewrite", "check", "open", "serve"):
        assert f"  linkweir {command}" in text
    assert "exit codes: 0" in text


def test_version(linkweir: CommandRunner) -> None:
    """`linkweir --version` prints the package's version."""
    assert linkweir("--version").out.decode() == f"linkweir {package.__version__}\n"


def test_the_installed_script_is_the_same_command(linkweir: CommandRunner) -> None:
    """The script `linkweir` beside this Python answers like `python -m linkweir`."""
    script = shutil.which("linkweir", path=str(Path(sys.executable).parent))
    if script is None:
        pytest.skip("the package is not installed as a script here")
    done = subprocess.run([script, "--version"], capture_output=True, check=True)  # noqa: S603 -- our own command
    assert done.stdout == linkweir("--version").out


@pytest.mark.parametrize("args", [[], ["frobnicate"], ["keys"], ["open"], ["keys", "list", "--secret"]])
def test_nonsense_is_a_usage_error(linkweir: CommandRunner, args: list[str]) -> None:
    """A missing or unknown sub-command, argument or option ends with 2 and a usage line."""
    run = linkweir(*args)
    assert run.code == 2
    assert run.err.startswith("usage: linkweir")


@pytest.mark.parametrize(
    ("words", "usage", "hint"),
    [
        ("rewit x.html", "linkweir", "there is no command 'rewit'; did you mean rewrite?"),
        ("keys lst", "linkweir keys", "there is no action 'lst'; did you mean list?"),
        ("keys list --jso", "linkweir keys list", "unrecognized arguments: --jso; did you mean --json?"),
        ("rewrite --base-ulr=x", "linkweir rewrite", "unrecognized arguments: --base-ulr=x; did you mean --base-url?"),
        ("serve --hots ::1", "linkweir serve", "unrecognized arguments: --hots ::1; did you mean --host?"),
        ("check --format jsn", "linkweir check", "did you mean json?"),
        ("frobnicate", "linkweir", "there is no command 'frobnicate'; `linkweir --help` lists all"),
        ("check --frobnicate", "linkweir check", "unrecognized arguments: --frobnicate\n"),
    ],
)
def test_a_misspelt_word_is_answered_by_the_near_one(
    linkweir: CommandRunner, words: str, usage: str, hint: str
) -> None:
    """An unknown command, option or choice ends with 2, the usage of its command, and the name that is most like it."""
    run = linkweir(*words.split())
    assert run.code == 2
    assert run.err.startswith(f"usage: {usage} ")
    assert hint in run.err


def test_options_are_not_abbreviated(linkweir: CommandRunner) -> None:
    """The beginning of an option's name is not taken for it, so that scripts survive new options."""
    assert linkweir("rewrite", "--quie").code == 2


MISSING_PACKAGES_SCRIPT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from linkweir.cli.entry_point import main
sys.exit(main({args!r}))
"""
EXTRA_PACKAGES = [
    "starlette",
    "uvicorn",
    "orjson",
    "msgspec",
    "sqlalchemy",
    "alembic",
    "minijinja",
    "prometheus_client",
]
EXTRA_PACKAGES += ["structlog", "idna", "typing_extensions"]


def run_without_extras(linkweir: CommandRunner, *args: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-c", MISSING_PACKAGES_SCRIPT.format(names=EXTRA_PACKAGES, args=list(args))],
        capture_output=True,
        cwd=linkweir.work,
        env=linkweir.environment(),
        check=False,
    )


def test_serve_without_its_packages_names_what_to_install(linkweir: CommandRunner) -> None:
    """Without the service's packages, commands that need them end with 2 and the pip command that brings them; the list
    of commands has the same words for each.
    """
    overview = " ".join(linkweir("--help").out.decode().split())
    for args in (["serve"], ["block", "list"], ["rebuild"], ["export"], ["api-keys", "list"], ["classify"]):
        assert re.search(rf" {args[0]} [^()]*\(needs linkweir\[service\]\)", overview)
    for args in (["serve"], ["serve", "--help"], ["block", "list"], ["classify"]):
        done = run_without_extras(linkweir, *args)
        assert done.returncode == 2
        assert b"pip install 'linkweir[service]'" in done.stderr
        assert b"Traceback" not in done.stderr


def test_files_need_no_other_package(linkweir: CommandRunner, tmp_path: Path) -> None:
    """Rewriting a folder in one process, checking it and listing keys work without any of the extras' packages."""
    (linkweir.work / "in").mkdir()
    for name in ("a.html", "b.html"):
        (linkweir.work / "in" / name).write_bytes(b'<a href="https://e.com/">x</a>')
    done = run_without_extras(linkweir, "rewrite", "in", "-o", "out", "--base-url", "https://t.example.com")
    assert (done.returncode, done.stderr.count(b"Traceback")) == (0, 0)
    assert run_without_extras(linkweir, "check", "in").returncode == 0
    assert run_without_extras(linkweir, "keys", "list").returncode == 0


def test_serve_has_help_of_its_own(linkweir: CommandRunner) -> None:
    """With its packages installed, the help of serve lists the service's options and examples."""
    pytest.importorskip("uvicorn")
    run = linkweir("serve", "--help")
    assert run.code == 0
    assert b"--demo" in run.out
    assert b"  linkweir serve --demo" in run.out.rpartition(b"examples:")[2]


@pytest.mark.parametrize(
    ("words", "closed", "expected"),
    [
        (["--version"], ">&-", (1, "linkweir: can't write standard output: Bad file descriptor")),
        (["check", "a.html"], ">&-", (1, "linkweir: can't write standard output: Bad file descriptor")),
        (["rewrite", "a.html"], ">&-", (1, "linkweir: a.html: can't write standard output: Bad file descriptor")),
        (["rewrite", "a.html", "-o", "b.html"], ">&-", (0, "1 file done")),
        (["rewrite"], "<&-", (1, "linkweir: <stdin>: can't read at byte 0: Bad file descriptor")),
        (["check"], "<&-", (1, "linkweir: <stdin>: can't read at byte 0: Bad file descriptor")),
        (["rewrite", "a.html"], "2>&-", (0, "")),
        (["rewrite", "gone.html"], "<&- >&- 2>&-", (1, "")),
    ],
)
def test_closed_streams_are_errors_like_any_other(
    linkweir: CommandRunner, work: Path, words: list[str], closed: str, expected: tuple[int, str]
) -> None:
    """A closed stream that is needed gives 1 and a line that names it, one that is not needed is not missed."""
    (work / "a.html").write_bytes(HTML_LINE)
    assert linkweir.rewrite("a.html").code == 0
    run = linkweir.run_under(["sh", "-c", f'exec "$@" {closed}', "sh"], *words, PYTHONUNBUFFERED="")
    assert run.code == expected[0]
    assert expected[1] in run.err
    assert "Traceback" not in run.err
    assert "ignored" not in run.err
