"""The settings of `linkweir check` and `linkweir bench` in a project's `pyproject.toml`, table `[tool.linkweir]`.

What both commands know, such as which links are tracked, both take from there; limits of speed are in the table
`[tool.linkweir.bench]`.
"""

import argparse
import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from linkweir.bulk.document_io import describe_error
from linkweir.cli.shared_options import UsageError, parse_byte_size, parse_charset
from linkweir.error_hints import suggest_name

FILE_NAME = "pyproject.toml"
_TABLE = "[tool.linkweir]"
_SWITCHES = ("strict", "allow-empty", "follow", "only-problems", "vendors", "outlook", "one-time", "track-placeholders")
_LISTS = ("select", "ignore", "ext", "opt-out", "skip")
_TEXTS = ("format", "baseline", "base-url", "charset", "tag-limit")
_PATTERNS = "per-file-ignores"
_BENCH = "bench"
_BENCH_TEXTS = ("min", "baseline", "tolerance", "max-spread", "seconds", "format")
DOCUMENT_SETTINGS = frozenset(  # which documents and links: the same for every command
    ("follow", "vendors", "outlook", "one-time", "track-placeholders", "ext", "opt-out", "skip")
) | {"base-url", "charset", "tag-limit"}
SETTING_NAMES = (*_SWITCHES, *_LISTS, _PATTERNS, *_TEXTS)
_PARSERS: dict[str, Callable[[str], object]] = {"charset": parse_charset, "tag-limit": parse_byte_size}


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """The settings by name, those of the table `bench`, and the folder that paths and patterns are relative to."""

    folder: Path
    values: dict[str, object] = field(default_factory=dict)
    bench: dict[str, object] = field(default_factory=dict)

    def add_to(self, args: argparse.Namespace) -> None:
        """Set what the command line of `check` does not say; lists become longer."""
        self._add(args, self.values)

    def add_to_bench(self, args: argparse.Namespace) -> None:
        """The same for `bench`."""
        shared = {name: value for name, value in self.values.items() if name in DOCUMENT_SETTINGS}
        self._add(args, shared | self.bench)

    def _add(self, args: argparse.Namespace, values: dict[str, object]) -> None:
        for name, value in values.items():
            attribute = name.replace("-", "_")
            given = getattr(args, attribute)
            if isinstance(value, list):
                setattr(args, attribute, [*value, *given])
            elif given is None or given is False:
                setattr(args, attribute, self._resolve(name, value))

    def _resolve(self, name: str, value: object) -> object:
        return self.folder / str(value) if name == "baseline" else value


def load_project_settings(path: Path | None) -> ProjectSettings:
    """Read the file, or the nearest `pyproject.toml` here or above that has settings. Raises UsageError."""
    if path is not None:
        return _read(path) or ProjectSettings(path.parent)
    here = Path.cwd()
    for folder in (here, *here.parents):
        file = folder / FILE_NAME
        if file.is_file():
            return _read(file) or ProjectSettings(folder)
        if (folder / ".git").exists():
            break  # what is above is another project
    return ProjectSettings(here)


def _read(path: Path) -> ProjectSettings | None:
    try:
        table = tomllib.loads(path.read_text("utf-8")).get("tool", {}).get("linkweir")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {describe_error(error)}") from error
    if table is None:
        return None
    if not isinstance(table, dict):
        raise UsageError(f"{path}: tool.linkweir must be a table")
    bench = table.pop(_BENCH, {})
    _require(bench, isinstance(bench, dict), f"{path}: tool.linkweir.{_BENCH}", "a table")
    values = {name: _check(path, name, value) for name, value in table.items()}
    return ProjectSettings(path.parent, values, {name: _check_bench(path, name, bench[name]) for name in bench})


def _check_bench(path: Path, name: str, value: object) -> object:
    where = f"{os.fspath(path)}: [tool.linkweir.{_BENCH}] {name}"
    if name not in _BENCH_TEXTS:
        raise UsageError(f"{where} is not a setting; there are: {', '.join(_BENCH_TEXTS)}")
    listed = value if isinstance(value, list) and name == "min" else [value]
    fits = bool(listed) and all(isinstance(item, str | int | float) and not isinstance(item, bool) for item in listed)
    _require(value, fits, where, "a text or a number")
    return list(map(str, listed)) if name == "min" else str(value)


def _check(path: Path, name: str, value: object) -> object:
    where = f"{os.fspath(path)}: {_TABLE} {name}"
    if name in _SWITCHES:
        return _require(value, isinstance(value, bool), where, "true or false")
    if name in _LISTS:
        listed = [value] if isinstance(value, str) else value
        fits = isinstance(listed, list) and all(isinstance(item, str) for item in listed)
        return _require(listed, fits, where, "a list of texts")
    if name == _PATTERNS:
        fits = isinstance(value, dict) and all(isinstance(codes, list) for codes in value.values())
        _require(value, fits, where, "a table of lists of codes by pattern")
        return [f"{pattern}:{','.join(map(str, codes))}" for pattern, codes in value.items()]  # type: ignore[attr-defined]
    if name in _TEXTS:
        _require(value, isinstance(value, str | int) and not isinstance(value, bool), where, "a text")
        try:
            return _PARSERS.get(name, str)(str(value))
        except argparse.ArgumentTypeError as error:
            raise UsageError(f"{where}: {error}") from error
    hint = suggest_name(name, SETTING_NAMES) or f"; there are: {', '.join(SETTING_NAMES)}"
    raise UsageError(f"{where} is not a setting{hint}")


def _require(value: object, fits: bool, where: str, what: str) -> object:
    if not fits:
        raise UsageError(f"{where} must be {what}")
    return value
