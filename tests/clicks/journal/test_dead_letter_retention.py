"""Dead letters are overwritten when they are old; tests/privacy/test_many_machines.py has those of erased messages."""

import io
from pathlib import Path

import pytest

from linkweir.clicks.journal.dead_letter_retention import DeadLetterRetention
from linkweir.clicks.journal.dead_letters import DeadLetterFile
from linkweir.web.structured_logging import make_logger
from tests.databases import make_database

pytestmark = pytest.mark.both_databases


def test_old_dead_letters_are_deleted(tmp_path: Path) -> None:
    """What could not be stored is taken out of its file when it has lain there as long as anything may be kept."""
    dead_letters = DeadLetterFile(tmp_path, make_logger("info", io.StringIO()))
    dead_letters.path.write_bytes(b'{"set_aside_at": 1, "fact": {"ip": "192.0.2.1"}}\n')
    dead_letters.append({"fact": {"ip": "192.0.2.2"}})
    DeadLetterRetention(dead_letters, make_database(tmp_path)).run()
    data = dead_letters.path.read_bytes()
    assert (b"192.0.2.1" in data, b"192.0.2.2" in data) == (False, True)
