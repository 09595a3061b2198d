"""Readers of the html5lib test formats: tokenizer tests (JSON) and tree-construction tests (.dat)."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TokenizerTest:
    """One tokenizer test in one initial state; `output` holds the tokens in the suite's own form."""

    name: str
    document: str
    state: str
    last_start_tag: str
    output: list[Any]


@dataclass(frozen=True)
class TreeTest:
    """One tree-construction test; `context` is the fragment's context element ("" for a document)."""

    name: str
    document: str
    context: str
    tree: list[str]


def load_tokenizer_tests(folder: Path) -> Iterator[TokenizerTest]:
    """Every tokenizer test under the suite's folder, once for each initial state."""
    for path in sorted((folder / "tokenizer").glob("*.test")):
        for number, test in enumerate(json.loads(path.read_text("utf-8")).get("tests", [])):
            source, output = test["input"], test["output"]
            if test.get("doubleEscaped"):
                source, output = unescape(source), unescape(output)
            for state in test.get("initialStates", ["Data state"]):
                name = f"{path.stem}:{number}:{state}"
                yield TokenizerTest(name, source, state, test.get("lastStartTag", ""), output)


def unescape(value: Any) -> Any:
    r"""Resolve the \uHHHH of double-escaped tests, in strings at any depth."""
    if isinstance(value, str):
        return re.sub(r"\\u([0-9A-Fa-f]{4})", lambda match: chr(int(match[1], 16)), value)
    if isinstance(value, list):
        return [unescape(item) for item in value]
    if isinstance(value, dict):
        return {unescape(key): unescape(item) for key, item in value.items()}
    return value


def load_tree_tests(folder: Path) -> Iterator[TreeTest]:
    """Every tree-construction test of the suite but the scripted ones: mail runs no scripts."""
    for path in sorted((folder / "tree-construction").glob("*.dat")):
        # newline="": some tests are about CR, and must not lose it
        with path.open(encoding="utf-8", newline="") as source:
            tests = re.split(r"(?:\A|\n)#data\n", source.read())[1:]
        for number, text in enumerate(tests):
            yield _parse_tree_test(f"{path.stem}:{number}", text)


def _parse_tree_test(name: str, text: str) -> TreeTest:
    document, _, rest = ("\n" + text).partition("\n#errors\n")
    context = re.search(r"^#document-fragment\n(.*)$", rest, re.MULTILINE)
    tree = rest.partition("#document\n")[2].split("\n")
    return TreeTest(name, document[1:], context[1] if context else "", tree)


def tree_hrefs(tree: list[str]) -> list[str | None]:
    """The `href` of every `a` element of an expected tree, of any namespace."""
    result: list[str | None] = []
    depth = -1
    for line in tree:
        element = re.fullmatch(r"\| ( *)<(?:svg |math )?a>", line)
        if element:
            depth = len(element[1])
            result.append(None)
        href = re.fullmatch(r'\| ( *)href="(.*)"', line)
        if href and result and len(href[1]) == depth + 2:
            result[-1] = href[2]
        if not href and not element and not re.fullmatch(r'\| ( *)[^<"].*="(.*)"', line):
            depth = -1
    return result
