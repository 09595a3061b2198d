"""A baseline of a check: findings that were there when it was introduced, and that do not fail it.

A finding is known by its file, code and subject, not by its line, so that a change above it makes nothing new of it;
one that stands there twice is known twice.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from linkweir.atomic_file import AtomicFile
from linkweir.bulk.lint_policy import LintFinding
from linkweir.errors import LinkweirError

_VERSION = 1
_Key = tuple[str, str, str, str]


class BaselineError(LinkweirError):
    """The file is no baseline."""


def identify(finding: LintFinding) -> _Key:
    """What a finding is known by."""
    return finding.path, finding.part, finding.code, finding.subject


def compute_fingerprint(finding: LintFinding, occurrence: int) -> str:
    """Return the digest that a finding is known by elsewhere; `occurrence`: which one of equal findings it is."""
    text = json.dumps([*identify(finding), occurrence])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Baseline:
    """Findings by what they are known by, with their number."""

    def __init__(self, known: Counter[_Key] | None = None) -> None:
        self._known = known or Counter()

    @classmethod
    def load(cls, path: Path) -> "Baseline":
        """Read a file of `save`. Raises BaselineError, OSError."""
        try:
            content = json.loads(path.read_bytes())
            if content["version"] != _VERSION:
                raise ValueError(content["version"])
            known = Counter(
                {
                    (str(row["path"]), str(row["part"]), str(row["code"]), str(row["subject"])): int(row["count"])
                    for row in content["findings"]
                }
            )
        except (ValueError, TypeError, KeyError) as error:
            raise BaselineError(
                f"{path} is not a baseline of linkweir check; make one with --update-baseline"
            ) from error
        return cls(known)

    @staticmethod
    def save(path: Path, findings: Iterable[LintFinding]) -> int:
        """Write a baseline of these findings; how many there are."""
        counts = Counter(map(identify, findings))
        rows = [
            dict(zip(("path", "part", "code", "subject"), key, strict=True)) | {"count": count}
            for key, count in sorted(counts.items())
        ]
        with AtomicFile(str(path)) as file:
            file.write(json.dumps({"version": _VERSION, "findings": rows}, indent=1).encode() + b"\n")
        return counts.total()

    def take(self, finding: LintFinding) -> bool:
        """Whether the finding is known; once for each time that it was there."""
        key = identify(finding)
        if not self._known[key]:
            return False
        self._known[key] -= 1
        return True

    @property
    def unused_count(self) -> int:
        """How many known findings were not taken: they are gone, or their files were not checked."""
        return self._known.total()
