"""Carries out `linkweir block`: what a service's database says nobody is to be sent to any more."""

from linkweir.clicks.url_normalization import normalize_url, url_host
from linkweir.clock import now
from linkweir.db import blocklist_table
from linkweir.db.blocklist_table import BlockKind
from linkweir.db.schema_upgrade import create_database, migrate
from linkweir.errors import ValidationError
from linkweir.settings import Settings


def parse_target(text: str) -> tuple[BlockKind, str]:
    """What is meant: an address with a path or query is a destination, everything else a host. Raises
    ValidationError.
    """
    if "://" in text:
        value = normalize_url(text)
        if value is None:
            raise ValidationError("", f"{text!r} is not a valid http(s) URL")
        return "destination", value
    host = url_host(f"http://{text}/")
    stray = ":" in text and not text.startswith("[")  # a port, or another scheme
    if not host or stray or any(character in text for character in "/?# @"):
        raise ValidationError("", f"{text!r} is neither a host nor a URL that begins with http:// or https://")
    return "host", host


class Blocklist:
    """The list of one data folder."""

    def __init__(self, settings: Settings) -> None:
        self._database = create_database(settings, connections=1)
        migrate(self._database)

    def add(self, text: str, reason: str) -> str:
        """Block it; what was blocked."""
        kind, value = parse_target(text)
        with self._database.write() as connection:
            blocklist_table.add(connection, kind, value, reason, now())
        return f"{kind} {value}"

    def remove(self, text: str) -> str | None:
        """Open it again; what was opened, or None when it was not blocked."""
        kind, value = parse_target(text)
        with self._database.write() as connection:
            return f"{kind} {value}" if blocklist_table.remove(connection, kind, value) else None

    def list_entries(self) -> list[tuple[str, str, str]]:
        """Kind, value and reason of everything that is blocked."""
        with self._database.read() as connection:
            return [(row["kind"], row["value"], row["reason"]) for row in blocklist_table.list_all(connection)]

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()
