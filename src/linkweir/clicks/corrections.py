"""Corrects links after they were sent: a destination leads to another one from now on.

The tokens of sent links cannot change, so the redirect looks destinations up in what is in force (`correction_index`).
The attack: whoever may correct links can send all readers anywhere. So only owners may, the new address has to pass
the rules of links and the blocklist, and every correction stays on record, with who made and who removed it.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Annotated, Any
from urllib.parse import urlsplit

from msgspec import Meta, Struct
from sqlalchemy import Connection, RowMapping

from linkweir.accounts.skip_patterns import compile_skip_pattern
from linkweir.clicks.link_policy import LinkPolicy
from linkweir.clicks.location_header import to_location
from linkweir.db import blocklist_table, corrections_table, keyset_pagination
from linkweir.db.schema import corrections
from linkweir.errors import NotFound, ValidationError
from linkweir.html import Outcome, Switches, check
from linkweir.html.outcome import REASONS
from linkweir.pagination import PageRequest, RowPage
from linkweir.tokens import KeyRing, Tracker
from linkweir.translation import gettext, translate

MAX_CORRECTIONS = 1000  # in force, of one account
COMMAND_LINE_AUTHOR = "command line"
# an e-mail address, plain or percent-encoded: what is corrected is kept, and is to name no recipient
_EMAIL_ADDRESS = re.compile(r"[^\s/?#&=:;,]+(?:@|%40|%2540)[^\s/?#&=]+\.[^\s/?#&=.]{2,}", re.IGNORECASE)
_REFUSALS = {
    **REASONS,
    Outcome.ALREADY_TRACKED: "it is a tracking link itself: give the address that it leads to",
    Outcome.SKIPPED: "it matches a skip pattern: such addresses are never tracked",
}
UrlText = Annotated[str, Meta(min_length=1, max_length=8000)]


class CorrectionCreate(Struct):
    """A destination, exactly as the links have it, and where it leads from now on: in messages with one tag
    (`campaign`), in one message (`message_id`), or in all of the account.
    """

    destination: UrlText
    replacement: UrlText
    campaign: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    message_id: Annotated[str, Meta(min_length=1, max_length=400)] | None = None


@dataclass(frozen=True, slots=True)
class LinkRules:
    """What a replacement has to pass: as the links of the account's mails would be judged."""

    switches: Switches
    tracker: Tracker

    def refusal_reason(self, url: str) -> str | None:
        """Why no link of a mail could lead there, or None."""
        (finding, *more) = check(f'<a href="{escape(url)}">', switches=self.switches, links=self.tracker)
        if finding.link.outcome is Outcome.TRACKED and not more:
            return None
        return _REFUSALS[finding.link.outcome]


def make_link_rules(ring: KeyRing, base_url: str, skip: Sequence[str], account: Mapping[Any, Any]) -> LinkRules:
    """The rules of this account's links; `skip`: the operator's patterns."""
    own = map(compile_skip_pattern, account["policy"].get("skip") or ())
    return LinkRules(Switches(skip=(*skip, *own)), Tracker(ring, base_url, message=1))


def create_correction(
    connection: Connection,
    account: uuid.UUID,
    request: CorrectionCreate,
    now: int,
    *,
    number: int | None,
    author: str,
    rules: LinkRules,
) -> RowMapping:
    """Correct a destination and return the row; one of the same destination and scope is removed. `number`: of the one
    message that it is for, which `message_id` names. Raises ValidationError.
    """
    destination, replacement = request.destination.strip(), request.replacement.strip()
    if request.campaign is not None and number is not None:
        raise ValidationError("campaign", gettext("cannot be given together with message_id"))
    if to_location(destination) is None:
        raise ValidationError("destination", gettext("must be an address that begins with http:// or https://"))
    _check_replacement(connection, destination, replacement, rules)
    in_force = corrections_table.list_in_force(connection, account)
    same: list[RowMapping] = []
    others: list[RowMapping] = []
    for row in in_force:
        is_same = (row["destination"], row["campaign"], row["number"]) == (destination, request.campaign, number)
        (same if is_same else others).append(row)
    if len(others) >= MAX_CORRECTIONS:
        raise ValidationError(
            "destination", gettext("is one too many: an account may have %(most)s corrections", most=MAX_CORRECTIONS)
        )
    _check_chains(destination, replacement, [row for row in others if _overlaps(row, request.campaign, number)])
    for row in same:
        corrections_table.remove(connection, row["id"], author, now)
    key = uuid.uuid4()
    names = {"id": key, "account_id": account, "campaign": request.campaign, "number": number}
    values = {"destination": destination, "replacement": replacement, "created_at": now, "created_by": author}
    corrections_table.add(connection, {**names, **values})
    return get_correction(connection, account, key)


def get_correction(connection: Connection, account: uuid.UUID, correction: uuid.UUID) -> RowMapping:
    """A correction of the account, in force or removed. Raises NotFound."""
    row = corrections_table.get(connection, account, correction)
    if row is None:
        raise NotFound("there is no such correction")
    return row


def list_corrections(
    connection: Connection, account: uuid.UUID, page: PageRequest, *, in_force: bool | None = None
) -> RowPage:
    """A page of the account's corrections, newest first: those in force, those that were removed, or (None) both."""
    filters = [corrections.c.account_id == account]
    if in_force is not None:
        filters.append(corrections_table.IN_FORCE if in_force else corrections.c.removed_at.is_not(None))
    statement = corrections_table.SELECT.where(*filters)
    return keyset_pagination.load_page_of(connection, statement, (corrections.c.created_at, corrections.c.id), page)


def list_corrections_in_force(connection: Connection, account: uuid.UUID) -> Sequence[RowMapping]:
    """All that is in force in an account, the oldest first."""
    return corrections_table.list_in_force(connection, account)


def find_corrected(
    connection: Connection, account: uuid.UUID, *, tags: Sequence[str], number: int | None = None
) -> dict[str, str]:
    """Where corrected destinations lead in messages with these tags, or in the message with this number: a correction
    of the message goes before one of a campaign, and that before one of the account.
    """
    rows = corrections_table.list_in_force(connection, account)
    found = {row["destination"]: row["replacement"] for row in rows if row["campaign"] is row["number"] is None}
    found |= {row["destination"]: row["replacement"] for row in rows if row["campaign"] in tags}
    return found | {
        row["destination"]: row["replacement"] for row in rows if number is not None and row["number"] == number
    }


def list_recorded_corrections(connection: Connection, account: uuid.UUID) -> Sequence[RowMapping]:
    """The whole record of an account, the oldest first."""
    return corrections_table.list_all(connection, account)


def remove_correction(connection: Connection, account: uuid.UUID, correction: uuid.UUID, author: str, now: int) -> None:
    """Let the destination lead to itself again; the record stays. Raises NotFound."""
    row = get_correction(connection, account, correction)
    if row["removed_at"] is not None:
        raise NotFound(gettext("the correction was removed already"))
    corrections_table.remove(connection, correction, author, now)


def _has_user_name(text: str) -> bool:
    try:
        return "@" in urlsplit(text).netloc
    except ValueError:
        return False


def _check_replacement(connection: Connection, destination: str, replacement: str, rules: LinkRules) -> None:
    for field, text in (("destination", destination), ("replacement", replacement)):
        if _EMAIL_ADDRESS.search(text) or _has_user_name(text):
            raise ValidationError(
                field, gettext("must not contain an e-mail address or a user name: corrections are kept")
            )
    refusal, location = rules.refusal_reason(replacement), to_location(replacement)
    if refusal is not None or location is None:
        raise ValidationError(
            "replacement",
            gettext("cannot be a link: %(reason)s", reason=translate(refusal or REASONS[Outcome.NO_HOST])),
        )
    if replacement == destination:
        raise ValidationError("replacement", gettext("is the destination itself"))
    blocked = blocklist_table.list_all(connection)
    hosts, destinations = (
        frozenset(row["value"] for row in blocked if row["kind"] == kind) for kind in blocklist_table.BLOCK_KINDS
    )
    if LinkPolicy(hosts, destinations).is_blocked(location):
        raise ValidationError("replacement", gettext("is blocked by the operator of this service"))


def _check_chains(destination: str, replacement: str, others: Sequence[RowMapping]) -> None:
    """Refuse what reads as if a correction led on to another: each is applied once."""
    for row in others:
        if row["destination"] == replacement:
            raise ValidationError(
                "replacement",
                gettext("is itself corrected to %(address)s: give that address", address=row["replacement"]),
            )
        if row["replacement"] == destination:
            raise ValidationError(
                "destination",
                gettext(
                    "is the new address of %(address)s: correct %(address)s again instead", address=row["destination"]
                ),
            )


def _overlaps(row: Mapping[Any, Any], campaign: str | None, number: int | None) -> bool:
    """Whether both may apply to one link."""
    return all(None in pair or pair[0] == pair[1] for pair in ((row["campaign"], campaign), (row["number"], number)))
