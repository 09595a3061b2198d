"""Tests of linkweir.server.processor_count: affinity and the quotas of control groups."""

import os
from pathlib import Path

import pytest

from linkweir.server import serve
from linkweir.server.processor_count import count_processors


@pytest.fixture(autouse=True)
def _eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))


def write_group(root: Path, path: str, files: dict[str, str]) -> None:
    """The files of one control group."""
    folder = root / path
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text + "\n")


@pytest.mark.parametrize(
    ("membership", "groups", "expected"),
    [
        ("0::/\n", {"": {}}, 8),
        ("0::/\n", {"": {"cpu.max": "max 100000"}}, 8),
        ("0::/\n", {"": {"cpu.max": "200000 100000"}}, 2),
        ("0::/\n", {"": {"cpu.max": "150000 100000"}}, 2),
        ("0::/\n", {"": {"cpu.max": "10000 100000"}}, 1),
        ("0::/\n", {"": {"cpu.max": "6400000 100000"}}, 8),
        ("0::/\n", {"": {"cpu.max": "damaged"}}, 8),
        ("0::/a/b\n", {"a/b": {"cpu.max": "max 100000"}, "a": {"cpu.max": "300000 100000"}}, 3),
        ("0::/of/the/host\n", {"": {"cpu.max": "400000 100000"}}, 4),
        (
            "4:cpu,cpuacct:/docker/1\n3:memory:/x\n",
            {"cpu,cpuacct/docker/1": {"cpu.cfs_quota_us": "250000", "cpu.cfs_period_us": "100000"}},
            3,
        ),
        ("4:cpu,cpuacct:/\n", {"cpu": {"cpu.cfs_quota_us": "100000", "cpu.cfs_period_us": "50000"}}, 2),
        ("4:cpu:/\n", {"cpu": {"cpu.cfs_quota_us": "-1", "cpu.cfs_period_us": "100000"}}, 8),
    ],
)
def test_the_smallest_limit_counts(
    tmp_path: Path, membership: str, groups: dict[str, dict[str, str]], expected: int
) -> None:
    """The quotas of a group and of those above it, in both versions, limit what the affinity allows."""
    root = tmp_path / "cgroup"
    for path, files in groups.items():
        write_group(root, path, files)
    (tmp_path / "membership").write_text(membership)
    assert count_processors(root, tmp_path / "membership") == expected


def test_without_control_groups_the_affinity_counts(tmp_path: Path) -> None:
    """Where nothing says anything of groups, what the process may run on is what there is."""
    assert count_processors(tmp_path, tmp_path / "missing") == 8


@pytest.mark.parametrize(("asked", "processors", "expected"), [(None, 1, 1), (None, 4, 4), (None, 96, 16), (3, 1, 3)])
def test_workers_follow_the_processors(
    monkeypatch: pytest.MonkeyPatch, asked: int | None, processors: int, expected: int
) -> None:
    """As many processes answer HTTP as there are processors, up to a bound, unless a number is asked for."""
    monkeypatch.setattr(serve, "count_processors", lambda: processors)
    assert serve._choose_workers(asked) == expected
