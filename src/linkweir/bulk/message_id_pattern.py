"""The message id that a file's links carry: a text for all of them, or a pattern filled in per file."""

import hashlib
import os
import re
import uuid

from linkweir.bulk.document_io import UnreadableInput, describe_error

_FIELDS = re.compile(r"\{([^{}]*)\}")
_FIELD_NAMES = ("stem", "sha", "n")


def is_pattern(text: str) -> bool:
    """True when `text` differs from file to file."""
    return bool(_FIELDS.search(text))


def list_unknown_fields(pattern: str) -> list[str]:
    """Return the {fields} of `pattern` that `message_for` does not know."""
    return [name for name in _FIELDS.findall(pattern) if name not in _FIELD_NAMES]


def expand_pattern(pattern: str, path: str) -> str:
    """Fill in `pattern` for a file: {stem}, its name without suffix; {sha}, 16 digits of its SHA-256; {n},
    the number of the mail in a mailbox (1 for a file of its own).

    Both depend on the file alone, so that a second run, or a run over more files, makes the same links.
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
    """Raise UnreadableInput for {sha} of a pipe, say, before anything waits for what comes through it."""
    if "{sha}" in pattern and os.path.exists(path) and not os.path.isfile(path):
        raise UnreadableInput("{sha} needs a file that can be read twice")


def parse_message_id(text: str) -> uuid.UUID | int | str:
    """Return `text` as the kind of message id that makes the shortest link: UUID, number, or itself.

    Only a text that comes back letter for letter is converted: `007` and an upper-case UUID stay as they are.
    """
    if text.isascii() and text.isdecimal() and len(text) <= 20:
        number = int(text)
        return number if str(number) == text and number < 1 << 64 else text
    try:
        value = uuid.UUID(text)
    except ValueError:
        return text
    return value if str(value) == text else text
