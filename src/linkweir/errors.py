"""The tree of what can go wrong, in words that know neither HTTP nor SMTP.

Every error this package raises on purpose derives from `LinkweirError`; anything else is a bug.
"""

from __future__ import annotations

from typing import Any


def check_type(name: str, value: object, kinds: type | tuple[type, ...], allowed: str) -> None:
    """Raises TypeError for an argument that is none of these kinds, before it does harm where nobody would look."""
    if not isinstance(value, kinds):
        raise TypeError(f"{name} must be {allowed}, not {type(value).__name__}")


class LinkweirError(Exception):
    """Base of all errors raised on purpose. They pickle and copy with their attributes, whatever their constructor."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_error, (type(self), self.args), self.__dict__ or None


def _restore_error(kind: type[LinkweirError], args: tuple[object, ...]) -> LinkweirError:
    return kind.__new__(kind, *args)


class BadSwitch(LinkweirError, ValueError):
    """A switch (opt_out, skip, ...) holds something that cannot be used; the text names it."""


class RefusedValue(LinkweirError, ValueError):
    """A caller's function returned something that would break the attribute it should stand in.

    Attributes: `destination`, `index` (of the link), `value` (what was returned).
    """

    def __init__(self, reason: str, *, destination: str, index: int, value: object) -> None:
        super().__init__(f"link {index} ({destination!r}): {reason}")
        self.destination = destination
        self.index = index
        self.value = value


class BadToken(LinkweirError, ValueError):
    """A tracking link or token that this key ring does not open; `code` is stable, for people and logs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class KeyRingError(LinkweirError, ValueError):
    """A key ring or key file that cannot be read, written or trusted."""


class SettingsError(LinkweirError, ValueError):
    """The environment holds a setting that is unknown or cannot be used; the text names it."""


class ValidationError(LinkweirError, ValueError):
    """Something a client sent cannot be used; `field` names it in the client's words (`recipients[1].email`)."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


class UnsupportedRequest(ValidationError):
    """A wish that is understood but cannot be met; refusing it beats ignoring what would change the delivery."""


class RejectedContent(ValidationError):
    """A mail that readers would understand differently, so that something could reach whom it must not."""

    def __init__(self, reason: str) -> None:
        super().__init__("", reason)


class NotFound(LinkweirError, LookupError):
    """What was asked for does not exist, or not for this account."""


class Conflict(LinkweirError):
    """What was asked for does not go together with what is there: it exists already, or is past that state."""


class RequestInProgress(LinkweirError):
    """The first request with this Idempotency-Key has not been answered yet; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("the first request with this Idempotency-Key is still running")
        self.retry_after = max(1, retry_after)


class RateLimited(LinkweirError):
    """More requests than the account may make; `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("too many requests")
        self.retry_after = retry_after


class OverCapacity(LinkweirError):
    """So much is being received at this moment that there is no room for more; trying again soon helps."""


class Forbidden(LinkweirError):
    """The key is right, but it may not do this; `scope` names the scope that would cover it."""

    def __init__(self, scope: str, reason: str = "") -> None:
        super().__init__(reason or f"the API key lacks the scope {scope}")
        self.scope = scope


class ForbiddenIp(Forbidden):
    """The key is right, but it does not open from the address that the request came from."""

    def __init__(self) -> None:
        super().__init__("", "the API key may not be used from this address")


class Unauthorized(LinkweirError):
    """The key is missing, malformed, unknown, or belongs to another account: nobody is told which."""


class SingleSignOnError(LinkweirError):
    """An identity provider's answer cannot be had, or cannot be trusted; the text is for the log."""


class IdempotencyConflict(LinkweirError):
    """An Idempotency-Key that was already used for another request."""


class DatabaseUnavailable(LinkweirError):
    """The database could not answer in time: locked, full, read-only or gone. Trying again later may help."""


class TransactionConflict(DatabaseUnavailable):
    """Transactions waited for each other in a circle, and the database ended this one; at once again it may succeed."""


class ClickTransportUnavailable(LinkweirError):
    """The servers that bring clicks to the workers did not answer in time, or cannot be used as they are set up."""


class UnstorableData(LinkweirError, ValueError):
    """The database refuses a value for its own sake, such as a text that is too long; trying again never helps."""


class DataFolderError(LinkweirError):
    """A data folder that this release cannot use, or that lacks what cannot be made anew; the text says the way out."""


class TemporaryDeliveryError(LinkweirError):
    """A transport did not take a message; it stays in the queue and is tried again."""


class PermanentDeliveryError(TemporaryDeliveryError):
    """A transport refused a message for good (SMTP: 5yz); it bounces. `classification` is a short stable word."""

    def __init__(self, reason: str, classification: str = "other") -> None:
        super().__init__(reason)
        self.classification = classification


class VaultError(LinkweirError):
    """A secret in the database cannot be read with the vault key at hand."""


class ForbiddenDestination(LinkweirError):
    """A webhook's address leads where requests of a service must not go: private, loopback, link-local networks."""


class InvalidSignature(LinkweirError, ValueError):
    """A webhook request that was not signed with the secret at hand, or too long ago."""
