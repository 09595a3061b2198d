"""The fact that a link was followed or a mail was opened, holding no more than the link's privacy mode allows."""

import uuid
from dataclasses import asdict, dataclass
from typing import Any

from linkweir.token import PIXEL_INDEX, Opened, Privacy

NO_LINK = -1
TEXT_LIMIT = 1024  # characters of a user agent: real ones stay below 500, and a log must not be filled by one


@dataclass(frozen=True, slots=True)
class Visit:
    """Who came and how, as seen at the door. `at` in microseconds since 1970; `prefetch`: a browser fetches ahead."""

    at: int
    method: str
    ip: str | None
    user_agent: str | None
    prefetch: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """One hit on a tracking link or pixel, as it is stored. `number` is the message's number in tokens of this
    service; `position` is the link's, and NO_LINK for an open.
    """

    id: uuid.UUID
    at: int
    method: str
    privacy: str
    key_id: int
    number: int | None
    message_ref: str | None
    campaign: str | None
    position: int
    destination: str | None
    ip: str | None
    user_agent: str | None
    kind: str = "click"  # with defaults: a spool may hold lines of a release that knew neither
    prefetch: bool = False

    def row(self) -> dict[str, Any]:
        """The fields by name, as the store takes them."""
        return asdict(self)


def record(opened: Opened, destination: str | None, visit: Visit) -> Fact | None:
    """What may be kept of this visit; None in privacy mode `none`.

    pseudonymous: no address, no user agent. anonymous: campaign and link only; not even the destination,
    which can be different for every recipient.
    """
    if opened.privacy is Privacy.NONE:
        return None
    anonymous = opened.privacy is Privacy.ANONYMOUS
    full = opened.privacy is Privacy.FULL
    message = None if anonymous else opened.message
    number = message if isinstance(message, int) and message < 1 << 63 else None
    return Fact(
        id=uuid.uuid4(),
        at=visit.at,
        method=visit.method,
        privacy=opened.privacy.value,
        key_id=opened.key_id,
        number=number,
        message_ref=None if message is None else str(message),
        campaign=None if opened.campaign is None else str(opened.campaign),
        position=NO_LINK if opened.index == PIXEL_INDEX else opened.index,
        destination=None if anonymous else destination,
        ip=visit.ip if full else None,
        user_agent=visit.user_agent[:TEXT_LIMIT] if full and visit.user_agent else None,
        kind="open" if opened.index == PIXEL_INDEX else "click",
        prefetch=visit.prefetch,
    )
