"""Mints the tracking links of one message."""

from __future__ import annotations

from typing import Any, Literal, NoReturn

from linkweir._tokens import MAX_DESTINATION_BYTES, Minter
from linkweir.errors import BadSwitch, BadToken, RefusedValue, check_type
from linkweir.tokens import base_urls, wire_format
from linkweir.tokens.identifiers import MessageId, Privacy, validate_id
from linkweir.tokens.keyring import KeyRing
from linkweir.tokens.opener import open_token

__all__ = ["MAX_DESTINATION_BYTES", "Tracker"]


class Tracker(Minter):
    """Mints links for one message (or, in ANONYMOUS, one campaign). Immutable; threads may share it.

    `base_url`: where the links live. `message`: a UUID, a number under 2**64, or 1-64 characters of
    A-Z a-z 0-9 . _ ~ -. `campaign` stands in the token in ANONYMOUS only, in place of the message, and is
    ignored otherwise, so that a caller may give both and let the privacy mode decide. `style`: "sealed" links
    carry their destination, "short" ones only ids (it must then be stored under message and index).
    BadSwitch if one of them cannot be used; Privacy.NONE cannot: its links are not to be replaced.

    Besides the methods here: `mint_many(destinations, indexes)` and `is_tracked(destination)`, from C.
    """

    __slots__ = ("base_url", "campaign", "message", "privacy", "ring", "style")
    ring: KeyRing
    base_url: str
    message: MessageId | None
    campaign: str | int | None
    privacy: Privacy
    style: Literal["sealed", "short"]

    def __new__(
        cls,
        ring: KeyRing,
        base_url: str,
        *,
        message: MessageId | None = None,
        campaign: str | int | None = None,
        privacy: Privacy = Privacy.FULL,
        style: Literal["sealed", "short"] = "sealed",
    ) -> Tracker:
        """Checks everything once, so that minting need not."""
        check_type("ring", ring, KeyRing, "a KeyRing")
        check_type("base_url", base_url, str, "str")
        base = base_urls.normalize_base_url(base_url)
        prefix = wire_format.encode_prefix(_encode_token_prefix(ring, message, campaign, privacy, style))
        state = wire_format.make_keyed_hash(ring.current.secret)
        state.update(prefix)
        locations = tuple(base_urls.split_base_url(host) for host in dict.fromkeys((base, *ring.hosts)))
        self = super().__new__(cls, base.encode("ascii"), prefix, state, style == "sealed", locations)
        values = {"ring": ring, "base_url": base, "message": message, "campaign": campaign}
        for name, value in {**values, "privacy": Privacy(privacy), "style": style}.items():
            object.__setattr__(self, name, value)
        return self

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"a Tracker cannot be changed ({name})")

    def __repr__(self) -> str:
        who = f"campaign={self.campaign!r}" if self.privacy is Privacy.ANONYMOUS else f"message={self.message!r}"
        return f"<Tracker {self.base_url} {who} {self.privacy.value} {self.style}>"

    def mint(self, destination: str, index: int) -> str:
        """The full link for one destination; RefusedValue where `mint_many` gives None."""
        check_type("destination", destination, str, "str")
        try:
            link = self.mint_many([destination.encode("utf-8")], [index])[0]
        except UnicodeEncodeError:
            link = None
        if link is None:
            reason = f"not Unicode text, or too long (the limit is {MAX_DESTINATION_BYTES} bytes)"
            raise RefusedValue(reason, destination=destination, index=index, value=None)
        return link.decode("ascii")

    def _is_own_token(self, token: bytes) -> bool:
        """Whether a token found on one of the ring's hosts is one of its own (called from C)."""
        try:
            open_token(self.ring, token.decode("ascii"))
        except (BadToken, UnicodeDecodeError):
            return False
        return True


def _encode_token_prefix(
    ring: KeyRing, message: MessageId | None, campaign: str | int | None, privacy: Privacy, style: str
) -> wire_format.TokenPrefix:
    validate_id(message, "message id")
    if not isinstance(campaign, str | int | None):
        raise BadSwitch("campaign must be a number or text")
    validate_id(campaign, "campaign")
    if privacy not in list(Privacy) or privacy == Privacy.NONE:
        raise BadSwitch(f"privacy {privacy!r}: links can be minted in full, pseudonymous and anonymous mode")
    if style not in ("sealed", "short"):
        raise BadSwitch(f"style {style!r} is neither sealed nor short")
    identity = campaign if privacy == Privacy.ANONYMOUS else message
    return wire_format.TokenPrefix(style == "short", Privacy(privacy), ring.current.id, identity)
