"""Tracking links: mint them, open them, and keep the keys that do both. Pure: no I/O, clock passed in."""

from .identity import MessageId, Privacy
from .keyring import Key, KeyRing
from .opening import Opened, open_link, open_token
from .place import PIXEL_INDEX, TRAP_INDEX
from .tracker import DESTINATION_LIMIT, Tracker

__all__ = [
    "DESTINATION_LIMIT",
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
