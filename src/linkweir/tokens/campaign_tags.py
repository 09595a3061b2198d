"""How a campaign's tag is written in an anonymous link, and read again. Knows no message.

A token holds 1-64 characters of `A-Z a-z 0-9 . _ ~ -`, and people call their campaigns "Spring sale". So a tag that is
no such text is written as `~` and the base64url of its UTF-8, where that fits: tags of up to 47 bytes do. A tag that is
an address, of mail or of a network, is never written: none may stand in a token.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterable

_TOKEN_TEXT = re.compile(r"[A-Za-z0-9._-][A-Za-z0-9._~-]{0,63}")
_IPV4_LIKE = re.compile(r"\d+\.\d+\.\d+\.\d+", re.ASCII)  # also 2.0.1.999, which no token takes
_MAX_CHARACTERS = 64  # characters of a token's text
_ENCODED_PREFIX = "~"
SANDBOX_TAG = "~sandbox"  # stands for the tag in links of mails that only try out: their clicks count nowhere


def encode_tag(tag: str) -> str | None:
    """The tag as a token's text; None when it is empty, too long for any, an address, or means something else."""
    if tag == SANDBOX_TAG or _is_address(tag):
        return None
    if _TOKEN_TEXT.fullmatch(tag):
        return tag
    text = _ENCODED_PREFIX + base64.urlsafe_b64encode(tag.encode("utf-8", "replace")).decode("ascii").rstrip("=")
    return text if tag and len(text) <= _MAX_CHARACTERS else None


def first_encodable_tag(tags: Iterable[str]) -> str | None:
    """The tag that anonymous clicks count for: the first that fits into a token."""
    return next((tag for tag in tags if encode_tag(tag) is not None), None)


def decode_tag(text: str) -> str:
    """The tag that a token's text stands for; a text that `written` does not make stands for itself."""
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
