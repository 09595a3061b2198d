"""Signs what goes to webhooks and verifies what comes from one (standardwebhooks.com, symmetric signatures).

The key is the secret as it is written, prefix and all: the outside contract does not decode it.
"""

import base64
import hashlib
import hmac
import secrets
import string

PREFIX = "aha-whsec-"
TOLERANCE = 300  # seconds that a clock may be off, and that a copied request stays usable
_ALPHABET = string.ascii_letters + string.digits


def new_secret() -> str:
    """A fresh secret: 64 random characters behind the prefix."""
    return PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(64))


def signature(secret: str, event: str, seconds: int, body: bytes) -> str:
    """The value of `webhook-signature`; `seconds` since 1970 is that of `webhook-timestamp`."""
    digest = hmac.new(secret.encode(), f"{event}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode("ascii")


def headers(secret: str, event: str, seconds: int, body: bytes) -> dict[str, str]:
    """The three headers of a request."""
    return {
        "webhook-id": event,
        "webhook-timestamp": str(seconds),
        "webhook-signature": signature(secret, event, seconds, body),
    }


def verify(secret: str, given: dict[str, str], body: bytes, now: float) -> None:
    """Accept a request or raise ValueError saying what is wrong; `given` are its headers, names in lower case."""
    event, seconds = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not event or not seconds.isascii() or not seconds.isdecimal() or len(seconds) > 12:
        raise ValueError("webhook-id or webhook-timestamp is missing or malformed")
    if abs(now - int(seconds)) > TOLERANCE:
        raise ValueError(f"webhook-timestamp is more than {TOLERANCE} seconds off")
    expected = signature(secret, event, int(seconds), body)
    if not any(hmac.compare_digest(expected, one) for one in given.get("webhook-signature", "").split(" ")):
        raise ValueError("the signature does not match: is it the right secret?")
