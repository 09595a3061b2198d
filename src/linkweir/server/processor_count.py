"""How many processors this process may use: those it may run on, and no more than its container's share of time."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")
CGROUP_MEMBERSHIP = Path("/proc/self/cgroup")  # a line for each hierarchy: number, controllers, path


def count_processors(root: Path = CGROUP_ROOT, membership: Path = CGROUP_MEMBERSHIP) -> int:
    """At least 1; a share of time is rounded up, so that none of it is left unused."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = min(_read_quotas(root, membership), default=math.inf)
    return max(1, min(allowed, math.ceil(quota) if quota < math.inf else allowed))


def _read_quotas(root: Path, membership: Path) -> Iterator[float]:
    """Processors that each control group allows, from this process's own up to the root: the smallest counts."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        for hierarchy in (root / controllers, root / "cpu") if controllers else (root,):
            for folder in _list_parents(hierarchy, path):
                quota = _read_version_1(folder) if controllers else _read_version_2(folder)
                if quota is not None:
                    yield quota


def _list_parents(hierarchy: Path, path: str) -> Iterator[Path]:
    """The group's folder and those above; in a container the path may be one of the host, and the root be the group."""
    folder = hierarchy / path.lstrip("/")
    while folder != hierarchy and hierarchy in folder.parents:
        yield folder
        folder = folder.parent
    yield hierarchy


def _read_version_2(folder: Path) -> float | None:
    fields = _read_text(folder / "cpu.max").split()
    return _divide(*fields) if len(fields) == 2 else None  # "max 100000" is no limit


def _read_version_1(folder: Path) -> float | None:
    return _divide(_read_text(folder / "cpu.cfs_quota_us"), _read_text(folder / "cpu.cfs_period_us"))


def _divide(quota: str, period: str) -> float | None:
    try:
        microseconds, every = int(quota), int(period)
    except ValueError:
        return None
    return microseconds / every if microseconds > 0 and every > 0 else None  # -1 is no limit


def _read_text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
