"""The lengths that were promised, over the real links of the corpus."""

from __future__ import annotations

import html
import re
import statistics
import uuid
from pathlib import Path
from typing import Any

import pytest

from linkweir._tokens import compress_url, decompress_url
from linkweir.tokens import MessageId, Tracker
from tests.tokens import reference_codec
from tests.tokens.keyring_factory import BASE_URL, RING

HREF_PATTERN = re.compile(rb"""<a\b[^>]*?\shref=(["'])(.*?)\1""", re.IGNORECASE | re.DOTALL)
UUID7 = uuid.UUID("0190a7b8-6f00-7abc-8def-0123456789ab")


def load_destinations(shared_folder: Path) -> list[bytes]:
    """Every http(s) href that a simple pattern finds; exactness does not matter for lengths."""
    result = []
    for path in sorted((shared_folder / "corpus" / "html").iterdir()):
        for match in HREF_PATTERN.finditer(path.read_bytes()):
            text = re.sub(r"[\t\r\n]", "", html.unescape(match[2].decode("utf-8", "replace")).strip())
            if re.match(r"https?://[^/]", text, re.IGNORECASE):
                result.append(text.encode())
    return result


@pytest.mark.external
@pytest.mark.parametrize(
    ("message", "style", "most"),
    [(UUID7, "sealed", 100), (2**63, "sealed", 90), (UUID7, "short", 60), (2**63, "short", 50)],
)
def test_median_length(shared_folder: Path, message: MessageId, style: Any, most: int) -> None:
    """The median link on a 21-character base URL is at most this long (asked: 120 sealed, 60 short)."""
    all_of_them = load_destinations(shared_folder)
    assert len(all_of_them) > 2000
    indexes = [at % 100 for at in range(len(all_of_them))]
    links = Tracker(RING, BASE_URL, message=message, style=style).mint_many(all_of_them, indexes)
    assert statistics.median(len(link) for link in links if link) <= most


@pytest.mark.external
def test_real_destinations_pack_as_the_reference_does(shared_folder: Path) -> None:
    """Every distinct href of the corpus packs to what the twin writes and comes back."""
    for destination in sorted(set(load_destinations(shared_folder))):
        form = compress_url(destination)
        assert form == reference_codec.pack(destination)
        assert decompress_url(form) == destination


@pytest.mark.parametrize("key_id_and_index", [(1, 0), (63, 127)])
def test_short_links_with_a_uuid_are_60_characters(key_id_and_index: tuple[int, int]) -> None:
    """Up to key 63 and link 127 a short link with a UUIDv4 or v7 is 38 characters after the base URL."""
    from tests.tokens.keyring_factory import make_keyring

    key_id, index = key_id_and_index
    for message in (UUID7, uuid.UUID("16fd2706-8baf-433b-82eb-8c7fada847da")):
        tracker = Tracker(make_keyring(key_id), BASE_URL, message=message, style="short")
        assert len(tracker.mint("https://example.com", index)) == 60
