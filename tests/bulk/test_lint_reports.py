"""Reports of a check for machines: each is well formed by the rules of whoever reads it, whatever the findings hold."""

import json
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import jsonschema_rs

from linkweir.bulk.lint_policy import Level, LintFinding
from linkweir.bulk.lint_reports import (
    UNREADABLE_CODE,
    CheckedFile,
    format_github,
    format_gitlab,
    format_junit,
    format_sarif,
)

NASTY = 'a,b:c%25\r\n::error::x & <b> "q" \x00\x1b[31m\u202e ünïcode'
FINDINGS = [
    LintFinding("in/a.html", "", 3, 7, "unquoted", "error", "not in quotes", NASTY),
    LintFinding("in/a.html", "", 4, 1, "unquoted", "error", "not in quotes", NASTY),
    LintFinding("in/b c%,:ü.eml", "1.2", 9, 2, "odd-link", "warning", NASTY, "www.example.com"),
    LintFinding("/abs/c.html", "", 1, 1, UNREADABLE_CODE, "error", "No such file", ""),
]
# What the SARIF 2.1.0 standard says of the properties that are used: sections 3.13, 3.14, 3.19, 3.27 and 3.30.
POSITIVE = {"type": "integer", "minimum": 1}
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
RULE = {
    "type": "object",
    "required": ["id"],
    "additionalProperties": False,
    "properties": {"id": {"type": "string"}, "shortDescription": TEXT},
}
PLACE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "artifactLocation": {"properties": {"uri": {"type": "string", "format": "uri-reference"}}},
        "region": {"additionalProperties": False, "properties": {"startLine": POSITIVE, "startColumn": POSITIVE}},
    },
}
RESULT = {
    "type": "object",
    "required": ["message"],
    "additionalProperties": False,
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": -1},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": {"type": "array", "items": {"properties": {"physicalLocation": PLACE}}},
        "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name"],
                                "properties": {"rules": {"type": "array", "uniqueItems": True, "items": RULE}},
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": RESULT},
                },
            },
        },
    },
}
# What GitLab says of a code quality report.
GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string"},
            "check_name": {"type": "string"},
            "fingerprint": {"type": "string"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "required": ["path", "lines"],
                "properties": {"lines": {"required": ["begin"], "properties": {"begin": POSITIVE}}},
            },
        },
    },
}


def test_sarif_is_valid() -> None:
    """The log has the properties and values that the standard allows; each result names its rule and its file."""
    log = json.loads(format_sarif(FINDINGS, "1.2.3"))
    jsonschema_rs.validate(SARIF, log, validate_formats=True)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [finding.code for finding in FINDINGS]
    assert [result["level"] for result in run["results"]] == [finding.level for finding in FINDINGS]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert [unquote(place["artifactLocation"]["uri"]) for place in places] == [
        *(finding.path for finding in FINDINGS[:3]),
        "file:///abs/c.html",
    ]
    assert places[0]["region"] == {"startLine": 3, "startColumn": 7}
    assert places[2]["region"] == {"startLine": 1}  # the line is one of a decoded part


def test_fingerprints_are_unique_and_last() -> None:
    """Equal findings have fingerprints of their own, which do not change with their lines."""
    report = json.loads(format_gitlab(FINDINGS))
    jsonschema_rs.validate(GITLAB, report)
    assert len({row["fingerprint"] for row in report}) == len(FINDINGS)
    moved = [LintFinding(f.path, f.part, f.line + 5, *list_rest(f)) for f in FINDINGS]
    assert [row["fingerprint"] for row in json.loads(format_gitlab(moved))] == [row["fingerprint"] for row in report]


def list_rest(finding: LintFinding) -> tuple[int, str, Level, str, str]:
    return finding.column, finding.code, finding.level, finding.message, finding.subject


def test_github_commands_are_escaped() -> None:
    """Each finding is one line, which a runner reads back as what was meant, and which begins no command inside."""
    lines = list(format_github(FINDINGS))
    assert len(lines) == len(FINDINGS)
    for line, finding in zip(lines, FINDINGS, strict=True):
        assert line.isprintable()
        command = re.fullmatch(r"::(error|warning) ([^\r\n]*?)::([^\r\n]*)", line)
        assert command is not None
        assert command[1] == finding.level
        properties = dict(entry.split("=", 1) for entry in command[2].split(","))
        assert {name: unescape(value) for name, value in properties.items()} == {
            "file": finding.path,
            "line": str(1 if finding.part else finding.line),
            "col": str(1 if finding.part else finding.column),
            "title": f"linkweir check: {finding.code}",
        }
        assert finding.code in unescape(command[3])
        assert not re.search(r"%(?!25|0D|0A|3A|2C)", line)


def unescape(text: str) -> str:
    """What a runner makes of a property or of data."""
    for escaped, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escaped, char)
    return text


def test_junit_holds_anything() -> None:
    """Whatever stands in a finding, the report stays XML."""
    text = "\n".join(format_junit([CheckedFile("in/a.html", "in/a.html", (), FINDINGS[:3])]))
    check_junit(ElementTree.fromstring(text))  # noqa: S314 -- our own


def check_junit(top: ElementTree.Element) -> None:
    """What readers of JUnit reports agree on: elements, attributes that must be there, and what may be in a test."""
    assert top.tag == "testsuites"
    for suite in top:
        assert suite.tag == "testsuite"
        assert {"name", "tests", "failures", "errors", "time"} <= set(suite.attrib)
        assert int(suite.attrib["tests"]) == len(suite)
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
        assert int(suite.attrib["errors"]) == len(suite.findall("testcase/error"))
        for case in suite:
            assert case.tag == "testcase"
            assert {"name", "classname", "time"} <= set(case.attrib)
            assert [child.tag for child in case] in ([], ["failure"], ["error"], ["system-out"])
            assert all({"message", "type"} <= set(child.attrib) for child in case if child.tag != "system-out")
