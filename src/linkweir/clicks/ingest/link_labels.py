"""The labels of links, which are their texts in the mail, for whoever is told of clicks on them."""

import uuid

from sqlalchemy import Connection

from linkweir.db import contents_table
from linkweir.errors import BadToken
from linkweir.html import scan
from linkweir.mime.message import iter_html_bodies
from linkweir.tokens import KeyRing, open_link


class LinkLabels:
    """Looks labels up in the mails as they were sent, each mail once. Only while a mail is kept its labels are known.

    Not for long: it remembers what was in the mails.
    """

    def __init__(self, connection: Connection, keyring: KeyRing) -> None:
        self._connection = connection
        self._keyring = keyring
        self._labels: dict[uuid.UUID, dict[int, str]] = {}

    def get(self, message: uuid.UUID, position: int) -> str | None:
        """The text of the link at a position, at most 200 characters, "" where it has none; None: not known."""
        if message not in self._labels:
            raw = contents_table.get(self._connection, message)
            self._labels[message] = list_labels(raw, self._keyring) if raw else {}
        return self._labels[message].get(position)


def list_labels(raw: bytes, keyring: KeyRing) -> dict[int, str]:
    """The texts of the tracking links in a mail, by position."""
    labels: dict[int, str] = {}
    for _, html, charset in iter_html_bodies(raw):
        for link in scan(html, charset=charset):
            try:
                opened = open_link(keyring, link.destination or "")
            except BadToken:
                continue
            labels.setdefault(opened.index, link.text)
    return labels
