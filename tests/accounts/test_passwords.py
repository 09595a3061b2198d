"""Tests of what is stored of a password."""

import subprocess
import sys

HASHING = "from linkweir.accounts import passwords; print(passwords.hash_password('correct horse battery'))"


def test_a_password_costs_a_thief_what_rfc_9106_recommends() -> None:
    """A hash is made by Argon2id in three passes over 64 MiB in four lanes, the second of the RFC's recommendations;
    asked of a Python of its own, since tests hash with less.
    """
    words = [sys.executable, "-c", HASHING]
    done = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603 - ourselves
    assert done.stdout.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
