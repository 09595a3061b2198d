"""Secrets that machines share: in the database under a master key, in the environment, and in files as before."""

import base64
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from linkweir.app import create_app
from linkweir.db.schema_upgrade import create_database, migrate
from linkweir.errors import DataFolderError, KeyRingError, LinkweirError, SettingsError, VaultError
from linkweir.service_secrets import choose_keyring_source
from linkweir.settings import Settings, from_environment
from linkweir.tokens import KeyRing, Tracker
from linkweir.web.services import AppServices
from tests.cli.command_runner import CommandResult, CommandRunner
from tests.databases import make_database_url, use_dialect
from tests.web.running_service import RunningService

BASE_URL = "https://t.example.com/c/"


def make_master_key() -> str:
    """What `openssl rand -base64 32` prints."""
    return base64.b64encode(os.urandom(32)).decode()


def make_service(settings: Settings) -> AppServices:
    """A service that has not been started."""
    service: AppServices = create_app(settings).state.linkweir
    return service


def mint_path(ring: KeyRing) -> str:
    """The path of a tracking link that the ring's current key signs."""
    tracker = Tracker(ring, base_url=BASE_URL, message=7)
    return tracker.mint("https://example.com/", 0).removeprefix("https://t.example.com")


def test_a_second_machine_needs_nothing_but_the_database_and_the_master_key(tmp_path: Path) -> None:
    """Two services with two folders have one key ring and one vault: links of one open at the other, also after a
    rotation. No folder holds a secret. A machine without the master key, or with another one, does not start, and says
    nothing of either.
    """
    with use_dialect("postgresql"):
        url, key = make_database_url(), make_master_key()
        options: dict[str, Any] = {"database": url, "base_url": BASE_URL}
        (tmp_path / "master").write_text(key + "\n")
        with (
            RunningService(tmp_path / "a", database=url, master_key=key, base_url=BASE_URL) as first,
            RunningService(
                tmp_path / "b", database=url, master_key_file=tmp_path / "master", base_url=BASE_URL
            ) as second,
        ):
            assert second.components.vault.open(first.components.vault.seal(b"secret")) == b"secret"
            known = second.client.get(mint_path(first.components.keyring))
            assert known.headers["location"] == "https://example.com/"
            rotated = first.components.tracking_keyring.source.update(lambda ring: ring.rotate(datetime.now(UTC)))
            second.components.refresh_thread.refresh()
            assert second.client.get(mint_path(rotated)).status_code == 302
            assert second.client.get(mint_path(KeyRing.generate())).status_code == 404  # forged: its key is known
        assert not list(tmp_path.rglob("keys.json")) + list(tmp_path.rglob("vault.key"))
        other = make_master_key()
        for settings, expected in (
            (Settings(data=tmp_path / "c", **options), DataFolderError),
            (Settings(data=tmp_path / "c", master_key=other, **options), VaultError),
            (
                Settings(data=tmp_path / "c", master_key=other, master_key_file=tmp_path / "master", **options),
                SettingsError,
            ),
        ):
            with pytest.raises(expected) as refused:
                make_service(settings).start()
            texts = f"{refused.value!r} {refused.value.__cause__!r} {settings!r}"
            assert key not in texts
            assert other not in texts


@pytest.mark.both_databases
def test_the_first_secret_of_a_new_database_can_be_stored(dialect: str, tmp_path: Path) -> None:
    """Under a master key a webhook, whose secret is sealed in the transaction that stores it, can be made before
    anything else.
    """
    with RunningService(tmp_path, master_key=make_master_key(), base_url=BASE_URL, store_wait=20.0) as service:
        hook = {"name": "first", "url": "https://example.com/", "scope": "global"}
        answer = service.client.post(f"{service.account_path}/webhooks", json=hook)
        assert answer.status_code == 201, answer.text


def test_files_move_into_the_database(tmp_path: Path) -> None:
    """A service that has files takes them over when it is given a master key, and goes on without them; its secrets can
    be sealed anew, and then the old master key opens nothing.
    """
    url, old, new = make_database_url(), make_master_key(), make_master_key()
    linkweir = CommandRunner(home=tmp_path, work=tmp_path)
    before = make_service(Settings(data=tmp_path / "data", database=url))
    before.start()
    ring, sealed = before.keyring, before.vault.seal(b"secret")
    before.stop()
    for _ in range(2):
        after = make_service(Settings(data=tmp_path / "data", database=url, master_key=old))
        after.start()
        assert (after.keyring.to_json(), after.vault.open(sealed)) == (ring.to_json(), b"secret")
        after.stop()
        for name in ("keys.json", "vault.key"):
            (tmp_path / "data" / name).unlink(missing_ok=True)
    (tmp_path / "new").write_text(new)
    data, words = tmp_path / "data", ("--data", str(tmp_path / "data"))

    def run(key: str, *command: str) -> CommandResult:
        settings = {"LINKWEIR_DATABASE": url, "LINKWEIR_MASTER_KEY": key}
        return linkweir(*command, *words, stdin=b"", **settings)

    resealed = run(old, "secrets", "reseal", "--new-key-file", str(tmp_path / "new"))
    assert (resealed.code, resealed.err) == (0, "linkweir: sealed anew: key-ring, vault-key\n")
    listed = run(new, "secrets", "list")
    assert [line.split()[0] for line in listed.out.decode().splitlines()] == ["key-ring", "vault-key"]
    refused = run(old, "secrets", "list")
    assert (refused.code, old in refused.err) == (1, False)
    assert run(new, "keys", "rotate").code == 0
    exported = KeyRing.from_json(run(new, "keys", "export", "--yes").out)
    assert exported.keys[0].id == ring.keys[0].id
    assert len(exported.keys) == 2
    assert not (data / "keys.json").exists()


def test_a_ring_in_the_environment_is_used_and_never_changed(tmp_path: Path) -> None:
    """The service signs with the ring of LINKWEIR_KEY_RING and makes no file; a rotation is refused with the reason."""
    ring = KeyRing.generate()
    settings = from_environment({"LINKWEIR_KEY_RING": ring.to_json().decode()}, data=tmp_path)
    service = make_service(settings)
    service.start()
    assert service.keyring.current == ring.current
    with pytest.raises(KeyRingError, match="LINKWEIR_KEY_RING"):
        service.tracking_keyring.source.update(lambda ring: ring.rotate(datetime.now(UTC)))
    service.stop()
    assert not (tmp_path / "keys.json").exists()
    for key in json.loads(ring.to_json())["keys"]:
        assert key["secret"] not in repr(settings)


@pytest.mark.parametrize("wrong", ["x", base64.b64encode(b"short").decode(), "ä" * 32])
def test_a_master_key_that_is_none_is_refused_without_showing_it(tmp_path: Path, wrong: str) -> None:
    """Too short, no base64 or no ASCII: the error names the setting, not its value."""
    database = create_database(settings := Settings(data=tmp_path, master_key=wrong))
    migrate(database)
    with pytest.raises(LinkweirError, match="LINKWEIR_MASTER_KEY: must be 32 random bytes") as refused:
        choose_keyring_source(settings, database).load_or_create(datetime.now(UTC), [])
    database.close()
    assert wrong == "x" or wrong not in str(refused.value)
