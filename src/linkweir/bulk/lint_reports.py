"""Reports of a check for machines: GitHub workflow commands, GitLab code quality, SARIF 2.1.0 and JUnit XML."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from linkweir.bulk.file_lint import LintResult
from linkweir.bulk.lint_baseline import compute_fingerprint, identify
from linkweir.bulk.lint_policy import WARNING_CODE, LintFinding, find_part
from linkweir.html import REASONS, Outcome
from linkweir.terminal.text import escape_unprintable

UNREADABLE_CODE = "unreadable"
_TITLE = "linkweir check"
_SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_GITLAB_SEVERITIES = {"error": "major", "warning": "minor"}
_SUMMARIES = {
    WARNING_CODE: "the link is tracked, but looks odd to readers or filters",
    UNREADABLE_CODE: "the file cannot be read",
}


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file of a check: its path with slashes, as people are shown it, its results, and those that are findings."""

    path: str
    shown_path: str
    results: Sequence[LintResult]
    findings: Sequence[LintFinding]


def format_github(findings: Iterable[LintFinding]) -> Iterator[str]:
    """Yield a workflow command for each finding, which GitHub shows at its line."""
    for finding in findings:
        properties: dict[str, object] = {"file": finding.path, "line": finding.line, "col": finding.column}
        if finding.part:
            properties |= {"line": 1, "col": 1}  # the others are of a decoded part
        properties["title"] = f"{_TITLE}: {finding.code}"
        yield format_workflow_command(finding.level, properties, finding.text)


def format_workflow_command(level: str, properties: Mapping[str, object], text: str) -> str:
    """Return the line that makes GitHub show the text; `level`: `notice`, `warning` or `error`."""
    listed = ",".join(f"{name}={_escape_property(str(value))}" for name, value in properties.items())
    return f"::{level} {listed}::{_escape_data(escape_unprintable(text))}"


def _escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")


def format_gitlab(findings: Iterable[LintFinding]) -> str:
    """Return a code quality report."""
    rows = [
        {
            "description": escape_unprintable(finding.text),
            "check_name": finding.code,
            "fingerprint": fingerprint,
            "severity": _GITLAB_SEVERITIES[finding.level],
            "location": {"path": finding.path, "lines": {"begin": 1 if finding.part else finding.line}},
        }
        for finding, fingerprint in _iter_fingerprints(findings)
    ]
    return json.dumps(rows, indent=1)


def _iter_fingerprints(findings: Iterable[LintFinding]) -> Iterator[tuple[LintFinding, str]]:
    seen: Counter[tuple[str, ...]] = Counter()
    for finding in findings:
        key = identify(finding)
        yield finding, compute_fingerprint(finding, seen[key])
        seen[key] += 1


def format_sarif(findings: Sequence[LintFinding], version: str) -> str:
    """Return a log with one run."""
    codes = sorted({finding.code for finding in findings})
    driver = {
        "name": "linkweir",
        "version": version,
        "rules": [{"id": code, "shortDescription": {"text": _summarize(code)}} for code in codes],
    }
    results = [
        {
            "ruleId": finding.code,
            "ruleIndex": codes.index(finding.code),
            "level": finding.level,
            "message": {"text": escape_unprintable(finding.text)},
            "locations": [{"physicalLocation": _to_sarif_location(finding)}],
            "partialFingerprints": {"linkweir/v1": fingerprint},
        }
        for finding, fingerprint in _iter_fingerprints(findings)
    ]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1)


def _to_sarif_location(finding: LintFinding) -> dict[str, object]:
    region = {"startLine": 1} if finding.part else {"startLine": finding.line, "startColumn": finding.column}
    path = quote(finding.path.encode("utf-8", "surrogateescape"))
    uri = f"file://{path}" if finding.path.startswith("/") else path
    return {"artifactLocation": {"uri": uri}, "region": region}


def _summarize(code: str) -> str:
    if code in set(Outcome):
        return REASONS[Outcome(code)]
    return _SUMMARIES.get(code, "a part of a mail cannot be checked")


def format_junit(files: Sequence[CheckedFile]) -> Iterator[str]:
    """Yield the lines of a report with a suite for each file and a test for each link."""
    suites = [(file, list(_list_tests(file))) for file in files]
    cases = [case for _, listed in suites for case in listed]
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f"<testsuites name={quoteattr(_TITLE)} {_count_tests(cases)}>"
    for file, listed in suites:
        path = _quote(file.path)
        yield f"  <testsuite name={path} {_count_tests(listed)}>"
        for case in listed:
            yield f'    <testcase classname={path} name={_quote(case.name)} time="0">{case.to_xml()}</testcase>'
        yield "  </testsuite>"
    yield "</testsuites>"


@dataclass(frozen=True, slots=True)
class _Test:
    name: str
    findings: tuple[LintFinding, ...]

    @property
    def errors(self) -> list[LintFinding]:
        return [finding for finding in self.findings if finding.level == "error"]

    @property
    def is_unreadable(self) -> bool:
        return any(finding.code == UNREADABLE_CODE for finding in self.findings)

    def to_xml(self) -> str:
        if errors := self.errors:
            element = "error" if self.is_unreadable else "failure"
            text = "\n".join(escape(escape_unprintable(finding.text)) for finding in errors)
            return f"<{element} message={_quote(errors[0].message)} type={_quote(errors[0].code)}>{text}</{element}>"
        text = "\n".join(escape(escape_unprintable(f"warning: {finding.text}")) for finding in self.findings)
        return f"<system-out>{text}</system-out>" if text else ""


def _list_tests(file: CheckedFile) -> Iterator[_Test]:
    by_location: dict[tuple[str, int, int], list[LintFinding]] = {}
    for finding in file.findings:
        by_location.setdefault((finding.part, finding.line, finding.column), []).append(finding)
    for result in file.results:
        location = find_part(result, file.shown_path), result.line, result.column
        subject = result.destination if result.destination is not None else result.tag
        name = f"{result.file.rpartition('/')[2]}:{result.line}:{result.column} {subject or result.outcome}"
        yield _Test(name, tuple(by_location.pop(location, ())))
    for (_, line, column), findings in by_location.items():
        yield _Test(f"{file.path.rpartition('/')[2]}:{line}:{column} {findings[0].code}", tuple(findings))


def _count_tests(tests: Sequence[_Test]) -> str:
    errors = sum(test.is_unreadable for test in tests)
    failures = sum(bool(test.errors) and not test.is_unreadable for test in tests)
    return f'tests="{len(tests)}" failures="{failures}" errors="{errors}" skipped="0" time="0"'


def _quote(text: str) -> str:
    return quoteattr(escape_unprintable(text))
