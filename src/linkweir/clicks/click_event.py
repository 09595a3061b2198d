"""Click events: what the redirect records of a request for a tracking link or pixel, and their bytes in the journal.

An event holds no more than the link's privacy mode allows. What may not be stored never reaches a disk: in the stricter
modes the IP address and the user agent are reduced here to device class, country and network, and dropped.
"""

import ipaddress
import os
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, fields, replace
from operator import attrgetter
from typing import Any

import msgspec

from linkweir.clicks.enrichment import MAX_USER_AGENT_CHARS, NO_ENRICHMENT, Enrichment
from linkweir.tokens import HONEYPOT_INDEX, PIXEL_INDEX, Opened, Privacy, campaign_tags
from linkweir.tokens.identifiers import uuid_from_number

OPEN_POSITION = -1
HONEYPOT_POSITION = -2  # of the hidden link that no person can follow
POSITION_BY_INDEX = {PIXEL_INDEX: OPEN_POSITION, HONEYPOT_INDEX: HONEYPOT_POSITION}
KIND_BY_INDEX = {PIXEL_INDEX: "open", HONEYPOT_INDEX: "honeypot"}  # everything else is a click
MIN_OWN_NUMBER = 1 << 40  # numbers of this service are 62 random bits; whoever mints in bulk counts from 1
TRUNCATED_PREFIX_BITS = {4: 24, 6: 48}  # of an IP address, where the operator wants addresses truncated


@dataclass(slots=True)  # not frozen: made for every request, and freezing is most of what that costs
class ClickEvent:
    """One request for a link, pixel or honeypot, as the journal stores it. `at`: microseconds since 1970.

    `number`: the message's number in tokens of this service. `position`: the link's, or OPEN_POSITION or
    HONEYPOT_POSITION. `prefetch`: the request says that a browser fetches ahead of its user. `signals`: codes of what
    else the headers show (`clicks.header_signals`), separated by spaces. `device`, `country`, `network`: derived at
    once where the mode forbids to store what they come from; in mode `full` they are derived later and None here.
    `internal_accounts`: the accounts, as hexadecimal ids separated by spaces, whose internal networks the address is
    in; only whose message it is decides whether that means anything. `corrected_destination`: where the link led, if
    the account has corrected its destination.

    An event whose reader opted out is `anonymous` and `objected`: its message is named only until the event is stored
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
    kind: str
    prefetch: bool
    signals: str
    objected: bool
    device: str | None
    country: str | None
    network: str | None
    internal_accounts: str = ""
    corrected_destination: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RecordingPolicy:
    """What the operator's settings let an event record.

    `enrich`: derives device, country and network where IP address and user agent may not be stored; `honor_opt_out`:
    whether Sec-GPC and DNT make an event anonymous; `truncate_ip`: store only the /24 or /48 of an IP address.
    """

    enrich: Callable[[str | None, str | None], Enrichment] = lambda _ip, _user_agent: NO_ENRICHMENT
    honor_opt_out: bool = True
    truncate_ip: bool = False


DEFAULT_RECORDING_POLICY = RecordingPolicy()
# looked up once: a member of an enumeration costs as much as a call each time
FULL, ANONYMOUS, NONE = Privacy.FULL, Privacy.ANONYMOUS, Privacy.NONE


def make_event(
    opened: Opened,
    destination: str | None,
    *,
    at: int,
    method: str,
    ip: str | None,
    user_agent: str | None,
    prefetch: bool = False,
    opts_out: bool = False,
    signals: Sequence[str] = (),
    internal_accounts: Collection[uuid.UUID] = (),
    corrected_destination: str | None = None,
    policy: RecordingPolicy = DEFAULT_RECORDING_POLICY,
) -> ClickEvent | None:
    """The event of a request for an opened token's link; None in privacy mode `none`.

    pseudonymous: no IP address and no user agent, but country and device class. anonymous: campaign and link only, not
    even the destination, which can differ for every recipient. `opts_out`: the request carries Sec-GPC or DNT, which
    lowers the mode to anonymous.
    """
    if opened.privacy is NONE:
        return None
    objected = opts_out and policy.honor_opt_out and opened.privacy is not ANONYMOUS
    privacy = ANONYMOUS if objected else opened.privacy
    full = privacy is FULL
    known = NO_ENRICHMENT if full else policy.enrich(ip, user_agent)
    message, index = opened.message, opened.index
    return ClickEvent(
        id=make_event_id(),
        at=at,
        method=method,
        privacy=privacy.value,
        key_id=opened.key_id,
        number=message if isinstance(message, int) and message < 1 << 63 else None,
        message_ref=None if message is None or privacy is ANONYMOUS else str(message),
        campaign=None if opened.campaign is None else campaign_tags.decode_tag(str(opened.campaign)),
        position=POSITION_BY_INDEX.get(index, index),
        destination=None if privacy is ANONYMOUS else destination,
        ip=(truncate_ip(ip) if policy.truncate_ip and ip else ip) if full else None,
        user_agent=user_agent[:MAX_USER_AGENT_CHARS] if full and user_agent else None,
        kind=KIND_BY_INDEX.get(index, "click"),
        prefetch=prefetch,
        signals=" ".join((*signals, *known.signals) if known.signals else signals),
        objected=objected,
        device=known.device,
        country=known.country,
        network=known.network,
        internal_accounts=" ".join(sorted(account.hex for account in internal_accounts)) if internal_accounts else "",
        corrected_destination=None if privacy is ANONYMOUS else corrected_destination,
    )


def replace_nul(event: ClickEvent) -> ClickEvent:
    """The event with U+FFFD for U+0000 in its texts, which PostgreSQL does not hold."""
    texts: dict[str, Any] = {
        name: value.replace("\0", "\ufffd") for name, value in event.to_dict().items() if isinstance(value, str)
    }
    return replace(event, **texts)


def make_event_id() -> uuid.UUID:
    """A random UUID (RFC 9562 section 5.4), as `uuid.uuid4` gives it, without a system call for each."""
    try:
        number = _random_numbers.pop()
    except IndexError:  # used up, by this thread or by others
        data = os.urandom(16 * RANDOM_NUMBERS)
        numbers = [int.from_bytes(data[at : at + 16], "big") for at in range(0, len(data), 16)]
        number = numbers.pop()
        _random_numbers.extend(numbers)
    return uuid_from_number(number & _RANDOM_BITS | _VERSION_4_BITS)


_RANDOM_BITS, _VERSION_4_BITS = ~(0xF << 76 | 3 << 62), 4 << 76 | 2 << 62
RANDOM_NUMBERS = 64  # numbers asked of the system at once
_random_numbers: list[int] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random_numbers.clear)  # or parent and child would give the same ids


def truncate_ip(ip: str) -> str:
    """The network of an IP address: /24 of IPv4, /48 of IPv6."""
    parsed = ipaddress.ip_address(ip)
    return str(ipaddress.ip_network((parsed, TRUNCATED_PREFIX_BITS[parsed.version]), strict=False).network_address)


# In the journal an event is its values in MessagePack. The names of its fields stand once in the head of each file, so
# that a field that is not known any more is dropped.
FIELD_NAMES = tuple(field.name for field in fields(ClickEvent))
_KNOWN_FIELDS = frozenset(FIELD_NAMES)
_field_values = attrgetter(*FIELD_NAMES)
_encode_values = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_decode_values = msgspec.msgpack.Decoder(list[Any]).decode


def encode_event(event: ClickEvent) -> bytes:
    """The values of an event in the order of FIELD_NAMES, as MessagePack."""
    return _encode_values(_field_values(event))


def decode_event(data: bytes, field_names: Sequence[str]) -> ClickEvent:
    """The event whose values have these names. Raises ValueError when the bytes are not an event."""
    try:
        named = zip(field_names, _decode_values(data), strict=True)
        values = {name: value for name, value in named if name in _KNOWN_FIELDS}
        return ClickEvent(**{**values, "id": uuid.UUID(bytes=values["id"])})
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a click event: {error}") from None
