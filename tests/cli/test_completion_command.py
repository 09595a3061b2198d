"""`linkweir completion`: its scripts in the shells themselves, as far as these are installed."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.command_runner import CommandRunner
from tests.conftest import skip_or_fail
from tests.web.running_service import WAIT_SECONDS

BASH = """
source ./script; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _linkweir
[ ${{#COMPREPLY[@]}} = 0 ] || printf '%s\\n' "${{COMPREPLY[@]}}"
"""
# The completion functions of zsh work at its prompt only: these say what would be offered, with the current word.
ZSH = """
compdef() {{ }}; _files() {{ print -l -- *; }}; _describe() {{ print -l -- ${{${{(P)2}}%%:*}}; }}
source ./script; words=({words}); CURRENT=${{#words}}; _linkweir | grep -e "^${{words[-1]}}"; true
"""
FISH = "source script; complete -C {line}"
SHELLS = {"bash": ["bash", "--norc", "-c"], "zsh": ["zsh", "-f", "-c"], "fish": ["fish", "--no-config", "-c"]}


def complete(shell: str, linkweir: CommandRunner, words: str) -> set[str]:
    """What the shell offers for the last of the words."""
    split = shlex.split(words) + ([""] if words.endswith(" ") else [])
    code = {"bash": BASH, "zsh": ZSH, "fish": FISH}[shell]
    text = code.format(words=" ".join(shlex.quote(word) for word in split), line=shlex.quote(words))
    done = subprocess.run(  # noqa: S603 -- our own script
        [*SHELLS[shell], text],
        cwd=linkweir.work,
        env=linkweir.environment(),
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return {line.partition("\t")[0] for line in done.stdout.splitlines()}


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes(shell: str, linkweir: CommandRunner, work: Path) -> None:
    """Commands and commands below them, options, the values of options, also of `serve`; files where they are meant and
    not where they are not.
    """
    if shutil.which(shell) is None:
        skip_or_fail(f"{shell} is not installed")
    run = linkweir("completion", shell)
    assert run.code == 0, run.err
    (work / "script").write_bytes(run.out)
    (work / "bench.html").touch()
    expected = {
        "linkweir be": {"bench"},
        "linkweir keys ": {"list", "rotate", "export"},
        "linkweir keys rotate --k": {"--key-file"},
        "linkweir check --o": {"--opt-out", "--one-time", "--only-problems", "--outlook"},
        "linkweir rewrite --dry-run --privacy ": {"full", "pseudonymous", "anonymous"},
        "linkweir serve --work": {"--workers"},
        "linkweir completion f": {"fish"},
        "linkweir rewrite --campaign ": set(),
    }
    assert {words: complete(shell, linkweir, words) for words in expected} == expected
    files = complete(shell, linkweir, "linkweir check b")
    assert files == (set() if shell == "bash" else {"bench.html"})  # bash itself adds files after that, by `-o default`


def test_an_unknown_shell_is_a_usage_error(linkweir: CommandRunner) -> None:
    """Only the three shells have a script."""
    run = linkweir("completion", "tcsh")
    assert (run.code, run.out) == (2, b"")
    assert "invalid choice" in run.err
