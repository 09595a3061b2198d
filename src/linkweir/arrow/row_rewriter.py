"""Rewrites one row in Python, and prepares the loop in C that does most rows without it."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Sequence

from linkweir import _arrow, _html
from linkweir.arrow.column import UUID_FORMAT, ImportedColumn
from linkweir.html.charset import Charset
from linkweir.html.document import Document, rewrite
from linkweir.html.link import OUTCOME_BY_NUMBER, Link
from linkweir.html.outcome import Outcome
from linkweir.html.resolver import make_resolver
from linkweir.html.switches import Switches
from linkweir.mime import rewrite_message
from linkweir.tokens import Tracker, wire_format
from linkweir.tokens.identifiers import parse_message_id


class RowOutcome(enum.StrEnum):
    """What became of a row. A row that is not rewritten is in the result as it was."""

    REWRITTEN = "rewritten"  # at least one link is replaced
    UNCHANGED = "unchanged"  # there is no link to replace
    ENCODING = "encoding"  # the document's encoding cannot be judged by bytes
    MESSAGE_ID = "message-id"  # the message id is null, negative, or a text that no token can hold
    TOO_LARGE = "too-large"  # rewritten, the row would be longer than the column's type allows
    UNTOUCHED_PART = "untouched-part"  # of a mail: no link is replaced, and a part could not be read


ROW_OUTCOMES = (None, *RowOutcome)  # by the number that C knows; None: the row is null
ROW_OUTCOME_NUMBER = {outcome: number for number, outcome in enumerate(ROW_OUTCOMES)}


class RowRewriter:
    """What C asks for a row that it cannot do, and what it has to know for all others."""

    def __init__(
        self,
        tracker: Tracker,
        ids: ImportedColumn | None,
        switches: Switches,
        charset: str,
        *,
        collect_links: bool = False,
    ) -> None:
        self._tracker = tracker
        self._id_format = None if ids is None else ids.format
        self._switches = switches
        self._charset = charset
        self._collect_links = collect_links
        self.links: list[list[Link]] = []  # of each row that is not null, in order
        codec = Charset(charset)
        self.native = _arrow.RowRewriter(
            switches.rules.as_capsule(),
            tracker.base_url.encode("ascii"),
            key=tracker.ring.current.secret,
            person=wire_format.PERSONALIZATION,
            key_id=tracker.ring.current.id,
            privacy=tracker.mode_number,
            sealed=tracker.style == "sealed",
            prefix=None if ids is not None else tracker.token_prefix,
            locations=tracker.locations,
            utf8=codec.codec == "utf-8",
            needs_caller=self._needs_caller(codec),
            rewrite_row=self.rewrite_row,
        )

    def _needs_caller(self, charset: Charset) -> bool:
        """Whether each row needs Python."""
        judged = charset.is_supported and charset.is_ascii_transparent
        return bool(self._switches.skip_patterns) or not judged or self._collect_links

    def find_tracker(self, identity: int | bytes | None) -> Tracker:
        """The tracker of a row, whose message id C has found good."""
        if self._id_format is None:
            return self._tracker
        if isinstance(identity, bytes):
            is_uuid = self._id_format == UUID_FORMAT
            message = uuid.UUID(bytes=identity) if is_uuid else parse_message_id(identity.decode("ascii"))
            return self._tracker.for_message(message)
        return self._tracker.for_message(identity)

    def rewrite_row(self, html: bytes, identity: int | bytes | None) -> tuple[bytes, int, Sequence[int]]:
        """The rewritten document, the number of the row's outcome, and the numbers of links by outcome."""
        tracker = self.find_tracker(identity)
        document = Document(html, self._charset)
        if document.is_opaque:
            self.links.append([])
            return (
                html,
                ROW_OUTCOME_NUMBER[RowOutcome.ENCODING],
                [outcome is Outcome.ENCODING for outcome in OUTCOME_BY_NUMBER],
            )
        if self._collect_links:
            return self._rewrite_with_links(html, tracker)
        resolve = make_resolver(tracker, self._switches, document.charset)
        splice = _html.LinkRewriter(self._switches.rules, resolve, document.charset.to_utf8, None)
        done = splice.feed(html)
        if rest := splice.close():
            done += rest
        totals = splice.outcome_counts()
        return done, ROW_OUTCOME_NUMBER[RowOutcome.REWRITTEN if totals[0] else RowOutcome.UNCHANGED], totals

    def _rewrite_with_links(self, html: bytes, tracker: Tracker) -> tuple[bytes, int, Sequence[int]]:
        found: list[Link] = []
        done = rewrite(html, tracker, switches=self._switches, charset=self._charset, on_link=found.append)
        self.links.append(found)
        counts = [sum(link.outcome is outcome for link in found) for outcome in OUTCOME_BY_NUMBER]
        return done, ROW_OUTCOME_NUMBER[RowOutcome.REWRITTEN if counts[0] else RowOutcome.UNCHANGED], counts


class MessageRewriter(RowRewriter):
    """The same for raw mails."""

    def _needs_caller(self, charset: Charset) -> bool:
        return True

    def rewrite_row(self, html: bytes, identity: int | bytes | None) -> tuple[bytes, int, Sequence[int]]:
        done = rewrite_message(html, self.find_tracker(identity), switches=self._switches)
        counts = [done.counts.get(outcome, 0) for outcome in OUTCOME_BY_NUMBER]
        outcome = RowOutcome.REWRITTEN if done.replaced else RowOutcome.UNCHANGED
        if not done.replaced and any(note.code == "untouched-part" for note in done.notes):
            outcome = RowOutcome.UNTOUCHED_PART
        return done.raw, ROW_OUTCOME_NUMBER[outcome], counts
