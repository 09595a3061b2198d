"""Minting: what comes out, what is refused, and that a tracker is one fixed thing."""

from __future__ import annotations

import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkweir._tokens import decode_base64url
from linkweir.errors import BadSwitch, RefusedValue
from linkweir.tokens import MAX_DESTINATION_BYTES, KeyFile, KeyRing, MessageId, Privacy, Tracker, open_link
from tests.tokens.keyring_factory import BASE_URL, NOW, RING, make_keyring
from tests.tokens.sample_urls import DESTINATIONS

TEXTS = st.from_regex(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,63}", fullmatch=True).filter(
    lambda text: not re.fullmatch(r"\d+\.\d+\.\d+\.\d+", text)
)
NUMBERS = st.integers(0, 2**64 - 1)
IDS: st.SearchStrategy[MessageId | None] = st.one_of(st.none(), st.uuids(), st.uuids(version=4), NUMBERS, TEXTS)
CAMPAIGNS: st.SearchStrategy[int | str | None] = st.one_of(st.none(), NUMBERS, TEXTS)
MODES = st.sampled_from([Privacy.FULL, Privacy.PSEUDONYMOUS, Privacy.ANONYMOUS])
INDEXES = st.one_of(st.integers(0, 300), st.integers(0, 2**32 - 1))


IDENTITIES = st.fixed_dictionaries(
    {"message": IDS, "campaign": CAMPAIGNS, "privacy": MODES, "style": st.sampled_from(["sealed", "short"])}
)


@settings(deadline=None)
@given(DESTINATIONS, IDENTITIES, INDEXES, st.integers(1, 2**32 - 1))
def test_what_is_minted_opens_to_the_same(destination: str, options: dict[str, Any], index: int, key_id: int) -> None:
    """Any destination, id, mode, index, key and style comes back; ANONYMOUS holds campaign, not message."""
    ring = make_keyring(key_id)
    opened = open_link(ring, Tracker(ring, BASE_URL, **options).mint(destination, index))
    anonymous = options["privacy"] is Privacy.ANONYMOUS
    assert opened.message == (None if anonymous else options["message"])
    assert opened.campaign == (options["campaign"] if anonymous else None)
    assert (opened.index, opened.key_id) == (index, key_id)
    assert (opened.privacy, opened.style) == (options["privacy"], options["style"])
    assert opened.destination == (destination if opened.style == "sealed" else None)


def test_anonymous_links_are_the_same_for_every_message() -> None:
    """In ANONYMOUS nothing of the message is in the link: two recipients get the same one."""
    options: dict[str, Any] = {"campaign": "spring", "privacy": Privacy.ANONYMOUS}
    links = {
        Tracker(RING, BASE_URL, message=message, **options).mint("https://example.com/", 0)
        for message in (None, 1, "a", uuid.UUID(int=5))
    }
    assert len(links) == 1


@settings(deadline=None)
@given(DESTINATIONS, IDS)
def test_links_hold_only_characters_that_need_no_escaping(destination: str, message: MessageId | None) -> None:
    """A link is its base URL and base64url characters, whatever it carries."""
    link = Tracker(RING, BASE_URL, message=message).mint(destination, 0)
    assert re.fullmatch(r"https://t\.example\.com/[A-Za-z0-9_-]+", link)


def test_mint_many_preserves_order_and_equals_mint() -> None:
    """Many links minted at once are the links minted one by one, in order."""
    tracker = Tracker(RING, BASE_URL, message=7)
    destinations = [f"https://example.com/{number}" for number in range(50)]
    many = tracker.mint_many([text.encode() for text in destinations], list(range(50)))
    assert many == [tracker.mint(text, at).encode() for at, text in enumerate(destinations)]
    assert tracker.mint_many([], []) == []


@pytest.mark.parametrize("style", ["sealed", "short"])
def test_unsupported_destinations_are_none_at_their_index(style: Any) -> None:
    """Over the limit or not UTF-8 gives None; the neighbours are minted; `mint` raises instead."""
    tracker = Tracker(RING, BASE_URL, message=7, style=style)
    long = b"https://example.com/" + b"a" * (MAX_DESTINATION_BYTES - 20)
    links = tracker.mint_many([b"https://a.example", long, long + b"a", b"https://\xff.example"], [0, 1, 2, 3])
    assert [link is None for link in links] == [False, False, True, True]
    for text in (long.decode() + "a", "https://\udc80.example"):
        with pytest.raises(RefusedValue, match="the limit is 8000 bytes"):
            tracker.mint(text, 0)


def test_a_token_too_long_for_a_request_is_refused() -> None:
    """Bytes that pack badly are refused where the token itself would pass 8000 characters."""
    tracker = Tracker(RING, BASE_URL, message=7)
    assert tracker.mint_many([("\x01" * MAX_DESTINATION_BYTES).encode()], [0]) == [None]


def test_wrong_arguments_of_mint_many_are_errors() -> None:
    """Lists of different lengths, negative or huge indexes and text for bytes are refused, not misread."""
    tracker = Tracker(RING, BASE_URL, message=7)
    with pytest.raises(ValueError, match="as many indexes"):
        tracker.mint_many([b"https://example.com"], [])
    for index in (-1, 2**32):
        with pytest.raises(OverflowError):
            tracker.mint("https://example.com", index)
    wrong: Any = ["https://example.com"]
    with pytest.raises(TypeError):
        tracker.mint_many(wrong, [0])


@pytest.mark.parametrize(
    "message",
    [
        "reader@example.com",
        "a@b",
        "192.0.2.1",
        "2001:db8::1",
        "",
        "x" * 65,
        "a b",
        "ä",
        "a/b",
        "a\n",
        -1,
        2**64,
        True,
        1.5,
        b"x",
    ],
)
def test_addresses_and_odd_ids_are_refused(message: Any) -> None:
    """E-mail addresses, IP addresses, other characters, and numbers that do not fit are no message ids."""
    with pytest.raises(BadSwitch, match="message id"):
        Tracker(RING, BASE_URL, message=message)
    with pytest.raises(BadSwitch, match="campaign"):
        Tracker(RING, BASE_URL, campaign=message, privacy=Privacy.ANONYMOUS)


def test_a_campaign_is_no_uuid_and_privacy_none_mints_nothing() -> None:
    """A UUID as campaign, the mode whose links are not replaced, and unknown modes and styles are refused."""
    odd: Any = uuid.uuid4()
    with pytest.raises(BadSwitch, match="campaign"):
        Tracker(RING, BASE_URL, campaign=odd)
    for options in ({"privacy": Privacy.NONE}, {"privacy": "secret"}, {"style": "long"}):
        with pytest.raises(BadSwitch, match=r"privacy|style"):
            Tracker(RING, BASE_URL, **options)


@pytest.mark.parametrize(
    ("given_url", "normal"),
    [
        ("https://t.example.com", "https://t.example.com/"),
        ("HTTP://T.Example.COM:8080/", "http://t.example.com:8080/"),
        ("https://t.example.com/Go/there/", "https://t.example.com/Go/there/"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443/"),
        ("http://localhost:8000/c", "http://localhost:8000/c/"),
    ],
)
def test_base_urls_have_one_spelling(given_url: str, normal: str) -> None:
    """Scheme and host become lower case, the path keeps its case, and one slash ends the base URL."""
    tracker = Tracker(RING, given_url, message=1)
    assert tracker.base_url == normal
    assert tracker.mint("https://example.com", 0).startswith(normal)


@pytest.mark.parametrize(
    "base_url",
    [
        "t.example.com",
        "ftp://t.example.com",
        "https://",
        "https:///x",
        "https://u@t.example.com",
        "https://t.example.com/?a",
        "https://t.example.com/#a",
        'https://t.example.com/"',
        "https://t.example.com/'",
        "https://t.example.com/a&b",
        "https://t.example.com/ a",
        "https://t.example.com/\n",
        "https://tä.example",
        "https://t.example.com/" + "a" * 200,
        "https://t..example.com",
        "https://t.example.com:999999",
        "https://t.example.com//a",
    ],
)
def test_bad_base_urls_are_refused(base_url: str) -> None:
    """Other schemes, no host, users, queries, fragments, quotes, controls, non-ASCII, overlong: refused."""
    with pytest.raises(BadSwitch, match="base URL"):
        Tracker(RING, base_url)


def test_a_tracker_cannot_be_changed_and_hides_secrets() -> None:
    """Attributes cannot be set, and neither tracker nor ring shows the secret in its repr."""
    tracker = Tracker(RING, BASE_URL, message=7)
    with pytest.raises(AttributeError):
        tracker.base_url = "https://other.example/"  # type: ignore[misc]
    assert repr(tracker) == "<Tracker https://t.example.com/ message=7 full sealed>"
    assert str(bytes(range(32)))[2:-1] not in repr(tracker) + repr(RING)


def test_own_links_are_recognised_on_every_host_of_the_ring() -> None:
    """A valid token on any base URL of the ring, in any case of the host, also with a query, is tracked."""
    ring = make_keyring(3, hosts=("https://old.example/c/",))
    link = Tracker(ring, BASE_URL, message=7).mint("https://example.com/", 0)
    token = link.rpartition("/")[2]
    tracker = Tracker(ring, "https://new.example", message=8)
    for text in (
        f"https://old.example/c/{token}",
        f"HTTP://NEW.example/{token}",
        f"https://new.example/{token}?a#b",
    ):
        assert tracker.is_tracked(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "https://t.example.com/",
        "https://t.example.com",
        "https://t.example.com.evil/{}",
        "https://t.example.com/x/{}",
        "https://t.example.com/{}x",
        "https://t.example.com:443/{}",
        "ftp://t.example.com/{}",
        "//t.example.com/{}",
        "https://u@t.example.com/{}",
        "https://example.com/?https://t.example.com/{}",
        "",
        "https://",
        "http://t",
        "https:/",
    ],
)
def test_other_links_are_not_recognised(text: str) -> None:
    """Another host, path, port or scheme, a changed token, and mere beginnings are not tracked."""
    tracker = Tracker(RING, BASE_URL, message=7)
    token = tracker.mint("https://example.com/", 0).rpartition("/")[2]
    assert tracker.is_tracked(f"https://t.example.com/{token}".encode())
    assert not tracker.is_tracked(text.format(token).encode())


def test_links_of_another_ring_are_not_recognised() -> None:
    """The same host with a token of another key ring is not tracked: it would not open here."""
    foreign = Tracker(KeyRing.generate(NOW), BASE_URL, message=7).mint("https://example.com/", 0)
    assert not Tracker(KeyRing.generate(NOW), BASE_URL, message=7).is_tracked(foreign.encode())
    assert not Tracker(RING, BASE_URL, message=7).is_tracked(b"https://t.example.com/\xff\xfe")


def test_threads_share_a_tracker() -> None:
    """Eight threads minting at once with one tracker get what one thread gets."""
    tracker = Tracker(RING, BASE_URL, message=uuid.UUID(int=9))
    destinations = [f"https://example.com/page/{number}?utm_source=x".encode() for number in range(500)]
    expected = tracker.mint_many(destinations, list(range(500)))
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: tracker.mint_many(destinations, list(range(500))), range(32)))
    assert all(result == expected for result in results)


def test_strictest_orders_the_modes() -> None:
    """NONE beats ANONYMOUS beats PSEUDONYMOUS beats FULL, which is also what no mode at all means."""
    assert Privacy.strictest() is Privacy.FULL
    assert Privacy.strictest(Privacy.FULL, Privacy.PSEUDONYMOUS) is Privacy.PSEUDONYMOUS
    assert Privacy.strictest(Privacy.ANONYMOUS, Privacy.PSEUDONYMOUS) is Privacy.ANONYMOUS
    assert Privacy.strictest(*Privacy) is Privacy.NONE


@settings(deadline=None)
@given(IDENTITIES, IDS, st.integers(1, 2**32 - 1))
def test_the_tracker_of_another_message_is_one_made_for_it(
    options: dict[str, Any], message: MessageId | None, key_id: int
) -> None:
    """`for_message` changes the message and nothing else; its prefix, made in C, is that of the format."""
    ring = make_keyring(key_id)
    tracker = Tracker(ring, BASE_URL, **options).for_message(message)
    other = Tracker(ring, BASE_URL, **{**options, "message": message})
    assert (repr(tracker), tracker.message, tracker.campaign) == (repr(other), message, options["campaign"])
    link = tracker.mint("https://example.com/", 0)
    assert link == other.mint("https://example.com/", 0)
    token = decode_base64url(link.removeprefix(f"{BASE_URL}/").encode())
    assert token is not None
    assert token.startswith(tracker.token_prefix)


@pytest.mark.parametrize("make", [lambda m: Tracker(RING, BASE_URL, message=m), Tracker(RING, BASE_URL).for_message])
@pytest.mark.parametrize("message", [True, 1.5, b"x", b"x" * 16, -1, 2**64, "a@b", "1.2.3.4", "", "x" * 65, "\u00e9"])
def test_bad_messages_are_refused_alike(make: Any, message: Any) -> None:
    """A tracker and the tracker of another message refuse the same, in words that name the message id."""
    with pytest.raises(BadSwitch, match=r"^message id must"):
        make(message)


@pytest.mark.parametrize("kind", ["int8", "int64", "uint64"])
def test_integers_of_numpy_are_integers(kind: str) -> None:
    """As message, campaign and index of a link."""
    number = getattr(pytest.importorskip("numpy"), kind)(7)
    for tracker in (Tracker(RING, BASE_URL, message=number), Tracker(RING, BASE_URL).for_message(number)):
        assert tracker.mint("https://example.com/", number) == Tracker(RING, BASE_URL, message=7).mint(
            "https://example.com/", 7
        )
        assert type(tracker.message) is int
    assert type(Tracker(RING, BASE_URL, campaign=number).campaign) is int


def test_a_ring_is_generated_at_this_moment() -> None:
    """Without a time, keys are created and retired now."""
    before = datetime.now(UTC)
    ring = KeyRing.generate().rotate()
    assert before <= ring.keys[0].created <= ring.keys[1].created <= datetime.now(UTC)
    assert ring.keys[0].retired == ring.keys[1].created
    with pytest.raises(TypeError, match="hosts must be a list"):
        KeyRing.generate(hosts="https://t.example.com")


def test_the_base_url_is_one_of_the_key_file(tmp_path: Path) -> None:
    """Another one is refused with both names, since other programs would not know its links; a file without any, or a
    ring, allows all.
    """
    keys = KeyFile(tmp_path / "keys.json")
    ring = keys.load_or_create(["https://t.example.com", "https://u.example.com/c/"])
    with pytest.raises(BadSwitch, match=r"https://other.example.com/ is not in KeyFile.*keys.json.*, which has "):
        Tracker(keys, "https://other.example.com")
    for base_url in ring.hosts:
        assert Tracker(keys, base_url).base_url == base_url
    assert Tracker(ring, "https://other.example.com").base_url == "https://other.example.com/"
    keys.update(lambda ring: ring.with_host("https://other.example.com"))
    assert Tracker(keys, "https://other.example.com").base_url == "https://other.example.com/"
    empty = KeyFile(tmp_path / "empty.json")
    empty.load_or_create()
    assert Tracker(empty, "https://other.example.com").base_url == "https://other.example.com/"
