"""The workflows in .github: each is one that GitHub accepts, as far as is seen without it, and its commands run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.web.running_service import WAIT_SECONDS

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
_CONTEXTS = re.compile(r"\$\{\{ *(github|matrix|env|vars|runner|secrets)\.[\w.]+ *\}\}")
# Beside the checkout: what a runner provides or a workflow installs. `python -m pip` and `git` do nothing here.
_PROGRAMS = {
    "python": f'[ "$2" = pip ] || exec {shlex.quote(sys.executable)} "$@"',
    "linkweir": f'exec {shlex.quote(sys.executable)} -m linkweir "$@"',
    "git": "",
}


def read(name: str) -> dict[Any, Any]:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
    assert isinstance(workflow, dict)
    return workflow


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_well_formed(path: Path) -> None:
    """It has a trigger and the least permissions; each job a runner and steps that use an action of a named version or
    run a script that bash can parse; nothing that others wrote is pasted into a script.
    """
    workflow = read(path.name)
    assert workflow[True]  # YAML reads `on` as true
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"])
            else:
                assert "${{" not in step["run"]
                subprocess.run(["bash", "-n", "-c", step["run"]], check=True)  # noqa: S603, S607 -- our own
        for expression in re.findall(r"\$\{\{.*?\}\}", str(job)):
            assert _CONTEXTS.fullmatch(expression), expression


def run_job(name: str, folder: Path, **replaced: str) -> list[str]:
    """Run the scripts of a job of the benchmarks, and return their outputs; parts of scripts are replaced."""
    workflow, programs = read("benchmarks.yml"), folder / "bin"
    programs.mkdir(parents=True)
    for program, script in _PROGRAMS.items():
        (programs / program).write_text(f"#!/bin/sh\n{script}\n")
        (programs / program).chmod(0o755)
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    environment |= {"RUNNER_TEMP": str(folder), "BENCHMARKS": workflow["env"]["BENCHMARKS"]}
    outputs = []
    for step in workflow["jobs"][name]["steps"]:
        if "run" not in step:
            continue
        script = step["run"]
        for old, new in replaced.items():
            assert new or old
            script = script.replace(old, new)
        done = subprocess.run(  # noqa: S603 -- our own script
            ["/bin/bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=folder,
            env=environment | dict.fromkeys(step.get("env", {}), "HEAD"),
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        outputs.append(done.stdout)
    return outputs


def test_generated_newsletters_are_measured(tmp_path: Path) -> None:
    """The job `documents` generates newsletters and annotates the run with the verdict on them."""
    quick = {"--min 0.04": "--min 0.000001 --seconds 0.01 --max-spread 100000%"}
    output = run_job("documents", tmp_path / "work", **quick)[-1]
    assert output.startswith("::notice title=linkweir bench::HTML, rewrite: ")
    assert output.endswith(": met\n")


def test_benchmarks_are_compared_with_those_of_the_base(tmp_path: Path) -> None:
    """The job `compare` stores the figures of the base and compares the later ones with them, as JSON too."""
    pytest.importorskip("pytest_benchmark")
    bench = shlex.quote(str(ROOT / "bench" / "test_linkweir.py"))
    quick = {
        "$BENCHMARKS": f"python -m pytest {bench} -k mint --benchmark-max-time=0.01 -p no:cacheprovider",
        "min:15%": "min:100000%",
    }
    _, output = run_job("compare", tmp_path / "work", **quick)
    assert "base" in "".join(path.name for path in (tmp_path / "work" / "benchmarks").rglob("*.json"))
    assert re.search(r"test_mint\[sealed\] \(0001_base\)", output)
    assert (tmp_path / "work" / "benchmarks.json").stat().st_size > 100
