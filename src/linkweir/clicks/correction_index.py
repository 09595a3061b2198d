"""Corrections as the redirect holds them: in memory, so that no reader waits for a database, nor notices its loss.

A token says which message it belongs to, not which account or campaign: for those the numbers of their messages are
held, eight bytes each. An account's correction never applies to another's links; where a token does not say whose it
is, as the anonymous links of a service with several accounts, it does not apply at all.
"""

import uuid
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from linkweir.clicks.click_event import MIN_OWN_NUMBER
from linkweir.clicks.location_header import to_location
from linkweir.clock import SECOND_US
from linkweir.db import accounts_table, corrections_table
from linkweir.tokens import HONEYPOT_INDEX, Opened, Privacy, campaign_tags

OVERLAP_US = 600 * SECOND_US  # transactions that were begun so long ago may become visible now
MAX_RECENT_NUMBERS = 50_000  # before they are sorted into the others
MessageGroup = tuple[uuid.UUID, str | None]  # an account and a campaign; None: the whole account


class MessageNumbers:
    """The numbers of the messages of one account or campaign, kept up to date by looking at the newest ones only."""

    def __init__(self) -> None:
        self._sorted = array("q")
        self._recent: frozenset[int] = frozenset()
        self._since = 0

    def __contains__(self, number: object) -> bool:
        if number in self._recent:
            return True
        if not isinstance(number, int):
            return False
        at = bisect_left(self._sorted, number)
        return at < len(self._sorted) and self._sorted[at] == number

    def refresh(self, connection: Connection, group: MessageGroup, now: int) -> None:
        """Look for further messages."""
        found = frozenset(corrections_table.iter_numbers(connection, *group, self._since))
        if not self._since or len(self._recent | found) > MAX_RECENT_NUMBERS:
            self._sorted = array("q", sorted(found | self._recent | frozenset(self._sorted)))
            self._recent = frozenset()
        else:
            self._recent |= found
        self._since = max(1, now - OVERLAP_US)


@dataclass(frozen=True, slots=True)
class Correction:
    """One of them: `location` is the replacement as a `Location`. `campaign`, `number`: of which messages; both None:
    of all of the account.
    """

    account_id: uuid.UUID
    campaign: str | None
    number: int | None
    replacement: str
    location: str

    @property
    def precedence(self) -> int:
        """The smaller applies: a message's goes before a campaign's, and that before the account's."""
        return 0 if self.number is not None else 1 if self.campaign is not None else 2


@dataclass(frozen=True, slots=True)
class CorrectionIndex:
    """What is in force, by destination, the most specific first. `key_owners`: the accounts that own link keys, for
    links that were made in bulk. Applied once: a replacement is not looked up again.
    """

    by_destination: Mapping[str, Sequence[Correction]]
    numbers: Mapping[MessageGroup, MessageNumbers] = field(default_factory=dict)
    key_owners: Mapping[int, uuid.UUID] = field(default_factory=dict)
    is_single_account: bool = True

    def find(self, opened: Opened, destination: str) -> Correction | None:
        """The correction that applies to this link, if any."""
        candidates = self.by_destination.get(destination, ())
        if not candidates or opened.index == HONEYPOT_INDEX:
            return None
        return next((each for each in candidates if self._applies(each, opened)), None)

    def _applies(self, correction: Correction, opened: Opened) -> bool:
        message, campaign = opened.message, correction.campaign
        if correction.number is not None:
            return correction.number == message
        if campaign is None and self.is_single_account:
            return True
        if isinstance(message, int) and message >= MIN_OWN_NUMBER:
            return message in self.numbers.get((correction.account_id, campaign), ())
        if opened.privacy is Privacy.ANONYMOUS and not self.is_single_account:
            return False
        is_owner = self.key_owners.get(opened.key_id) == correction.account_id
        return is_owner and campaign in (None, _campaign_of(opened))


def _campaign_of(opened: Opened) -> str | None:
    return None if opened.campaign is None else campaign_tags.decode_tag(str(opened.campaign))


class CorrectionLoader:
    """Makes the index of what the database has."""

    def __init__(self) -> None:
        self._numbers: dict[MessageGroup, MessageNumbers] = {}

    def load(self, connection: Connection, now: int) -> CorrectionIndex | None:
        """The index, or None if nothing is corrected."""
        rows = corrections_table.list_in_force(connection)
        if not rows:
            self._numbers = {}
            return None
        is_single_account = corrections_table.count_accounts(connection) == 1
        found = sorted(_from_rows(rows), key=lambda pair: pair[1].precedence)
        groups = {
            (each.account_id, each.campaign)
            for _, each in found
            if each.number is None and not (each.campaign is None and is_single_account)
        }
        self._numbers = {group: self._numbers.get(group) or MessageNumbers() for group in groups}
        for group, numbers in self._numbers.items():
            numbers.refresh(connection, group, now)
        by_destination: dict[str, list[Correction]] = {}
        for destination, correction in found:
            by_destination.setdefault(destination, []).append(correction)
        owners = accounts_table.link_key_owners(connection)
        return CorrectionIndex(by_destination, dict(self._numbers), owners, is_single_account)


def _from_rows(rows: Iterable[Mapping[Any, Any]]) -> Iterable[tuple[str, Correction]]:
    for row in rows:
        location = to_location(row["replacement"])
        if location is not None:
            correction = Correction(row["account_id"], row["campaign"], row["number"], row["replacement"], location)
            yield row["destination"], correction
