"""The fact that a link was followed or a mail was opened, holding no more than the link's privacy mode allows.

What may not be kept never reaches a disk: in the stricter modes the address and the user agent are described here, in
words too coarse to find a person by, and dropped.
"""

import ipaddress
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from linkweir.token import PIXEL_INDEX, TRAP_INDEX, Opened, Privacy, campaign

NO_LINK = -1
TRAP = -2  # the position of the hidden link that no person can follow
POSITIONS = {PIXEL_INDEX: NO_LINK, TRAP_INDEX: TRAP}
KINDS = {PIXEL_INDEX: "open", TRAP_INDEX: "honeypot"}  # everything else is a click
TEXT_LIMIT = 1024  # characters of a user agent: real ones stay below 500, and a log must not be filled by one
SHORTENED = {4: 24, 6: 48}  # bits of an address that are kept when the operator wants addresses short


@dataclass(slots=True)  # not frozen, as Fact is not: made for every reader, and freezing is most of what that costs
class Visit:
    """Who came and how, as seen at the door. `at` in microseconds since 1970; `prefetch`: a browser fetches ahead;
    `objects`: the reader's browser says that it wants no tracking (Sec-GPC, DNT); `signals`: codes of what else the
    request showed that tells people from machines (see click.verdict).
    """

    at: int
    method: str
    ip: str | None
    user_agent: str | None
    prefetch: bool = False
    objects: bool = False
    signals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Described:
    """What an address and a user agent say, in words: browser or mail program, system, device class, ISO 3166 country,
    region, and the name of a known network. None: not known, or not to be kept.
    """

    client: str | None = None
    system: str | None = None
    device: str | None = None
    country: str | None = None
    region: str | None = None
    network: str | None = None
    signals: tuple[str, ...] = ()  # what the user agent says of itself, as the rules know it


NOTHING = Described()
Describe = Callable[[str | None, str | None], Described]  # from address and user agent


@dataclass(slots=True)
class Fact:
    """One hit on a tracking link or pixel, as it is stored. `number` is the message's number in tokens of this
    service; `position` is the link's; NO_LINK for an open, TRAP for the hidden
    link.

    In mode `full` what the address and the user agent say is derived later; in the others it stands here, instead of
    them. A fact whose reader objected is `anonymous` and `objected`: its message is named only until it is stored
    under the message's campaign.
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
    signals: str = ""
    objected: bool = False
    client: str | None = None
    system: str | None = None
    device: str | None = None
    country: str | None = None
    region: str | None = None
    network: str | None = None

    def row(self) -> dict[str, Any]:
        """The fields by name, as the store takes them."""
        return asdict(self)


def record(
    opened: Opened,
    destination: str | None,
    visit: Visit,
    *,
    describe: Describe | None = None,
    heed_objections: bool = True,
    shorten: bool = False,
) -> Fact | None:
    """What may be kept of this visit; None in privacy mode `none`.

    pseudonymous: no address, no user agent; country and device class only. anonymous: campaign and link only; not even
    the destination, which can be different for every recipient. Sec-GPC and DNT lower a visit to `anonymous`.

    Args: `describe` says what address and user agent mean, where they may not be kept; `heed_objections`: whether
    Sec-GPC and DNT count; `shorten`: keep only /24 and /48 of addresses.
    """
    if opened.privacy is Privacy.NONE:
        return None
    objected = visit.objects and heed_objections and opened.privacy is not Privacy.ANONYMOUS
    privacy = Privacy.ANONYMOUS if objected else opened.privacy
    full = privacy is Privacy.FULL
    number = opened.message if isinstance(opened.message, int) and opened.message < 1 << 63 else None
    known = NOTHING if full or describe is None else describe(visit.ip, visit.user_agent)
    ip = shortened(visit.ip) if shorten and visit.ip else visit.ip
    return Fact(
        id=uuid.uuid4(),
        at=visit.at,
        method=visit.method,
        privacy=privacy.value,
        key_id=opened.key_id,
        number=number,
        message_ref=None if opened.message is None or privacy is Privacy.ANONYMOUS else str(opened.message),
        campaign=None if opened.campaign is None else campaign.read(str(opened.campaign)),
        position=POSITIONS.get(opened.index, opened.index),
        destination=None if privacy is Privacy.ANONYMOUS else destination,
        ip=ip if full else None,
        user_agent=visit.user_agent[:TEXT_LIMIT] if full and visit.user_agent else None,
        kind=KINDS.get(opened.index, "click"),
        prefetch=visit.prefetch,
        signals=" ".join((*visit.signals, *known.signals)),
        objected=objected,
        device=known.device,
        country=known.country,
        network=known.network,
    )


def shortened(ip: str) -> str:
    """An address without its last part: /24 of IPv4, /48 of IPv6."""
    parsed = ipaddress.ip_address(ip)
    return str(ipaddress.ip_network((parsed, SHORTENED[parsed.version]), strict=False).network_address)
