"""Which results of a check are findings: by their codes, and by the files that they are in."""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from linkweir.bulk.file_lint import LintResult
from linkweir.errors import LinkweirError
from linkweir.html import Outcome

DEFAULT_CODE = "default"  # what is a finding without any selection
WARNING_CODE = "odd-link"  # a link that is tracked and has a warning
_PART_CODES = ("untouched-part", "signed", "encrypted", "too-deep", "too-many-parts", "odd-header")
CODES = (*(str(outcome) for outcome in Outcome if outcome is not Outcome.TRACKED), WARNING_CODE, *_PART_CODES)
# Outcomes that their author may have wanted: findings only where they are selected.
_DELIBERATE = frozenset(
    {
        Outcome.NO_HREF,
        Outcome.OPTED_OUT,
        Outcome.PLACEHOLDER,
        Outcome.SKIPPED,
        Outcome.ALREADY_TRACKED,
        Outcome.LINE_TOO_LONG,
    }
)

Level = Literal["error", "warning"]


class UnknownCode(LinkweirError, ValueError):
    """No result has this code."""


def parse_codes(text: str, *, allow_default: bool = False) -> frozenset[str]:
    """Return the codes in `text`, separated by commas. Raises UnknownCode."""
    codes = frozenset(code.strip() for code in text.split(",") if code.strip())
    allowed = (*CODES, DEFAULT_CODE) if allow_default else CODES
    if unknown := sorted(codes.difference(allowed)):
        raise UnknownCode(f"{unknown[0]!r} is none of the codes: {', '.join(allowed)}")
    return codes


@dataclass(frozen=True, slots=True)
class LintPolicy:
    """`is_strict`: warnings are errors. `selected` and `ignored`: codes; `ignored_by_pattern`: codes by a pattern of
    paths, or of file names.
    """

    is_strict: bool = False
    selected: frozenset[str] = frozenset({DEFAULT_CODE})
    ignored: frozenset[str] = frozenset()
    ignored_by_pattern: tuple[tuple[str, frozenset[str]], ...] = ()

    def apply(self, path: str, results: Iterable[LintResult]) -> list[LintResult]:
        """Return the results of a file, with problems and warnings only where they are findings. `path`: relative to
        the folder that the patterns are for, with slashes.
        """
        name = path.rpartition("/")[2]
        ignored = self.ignored.union(
            *(
                codes
                for pattern, codes in self.ignored_by_pattern
                if fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(name, pattern)
            )
        )
        return [self._judge(result, ignored) for result in results]

    def _judge(self, result: LintResult, ignored: frozenset[str]) -> LintResult:
        code = str(result.outcome)
        default = DEFAULT_CODE in self.selected
        chosen = code in self.selected
        problem = (result.problem and (default or chosen)) or (chosen and code in _DELIBERATE)
        problem = problem and code not in ignored
        shows_warning = (default or WARNING_CODE in self.selected) and WARNING_CODE not in ignored
        warning = result.warning if shows_warning else None
        if (problem, warning) == (result.problem, result.warning):
            return result
        return replace(result, problem=problem, warning=warning)


@dataclass(frozen=True, slots=True)
class LintFinding:
    """What is wrong at a place of a file. `path`: with slashes; `part`: the section of a mail, in whose decoded text
    line and column are, or "" for a place in the file; `subject`: the address or tag that it is about.
    """

    path: str
    part: str
    line: int
    column: int
    code: str
    level: Level
    message: str
    subject: str

    @property
    def text(self) -> str:
        """The message with all that a reader needs who sees only file and line."""
        where = f"part {self.part}, line {self.line}, column {self.column}: " if self.part else ""
        about = f": {self.subject}" if self.subject else ""
        return f"{where}{self.message}{about} ({self.code})"


def find_part(result: LintResult, shown_path: str) -> str:
    """Return the section of a mail that the result is about, "" without one."""
    return result.file.removeprefix(shown_path).strip("[]")


def list_findings(path: str, shown_path: str, results: Iterable[LintResult], *, is_strict: bool) -> list[LintFinding]:
    """Return the findings among the results of a file, which are called by its `shown_path`."""
    findings = []
    for result in results:
        part = find_part(result, shown_path)
        subject = result.destination if result.destination is not None else result.tag
        location = path, part, result.line, result.column
        if result.problem:
            findings.append(LintFinding(*location, str(result.outcome), "error", result.reason, subject))
        if result.warning is not None:
            level: Level = "error" if is_strict else "warning"
            findings.append(LintFinding(*location, WARNING_CODE, level, result.warning, result.text))
    return findings
