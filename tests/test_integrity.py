"""What a data folder must not lack when a service starts: it is refused in one sentence, and accepted when told so."""

import contextlib
import re
import signal
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from linkweir.app import create_app
from linkweir.errors import DataFolderError, VaultError
from linkweir.integrity import accept_loss
from linkweir.settings import Settings
from linkweir.tokens import KeyRing
from linkweir.web.services import AppServices
from tests.test_app import run_service
from tests.web.running_service import BROWSER_HEADERS, RunningService


def make_used_folder(data: Path) -> str:
    """A folder in which a mail was sent; its link."""
    with RunningService(data) as service:
        service.client.post(
            f"{service.account_path}/webhooks", json={"name": "x", "url": "https://example.com/", "scope": "global"}
        ).raise_for_status()
        mail = service.wait_for_mail(service.send()[0]["id"])
        return str(re.findall(r'href="http://[^/]+(/[^"]+)"', mail.get_content())[0])


def make_service(data: Path) -> AppServices:
    """A service that has not been started."""
    service: AppServices = create_app(Settings(data=data)).state.linkweir
    return service


def assert_refused(data: Path, expected: str) -> None:
    """A service does not start there, says this with the way out in one sentence, and makes nothing."""
    before = sorted(path.name for path in data.iterdir() if not path.name.startswith("linkweir.db-"))
    with pytest.raises(DataFolderError, match=expected) as result:
        make_service(data).start()
    assert "\n" not in str(result.value)
    assert sorted(path.name for path in data.iterdir() if not path.name.startswith("linkweir.db-")) == before


def assert_starts(data: Path) -> None:
    """A service does."""
    service = make_service(data)
    service.start()
    service.stop()


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["keys.json"], r"keys\.json: the key ring is gone.*put it back.*--accept-loss"),
        (["vault.key"], r"vault\.key: the vault key is gone.*put it back.*--accept-loss"),
        (["linkweir.db", "linkweir.db-wal", "linkweir.db-shm"], r"linkweir\.db: the database is gone.*--accept-loss"),
    ],
)
def test_what_is_gone_is_not_made_anew_unasked(tmp_path: Path, names: list[str], expected: str) -> None:
    """Without key ring, vault key or database the service refuses to start; put back, it starts; so it does when told
    to accept the loss, from then on without being told again.
    """
    data, aside = tmp_path / "data", tmp_path / "aside"
    aside.mkdir()
    make_used_folder(data)
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            (data / name).rename(aside / name)
    assert_refused(data, expected)
    for path in aside.iterdir():
        (aside / path.name).rename(data / path.name)
    assert_starts(data)
    for name in names:
        (data / name).unlink(missing_ok=True)
    accept_loss(Settings(data=data))
    assert_starts(data)


def test_an_older_copy_of_the_key_ring_is_refused(tmp_path: Path) -> None:
    """A key ring without a key that links were sent with is refused as a missing one is."""
    make_used_folder(tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "linkweir.db")) as database, database:
        database.execute("INSERT INTO link_keys (key_id, account_id) SELECT 7, account_id FROM link_keys LIMIT 1")
    assert_refused(tmp_path, r"keys\.json: links may have been sent with the keys 7, which it lacks")
    accept_loss(Settings(data=tmp_path))
    assert_starts(tmp_path)


def test_another_key_ring_is_refused(tmp_path: Path) -> None:
    """Every new ring begins with the same key id: one with other secrets is refused all the same, until told that the
    links of the old one may be dead.
    """
    make_used_folder(tmp_path)
    path = tmp_path / "keys.json"
    right = path.read_text()
    path.write_bytes(KeyRing.generate(datetime.now(UTC)).to_json())
    assert_refused(tmp_path, r"keys\.json: links may have been sent with the keys 1, which it lacks.*--accept-loss")
    path.write_text(right)
    assert_starts(tmp_path)
    path.write_bytes(KeyRing.generate(datetime.now(UTC)).to_json())
    accept_loss(Settings(data=tmp_path))
    assert_starts(tmp_path)
    path.write_text(right)
    assert_refused(tmp_path, r"which it lacks")


def test_a_vault_key_that_is_none_is_refused(tmp_path: Path) -> None:
    """Where there are secrets, a vault key that opens nothing is found out when the service starts."""
    make_used_folder(tmp_path)
    (tmp_path / "vault.key").write_text("x" * 44)
    with pytest.raises(VaultError, match=r"cannot use the vault key .*vault\.key"):
        make_service(tmp_path).start()


def test_the_vault_key_of_another_database_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A vault key that is well-formed and opens no secret of this database is reported when the service starts."""
    make_used_folder(tmp_path)
    right = (tmp_path / "vault.key").read_bytes()
    (tmp_path / "vault.key").write_bytes(Fernet.generate_key())
    capsys.readouterr()
    assert_starts(tmp_path)
    assert "vault.foreign_key" in capsys.readouterr().err
    (tmp_path / "vault.key").write_bytes(right)
    assert_starts(tmp_path)
    assert "vault.foreign_key" not in capsys.readouterr().err


def test_an_emptied_database_is_refused(tmp_path: Path) -> None:
    """A database file that was cut to nothing is no new one."""
    make_used_folder(tmp_path)
    for name in ("linkweir.db-wal", "linkweir.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "linkweir.db").write_bytes(b"")
    assert_refused(tmp_path, "the database is gone or empty")


def test_a_folder_of_another_release_is_refused(tmp_path: Path) -> None:
    """A service does not start on a database with a revision that this release does not know."""
    make_used_folder(tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "linkweir.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert_refused(tmp_path, r"another release of Linkweir .*'9999'.*start that release, restore a backup")


def test_the_command_reports_it_in_one_line(tmp_path: Path) -> None:
    """`linkweir serve`, in one process and in several, prints the sentence alone and exits with 1; --accept-loss starts
    it; with the old ring back, and the loss of the newer links accepted, old links lead on.
    """
    link = make_used_folder(tmp_path)
    (tmp_path / "keys.json").rename(tmp_path / "away.json")
    for words in ([], ["--workers", "2"]):
        with run_service(tmp_path, "--smtp-port", "-1", *words) as process:
            assert process.wait_for_exit() == 1
            assert process.output == ""
            assert re.fullmatch(r"linkweir serve: [^\n]*key ring is gone[^\n]*\n", process.error_output), (
                process.error_output
            )
    with run_service(tmp_path, "--smtp-port", "-1", "--accept-loss") as process:
        assert process.wait_for_match(r"Account +(\S+)")
        assert process.stop(signal.SIGTERM) == 0
    (tmp_path / "away.json").rename(tmp_path / "keys.json")
    accept_loss(Settings(data=tmp_path))
    with RunningService(tmp_path) as served:
        assert served.reader.get(link, headers=BROWSER_HEADERS).status_code == 302


def test_keys_may_be_there_before_the_service(tmp_path: Path) -> None:
    """A folder with a key ring alone, made to mint links in advance, is a new folder."""
    make_used_folder(tmp_path / "old")
    (tmp_path / "new").mkdir()
    (tmp_path / "old" / "keys.json").rename(tmp_path / "new" / "keys.json")
    assert_starts(tmp_path / "new")
