"""Tests of linkweir.html.utm: what is added to a destination, and to which nothing may be added."""

import pytest

from linkweir.html import utm
from linkweir.tokens import MAX_DESTINATION_BYTES

UTM_PARAMETERS = (("utm_source", "weir"), ("utm_campaign", "a b&c"))
MD5, SHA1, SHA256 = "0a" * 16, "0a" * 20, "0A" * 32
FILE_URL = "https://files.example/a.pdf"
SIGNED_URLS = [
    f"{FILE_URL}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=60&X-Amz-Signature={SHA256}",
    f"{FILE_URL}?x-amz-signature={SHA256}",
    f"{FILE_URL}?AWSAccessKeyId=AK&Expires=1&Signature=abc%3D",
    f"{FILE_URL}?Expires=1&Signature=abc~&Key-Pair-Id=K1",
    f"{FILE_URL}?Policy=abc_&Signature=abc~&Key-Pair-Id=K1",
    f"{FILE_URL}?X-Goog-Signature={SHA256}",
    f"{FILE_URL}?GoogleAccessId=a%40b&Expires=1&Signature=abc",
    f"{FILE_URL}?Expires=1&KeyName=k&Signature=abc",
    f"{FILE_URL}?sv=2024-01-01&se=2026-01-01&sr=b&sp=r&sig=abc%3D",
    f"{FILE_URL}?se=2026&sig=abc",
    f"{FILE_URL}?si=policy&sv=2024&sig=abc",
    f"https://x.example/verify/1?expires=1&signature={SHA256}",
    f"https://x.example/orders/1?signature={SHA256}",
    "https://idp.example/sso?SAMLRequest=abc&SigAlg=rsa&Signature=abc",
    "https://x.example/a?oauth_signature=abc%3D",
    "https://x.example/a?_hash=abc%2Fdef%3D&b=1",
    f"https://shop.example/admin?shop=a&hmac={SHA256}",
    f"{FILE_URL}?hdnea=exp=1~acl=/*~hmac={SHA256}",
    f"{FILE_URL}?hdnts=exp%3D1~acl%3D%2F%2A~hmac%3D{SHA256}",
    f"{FILE_URL}?hdntl=exp=1",
    f"{FILE_URL}?mytoken=exp=1~hmac={SHA256.lower()}",
    f"{FILE_URL}?__cld_token__=exp=1~hmac=abc",
    f"{FILE_URL}?token=abc&exp=1",
    f"{FILE_URL}?token=abc&expires=1",
    f"{FILE_URL}?token=abc&expire=1",
    f"{FILE_URL}?md5=abc&expires=1",
    f"{FILE_URL}?st=abc&e=1",
    f"{FILE_URL}?token=1700000000_{SHA1}",
    f"{FILE_URL}?verify=1700000000-abcdefghijklmnopqrstuvwxyz%3D",
    f"https://x.imgix.net/a.png?w=400&s={MD5}",
    f"{FILE_URL}?OSSAccessKeyId=a&Expires=1&Signature=abc",
    f"{FILE_URL}?auth_key=1-2-3-{MD5}",
    f"{FILE_URL}?q-sign-algorithm=sha1&q-signature={SHA1}",
    f"https://cdn.discordapp.com/attachments/1/2/a.png?ex=1&is=2&hm={SHA256}",
    "https://scontent.example/a.jpg?oh=abc&oe=1",
    "https://x.example/login?id_token=eyJhbGciOiJI.eyJzdWIiOiIx.c2ln",
    "https://x.example/a?b=eyJhbGciOiJub25l.eyJzdWIiOiIx.",
    "https://res.cloudinary.com/demo/image/upload/s--Ai4Znfl3--/a.jpg",
    "https://thumbor.example/1aBcDeFgHiJkLmNoPqRsTuVwXyZ=/300x200/a.example/b.jpg",
    "https://imgproxy.example/" + "a" * 43 + "/rs:fit:300/plain/http://a.example/b.jpg",
    "https://x.example/rails/active_storage/blobs/redirect/eyJf--abc/a.pdf",
    "https://x.b-cdn.net/bcdn_token=abc&expires=1/a/playlist.m3u8",
]
UNSIGNED_URLS = [
    "https://x.example/",
    "https://x.example/?signature-dish=1",
    "https://x.example/?s=shoes",
    "https://x.example/?token=abc",
    "https://x.example/?expires=soon",
    "https://x.example/?sig=1",
    "https://x.example/?exp=5",
    "https://x.example/?e=1&s=2",
    "https://x.example/?hash=tag",
    "https://x.example/#X-Amz-Signature=1",
    "https://x.example/s--sale--off/",
    "https://x.example/?key=abc",
]


@pytest.mark.parametrize("destination", SIGNED_URLS)
def test_a_signed_address_stays_as_it_is(destination: str) -> None:
    """Nothing is added to an address that somebody signed, whatever the letter case of its parameters."""
    assert utm.is_signed(destination)
    assert utm.add_parameters(destination + "#part", UTM_PARAMETERS) == destination + "#part"


@pytest.mark.parametrize("destination", UNSIGNED_URLS)
def test_others_get_the_parameters(destination: str) -> None:
    """Parameters with such a name and another meaning sign nothing."""
    assert not utm.is_signed(destination)
    assert "utm_source=weir&utm_campaign=a%20b%26c" in utm.add_parameters(destination, UTM_PARAMETERS)


@pytest.mark.parametrize("names", utm.SIGNATURE_PARAMETERS, ids="+".join)
def test_every_entry_has_a_source_and_works(names: tuple[str, ...]) -> None:
    """Each set of parameters signs together, in any case and order, and no part of it alone unless it is another's."""
    assert utm.SIGNATURE_PARAMETERS[names]
    assert utm.is_signed("https://x.example/?" + "&".join(f"{name.upper()}=1" for name in reversed(names)))
    for name in names:
        others = [name for other in utm.SIGNATURE_PARAMETERS if other == (name,)]
        assert utm.is_signed(f"https://x.example/?{name}=1") == bool(others)


def test_where_parameters_go() -> None:
    """Before the fragment, behind what is there, and never over one written by hand, in whatever spelling."""
    assert utm.add_parameters("https://x.example", UTM_PARAMETERS[:1]) == "https://x.example?utm_source=weir"
    assert (
        utm.add_parameters("https://x.example/?a=1&#b?c", UTM_PARAMETERS[:1])
        == "https://x.example/?a=1&utm_source=weir#b?c"
    )
    for mine in ("utm_source=me", "UTM_Source=", "a=1;utm_source", "utm%5Fsource=x"):
        assert utm.add_parameters(f"https://x.example/?{mine}", UTM_PARAMETERS[:1]) == f"https://x.example/?{mine}"


@pytest.mark.parametrize(
    ("destination", "added"),
    [
        ("https://example.com/a", True),
        ("HTTPS://user@WWW.Example.COM.:8080/a", True),
        ("https://notexample.com/", False),
        ("https://example.com.evil.example/", False),
        ("https://evil.example\\@example.com/", False),
        ("https://evil.example?@example.com/", False),
        ("https://bücher.example/", True),
        ("https://xn--bcher-kva.example/", True),
        ("https://other.example/", False),
    ],
)
def test_a_list_of_hosts_restricts(destination: str, added: bool) -> None:
    """Only hosts of the list and those below them get parameters."""
    hosts = ("Example.com", "bücher.example")
    assert (utm.add_parameters(destination, UTM_PARAMETERS, hosts) != destination) == added


def test_parameters_never_make_an_address_too_long() -> None:
    """A destination that would pass 8,000 bytes stays as it was, and can be tracked."""
    long = "https://x.example/?q=" + "a" * (MAX_DESTINATION_BYTES - 40)
    assert utm.add_parameters(long, UTM_PARAMETERS) == long
    assert utm.add_parameters(long[:-20], (("utm_source", "a"),)) != long[:-20]
