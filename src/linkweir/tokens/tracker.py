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

    `base_url`: the base URL of the links. `message`: a UUID, a number under 2**64, or 1-64 characters of
    A-Z a-z 0-9 . _ ~ -. `campaign` replaces the message in ANONYMOUS, and is ignored otherwise, so that a
    caller may pass both and the privacy mode decides. `style`: "sealed" links
    contain their destination, "short" ones only ids (the destination must be stored under message and index).
    Raises BadSwitch for invalid values; Privacy.NONE is one, since its links are not replaced.

    Also has `mint_many(destinations, indexes)` and `is_tracked(destination)`, implemented in C.
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
        """Validate everything once, so that minting need not."""
        check_type("ring", ring, KeyRing, "a KeyRing")
        check_type("base_url", base_url, str, "str")
        base = base_urls.normalize_base_url(base_url)
        prefix = wire_format.encode_prefix(_encode_token_prefix(ring, message, campaign, privacy, style))
        locations = base_urls.split_base_urls((base, *ring.hosts))
        self = super().__new__(
            cls,
            base.encode("ascii"),
            prefix,
            ring.current.secret,
            wire_format.PERSONALIZATION,
            style == "sealed",
            locations,
        )
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
        """Return the link for one destination. Raises RefusedValue where `mint_many` returns None."""
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
        """Whether a token on one of the ring's hosts is valid (called from C)."""
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
        raise BadSwitch(f"privacy {privacy!r}: links can be created in full, pseudonymous and anonymous mode")
    if style not in ("sealed", "short"):
        raise BadSwitch(f"style {style!r} is neither sealed nor short")
    identity = campaign if privacy == Privacy.ANONYMOUS else message
    return wire_format.TokenPrefix(style == "short", Privacy(privacy), ring.current.id, identity)
