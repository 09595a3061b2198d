"""Secrets at rest: one key, whoever makes it, and whatever a killed process left behind."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from linkweir.vault import Vault


def test_many_at_once_make_one_key(tmp_path: Path) -> None:
    """Sixteen that need the key at the same moment seal with the same one."""
    vaults = [Vault(tmp_path / "vault.key") for _ in range(16)]
    with ThreadPoolExecutor(16) as threads:
        sealed = list(threads.map(lambda one: one.seal(b"secret"), vaults))
    assert {Vault(tmp_path / "vault.key").open(one) for one in sealed} == {b"secret"}
    assert [path.name for path in tmp_path.iterdir()] == ["vault.key"]


def test_a_leftover_draft_blocks_nobody(tmp_path: Path) -> None:
    """A process that was killed while it made the key, and had our number, keeps nobody from making it."""
    (tmp_path / f"vault.key.{os.getpid()}.tmp").write_bytes(b"half a k")
    vault = Vault(tmp_path / "vault.key")
    assert vault.open(vault.seal(b"secret")) == b"secret"
    assert (tmp_path / "vault.key").stat().st_mode & 0o077 == 0


def test_derived_keys_are_the_same_for_all_with_the_key(tmp_path: Path) -> None:
    """Whoever has the vault's key derives the same secret for a purpose; another purpose or key gives another one."""
    one, other, stranger = Vault(tmp_path / "vault.key"), Vault(tmp_path / "vault.key"), Vault(tmp_path / "else.key")
    assert one.derive_key("a") == other.derive_key("a")
    assert len({one.derive_key("a"), one.derive_key("b"), stranger.derive_key("a")}) == 3
    assert len(one.derive_key("a")) == 32
