"""Mints the tracking links of one message."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeAlias

from linkweir._tokens import MAX_DESTINATION_BYTES, Issuer, Minter
from linkweir.errors import BadSwitch, BadToken, RefusedValue, check_type
from linkweir.tokens import base_urls, wire_format
from linkweir.tokens.identifiers import MessageId, Privacy, validate_id
from linkweir.tokens.key_source import KeyFile, KeySource, KeyVariable
from linkweir.tokens.keyring import KeyRing
from linkweir.tokens.opener import open_token

__all__ = ["MAX_DESTINATION_BYTES", "Tracker"]

Style: TypeAlias = Literal["sealed", "short"]


@dataclass(frozen=True, slots=True)
class _TrackerOptions:
    """What trackers of all messages share. `source`: the ring, or what it was loaded from, as it was given."""

    ring: KeyRing
    source: KeyRing | KeySource
    base_url: str
    campaign: str | int | None
    privacy: Privacy
    style: Style


class Tracker(Minter):
    """Mints links for one message (or, in ANONYMOUS, one campaign). Immutable; threads may share it.

    `ring`: a KeyRing, or a KeyFile or KeyVariable that it is loaded from. Such a tracker is pickled with the name of
    the file or variable only, and loads the ring again where it is unpickled; otherwise its pickle contains the keys.

    `base_url`: the base URL of the links. `message`: a UUID, a number under 2**64, or 1-64 characters of
    A-Z a-z 0-9 . _ ~ -. `campaign` replaces the message in ANONYMOUS, and is ignored otherwise, so that a
    caller may pass both and the privacy mode decides. `style`: "sealed" links
    contain their destination, "short" ones only ids (the destination must be stored under message and index).
    Raises BadSwitch for invalid values; Privacy.NONE is one, since its links are not replaced. So is a base URL that is
    none of those in the file or variable of the keys, if there are any in it: other programs would not know its links.

    Also has `mint_many(destinations, indexes)` and `is_tracked(destination)`, implemented in C.
    """

    __slots__ = ("message",)
    message: MessageId | None

    def __new__(
        cls,
        ring: KeyRing | KeySource,
        base_url: str,
        *,
        message: MessageId | None = None,
        campaign: str | int | None = None,
        privacy: Privacy = Privacy.FULL,
        style: Style = "sealed",
    ) -> Tracker:
        """Validate everything once, so that minting need not."""
        check_type("ring", ring, (KeyRing, KeyFile, KeyVariable), "a KeyRing, KeyFile or KeyVariable")
        check_type("base_url", base_url, str, "str")
        base = base_urls.normalize_base_url(base_url)
        message, campaign = validate_id(message, "message id"), _validate_campaign(campaign)
        _validate_mode(privacy, style)
        loaded = ring if isinstance(ring, KeyRing) else _load_ring(ring, base)
        options = _TrackerOptions(loaded, ring, base, campaign, Privacy(privacy), style)
        return cls._create(_create_issuer(options), message)

    @classmethod
    def _create(cls, issuer: Issuer, message: MessageId | None) -> Tracker:
        self = Minter.__new__(cls, issuer, message.bytes if isinstance(message, uuid.UUID) else message)
        _set_message(self, message)
        return self

    def for_message(self, message: MessageId | None) -> Tracker:
        """The tracker of another message, for about what minting one link costs. Raises BadSwitch."""
        if isinstance(message, uuid.UUID | bytes):  # C takes the bytes of a UUID
            return self._create(self.issuer, validate_id(message, "message id"))
        try:
            tracker = Minter.__new__(type(self), self.issuer, message)
        except ValueError:
            return self._create(self.issuer, validate_id(message, "message id"))
        _set_message(tracker, message)
        return tracker

    @property
    def _options(self) -> _TrackerOptions:
        options: _TrackerOptions = self.issuer.options
        return options

    @property
    def ring(self) -> KeyRing:
        """The key ring, loaded."""
        return self._options.ring

    @property
    def base_url(self) -> str:
        """What each link begins with."""
        return self._options.base_url

    @property
    def campaign(self) -> str | int | None:
        """What stands for the message in ANONYMOUS."""
        return self._options.campaign

    @property
    def privacy(self) -> Privacy:
        """The privacy mode of the links."""
        return self._options.privacy

    @property
    def style(self) -> Style:
        """Whether links contain their destination."""
        return self._options.style

    @property
    def carries_secrets(self) -> bool:
        """Whether its pickle contains the keys, and not only the name of what they are loaded from."""
        return isinstance(self._options.source, KeyRing)

    @property
    def mode_number(self) -> int:
        """The number of the privacy mode in a token."""
        return _MODES.index(self.privacy)

    @property
    def token_prefix(self) -> bytes:
        """The bytes of this message's tokens before the link's index."""
        identity = self.campaign if self.privacy is Privacy.ANONYMOUS else self.message
        kind = wire_format.TokenPrefix(self.style == "short", self.privacy, self.ring.current.id, identity)
        return wire_format.encode_prefix(kind)

    @property
    def locations(self) -> tuple[tuple[bytes, bytes], ...]:
        """Where links of this key ring live: host with port, and path."""
        return base_urls.split_base_urls((self.base_url, *self.ring.hosts))

    def __reduce__(self) -> tuple[Any, ...]:
        options = self._options
        rest = (options.base_url, self.message, options.campaign, options.privacy, options.style)
        return _restore, (type(self), options.source, *rest)

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


_set_message: Callable[[Tracker, MessageId | None], None] = vars(Tracker)["message"].__set__  # past __setattr__


def _restore(kind: type[Tracker], ring: KeyRing | KeySource, base_url: str, *rest: Any) -> Tracker:
    message, campaign, privacy, style = rest
    return kind(ring, base_url, message=message, campaign=campaign, privacy=privacy, style=style)


def _load_ring(source: KeySource, base_url: str) -> KeyRing:
    ring = source.load()
    if ring.hosts and base_url not in ring.hosts:
        raise BadSwitch(
            f"base_url {base_url} is not in {source}, which has {' and '.join(ring.hosts)}: use one of these, or add "
            "it there (KeyFile.update and KeyRing.with_host)"
        )
    return ring


def _create_issuer(options: _TrackerOptions) -> Issuer:
    ring = options.ring
    return Issuer(
        options.base_url.encode("ascii"),
        key=ring.current.secret,
        person=wire_format.PERSONALIZATION,
        key_id=ring.current.id,
        privacy=_MODES.index(options.privacy),
        sealed=options.style == "sealed",
        campaign=options.campaign,
        locations=base_urls.split_base_urls((options.base_url, *ring.hosts)),
        options=options,
    )


_MODES = (Privacy.FULL, Privacy.PSEUDONYMOUS, Privacy.ANONYMOUS)  # in the order of the format


def _validate_campaign(campaign: str | int | None) -> str | int | None:
    if isinstance(campaign, uuid.UUID):
        raise BadSwitch("campaign must be a number or text")
    valid = validate_id(campaign, "campaign")
    assert not isinstance(valid, uuid.UUID)
    return valid


def _validate_mode(privacy: Privacy, style: str) -> None:
    if privacy not in list(Privacy) or privacy == Privacy.NONE:
        raise BadSwitch(f"privacy {privacy!r}: links can be created in full, pseudonymous and anonymous mode")
    if style not in ("sealed", "short"):
        raise BadSwitch(f"style {style!r} is neither sealed nor short")
