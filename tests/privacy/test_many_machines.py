"""Erasure where several machines keep journals: it waits for all of them, and says when one did not answer."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, insert, select

from linkweir import privacy_requests
from linkweir.clock import now
from linkweir.db.schema import clicks, machines
from tests.databases import make_database_url, use_dialect
from tests.test_service_secrets import make_master_key
from tests.web.running_service import BROWSER_HEADERS, RunningService


def test_an_erasure_waits_for_the_journals_of_all_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A click that another machine has just recorded is erased with the others; a machine that is silent is named, and
    the erasure is not done.
    """
    with use_dialect("postgresql"):
        shared = {"database": make_database_url(), "master_key": make_master_key(), "click_transport": "postgresql"}
        with (
            RunningService(tmp_path / "one", **shared) as one,
            RunningService(tmp_path / "two", roles=("redirect",), **shared) as two,
        ):
            (entry,) = one.send(recipients=[{"email": "grace@example.org"}])
            link = urlsplit(one.delivered_links(entry["id"])[0]).path
            assert two.reader.get(link, headers=BROWSER_HEADERS).status_code == 302
            erased = one.request_when_allowed("DELETE", f"{one.account_path}/recipients/grace@example.org").json()
            assert (erased["pending_machines"], erased["rows"]["clicks"]) == ([], 1)
            with one.components.database.write() as connection:
                connection.execute(insert(machines).values(**make_silent_machine()))
            monkeypatch.setattr(privacy_requests, "DRAIN_SECONDS", 0.5)
            (entry,) = one.send(recipients=[{"email": "grace@example.org"}])
            erased = one.request_when_allowed("DELETE", f"{one.account_path}/recipients/grace@example.org").json()
            assert (erased["messages"], erased["overwritten"]) == (1, False)
            assert "far.example:/data" in erased["pending_machines"]
            with one.components.database.read() as connection:
                assert connection.scalar(select(func.count()).select_from(clicks)) == 0


def make_silent_machine() -> dict[str, object]:
    """The row of one that redirects and was last heard of an hour ago."""
    long_ago = now() - 3_600_000_000
    values = {"clicks_waiting": 3, "clicks_lost": 0, "version": "1", "problems": {}, "roles": ["redirect"]}
    times = {"started_at": long_ago, "seen_at": long_ago, "drained_until_at": long_ago}
    return {"host": "far.example", "folder": "/data", **values, **times}
