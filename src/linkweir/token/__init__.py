"""Tracking links: mint them, open them, and keep the keys that do both. Pure: no I/O, clock passed in."""

from .identity import MessageId, Privacy
from .keyring import Key, KeyRing
from .opening import Opened, open_link, open_token
from .place import PIXEL_INDEX, TRAP_INDEX
from .tracker import MAX_DESTINATION_BYTES, Tracker

__all__ = [
    "MAX_DESTINATION_BYTES",
    "PIXEL_INDEX",
    "TRAP_INDEX",
    "Key",
    "KeyRing",
    "MessageId",
    "Opened",
    "Privacy",
    "Tracker",
    "open_link",
    "open_token",
]
