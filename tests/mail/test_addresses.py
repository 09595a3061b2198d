"""Tests of linkweir.mail.addresses."""

from email.header import Header

import pytest

from linkweir.errors import ValidationError
from linkweir.mail import addresses
from linkweir.mail.message_types import Mailbox


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("ada@example.org", "ada@example.org"),
        ("Ada+x.y'z@EXAMPLE.org", "Ada+x.y'z@example.org"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@localhost", "a@localhost"),
    ],
)
def test_addresses_that_can_be_mailed_to(given: str, kept: str) -> None:
    """The local part stays as it is; the domain becomes ASCII in lower case."""
    assert addresses.validate_mailbox(Mailbox(given), "to").email == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "a b@example.org",
        ".a@example.org",
        "a..b@example.org",
        "a@b@example.org",
        '"a b"@example.org',
        "a@exa mple.org",
        "a@-x.example",
        "a@x-.example",
        "a@[127.0.0.1]",
        "a@x..example",
        "ada@example.org\r\nBcc: eve@example.org",
        "ada\n@example.org",
        "a@example.org\x00",
        "a,b@example.org",
        "<a@example.org>",
        "ä@example.org",
        "=?utf-8?q?x?=@example.org",
        "a" * 65 + "@example.org",
        "a@" + "x" * 64 + ".example",
        "a@" + "x." * 130 + "example",
    ],
)
def test_addresses_that_are_refused(given: str) -> None:
    """What is no plain address is refused, naming the field; above all what could become a second header."""
    with pytest.raises(ValidationError, match=r"to\.email"):
        addresses.validate_mailbox(Mailbox(given), "to")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("=?utf-8?q?J=C3=BCrgen?=", "J\u00fcrgen"),
        ("=?utf-8?b?SsO8cmdlbg==?= X", "J\u00fcrgen X"),
        (Header("\U0001f642" * 256, "utf-8").encode(linesep="").replace("\n", ""), "\U0001f642" * 256),
        ("=?x", "=?x"),
        ("=?nowhere?q?a?=", "=?nowhere?q?a?="),
        ("=?utf-8?q?=FF?=", "=?utf-8?q?=FF?="),
    ],
)
def test_names_in_encoded_words_are_read(given: str, kept: str) -> None:
    """A name that a client has encoded for a mail is the name it stands for; one that cannot be read stays."""
    assert addresses.validate_mailbox(Mailbox("a@example.org", given), "to").name == kept


@pytest.mark.parametrize(
    "name",
    [
        *("a\r\nBcc: x", "a\nb", "a\x00", "a\u2028b", "a\x85b", "x" * 257),
        *("=?utf-8?q?a=0D=0ABcc:_x?=", "=?utf-8?b?YQ0KQmNjOiB4?=", "=?utf-8?q?a=00?=", "=?utf-8?q?a?= " * 1000),
    ],
)
def test_names_that_are_refused(name: str) -> None:
    """A name holds no line break or control, not in an encoded word either, and has an end."""
    with pytest.raises(ValidationError, match=r"to\.name"):
        addresses.validate_mailbox(Mailbox("a@example.org", name), "to")
