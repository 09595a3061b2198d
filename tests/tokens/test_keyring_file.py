"""Key files: private, whole, and made once."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from linkweir.errors import KeyRingError
from linkweir.tokens import KeyRing, keyring_file

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
posix_only = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


def load_or_create(path: str) -> bytes:
    """What a process gets that wants the ring at `path` (its JSON)."""
    return keyring_file.load_or_create(path, NOW).to_json()


def test_a_ring_is_made_once_and_then_loaded(tmp_path: Path) -> None:
    """The first call makes the file with the hosts given, the second reads it."""
    path = tmp_path / "keys.json"
    ring = keyring_file.load_or_create(path, NOW, ["https://t.example.com"])
    assert keyring_file.load_or_create(path, NOW) == ring == keyring_file.load(path)
    assert ring.hosts == ("https://t.example.com/",)
    assert [entry.name for entry in tmp_path.iterdir()] == ["keys.json"]


@posix_only
def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    """New and replaced files have mode 0600 even where the umask would allow all."""
    path, before = tmp_path / "keys.json", os.umask(0)
    try:
        keyring_file.create(path, KeyRing.generate(NOW))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        keyring_file.save(path, keyring_file.load(path).rotate(NOW))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keyring_file.load(path).current.id == 2


@posix_only
@pytest.mark.parametrize(("mode", "kept"), [(0o400, 0o400), (0o600, 0o600), (0o700, 0o700), (0o440, 0o400)])
def test_a_replaced_file_keeps_its_owners_rights(tmp_path: Path, mode: int, kept: int) -> None:
    """Whoever made a key file read-only finds it so after a host or a key was added; rights of others do not last."""
    path = tmp_path / "keys.json"
    keyring_file.create(path, KeyRing.generate(NOW))
    path.chmod(mode)
    keyring_file.save(path, KeyRing.generate(NOW).rotate(NOW))
    assert stat.S_IMODE(path.stat().st_mode) == kept
    path.chmod(0o400)
    keyring_file.update(path, lambda ring: ring.with_host("https://t.example.com"))
    assert (stat.S_IMODE(path.stat().st_mode), keyring_file.load(path).current.id) == (0o400, 2)


def test_an_update_names_the_file_whose_folder_is_missing(tmp_path: Path) -> None:
    """Where the folder cannot be locked, the error is one of key files and names the file."""
    with pytest.raises(KeyRingError, match=r"missing/keys\.json"):
        keyring_file.update(tmp_path / "missing" / "keys.json", lambda ring: ring)


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o777])
def test_files_that_others_may_use_are_refused(tmp_path: Path, mode: int) -> None:
    """Any right of group or others makes loading fail with the mode and the remedy."""
    path = tmp_path / "keys.json"
    keyring_file.create(path, KeyRing.generate(NOW))
    path.chmod(mode)
    with pytest.raises(KeyRingError, match=rf"mode 0{mode:o}.*chmod 600"):
        keyring_file.load_or_create(path, NOW)
    path.chmod(0o400)
    assert keyring_file.load(path).current.id == 1


def test_create_never_overwrites(tmp_path: Path) -> None:
    """An existing file stays as it is, and no draft is left behind."""
    path = tmp_path / "keys.json"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        keyring_file.create(path, KeyRing.generate(NOW))
    assert path.read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_processes_that_race_get_the_same_ring(tmp_path: Path) -> None:
    """Four processes that all want to make the file end with one ring, the one in the file."""
    path = tmp_path / "keys.json"
    with ProcessPoolExecutor(4) as pool:
        rings = list(pool.map(load_or_create, [str(path)] * 16))
    assert set(rings) == {path.read_bytes()}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failed_save_leaves_the_old_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fails while writing, the file still holds the old ring and nothing lies beside it."""
    path = tmp_path / "keys.json"
    ring = keyring_file.load_or_create(path, NOW)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyRingError, match=r"keys\.json: No space left"):
        keyring_file.save(path, ring.rotate(NOW))
    assert keyring_file.load(path) == ring
    assert len(list(tmp_path.iterdir())) == 1


def test_unusable_files_are_named(tmp_path: Path) -> None:
    """A missing file or folder, a folder in its place, and rubbish are KeyRingErrors with the path."""
    rubbish = tmp_path / "rubbish"
    rubbish.touch(0o600)
    rubbish.write_bytes(b"{")
    with pytest.raises(KeyRingError, match="rubbish: this is not a key ring"):
        keyring_file.load(rubbish)
    rubbish.write_bytes(b" " * (keyring_file.MAX_BYTES + 1))
    with pytest.raises(KeyRingError, match="rubbish: over 1048576 bytes"):
        keyring_file.load(rubbish)
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(KeyRingError, match=str(path)):
            keyring_file.load(path)
    with pytest.raises(KeyRingError, match="missing"):
        keyring_file.load_or_create(tmp_path / "missing" / "keys.json", NOW)


def test_a_dangling_link_is_not_followed(tmp_path: Path) -> None:
    """A symbolic link to nowhere is refused rather than made into a file somewhere else."""
    path = tmp_path / "keys.json"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyRingError, match=r"keys\.json"):
        keyring_file.load_or_create(path, NOW)
    assert not (tmp_path / "elsewhere").exists()


@posix_only
def test_saving_through_a_symbolic_link_changes_the_file_it_leads_to(tmp_path: Path) -> None:
    """The link stays a link, and both names hold the new ring."""
    (tmp_path / "real").mkdir()
    path, link = tmp_path / "real" / "keys.json", tmp_path / "keys.json"
    ring = keyring_file.load_or_create(path, NOW)
    link.symlink_to(path)
    keyring_file.save(link, ring.rotate(NOW))
    assert link.is_symlink()
    assert keyring_file.load(path) == keyring_file.load(link)
    assert len(keyring_file.load(path).keys) == 2


@posix_only
def test_a_pipe_is_no_key_file(tmp_path: Path) -> None:
    """A pipe with a name is refused at once, though nobody writes to it."""
    os.mkfifo(tmp_path / "keys.json", 0o600)
    with pytest.raises(KeyRingError, match="not a regular file"):
        keyring_file.load(tmp_path / "keys.json")


def test_nesting_beyond_the_parser_is_no_ring() -> None:
    """A hundred thousand opening brackets are told from a key ring like any other text."""
    with pytest.raises(KeyRingError, match="not JSON"):
        KeyRing.from_json(b"[" * 100_000)


def test_a_host_and_a_rotation_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    """When some threads rotate and others add hosts, every key and every host is there in the end."""
    path = tmp_path / "keys.json"
    keyring_file.create(path, KeyRing.generate(datetime.now(UTC)))

    def change(turn: int) -> None:
        if turn % 2:
            keyring_file.update(path, lambda ring: ring.rotate(datetime.now(UTC)))
        else:
            keyring_file.update(path, lambda ring: ring.with_host(f"https://t{turn}.example.com/"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(20)))
    ring = keyring_file.load(path)
    assert len(ring.keys) == 11
    assert len(ring.hosts) == 10
