"""`linkweir check` as continuous integration runs it: what fails, the project's settings, and where it is installed."""

import json
import os
import re
import shlex
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from linkweir.bulk.file_list import SUFFIXES, TEMPLATE_SUFFIXES
from tests.bulk.test_lint_reports import check_junit
from tests.cli.command_runner import CommandRunner
from tests.web.running_service import WAIT_SECONDS

CHECKOUT = Path(__file__).parents[2]
ODD = b'<a href="https://example.com/z">www.example.com/z</a>\n'
UNQUOTED = b"<a href=https://example.com/x>x</a>\n"
PLACEHOLDER = b'<a href="https://example.com/{{ x }}">x</a>\n'
FINE = b'<a href="https://example.com/">x</a>\n'


@pytest.fixture
def page(work: Path) -> Path:
    """A page with an unquoted link, an odd one, a marker and a fine one."""
    (work / "a.html").write_bytes(FINE + UNQUOTED + ODD + PLACEHOLDER)
    return work / "a.html"


def list_codes(linkweir: CommandRunner, *args: str) -> tuple[int, list[tuple[int, str]]]:
    """The exit code, and line and code of each problem and warning."""
    run = linkweir("check", "--format", "gitlab", *args)
    return run.code, [(row["location"]["lines"]["begin"], row["check_name"]) for row in json.loads(run.out)]


@pytest.mark.parametrize(
    ("args", "code", "found"),
    [
        ([], 1, [(2, "unquoted"), (3, "odd-link")]),
        (["--ignore", "unquoted"], 0, [(3, "odd-link")]),
        (["--ignore", "unquoted", "--strict"], 1, [(3, "odd-link")]),
        (["--ignore", "unquoted,odd-link", "--strict"], 0, []),
        (["--select", "odd-link"], 0, [(3, "odd-link")]),
        (["--select", "placeholder"], 1, [(4, "placeholder")]),
        (["--select", "default,placeholder"], 1, [(2, "unquoted"), (3, "odd-link"), (4, "placeholder")]),
        (["--per-file-ignores", "a.*:unquoted,odd-link"], 0, []),
        (["--per-file-ignores", "b.html:unquoted"], 1, [(2, "unquoted"), (3, "odd-link")]),
    ],
)
def test_what_fails_is_chosen(
    linkweir: CommandRunner, page: Path, args: list[str], code: int, found: list[tuple[int, str]]
) -> None:
    """Codes are selected and ignored, everywhere or by file; warnings fail with --strict only."""
    assert list_codes(linkweir, page.name, *args) == (code, found)


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["--select", "nonsense"], "'nonsense' is none of the codes"),
        (["--ignore", "default"], "'default' is none of the codes"),
        (["--per-file-ignores", "unquoted"], "is not PATTERN:CODES"),
        (["--update-baseline"], "needs --baseline"),
        (["--baseline", "missing.json"], "No such file"),
        (["--baseline", "a.html"], "is not a baseline"),
        (["--config", "missing.toml"], "No such file"),
    ],
)
def test_nonsense_is_a_usage_error(linkweir: CommandRunner, page: Path, args: list[str], reason: str) -> None:
    """An unknown code, and a file that is not what it should be, are errors of the command line with a reason."""
    run = linkweir("check", page.name, *args)
    assert (run.code, run.out) == (2, b"")
    assert reason in run.err


def test_a_baseline_knows_what_was_there(linkweir: CommandRunner, page: Path) -> None:
    """What is in the baseline passes wherever it has moved, once for each time; new findings fail; those gone are
    counted.
    """
    words = ("check", page.name, "--strict", "--baseline", "known.json")
    assert linkweir(*words, "--update-baseline").code == 0
    assert linkweir(*words).code == 0
    page.write_bytes(b"<p>\n\n" + page.read_bytes())
    run = linkweir(*words)
    assert (run.code, b"problem" in run.out) == (0, False)
    assert "2 findings of the baseline" in run.err
    page.write_bytes(page.read_bytes() + UNQUOTED)
    assert linkweir(*words).code == 1
    page.write_bytes(FINE)
    assert "2 of it not found" in linkweir(*words).err


def test_the_project_has_settings(linkweir: CommandRunner, page: Path, work: Path) -> None:
    """The nearest pyproject.toml sets options by name, relative to its folder; the command line comes first or adds."""
    settings = """
    [tool.linkweir]
    strict = true
    format = "gitlab"
    select = ["default", "placeholder"]
    ext = ["tpl"]
    one-time = true
    per-file-ignores = { "sub/*" = ["unquoted", "odd-link"] }
    """
    (work / "pyproject.toml").write_text(settings)
    (work / "sub").mkdir()
    (work / "sub" / "b.tpl").write_bytes(page.read_bytes() + b'<a href="https://e.com/unsubscribe">x</a>')
    found = json.loads(linkweir("check", ".").out)
    listed = [(row["location"]["path"], row["check_name"]) for row in found]
    expected = [("a.html", code) for code in ("unquoted", "odd-link", "placeholder")]
    assert listed == [*expected, ("sub/b.tpl", "placeholder")]
    assert linkweir("check", ".", "--ignore", "unquoted,odd-link,placeholder").code == 0
    rows = linkweir("check", "sub", "--ext", "tpl", "--format", "json").out.splitlines()
    assert [json.loads(row)["outcome"] for row in rows][-1] == "skipped"
    assert b"sub/b.tpl" not in linkweir("check", ".", "--no-config").out


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[tool.linkweir]\nstrictt = true", "strictt is not a setting; did you mean strict?"),
        ("[tool.linkweir]\nstrict = 1", "strict must be true or false"),
        ("[tool.linkweir]\nselect = [1]", "select must be a list of texts"),
        ('[tool.linkweir]\nformat = "xml"', "format 'xml' is none of"),
        ('[tool.linkweir]\ncharset = "nonsense"', "is not a known charset"),
        ('[tool.linkweir]\nignore = ["nonsense"]', "is none of the codes"),
        ("[tool]\nlinkweir = 1", "must be a table"),
        ("nonsense", "pyproject.toml"),
    ],
)
def test_wrong_settings_are_usage_errors(
    linkweir: CommandRunner, page: Path, work: Path, text: str, reason: str
) -> None:
    """What is wrong with a setting is said with its name and what is allowed."""
    (work / "pyproject.toml").write_text(text)
    run = linkweir("check", page.name)
    assert run.code == 2
    assert reason in run.err


def test_nothing_to_judge_is_a_failure(linkweir: CommandRunner, work: Path) -> None:
    """A check that found no link at all has guarded nothing, which is code 1 unless that is allowed."""
    (work / "a.html").write_bytes(b"<p>no link</p>")
    run = linkweir("check", "a.html")
    assert run.code == 1
    assert "no link found" in run.err
    assert linkweir("check", "--allow-empty", "a.html").code == 0


def test_templates_are_checked(linkweir: CommandRunner, work: Path) -> None:
    """In a folder, files with suffixes of template languages are checked, and those of --ext; others are not."""
    for suffix in (*TEMPLATE_SUFFIXES, ".tpl", ".txt"):
        (work / f"a.html{suffix}").write_bytes(FINE)
    run = linkweir("check", "--ext", "*.TPL", ".")
    assert {line.split(b":")[0].decode().removeprefix("./a.html") for line in run.out.splitlines()} == {
        *TEMPLATE_SUFFIXES,
        ".tpl",
    }


@pytest.mark.parametrize("is_strict", [False, True])
def test_junit_counts_agree(linkweir: CommandRunner, is_strict: bool) -> None:
    """The report is well formed, has a suite for each file and a test for each link, and its counts are right."""
    page = b'<a href=https://e.com/x>x</a><a href="https://e.com/">www.e.com</a><a href="https://e.com/">&amp;</a>'
    (linkweir.work / "a&<b.html").write_bytes(page)
    words = ["check", "--format", "junit", "a&<b.html", "missing.html", *(["--strict"] if is_strict else [])]
    top = ElementTree.fromstring(linkweir(*words).out)  # noqa: S314 -- our own
    check_junit(top)
    assert top.attrib | {"name": ""} == {
        **{"name": "", "tests": "4", "failures": "2" if is_strict else "1"},
        **{"errors": "1", "skipped": "0", "time": "0"},
    }
    assert {suite.get("name"): len(suite) for suite in top} == {"a&<b.html": 3, "missing.html": 1}
    kinds = Counter(kind.tag for kind in top.iterfind("*/*/*"))
    assert kinds == Counter({"failure": 2 if is_strict else 1, "error": 1, "system-out": 0 if is_strict else 1})


def read_yaml(path: str) -> Any:
    return yaml.safe_load((CHECKOUT / path).read_text())


def make_command(folder: Path) -> str:
    """A folder with a command `linkweir`, and a `python3` that installs nothing and says so; the search path."""
    folder.mkdir()
    for name, script in (
        ("linkweir", f'exec {shlex.quote(sys.executable)} -m linkweir "$@"'),
        ("python3", 'echo "$@" >> "$HOME/installed"'),
    ):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(stat.S_IRWXU)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_the_hook_checks_what_is_committed(linkweir: CommandRunner, page: Path, tmp_path: Path) -> None:
    """The pre-commit hook takes all suffixes that are known, runs on the files it is given, and fails for problems."""
    (hook,) = read_yaml(".pre-commit-hooks.yaml")
    assert hook["language"] == "python"
    for suffix in (*SUFFIXES, *TEMPLATE_SUFFIXES):
        assert re.search(hook["files"], f"mails/a{suffix}"), suffix
    assert not re.search(hook["files"], "a.txt")
    path = make_command(tmp_path / "bin")
    codes = []
    for content in (page.read_bytes(), FINE, b"<p>no link</p>"):
        page.write_bytes(content)
        words = [*shlex.split(hook["entry"]), page.name]
        run = subprocess.run(  # noqa: S603 -- our own command
            words, cwd=page.parent, env=linkweir.environment(PATH=path), capture_output=True, check=False, timeout=60
        )
        codes.append(run.returncode)
    assert codes == [1, 0, 0]


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
def test_the_action_annotates(linkweir: CommandRunner, page: Path, tmp_path: Path) -> None:
    """The composite action installs its own sources, checks the paths with the options given, and prints what GitHub
    shows; its code is that of the check.
    """
    action = read_yaml(".github/actions/check/action.yml")
    assert action["runs"]["using"] == "composite"
    path = make_command(tmp_path / "bin")
    given = {"paths": f"{page.name} .", "arguments": "--strict --ignore placeholder"}
    inputs = {name: given.get(name, value["default"]) for name, value in action["inputs"].items()}
    outputs = []
    for step in action["runs"]["steps"]:
        assert step["shell"] == "bash"
        env = {
            name: inputs[value.removeprefix("${{ inputs.").removesuffix(" }}")] for name, value in step["env"].items()
        }
        more = {"GITHUB_ACTION_PATH": str(CHECKOUT / ".github" / "actions" / "check"), "PATH": path}
        outputs.append(
            subprocess.run(  # noqa: S603 -- our own action
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],  # noqa: S607
                cwd=page.parent,
                env=linkweir.environment(**env, **more),
                capture_output=True,
                check=False,
                timeout=WAIT_SECONDS,
            )
        )
    installed = (linkweir.home / "installed").read_text().split()[-1]
    assert os.path.samefile(installed, CHECKOUT)
    assert outputs[1].returncode == 1
    lines = outputs[1].stdout.decode().splitlines()
    assert [line.split("::")[1].split(",title=")[0] for line in lines] == [
        "error file=a.html,line=2,col=1",
        "error file=a.html,line=3,col=1",
    ] * 2
