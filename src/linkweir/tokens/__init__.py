"""Tokens of tracking links: minting, opening, and the key ring. No I/O but in `keyring_file` and `key_source`."""

from linkweir.tokens.base_urls import HONEYPOT_INDEX, PIXEL_INDEX
from linkweir.tokens.identifiers import MessageId, Privacy
from linkweir.tokens.key_source import KeyFile, KeySource, KeyVariable
from linkweir.tokens.keyring import Key, KeyRing
from linkweir.tokens.opener import Opened, open_link, open_token
from linkweir.tokens.tracker import MAX_DESTINATION_BYTES, Tracker

__all__ = [
    "HONEYPOT_INDEX",
    "MAX_DESTINATION_BYTES",
    "PIXEL_INDEX",
    "Key",
    "KeyFile",
    "KeyRing",
    "KeySource",
    "KeyVariable",
    "MessageId",
    "Opened",
    "Privacy",
    "Tracker",
    "open_link",
    "open_token",
]
