"""Tests of linkweir.mail.originators: who a mail is from, as every reader understands it."""

import email
import email.policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkweir.errors import Forbidden, ValidationError
from linkweir.mail.originators import check_originators, parse_addresses

OWN_DOMAINS = ("mine.example", "xn--bcher-kva.example")
ALLOWED_AUTHORS = [
    "me@mine.example",
    "<me@mine.example>",
    "Me <me@mine.example>",
    "Me <me@MINE.Example>",
    '"ceo@bank.example" <me@mine.example>',
    "=?utf-8?q?Gr=C3=BC=C3=9Fe?= <me@mine.example>",
    "Grüße von mir <me@bücher.example>",
    "me@xn--bcher-kva.example",
    "me@BÜCHER.example",
    "jürgen@mine.example",
    "me@mine.example (a comment)",
    "(a comment) Me (another) <me@mine.example> (and more)",
    "a@mine.example, B <b@mine.example>",
    "Dr. Me <me+tag@mine.example>",
]
REFUSED_AUTHORS = [
    "ceo@bank.example",
    "me@mine.example, ceo@bank.example",
    "me@mine.example <ceo@bank.example>",
    '"me@mine.example" <ceo@bank.example>',
    "me@sub.mine.example",
    "me@notmine.example",
    "me@mine.example.bank.example",
    "me@mine.example.",
    "me@.mine.example",
    "me@mine..example",
    "me@[192.0.2.1]",
    "me@mine.example@bank.example",
    "me@bank.example@mine.example",
    '"ceo@bank.example,"@mine.example',
    '"me"@mine.example',
    "=?utf-8?q?ceo=40bank.example?=@mine.example",
    "=?utf-8?q?me=40mine.example?=",
    "me(ceo@bank.example)@mine.example",
    "me@mine.example(.bank.example)x",
    "me@(x)mine.example",
    "(a (b) c) me@mine.example",
    "me@mine.example (unfinished",
    "Team: me@mine.example, ceo@bank.example;",
    "Team: me@mine.example;",
    "undisclosed:;",
    "<@bank.example:me@mine.example>",
    "<me@mine.example> <ceo@bank.example>",
    "<me@mine.example> ceo@bank.example",
    "me@mine.example;ceo@bank.example",
    "me@mine.example ceo@bank.example",
    "me @mine.example",
    "me",
    "",
    ",",
    "me@mine.example,",
    "me@mine.example,,ceo@bank.example",
    "me@mine.example\x00@bank.example",
    "me@mine.example\rceo@bank.example",
    "Me <me@mine.example",
    "me@mine.example>",
    "me@mine\N{FULLWIDTH FULL STOP}example@bank.example",
    "me@m\N{CYRILLIC SMALL LETTER I}ne.example",
    "me@\N{REPLACEMENT CHARACTER}mine.example",
    "a@mine.example," + " " * 9000 + "ceo@bank.example",
]


@pytest.mark.parametrize("text", ALLOWED_AUTHORS)
@pytest.mark.parametrize("name", [b"from", b"sender", b"resent-from", b"resent-sender"])
def test_own_domains_may_send(name: bytes, text: str) -> None:
    """Case, names, comments and either form of an international domain are no matter."""
    given = [(b"to", "ceo@bank.example")] if name == b"from" else [(b"from", ALLOWED_AUTHORS[0])]
    check_originators(OWN_DOMAINS, "me@mine.example", [*given, (name, text)])


@pytest.mark.parametrize("text", REFUSED_AUTHORS)
@pytest.mark.parametrize("name", [b"from", b"sender", b"resent-from", b"resent-sender"])
def test_others_may_not(name: bytes, text: str) -> None:
    """Not one address of another domain, and nothing that some reader could take for one, in any sender's header."""
    given = [] if name == b"from" else [(b"from", ALLOWED_AUTHORS[0])]
    with pytest.raises(Forbidden):
        check_originators(OWN_DOMAINS, "me@mine.example", [*given, (name, text)])


def test_the_envelope_counts() -> None:
    """Its sender is under the same rule; none at all, as bounces have, is allowed."""
    headers = [(b"from", ALLOWED_AUTHORS[0])]
    for fine in ("", "bounce+1@mine.example", "me@MINE.example"):
        check_originators(OWN_DOMAINS, fine, headers)
    for other in ("me@bank.example", "me@sub.mine.example", '"a"@mine.example', "root"):
        with pytest.raises(Forbidden, match="MAIL FROM"):
            check_originators(OWN_DOMAINS, other, headers)


def test_from_and_sender_stand_once() -> None:
    """Two of them, whichever a reader shows, are refused, and so is none; blocks of Resent- may be many."""
    fine = (b"from", ALLOWED_AUTHORS[0])
    for headers in (
        [],
        [fine, fine],
        [fine, (b"sender", ALLOWED_AUTHORS[0]), (b"sender", ALLOWED_AUTHORS[0])],
        [(b"sender", ALLOWED_AUTHORS[0])],
    ):
        with pytest.raises(Forbidden):
            check_originators(OWN_DOMAINS, "", headers)
    check_originators(
        OWN_DOMAINS, "", [fine, (b"resent-from", ALLOWED_AUTHORS[0]), (b"resent-from", ALLOWED_AUTHORS[1])]
    )


@given(st.text(alphabet='ab@.,;:<>()"\\ \t=?[]é\x00\n', max_size=40))
def test_the_standard_library_finds_no_other(text: str) -> None:
    """What is taken here has the same addresses for Python's own reader of headers."""
    try:
        result = parse_addresses(text)
    except ValidationError:
        return
    mail = email.message_from_string(f"From: {text}\n\n", _class=EmailMessage, policy=email.policy.default)
    plain = [
        address
        for address in result
        if address.isascii() and all(part.strip(".") == part for part in address.split("@"))
    ]
    if plain == result and ".." not in text:  # the rest is refused by the form of the address alone
        assert [address.addr_spec for address in mail["from"].addresses] == result
