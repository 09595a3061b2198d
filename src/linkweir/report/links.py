"""Every link of one message: where it leads, what became of it, and how often it was followed.

The mail itself is looked at while it is kept; afterwards only the links that were followed are known.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from linkweir.errors import BadToken
from linkweir.html import REASONS, Outcome, Switches
from linkweir.html.check import warning
from linkweir.mime.message import PartLink, check_message
from linkweir.store import clicked, events, messages
from linkweir.token import TRAP_INDEX, Privacy, Tracker, open_link

NOTE = "The mail is no longer kept: only the links that were followed are known."
UNTRACKED = "clicks are not tracked in this message"
SPARED = "a setting kept this link as it was when the message was sent"  # which one is not kept with the message
AS_IT_CAME = ("rewrite-failed", "rewrite-too-large", "not-read")  # notes on a mail in which nothing was replaced
VERDICTS = ("human", "unsure", "machine", "prefetch")
Followed = dict[int, Mapping[Any, Any]]


@dataclass(frozen=True, slots=True)
class MailLink:
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
    total: int
    click_count: int
    first_at: int | None

    def row(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Found:
    """The links in order; not `complete`: the mail is gone, and links that nobody followed with it."""

    links: list[MailLink]
    complete: bool


def links(connection: Connection, message: Mapping[Any, Any], tracker: Tracker, switches: Switches) -> Found:
    """The links of a message, whose row this is; `tracker` makes links as long as its own."""
    followed: Followed = {row["position"]: row for row in clicked.links_of(connection, message["id"])}
    raw = messages.content(connection, message["id"])
    found = list(_Mail(connection, message, tracker).links(raw, switches, followed)) if raw else []
    followed.pop(TRAP_INDEX, None)  # the hidden link is none of the sender's
    found += [_followed(row) for row in followed.values()]  # those that are left
    return Found(sorted(found, key=lambda link: link.position), raw is not None)


class _Mail:
    """Judges what stands in a mail that was sent: what became of its links, not what would."""

    def __init__(self, connection: Connection, message: Mapping[Any, Any], tracker: Tracker) -> None:
        self._connection, self._message, self._tracker = connection, message, tracker
        noted = events.notes(connection, message["id"], [*AS_IT_CAME, Outcome.LINE_TOO_LONG])
        self._as_it_came = next(
            (f"the mail went out as it came: {data['text']}" for code, data in noted if code in AS_IT_CAME), None
        )
        self._full = {data["part"] for code, data in noted if code == Outcome.LINE_TOO_LONG}

    def links(self, raw: bytes, switches: Switches, followed: Followed) -> Iterator[MailLink]:
        """Each link with its counts, which it takes out of `followed`."""
        hidden = 0
        for one in check_message(raw, switches=switches, links=self._tracker)[0]:
            ours = self._open_link(one.link.destination) if one.link.outcome is Outcome.ALREADY_TRACKED else None
            if ours is not None and ours[0] == TRAP_INDEX:
                hidden += 1  # it was not there when the links were counted
            elif ours is not None:
                counts = followed.pop(ours[0], None)
                yield _link(*ours, Outcome.TRACKED, counts, part=one.part, text=one.link.text)
            else:
                yield self._left(one, one.link.index - hidden)

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
        known = opened.destination or messages.destination(self._connection, message["number"], opened.index)
        return opened.index, known

    def _left(self, one: PartLink, position: int) -> MailLink:
        """A link that was left as it was. One that could be tracked now could not then: for a reason that is noted."""
        outcome, declined = one.link.outcome, SPARED
        if outcome in (Outcome.TRACKED, Outcome.LINE_TOO_LONG):
            if not self._message["track_clicks"]:
                outcome, declined = Outcome.DECLINED, self._as_it_came or UNTRACKED
            elif self._as_it_came:
                outcome, declined = Outcome.DECLINED, self._as_it_came
            elif one.part in self._full:  # whatever stood beside it then
                outcome = Outcome.LINE_TOO_LONG
            elif outcome is Outcome.TRACKED:
                outcome = Outcome.DECLINED
        return _link(
            position, one.link.destination, outcome, None, part=one.part, text=one.link.text, declined=declined
        )


def _followed(row: Mapping[Any, Any]) -> MailLink:
    return _link(row["position"], row["destination"], Outcome.TRACKED, row)


def _link(
    position: int,
    destination: str | None,
    outcome: Outcome,
    counts: Mapping[Any, Any] | None,
    *,
    part: str | None = None,
    text: str | None = None,
    declined: str = "",
) -> MailLink:
    sums = {name: int(counts[name]) if counts else 0 for name in VERDICTS}
    return MailLink(
        position=position,
        part=part,
        text=text,
        destination=destination,
        outcome=str(outcome),
        reason=REASONS[outcome] if outcome is not Outcome.DECLINED else declined,
        warning=warning(None, outcome, destination, text),
        **sums,
        total=sum(sums.values()),
        click_count=sums["human"] + sums["unsure"],
        first_at=counts["first_at"] if counts else None,
    )
