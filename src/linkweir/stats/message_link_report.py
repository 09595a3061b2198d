"""Every link of one message: where it leads, what became of it, and how often it was followed.

The mail itself is looked at while it is kept; afterwards only the links that were followed are known.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from linkweir.db import click_lists, contents_table, events_table, messages_table
from linkweir.errors import BadToken
from linkweir.html import REASONS, Outcome, Switches
from linkweir.html.lint import combine_warnings
from linkweir.mime.message import PartLink, check_message
from linkweir.stats.estimates import make_estimate
from linkweir.tokens import HONEYPOT_INDEX, Privacy, Tracker, open_link

CONTENT_EXPIRED_NOTE = "The mail is no longer kept: only the links that were followed are known."
UNTRACKED_REASON = "clicks are not tracked in this message"
OPTED_OUT_REASON = (
    "a setting kept this link as it was when the message was sent"  # which one is not kept with the message
)
UNCHANGED_MAIL_NOTES = (
    "rewrite-failed",
    "rewrite-too-large",
    "not-read",
)  # notes on a mail in which nothing was replaced
VERDICTS = ("human", "unsure", "machine", "prefetch", "internal")
NO_EXPECTED_CLICKS = {"expected_clicks": 0, "expected_clicks_variance": 0}
ClickCounts = dict[int, Mapping[Any, Any]]


@dataclass(frozen=True, slots=True)
class LinkReportRow:
    """One link. `position` is its place among the links of the mail, `part` the MIME part that it stands in."""

    position: int
    part: str | None
    text: str | None
    destination: str | None
    outcome: str
    reason: str
    warning: str | None
    human: int
    unsure: int
    machine: int
    prefetch: int
    internal: int
    total: int
    click_count: int
    expected_clicks: float
    expected_clicks_low: float
    expected_clicks_high: float
    first_at: int | None

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class MessageLinkReport:
    """The links in order; not `complete`: the mail is gone, and links that nobody followed with it."""

    links: list[LinkReportRow]
    complete: bool


def report_links(
    connection: Connection, message: Mapping[Any, Any], tracker: Tracker, switches: Switches
) -> MessageLinkReport:
    """The links of a message, whose row this is; `tracker` makes links as long as its own."""
    followed: ClickCounts = {
        row["position"]: row for row in click_lists.list_links_of_message(connection, message["id"])
    }
    raw = contents_table.get(connection, message["id"])
    links = list(_SentMail(connection, message, tracker).iter_links(raw, switches, followed)) if raw else []
    followed.pop(HONEYPOT_INDEX, None)  # the hidden link is none of the sender's
    links += [_link_from_row(row) for row in followed.values()]  # those that are left
    return MessageLinkReport(sorted(links, key=lambda link: link.position), raw is not None)


class _SentMail:
    """Judges what stands in a mail that was sent: what became of its links, not what would."""

    def __init__(self, connection: Connection, message: Mapping[Any, Any], tracker: Tracker) -> None:
        self._connection, self._message, self._tracker = connection, message, tracker
        noted = events_table.list_notes(connection, message["id"], [*UNCHANGED_MAIL_NOTES, Outcome.LINE_TOO_LONG])
        self._unchanged_reason = next(
            (f"the mail went out as it came: {data['text']}" for code, data in noted if code in UNCHANGED_MAIL_NOTES),
            None,
        )
        self._long_line_parts = {data["part"] for code, data in noted if code == Outcome.LINE_TOO_LONG}

    def iter_links(self, raw: bytes, switches: Switches, click_counts: ClickCounts) -> Iterator[LinkReportRow]:
        """Each link with its counts, which it takes out of `click_counts`."""
        hidden = 0
        for part_link in check_message(raw, switches=switches, links=self._tracker)[0]:
            opened = (
                self._open_link(part_link.link.destination)
                if part_link.link.outcome is Outcome.ALREADY_TRACKED
                else None
            )
            if opened is not None and opened[0] == HONEYPOT_INDEX:
                hidden += 1  # it was not there when the links were counted
            elif opened is not None:
                counts = click_counts.pop(opened[0], None)
                yield _make_link(*opened, Outcome.TRACKED, counts, part=part_link.part, text=part_link.link.text)
            else:
                yield self._unchanged_link(part_link, part_link.link.index - hidden)

    def _open_link(self, url: str | None) -> tuple[int, str | None] | None:
        """Position and destination of a tracking link of this message; None for one of another message."""
        message = self._message
        try:
            opened = open_link(self._tracker.ring, url or "")
        except BadToken:
            return None
        nobody_s = opened.message is None and self._tracker.privacy is Privacy.ANONYMOUS
        if opened.message != message["number"] and not nobody_s:
            return None
        known = opened.destination or messages_table.get_short_link_destination(
            self._connection, message["number"], opened.index
        )
        return opened.index, known

    def _unchanged_link(self, part_link: PartLink, position: int) -> LinkReportRow:
        """A link that was left as it was. One that could be tracked now could not then: for a reason that is noted."""
        outcome, declined = part_link.link.outcome, OPTED_OUT_REASON
        if outcome in (Outcome.TRACKED, Outcome.LINE_TOO_LONG):
            if not self._message["track_clicks"]:
                outcome, declined = Outcome.DECLINED, self._unchanged_reason or UNTRACKED_REASON
            elif self._unchanged_reason:
                outcome, declined = Outcome.DECLINED, self._unchanged_reason
            elif part_link.part in self._long_line_parts:  # whatever stood beside it then
                outcome = Outcome.LINE_TOO_LONG
            elif outcome is Outcome.TRACKED:
                outcome = Outcome.DECLINED
        return _make_link(
            position,
            part_link.link.destination,
            outcome,
            None,
            part=part_link.part,
            text=part_link.link.text,
            declined=declined,
        )


def _link_from_row(row: Mapping[Any, Any]) -> LinkReportRow:
    return _make_link(row["position"], row["destination"], Outcome.TRACKED, row)


def _make_link(
    position: int,
    destination: str | None,
    outcome: Outcome,
    counts: Mapping[Any, Any] | None,
    *,
    part: str | None = None,
    text: str | None = None,
    declined: str = "",
) -> LinkReportRow:
    sums = {name: int(counts[name]) if counts else 0 for name in VERDICTS}
    known = counts or NO_EXPECTED_CLICKS
    expected = make_estimate(
        known["expected_clicks"], known["expected_clicks_variance"], sum(sums.values()) - sums["internal"]
    )
    return LinkReportRow(
        position=position,
        part=part,
        text=text,
        destination=destination,
        outcome=str(outcome),
        reason=REASONS[outcome] if outcome is not Outcome.DECLINED else declined,
        warning=combine_warnings(None, outcome, destination, text),
        **sums,
        total=sum(sums.values()),
        click_count=sums["human"] + sums["unsure"],
        expected_clicks=expected.value,
        expected_clicks_low=expected.low,
        expected_clicks_high=expected.high,
        first_at=counts["first_at"] if counts else None,
    )
