"""Encoding of campaign tags in anonymous links.

A token holds 1-64 characters of `A-Z a-z 0-9 . _ ~ -`. Any other tag, such as "Spring sale", is encoded as `~` and the
base64url of its UTF-8, if it has at most 47 bytes. A tag that is an e-mail or IP address is never encoded: a token must
not contain one.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterable

_TOKEN_TEXT = re.compile(r"[A-Za-z0-9._-][A-Za-z0-9._~-]{0,63}")
_IPV4_LIKE = re.compile(r"\d+\.\d+\.\d+\.\d+", re.ASCII)  # also 2.0.1.999, which tokens reject
_MAX_CHARACTERS = 64  # characters of a text in a token
_ENCODED_PREFIX = "~"
INTERNAL_TAG = "~internal"  # stands for the tag in links of mails to the sender's own people
SANDBOX_TAG = "~sandbox"  # stands for the tag in links of mails that only try out: their clicks count nowhere


def encode_tag(tag: str) -> str | None:
    """Encode a tag for a token; None if it is empty, too long, an address or reserved."""
    if tag in (SANDBOX_TAG, INTERNAL_TAG) or _is_address(tag):
        return None
    if _TOKEN_TEXT.fullmatch(tag):
        return tag
    text = _ENCODED_PREFIX + base64.urlsafe_b64encode(tag.encode("utf-8", "replace")).decode("ascii").rstrip("=")
    return text if tag and len(text) <= _MAX_CHARACTERS else None


def first_encodable_tag(tags: Iterable[str]) -> str | None:
    """Return the first tag that fits into a token, encoded: anonymous clicks count for it."""
    return next((tag for tag in tags if encode_tag(tag) is not None), None)


def decode_tag(text: str) -> str:
    """Decode the text in a token; a text that `encode_tag` does not produce is returned unchanged."""
    if not text.startswith(_ENCODED_PREFIX):
        return text
    coded = text[len(_ENCODED_PREFIX) :]
    try:
        tag = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return text
    return tag if encode_tag(tag) == text else text


def _is_address(tag: str) -> bool:
    if "@" in tag or _IPV4_LIKE.fullmatch(tag):
        return True
    try:
        return bool(ipaddress.ip_address(tag.strip("[] ")))
    except ValueError:
        return False
