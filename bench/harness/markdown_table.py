"""One markdown table: engines down, cases across, megabytes per second, and whether the answers are right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class EngineRow:
    """One engine or floor: MB/s per case, and what is wrong with its answers (empty: right, or nothing to
    judge)."""

    name: str
    speeds: dict[str, float] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    checked: bool = False

    def format_faults(self, cases: Sequence[str]) -> str:
        """The faults in few words: the same fault in every case is said once."""
        if not self.checked:
            return ""
        if not self.faults:
            return "right"
        return "; ".join(self._find_common_fault(cases))

    def _find_common_fault(self, cases: Sequence[str]) -> list[str]:
        where: dict[str, list[str]] = {}
        for name, fault in self.faults.items():
            for part in fault.split("; "):
                where.setdefault(part, []).append(name)
        return [f"{part} ({'all' if len(names) == len(cases) else ', '.join(names)})" for part, names in where.items()]


def format_engine_table(rows: Sequence[EngineRow], cases: Sequence[str]) -> str:
    """The table. A case that a row did not take part in stays empty."""
    lines = ["| MB/s | " + " | ".join(cases) + " | answers |", "| --- |" + " ---: |" * len(cases) + " --- |"]
    for row in rows:
        cells = [f"{row.speeds[name]:,.0f}" if name in row.speeds else "" for name in cases]
        lines.append(f"| {row.name} | " + " | ".join(cells) + f" | {row.format_faults(cases)} |")
    return "\n".join(lines)


def format_environment(machine: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """Machine, date and versions in two lines."""
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, {machine['libc']}"
    return f"{machine['date']} · {where} · {machine['python']} · {machine['compiler']}\n" + ", ".join(
        f"{name} {version}" for name, version in versions.items()
    )
