"""Signs requests to webhooks and verifies them, after Standard Webhooks 1.0 (symmetric signatures, `v1`).

The key is the literal UTF-8 secret, prefix and all: it is not base64-decoded, as the outside contract says.
"""

import base64
import hashlib
import hmac
import secrets
import string
from collections.abc import Mapping

from linkweir.errors import InvalidSignature

PREFIX = "aha-whsec-"
SECRET_ALPHABET = string.ascii_letters + string.digits
TOLERANCE_SECONDS = 300  # seconds that a request's time may differ from the receiver's


def new_secret() -> str:
    """A fresh secret: 64 random characters behind the prefix."""
    return PREFIX + "".join(secrets.choice(SECRET_ALPHABET) for _ in range(64))


def signature_headers(secret: bytes, request_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt; `timestamp` in seconds since 1970."""
    signature = "v1," + _signature(secret, request_id, str(timestamp), body)
    return {"webhook-id": request_id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def verify(secret: bytes, request_headers: Mapping[str, str], body: bytes, now: float) -> str:
    """The id of a request that was signed with this secret at most TOLERANCE ago; InvalidSignature otherwise.

    `request_headers`: the headers by lower-case name. Any of several signatures separated by spaces may be the right
    one.
    """
    request_id, timestamp = request_headers.get("webhook-id", ""), request_headers.get("webhook-timestamp", "")
    signatures = request_headers.get("webhook-signature", "")
    if not (request_id and timestamp and signatures):
        raise InvalidSignature("a webhook-id, webhook-timestamp or webhook-signature header is missing")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16):
        raise InvalidSignature("the webhook-timestamp is no number of seconds")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise InvalidSignature(f"the webhook-timestamp is more than {TOLERANCE_SECONDS} seconds away from now")
    expected = ("v1," + _signature(secret, request_id, timestamp, body)).encode()
    if not any(hmac.compare_digest(expected, signature.encode()) for signature in signatures.split(" ")):
        raise InvalidSignature("no signature fits: the secret is another one, or the body was changed")
    return request_id


def _signature(secret: bytes, request_id: str, timestamp: str, body: bytes) -> str:
    signed = b"%s.%s.%s" % (request_id.encode(), timestamp.encode(), body)
    return base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode("ascii")
