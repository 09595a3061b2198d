"""Trackers for files and mails: one for all, or one per file if the message id is a pattern.

Used by rewriting and by checks, so that the links of both have the same length.
"""

import hashlib
import os
import re
import uuid

from linkweir.bulk.document_io import UnreadableInput, describe_error
from linkweir.errors import BadSwitch
from linkweir.tokens import KeyRing, Privacy, Tracker
from linkweir.tokens.identifiers import parse_message_id

_FIELDS = re.compile(r"\{([^{}]*)\}")
_FIELD_NAMES = ("stem", "sha", "n")
_ROW_MARK = "\0"  # stands for the row's number until that is known; no message id can hold it


class TrackerFactory:
    """Makes trackers. Raises BadSwitch for invalid options.

    `message` may be a pattern (see `expand_pattern`); `campaign` is a name or the digits of a number.
    """

    def __init__(
        self,
        ring: KeyRing,
        base_url: str,
        *,
        message: str | None = None,
        campaign: str | None = None,
        privacy: Privacy = Privacy.FULL,
    ) -> None:
        self._keyring, self._base_url, self._privacy = ring, base_url, privacy
        self._campaign = None if campaign is None else _parse_campaign(campaign)
        self._pattern = message if message is not None and is_pattern(message) else None
        self._first_tracker: Tracker | None = None  # the others are made from it, for much less
        self._shared_tracker = self._make_for_message(message) if self._pattern is None else None

    def make_tracker(self, path: str, number: int = 1) -> Tracker:
        """Return the tracker for mail `number`. Raises UnreadableInput where the message id needs the file."""
        if self._shared_tracker is not None:
            return self._shared_tracker
        pattern = self._pattern or ""
        return self._make_for_message(expand_pattern(pattern.replace("{n}", str(number)), path))

    def make_row_trackers(self, path: str, *, has_ids: bool) -> "RowTrackers":
        """Return the trackers for the rows of a table; {n} of a pattern is the row. `has_ids`: a column has the ids.

        Raises UnreadableInput where the message id needs the file.
        """
        if has_ids or self._pattern is None:
            return RowTrackers(self._shared_tracker or self._make_for_message(None), has_ids, None)
        pattern = expand_pattern(self._pattern.replace("{n}", _ROW_MARK), path)
        return RowTrackers(self._make_for_message(None), False, pattern)

    def _make_for_message(self, message: str | None) -> Tracker:
        identity = None if message is None else parse_message_id(message)
        if self._first_tracker is None:
            self._first_tracker = Tracker(
                self._keyring, self._base_url, message=identity, campaign=self._campaign, privacy=self._privacy
            )
        return self._first_tracker.for_message(identity)


class RowTrackers:
    """Trackers for the rows of one table. `base`: that of all rows, where each has none of its own."""

    def __init__(self, base: Tracker, has_ids: bool, pattern: str | None) -> None:
        self.base = base
        self.has_ids = has_ids and base.privacy is not Privacy.ANONYMOUS
        self._pattern = pattern

    @property
    def is_shared(self) -> bool:
        """Whether all rows belong to the same message, or campaign."""
        return not self.has_ids and self._pattern is None

    def identify(self, number: int, value: object) -> uuid.UUID | int | str | None:
        """The message id of row `number`, whose id column has this value. Raises BadSwitch."""
        if self._pattern is not None:
            return parse_message_id(self._pattern.replace(_ROW_MARK, str(number)))
        if isinstance(value, str) and value:
            return parse_message_id(value)
        if isinstance(value, int | uuid.UUID) and not isinstance(value, bool):
            return value
        missing = value is None or value == ""
        raise BadSwitch(
            "its message id is missing" if missing else f"its message id is {value!r}; it must be text or a number"
        )

    def list_ids(self, first: int, count: int) -> list[str]:
        """The message ids that the pattern gives rows from `first` on, as texts; without a pattern, none is known."""
        pattern = self._pattern or ""
        return [pattern.replace(_ROW_MARK, str(number)) for number in range(first, first + count)]

    def for_row(self, number: int, value: object) -> Tracker:
        """The tracker of row `number`. Raises BadSwitch."""
        return self.base if self.is_shared else self.base.for_message(self.identify(number, value))


def _parse_campaign(text: str) -> str | int:
    value = parse_message_id(text)
    return value if isinstance(value, int) else text


def is_pattern(text: str) -> bool:
    """Whether `text` contains fields, so that it differs by file."""
    return bool(_FIELDS.search(text))


def list_unknown_fields(pattern: str) -> list[str]:
    """Return the {fields} of `pattern` that `expand_pattern` does not know."""
    return [name for name in _FIELDS.findall(pattern) if name not in _FIELD_NAMES]


def expand_pattern(pattern: str, path: str) -> str:
    """Fill in `pattern` for a file: {stem}, its name without suffix; {sha}, 16 digits of its SHA-256; {n},
    the number of the mail in a mailbox (1 for a file of its own).

    All depend on the file alone, so that another run makes the same links.
    Raises UnreadableInput when the file can't be read.
    """
    if "{sha}" in pattern:
        require_rereadable(pattern, path)
        try:
            with open(path, "rb") as file:
                pattern = pattern.replace("{sha}", hashlib.file_digest(file, "sha256").hexdigest()[:16])
        except OSError as error:
            raise UnreadableInput(f"can't read: {describe_error(error)}") from error
    return pattern.replace("{stem}", os.path.splitext(os.path.basename(path))[0]).replace("{n}", "1")


def require_rereadable(pattern: str, path: str) -> None:
    """Raise UnreadableInput if {sha} needs to read what cannot be read twice, such as a pipe."""
    if "{sha}" in pattern and os.path.exists(path) and not os.path.isfile(path):
        raise UnreadableInput("{sha} needs a file that can be read twice")
