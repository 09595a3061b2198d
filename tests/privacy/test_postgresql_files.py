"""What an erasure leaves in the files of a PostgreSQL server: the manual says what, and nothing else is found."""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from linkweir.manual import contents
from linkweir.settings import ROLES
from tests.nats_server import NatsCluster, require_nats
from tests.postgresql_server import PostgresqlServer, require_postgresql
from tests.test_service_secrets import make_master_key
from tests.web.running_service import BROWSER_HEADERS, RunningService, wait_until

ADDRESS = "zelda.quux@example.org"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Quuxfox/140.7"
CONTENT = "<p>quuxword "  # as long as whole groups of base64
PERSONAL_VALUES = {
    "address": b"zelda.quux",
    "user agent": b"quuxfox",
    "content": base64.b64encode(CONTENT.encode()).lower(),
    "subject": b"quuxtitle",
}


@contextmanager
def start_server(*settings: str) -> Iterator[PostgresqlServer]:
    """A server of the test's own: what others write would be in the same log."""
    server = PostgresqlServer(require_postgresql().programs, settings)
    try:
        yield server
    finally:
        server.stop()


def find_values(folder: Path) -> dict[str, set[str]]:
    """Which personal values are in the files of a folder: by the folder of the server that they are in."""
    found: dict[str, set[str]] = {}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes().lower()
        for name in (name for name, value in PERSONAL_VALUES.items() if value in data):
            found.setdefault(path.relative_to(folder).parts[0], set()).add(name)
    return found


def erase_a_person(server: PostgresqlServer, folder: Path, url: str) -> dict[str, Any]:
    """Mail somebody, who clicks, beside many others; return the answer to their erasure."""
    with RunningService(folder, database=url, master_key=make_master_key(), click_transport="postgresql") as service:
        with psycopg.connect(url, autocommit=True) as connection:  # what is compressed is not found by a search
            connection.execute("ALTER TABLE contents ALTER raw SET STORAGE EXTERNAL")
            connection.execute("ALTER TABLE shared_contents ALTER data SET STORAGE EXTERNAL")
        service.send(recipients=[{"email": f"reader{n}@example.net"} for n in range(60)])
        (entry,) = service.send(
            recipients=[{"email": ADDRESS, "name": "Zelda"}],
            subject="Hello quuxtitle",
            html_content=f'{CONTENT}<a href="https://example.com/?to={ADDRESS}">one</a></p>',
            tags=["spring"],
        )
        link = urlsplit(service.delivered_links(entry["id"])[0]).path
        assert service.reader.get(link, headers={**BROWSER_HEADERS, "User-Agent": AGENT}).status_code == 302
        wait_until(lambda: service.get_message(entry["id"])["click_count"] == 1)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")
        assert find_values(server.folder / "data")["pg_wal"] == set(PERSONAL_VALUES)
        server.execute("CHECKPOINT")
        assert find_values(server.folder / "data")["base"] == set(PERSONAL_VALUES)
        answer: dict[str, Any] = service.request_when_allowed(
            "DELETE", f"{service.account_path}/recipients/{ADDRESS}"
        ).json()
        assert (answer["messages"], answer["rows"]["clicks"], answer["pending_machines"]) == (1, 1, [])
        return answer


def test_nothing_remains_where_the_role_may_remove_it(tmp_path: Path) -> None:
    """A role with the rights that the manual names, on a server that keeps no log: no file of the server holds the
    person any more when the erasure has answered, and the answer says so.
    """
    with start_server("wal_recycle=off") as server:
        server.execute("CREATE ROLE keeper LOGIN")
        server.execute("CREATE DATABASE mine OWNER keeper TEMPLATE template0")
        for statement in read_manual_statements("GRANT"):
            with psycopg.connect(server.url("mine"), autocommit=True) as connection:
                connection.execute(statement.replace("linkweir", "keeper").encode())
        answer = erase_a_person(server, tmp_path, server.url("mine").replace("linkweir@", "keeper@"))
        assert (answer["remaining_copies"], answer["overwritten"]) == ([], True)
        assert find_values(server.folder) == {}


def test_what_remains_is_what_the_answer_says_until_the_operator_removes_it(tmp_path: Path) -> None:
    """The owner of the database without further rights: the tables' files are clean at once, the log is named in the
    answer and holds copies, and is clean after the statements that the manual gives.
    """
    with start_server() as server:
        server.execute("CREATE ROLE keeper LOGIN")
        server.execute("CREATE DATABASE mine OWNER keeper TEMPLATE template0")
        answer = erase_a_person(server, tmp_path, server.url("mine").replace("linkweir@", "keeper@"))
        assert (answer["remaining_copies"], answer["overwritten"]) == (["write_ahead_log"], False)
        assert set(find_values(server.folder / "data")) == {"pg_wal"}
        for statement in read_manual_statements("ALTER SYSTEM"):
            server.execute(statement)
        assert find_values(server.folder) == {}


@pytest.mark.parametrize("transport", ["postgresql", "jetstream"])
def test_clicks_on_their_way_are_sealed(tmp_path: Path, transport: str) -> None:
    """What waits for a worker in the inbox, or in a stream of NATS, says nothing of who followed a link: no file of
    their servers holds the user agent of a click, though the mail that was clicked is in the database.
    """
    with start_server() as server, start_transport(transport) as (settings, folder):
        settings |= {"database": server.create(), "master_key": make_master_key()}
        roles = tuple(sorted(set(ROLES) - {"count"}))
        with RunningService(tmp_path, roles=roles, **settings) as service:
            (entry,) = service.send(recipients=[{"email": ADDRESS}], subject="Hello quuxtitle")
            link = urlsplit(service.delivered_links(entry["id"])[0]).path
            assert service.reader.get(link, headers={**BROWSER_HEADERS, "User-Agent": AGENT}).status_code == 302
            service.wait_until_ingested()
            assert service.components.click_transport is not None
            assert service.components.click_transport.count_waiting() == 1
            server.execute("CHECKPOINT")
            found = find_values(server.folder / "data")
            assert found["base"] == {"address", "subject"}
            assert "user agent" not in set().union(*found.values())
            if folder is not None:
                assert any(path.suffix == ".blk" for path in folder.rglob("*"))
                assert find_values(folder) == {}


@contextmanager
def start_transport(name: str) -> Iterator[tuple[dict[str, Any], Path | None]]:
    """The settings of a transport of clicks, and where a server of its own keeps them."""
    if name == "postgresql":
        yield {"click_transport": name}, None
        return
    require_nats()
    cluster = NatsCluster(1)
    try:
        yield cluster.settings(), cluster.folder
    finally:
        cluster.stop()


def read_manual_statements(first: str) -> list[str]:
    """The statements of that block of SQL in the manual that begins with these words."""
    page = contents.read_page("privacy-and-erasure")
    (block,) = [block for block in re.findall(r"```sql\n(.*?)```", page, re.S) if block.startswith(first)]
    return [statement.strip() for statement in re.findall(r"(?:[^;$]|\$\$.*?\$\$)+;", block, re.S)]
