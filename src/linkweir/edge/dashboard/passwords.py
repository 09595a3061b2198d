"""Passwords of users: hashed with Argon2id by argon2-cffi, compared in the same time whether the user exists or not."""

import functools
import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from linkweir.errors import BadInput

SHORTEST, LONGEST = 10, 1000  # characters: NIST SP 800-63B asks for 8 at least; nobody types the upper limit
AT_ONCE = 2  # each hashing takes 64 MB: a flood of sign-ins must not take the memory that mail needs
_HASHER = PasswordHasher()
_TURN = threading.BoundedSemaphore(AT_ONCE)


def new() -> str:
    """A random password, 108 bits, in a form that can be read out and typed."""
    return secrets.token_urlsafe(18)[:18]


def hashed(password: str) -> str:
    """What is stored of a password. Raises BadInput for one that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInput("password", f"must have {SHORTEST} to {LONGEST} characters")
    with _TURN:
        return _HASHER.hash(password)


def fits(stored: str | None, password: str) -> bool:
    """Whether this is the password; with `stored` None (nobody of that name) it takes as long and is False."""
    if len(password) > LONGEST:
        return False
    with _TURN:
        nobody = _nobody()  # made with the first attempt, whoever it is at
        try:
            _HASHER.verify(stored or nobody, password)
        except (Argon2Error, InvalidHashError):
            return False
    return stored is not None


def outdated(stored: str) -> bool:
    """Whether it was hashed with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


@functools.cache
def _nobody() -> str:
    return _HASHER.hash(secrets.token_urlsafe(18))
