"""Which transport the settings name."""

import sys
from pathlib import Path
from typing import Any

import pytest

from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.clicks.transport.click_transport import ClickTransport
from linkweir.clicks.transport.inbox import ClickInbox
from linkweir.clicks.transport.transport_selection import make_click_transport
from linkweir.errors import SettingsError
from linkweir.settings import Settings
from linkweir.vault import Vault
from linkweir.web.structured_logging import make_logger
from tests.databases import make_database

DATABASE = "postgresql://linkweir@db.example/linkweir"


def make(folder: Path, **settings: Any) -> ClickTransport | None:
    """The transport of these settings."""
    log = make_logger("error")
    vault, dead_letters = Vault(folder / "vault.key"), DeadLetterFile(folder, log)
    return make_click_transport(Settings(**settings), make_database(folder), vault, log, dead_letters)


def test_each_name_is_a_transport(tmp_path: Path) -> None:
    """None for `local`, the table for `postgresql`; a stream connects to nothing before it is used."""
    assert make(tmp_path) is None
    assert isinstance(make(tmp_path, database=DATABASE, click_transport="postgresql"), ClickInbox)
    pytest.importorskip("nats")
    stream = make(tmp_path, database=DATABASE, click_transport="jetstream", nats_url="nats://nats.invalid")
    assert type(stream).__name__ == "ClickStream"


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what installs it, and holds no password."""
    for name in [name for name in sys.modules if name.startswith(("nats", "linkweir.clicks.transport."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "nats", None)
    with pytest.raises(SettingsError, match=r"install it with: pip install 'linkweir\[jetstream\]'") as caught:
        make(tmp_path, database=DATABASE, click_transport="jetstream", nats_url="nats://a:s3cret@nats.invalid")
    assert "s3cret" not in str(caught.value)
