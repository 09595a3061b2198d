"""The fact that a link was followed or a mail was opened, holding no more than the link's privacy mode allows.

What may not be kept never reaches a disk: in the stricter modes the address and the user agent are described here, in
words too coarse to find a person by, and dropped.
"""

import ipaddress
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from linkweir.tokens import HONEYPOT_INDEX, PIXEL_INDEX, Opened, Privacy, campaign_tags

OPEN_POSITION = -1
HONEYPOT_POSITION = -2  # the position of the hidden link that no person can follow
POSITION_BY_INDEX = {PIXEL_INDEX: OPEN_POSITION, HONEYPOT_INDEX: HONEYPOT_POSITION}
KIND_BY_INDEX = {PIXEL_INDEX: "open", HONEYPOT_INDEX: "honeypot"}  # everything else is a click
MAX_USER_AGENT_CHARS = 1024  # characters of a user agent: real ones stay below 500, and a log must not be filled by one
TRUNCATED_PREFIX_BITS = {4: 24, 6: 48}  # bits of an address that are kept when the operator wants addresses short


@dataclass(slots=True)  # not frozen, as Fact is not: made for every reader, and freezing is most of what that costs
class ClickRequest:
    """Who came and how, as seen at the door. `at` in microseconds since 1970; `prefetch`: a browser fetches ahead;
    `objects`: the reader's browser says that it wants no tracking (Sec-GPC, DNT); `signals`: codes of what else the
    request showed that tells people from machines (see click.verdict).
    """

    at: int
    method: str
    ip: str | None
    user_agent: str | None
    prefetch: bool = False
    opts_out: bool = False
    signals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Enrichment:
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


NO_ENRICHMENT = Enrichment()
EnrichFunction = Callable[[str | None, str | None], Enrichment]  # from address and user agent


@dataclass(slots=True)
class ClickEvent:
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

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, as the store takes them."""
        return asdict(self)


def make_event(
    opened: Opened,
    destination: str | None,
    request: ClickRequest,
    *,
    describe: EnrichFunction | None = None,
    heed_objections: bool = True,
    shorten: bool = False,
) -> ClickEvent | None:
    """What may be kept of this visit; None in privacy mode `none`.

    pseudonymous: no address, no user agent; country and device class only. anonymous: campaign and link only; not even
    the destination, which can be different for every recipient. Sec-GPC and DNT lower a visit to `anonymous`.

    Args: `describe` says what address and user agent mean, where they may not be kept; `heed_objections`: whether
    Sec-GPC and DNT count; `shorten`: keep only /24 and /48 of addresses.
    """
    if opened.privacy is Privacy.NONE:
        return None
    objected = request.opts_out and heed_objections and opened.privacy is not Privacy.ANONYMOUS
    privacy = Privacy.ANONYMOUS if objected else opened.privacy
    full = privacy is Privacy.FULL
    number = opened.message if isinstance(opened.message, int) and opened.message < 1 << 63 else None
    known = NO_ENRICHMENT if full or describe is None else describe(request.ip, request.user_agent)
    ip = truncate_ip(request.ip) if shorten and request.ip else request.ip
    return ClickEvent(
        id=uuid.uuid4(),
        at=request.at,
        method=request.method,
        privacy=privacy.value,
        key_id=opened.key_id,
        number=number,
        message_ref=None if opened.message is None or privacy is Privacy.ANONYMOUS else str(opened.message),
        campaign=None if opened.campaign is None else campaign_tags.decode_tag(str(opened.campaign)),
        position=POSITION_BY_INDEX.get(opened.index, opened.index),
        destination=None if privacy is Privacy.ANONYMOUS else destination,
        ip=ip if full else None,
        user_agent=request.user_agent[:MAX_USER_AGENT_CHARS] if full and request.user_agent else None,
        kind=KIND_BY_INDEX.get(opened.index, "click"),
        prefetch=request.prefetch,
        signals=" ".join((*request.signals, *known.signals)),
        objected=objected,
        device=known.device,
        country=known.country,
        network=known.network,
    )


def truncate_ip(ip: str) -> str:
    """An address without its last part: /24 of IPv4, /48 of IPv6."""
    parsed = ipaddress.ip_address(ip)
    return str(ipaddress.ip_network((parsed, TRUNCATED_PREFIX_BITS[parsed.version]), strict=False).network_address)
