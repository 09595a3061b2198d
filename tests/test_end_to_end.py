"""The three paths of Linkweir told end to end, as documentation: files, sending, clicking."""

import subprocess
import sys
from pathlib import Path

from tests.web.running_service import WAIT_SECONDS, RunningService, html_body

PAGE = b"""<!doctype html>\r
<body>\r
<P>Caf\xe9 <a class=x href='https://example.com/a?x=1&amp;copy=2' >one</a>\r
<!-- <a href="https://example.com/hidden"> --> <a href="mailto:x@example.com">mail</a>\r
"""


def run_linkweir(*words: str) -> subprocess.CompletedProcess[bytes]:
    """The command, run as a user would."""
    words = (sys.executable, "-m", "linkweir", *words)
    return subprocess.run(words, capture_output=True, check=True, timeout=WAIT_SECONDS)  # noqa: S603  our own command


def test_files_become_trackable_by_command(tmp_path: Path) -> None:
    """`linkweir rewrite` replaces the one link, leaves every other byte, and `linkweir open` tells where it leads."""
    source, target, keys = tmp_path / "in", tmp_path / "out", tmp_path / "keys.json"
    source.mkdir()
    (source / "page.html").write_bytes(PAGE)

    run_linkweir(
        "rewrite", str(source), "-o", str(target), "--base-url", "https://t.example.com/", "--key-file", str(keys)
    )

    written = (target / "page.html").read_bytes()
    start = PAGE.index(b"https://example.com/a")
    end = PAGE.index(b"' >one")
    link = written[start : written.index(b"' >one")]
    assert written == PAGE[:start] + link + PAGE[end:]
    assert link.startswith(b"https://t.example.com/")
    opened = run_linkweir("open", link.decode(), "--key-file", str(keys))
    assert b"https://example.com/a?x=1&copy=2" in opened.stdout


def test_a_message_is_sent(tmp_path: Path) -> None:
    """A message that was answered 202 lies in the Maildir, with tracking links in place of its links."""
    with RunningService(tmp_path) as service:
        (entry,) = service.send(
            html_content='<p>Dear {{ name }}: <a href="https://example.com/?for={{ name }}">here</a>',
            recipients=[{"email": "ada@example.org", "substitutions": {"name": "A&B"}}],
        )
        assert entry["status"] == "queued"
        mail = service.wait_for_mail(entry["id"])
        (link,) = service.delivered_links(entry["id"])
        assert link.startswith(service.settings.base_url)
        assert html_body(mail) == f'<p>Dear A&amp;B: <a href="{link}">here</a>'


def test_a_link_is_clicked(tmp_path: Path) -> None:
    """The reader is sent to the exact destination, and the click is counted before they get there."""
    with RunningService(tmp_path) as service:
        (entry,) = service.send()
        first, _ = service.delivered_links(entry["id"])
        assert service.click_count(entry["id"]) == 0

        answer = service.reader.get(first)

        assert answer.status_code == 302
        assert answer.headers["location"] == "https://example.com/a?x=1&y=2"
        assert service.click_count(entry["id"]) == 1
        assert service.get_message(entry["id"])["status"] == "Clicked"


def test_a_link_from_the_command_is_clicked_at_the_service(tmp_path: Path) -> None:
    """A link minted in bulk with the service's key file is redirected and counted for the account that owns the key."""
    with RunningService(tmp_path / "data") as service:
        (tmp_path / "page.html").write_bytes(b'<a href="https://example.com/bulk">x</a>')
        written = run_linkweir(
            "rewrite",
            str(tmp_path / "page.html"),
            "--base-url",
            service.settings.base_url,
            "--key-file",
            str(service.settings.key_path),
            "--message-id",
            "spring-sale",
        ).stdout.decode()
        link = written.split('"')[1]
        assert service.reader.get(link).headers["location"] == "https://example.com/bulk"
        service.wait_until_ingested()
        (click,) = list_clicks(service)
        assert click["message_ref"] == "spring-sale"
        assert str(click["account_id"]) == service.account


def list_clicks(service: RunningService) -> list[dict[str, object]]:
    """The stored clicks of the service's account."""
    from linkweir.db import clicks_table

    account = service.components.account
    assert account is not None
    with service.components.database.read() as connection:
        return [dict(row) for row in clicks_table.list_for_account(connection, account)]
