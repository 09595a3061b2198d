"""Every link of one message: where it leads, what became of it, and how often it was followed.

The mail itself is looked at while it is kept; afterwards only the links that were followed are known.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from linkweir.errors import BadToken
from linkweir.html import REASONS, Outcome, Switches
from linkweir.html.check import warning
from linkweir.mime.message import PartLink, check_message
from linkweir.store import clicked, messages
from linkweir.token import TRAP_INDEX, KeyRing, Privacy, Tracker, open_link

NOTE = "The mail is no longer kept: only the links that were followed are known."
UNTRACKED = "clicks are not tracked in this message"
SPARED = "a setting kept this link as it was when the message was sent"  # which one is not kept with the message
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


def links(
    connection: Connection, message: Mapping[Any, Any], ring: KeyRing, base_url: str, switches: Switches
) -> Found:
    """The links of a message, whose row this is."""
    followed: Followed = {row["position"]: row for row in clicked.links_of(connection, message["id"])}
    raw = messages.content(connection, message["id"])
    found = []
    for one in check_message(raw, switches=switches, links=_tracker(message, ring, base_url))[0] if raw else ():
        found.append(_in_mail(connection, message, one, followed, ring))
    found = [link for link in found if link.position != TRAP_INDEX]  # the hidden link is none of the sender's
    found += [_followed(row) for row in followed.values()]  # those that are left
    return Found(sorted(found, key=lambda link: link.position), raw is not None)


def _tracker(message: Mapping[Any, Any], ring: KeyRing, base_url: str) -> Tracker:
    """One whose links are as long as the message's own."""
    privacy = Privacy(message["privacy"])
    return Tracker(
        ring, base_url, message=message["number"], privacy=Privacy.FULL if privacy is Privacy.NONE else privacy
    )


def _in_mail(
    connection: Connection, message: Mapping[Any, Any], one: PartLink, followed: Followed, ring: KeyRing
) -> MailLink:
    """A link that stands in the mail; it takes its counts out of `followed`."""
    link = one.link
    position, destination, outcome = link.index, link.destination, link.outcome
    if outcome is Outcome.ALREADY_TRACKED and link.destination:
        ours = _opened(connection, message, ring, link.destination)
        if ours is not None:
            position, destination, outcome = *ours, Outcome.TRACKED
    elif outcome is Outcome.TRACKED:  # it could be, but is not: tracking was off
        outcome = Outcome.DECLINED
    counts = followed.pop(position, None) if outcome is Outcome.TRACKED else None
    declined = SPARED if message["track_clicks"] else UNTRACKED
    return _link(position, destination, outcome, counts, part=one.part, text=link.text, declined=declined)


def _opened(
    connection: Connection, message: Mapping[Any, Any], ring: KeyRing, url: str
) -> tuple[int, str | None] | None:
    """Position and destination of a tracking link of this message; None for one of another message."""
    try:
        opened = open_link(ring, url)
    except BadToken:
        return None
    if opened.message not in (message["number"], None):
        return None
    known = opened.destination or messages.destination(connection, message["number"], opened.index)
    return opened.index, known


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
