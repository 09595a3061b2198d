"""Tests of `GET /privacy`, the page that says what is collected."""

import re
from pathlib import Path

from tests.web.running_service import RunningService


def test_the_page_needs_no_key_and_loads_nothing(service: RunningService) -> None:
    """Anybody can read it; it is HTML in one piece, allowed by its policy to load nothing at all."""
    answer = service.reader.get("/privacy")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.text.startswith("<!doctype html>")
    assert '<html lang="en">' in answer.text
    assert not re.search(r"(?:src|href)=|<script|<link|@import|url\(", answer.text)


def test_the_page_follows_the_accounts(service: RunningService) -> None:
    """A change of an account's retention is on the page at once."""
    assert "for at most 30 days" in service.reader.get("/privacy").text
    assert service.client.put(service.account_path, json={"message_metadata_retention": 7}).status_code == 200
    assert "for at most 7 days" in service.reader.get("/privacy").text


def test_the_page_follows_the_settings(tmp_path: Path) -> None:
    """What the operator has set about objections and addresses is what the page says."""
    with RunningService(tmp_path / "data", heed_objections=False, shorten_addresses=True) as service:
        page = service.reader.get("/privacy").text
    assert "are not honoured here" in page
    assert "without its last part" in page
