"""Version 1 of the format, for ever: fixed inputs give exactly these tokens, and these tokens open."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from linkweir.tokens import Privacy, Tracker, open_link
from tests.tokens.keyring_factory import BASE_URL, make_keyring

UUID7 = uuid.UUID("0190a7b8-6f00-7abc-8def-0123456789ab")
UUID4 = uuid.UUID("16fd2706-8baf-433b-82eb-8c7fada847da")
UUID1 = uuid.UUID("b4a1a2f0-5a3e-11ee-8c99-0242ac120002")
ANONYMOUS, PSEUDONYMOUS = Privacy.ANONYMOUS, Privacy.PSEUDONYMOUS
LONG_DESTINATION = "https://www.example.com/2026/spring-sale?utm_source=newsletter&utm_medium=email&utm_campaign=spring"

# key id, what the tracker is given, destination, index, token
GOLDEN: list[tuple[int, dict[str, Any], str, int, str]] = [
    (1, {"message": UUID7}, LONG_DESTINATION, 0, "JQGQp7hvAAq8Te8BI0VniasAReIUJuB8ci6LYlXMFqSnxwuXr51A_lOhDsQ"),
    (
        63,
        {"message": UUID4, "style": "short"},
        "https://example.com/",
        127,
        "NBb9JwaLr_M7wuuMf62oR9p_jwb5Ok9X-F6p2A",
    ),
    (
        64,
        {"message": UUID4, "privacy": PSEUDONYMOUS},
        "http://example.com",
        128,
        "Khb9JwaLrwM7AuuMf62oR9pAgAGF4n9O2ma7UgJB69KI",
    ),
    (
        1,
        {"message": UUID1},
        "https://example.com/path?q=50%25&x=é",
        3,
        "IwG0oaLwWj4R7oyZAkKsEgACAwXiCyFZsG7th1n_bDVPA9ntyRM9EnBl_Q",
    ),
    (
        31,
        {"message": 2**64 - 1},
        "https://Example.COM/Products/Default.aspx?ID=4711",
        16383,
        "If____________9_P1L132ESPNVitKam_RD_C4Iv5C0g6adogQ7QNQ",
    ),
    (
        32,
        {"message": 0},
        "https://example.com/a3f9c2e17b6d5048e1",
        1,
        "IQAAIAEF4hEmj-cLhe21QSOHu-Wv76HUilSAnw",
    ),
    (
        2**32 - 1,
        {"message": 256, "style": "short"},
        "https://example.com/",
        2**32 - 1,
        "MSABAP____8P_____w-2izCZ993Qgnto",
    ),
    (
        5,
        {"message": "order-4711.b~2"},
        "http://www.example.co.uk/Click?q=cB7rT-9aKx_3QmZpLw0Yv2NdHs",
        2,
        "IgUOb3JkZXItNDcxMS5ifjICwvFdpGNnERcB7rT-9aKx_3QmZpLw0Yv2NdHsczJQxo3tjz9beQ",
    ),
    (
        1,
        {"privacy": ANONYMOUS, "campaign": "spring_26", "message": UUID7},
        "https://example.com/0F9C2E17B6D5048E",
        7,
        "LgEJc3ByaW5nXzI2BwXiEhw-cLhe21QSO7mrl8e2Zd8xAww",
    ),
    (
        200,
        {"privacy": ANONYMOUS, "campaign": 12345},
        "HTTP://odd.example/\x00 |\U0001f600",
        0,
        "LSAwOcgBAP761yu_7e_CQvL-AD_r_Xo8E-mEB533pEFPcYKUGP8",
    ),
    (1, {"privacy": ANONYMOUS, "style": "short"}, "https://example.com/", 9, "PAEJeZRwnnnVCNhxEA"),
    (
        1,
        {},
        "https://example.com/u/550e8400-e29b-41d4-a716-446655440000",
        1,
        "IAEBBeI3YpqodCAHFNoOpTiyIzKqIAAHybUFvQnqQXtlnQ",
    ),
    (1, {"privacy": PSEUDONYMOUS}, "", 0, "JgEA_wKELkFPi3oYV_o"),
    (
        1,
        {"privacy": PSEUDONYMOUS, "message": 77},
        "https://example.com/?url=https%3A%2F%2Fexample.org%2Fabout",
        0,
        "JwFNAAXiM7fTffhmby0vGGCNGX-6Ok8S6EDCDaf3",
    ),
    (
        1,
        {"privacy": PSEUDONYMOUS, "message": UUID7, "style": "short"},
        "https://example.com/",
        0,
        "OwGQp7hvAAq8Te8BI0VniasA1TIlLMiCrvErVA",
    ),
    (
        1,
        {"privacy": PSEUDONYMOUS, "message": UUID1},
        "https://[2001:db8::1]:8443/x",
        0,
        "KQG0oaLwWj4R7oyZAkKsEgACAD_ciJfr0dGv9f2x_1-3FVA4_7AVChrz8d8trY8",
    ),
    (
        1,
        {"privacy": PSEUDONYMOUS, "message": "m"},
        "http://192.0.2.1/~user/index.html#top",
        0,
        "KAEBbQC9Gjx-LH2Y_Hf_OZxPs_eG11vR7e7Vij0LqPg",
    ),
]


@pytest.mark.parametrize(("key_id", "options", "destination", "index", "token"), GOLDEN)
def test_fixed_inputs_give_this_token(
    key_id: int, options: dict[str, Any], destination: str, index: int, token: str
) -> None:
    """Minting with a fixed key gives the recorded token, letter for letter."""
    assert Tracker(make_keyring(key_id), BASE_URL, **options).mint(destination, index) == f"{BASE_URL}/{token}"


@pytest.mark.parametrize(("key_id", "options", "destination", "index", "token"), GOLDEN)
def test_recorded_tokens_open(key_id: int, options: dict[str, Any], destination: str, index: int, token: str) -> None:
    """A token minted by the first release opens to what it was minted from."""
    opened = open_link(make_keyring(key_id), f"{BASE_URL}/{token}")
    anonymous = options.get("privacy") is ANONYMOUS
    assert opened.key_id == key_id
    assert opened.version == 1
    assert opened.privacy is options.get("privacy", Privacy.FULL)
    assert opened.style == options.get("style", "sealed")
    assert opened.message == (None if anonymous else options.get("message"))
    assert opened.campaign == (options.get("campaign") if anonymous else None)
    assert opened.index == index
    assert opened.destination == (None if opened.style == "short" else destination)
