"""Passwords of users: hashed with Argon2id by argon2-cffi, compared in the same time whether the user exists or not."""

import functools
import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from linkweir.errors import ValidationError
from linkweir.translation import gettext

MIN_LENGTH, MAX_LENGTH = 10, 1000  # characters: NIST SP 800-63B asks for 8 at least; nobody types the upper limit
MAX_CONCURRENT_HASHES = 2  # each hashing takes 64 MB: a flood of sign-ins must not take the memory that mail needs
_HASHER = PasswordHasher()
_HASH_SLOTS = threading.BoundedSemaphore(MAX_CONCURRENT_HASHES)


def generate_password() -> str:
    """A random password, 108 bits, in a form that can be read out and typed."""
    return secrets.token_urlsafe(18)[:18]


def hash_password(password: str) -> str:
    """Hash a password for storage. Raises ValidationError for one that is too short or too long."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise ValidationError(
            "password", gettext("must have %(least)s to %(most)s characters", least=MIN_LENGTH, most=MAX_LENGTH)
        )
    with _HASH_SLOTS:
        return _HASHER.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether this is the password; with `stored` None (nobody of that name) it takes as long and is False."""
    if len(password) > MAX_LENGTH:
        return False
    with _HASH_SLOTS:
        nobody = _dummy_hash()  # made with the first attempt, whoever it is at
        try:
            _HASHER.verify(stored or nobody, password)
        except (Argon2Error, InvalidHashError):
            return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether it was hashed with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


@functools.cache
def _dummy_hash() -> str:
    return _HASHER.hash(secrets.token_urlsafe(18))
