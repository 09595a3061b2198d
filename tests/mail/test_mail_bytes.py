"""Mails built from one skeleton have the bytes of mails that the standard library writes one by one."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linkweir._mime import DeltaEncoder
from linkweir.errors import ValidationError
from linkweir.mail import content_validation, mime_builder
from linkweir.mail.addresses import CONTROL_CHARACTERS
from linkweir.mail.message_types import MailAttachment, Mailbox, Submission
from linkweir.mail.mime_builder import MailBuilder
from linkweir.mime.mail_delta import decode_mail, encode_mail
from tests.reference import mime_composer

NOW_US = 1_700_000_000_123_456
BOUNDARY = re.compile(rb"={15}[0-9]{19}==(?:\.[0-9]+)?")

SENDER, READER = Mailbox("a@example.com"), Mailbox("b@example.org")


@dataclass(frozen=True)
class Reader:
    """One recipient and what is filled in for them."""

    to: Mailbox = READER
    subject: str = "s"
    text: str | None = None
    html: str | None = "<p>x</p>"
    message_id: str = "<0190-7@example.com>"


def compare(
    readers: Sequence[Reader],
    *,
    headers: Mapping[str, str] | None = None,
    sender: Mailbox = SENDER,
    **fields: Any,
) -> list[bytes]:
    """Build all mails in both ways from one submission, and require the same bytes but for the random boundaries; those
    of the first mail, too, since both ways ask the same source of chance.
    """
    submission = Submission(sender=sender, recipients=(), subject="s", **fields)
    checked = content_validation.check_headers(headers or {}, has_reply_to=submission.reply_to is not None)
    builder = MailBuilder(submission, checked, NOW_US)
    built: list[bytes] = []
    for reader in readers:
        seed = random.getstate()
        html = None if reader.html is None else reader.html.encode()
        parts = builder.build(
            reader.to, message_id=reader.message_id, subject=reader.subject, text=reader.text, html=html
        )
        mail = parts.join()
        assert parts.size == len(mail)
        common = builder.get_common()
        assert decode_mail(common, encode_mail(DeltaEncoder(common), parts)) == mail  # as it is stored
        after = random.getstate()
        random.setstate(seed)
        expected = mime_composer.build_mail(
            submission,
            reader.to,
            message_id=reader.message_id,
            subject=reader.subject,
            text=reader.text,
            html=reader.html,
            headers=checked,
            now=NOW_US,
        )
        if not built:
            assert mail == expected
        random.setstate(after)
        assert normalize_boundaries(mail) == normalize_boundaries(expected)
        built.append(mail)
    return built


def normalize_boundaries(mail: bytes) -> bytes:
    """The mail with its boundaries numbered in their order."""
    seen: dict[bytes, bytes] = {}
    return BOUNDARY.sub(lambda match: seen.setdefault(match[0], b"boundary-%d" % len(seen)), mail)


characters = st.characters(exclude_categories=["Cs"])
lines = st.text(characters, max_size=200).filter(lambda text: not CONTROL_CHARACTERS.search(text))
short_names = st.one_of(
    st.sampled_from(
        ("", "Ada", "Ada Lovelace", "Lovelace, Ada", 'A "B" C', "a@b", "J\u00fcrgen", " Ada", "A  B", "=?x?=")
    ),
    lines,
)
mailboxes = st.builds(
    Mailbox, st.sampled_from(("b@example.org", "b.c+d'e@xn--exmple-cua.de", "x" * 64 + "@" + "a.b" * 50)), short_names
)
bodies = st.one_of(
    st.text(characters, max_size=300),
    st.sampled_from(
        (
            *(
                "",
                "\n",
                "a",
                "a\r\nb\rc\nd",
                "x" * 78,
                "x" * 79,
                "\u00fc" * 2000,
                "nul \x00",
                "a\x0bb\x0c",
                "From x\n.\n..",
                "a \n",
            ),
            *(
                "=3D =\n",
                "\u00fc\r\n\u2028\u0085x",
                "line\n" * 11 + "\u00fc",
                "\u00fc " * 30 + "\n" * 12,
                "--\n--x--\n",
            ),
        )
    ),
)
readers_strategy = st.lists(
    st.builds(Reader, mailboxes, lines.filter(lambda text: len(text) < 190), bodies, bodies), min_size=1, max_size=4
)
attachment_strategy = st.builds(
    lambda data, kind, name, inline: MailAttachment(data, kind, name, inline, "<c@x>" if inline else ""),
    st.binary(max_size=200),
    st.sampled_from(
        (
            *("image/png", "text/plain", "text/html; charset=utf-8", 'text/calendar; method=REQUEST; x="a; b"'),
            *('image/png; boundary="e"', "image/png; boundary=a"),
        )
    ),
    st.sampled_from(("a.png", "\u00dcbersicht 1.pdf", "x" * 300, "=?utf-8?q?=C3=9C.png?=", 'a"b;c.txt')),
    st.booleans(),
)
headers_strategy = st.dictionaries(
    st.sampled_from(
        ("List-Unsubscribe", "List-Unsubscribe-Post", "X-A", "References", "List-Id", "Feedback-ID", "In-Reply-To")
    ),
    st.one_of(
        lines,
        st.sampled_from(("<https://example.com/" + "x" * 1200 + ">", "<m@x> " * 300, "\u00fc" * 900, 'boundary="e"')),
    ),
)
address_headers = st.fixed_dictionaries(
    {},
    optional={
        "Cc": st.sampled_from(
            ("c@example.com", '"J\u00fcrgen, X" <j@example.de>, k@example.com', "A B <c@example.com>")
        ),
        "Sender": st.just("Office <office@example.com>"),
        "Reply-To": st.just("\u00c9mile <e@example.com>, f@example.com"),
        "Date": st.just("Tue, 31 Mar 2026 10:00:00 +0200"),
    },
)


@settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))
@given(
    readers=readers_strategy,
    presence=st.sampled_from(((True, True), (True, False), (False, True))),
    headers=headers_strategy,
    addressed=address_headers,
    files=st.lists(attachment_strategy, max_size=3),
    amp=st.sampled_from((None, "", "<html amp4email>\r\n\u00fc</html>")),
    sender=mailboxes,
)
def test_any_mail_has_the_same_bytes(  # noqa: PLR0917 - what hypothesis draws
    readers: list[Reader],
    presence: tuple[bool, bool],
    headers: dict[str, str],
    addressed: dict[str, str],
    files: list[MailAttachment],
    amp: str | None,
    sender: Mailbox,
) -> None:
    """Whatever names, subjects, texts, pages, files and headers there are, both ways write the same bytes."""
    has_text, has_html = presence
    chosen = [
        Reader(
            item.to,
            item.subject,
            item.text if has_text else None,
            item.html if has_html else None,
            f"<{number}@example.com>",
        )
        for number, item in enumerate(readers)
    ]
    if not has_text and amp is None:  # the standard library adds no inline file behind one of another kind then
        files = sorted(files, key=lambda item: not item.inline)
    compare(chosen, headers={**headers, **addressed}, sender=sender, attachments=tuple(files), amp=amp)


def test_each_page_of_the_corpus_has_the_same_bytes(shared_folder: Path) -> None:
    """Every page of the corpus, alone, beside a text and with a picture in it, is written as before."""
    paths = sorted((shared_folder / "corpus" / "html").iterdir())
    assert len(paths) >= 20
    for number, path in enumerate(paths):
        page = path.read_bytes().decode("utf-8", "replace")
        files = (MailAttachment(page[:700].encode(), "image/png", f"{number}.png", True, "<a@x>"),) * (number % 3)
        text = page[: number * 10] if number % 2 else None
        reader = Reader(Mailbox("c@example.org", "C"), text=text, html=page + "\r\n")
        compare([Reader(text=text, html=page), reader], attachments=files)


def test_each_mail_of_the_corpus_has_the_same_bytes(shared_folder: Path) -> None:
    """Subjects, names, texts and list headers of every mail of the corpus that can be sent are written as before."""
    sent = 0
    for path in sorted((shared_folder / "corpus" / "eml").glob("*.eml")):
        mail = message_from_bytes(path.read_bytes(), policy=policy.compat32)
        values = {name: CONTROL_CHARACTERS.sub("", str(mail.get(name, ""))) for name in ("Subject", "From")}
        headers = {name: CONTROL_CHARACTERS.sub("", str(value)) for name, value in mail.items() if name[:4] == "List"}
        payload = next((part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()), b"")
        text = payload.decode("utf-8", "replace")[:20_000] if isinstance(payload, bytes) else ""
        reader = Reader(Mailbox("c@example.org", values["From"][:200]), values["Subject"], text, None)
        try:
            compare([reader], headers=dict(list(headers.items())[:1]))
        except ValidationError:
            continue
        sent += 1
    assert sent > 200


def test_large_bodies_have_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts, pages and files over the limit from which the standard library is not given them are written as before."""
    for module in (mime_builder, mime_composer):
        monkeypatch.setattr(module, "LARGE_BODY_BYTES", 1000)
    files = (
        MailAttachment(b"x" * 5000, "image/png", "a.png"),
        MailAttachment(b"", "image/png", "b.png"),
        MailAttachment(b"y" * 1001, "image/png", "c.png", True, "<c@x>"),
    )
    for text in ("a\r\nb\rc\n\n" + "\u00fc" * 5000, "x" * 1000, "x" * 1001, "line\n" * 500):
        compare([Reader(text=text, html="<p>\r\n" + "x" * 5000)] * 2, attachments=files, amp="<p>" * 900)


def test_a_boundary_that_occurs_in_a_text_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipient's text with the boundary of the skeleton in it gets a mail with another boundary, and is whole."""
    numbers = iter((111, 111, 222, 222, 333, 333))
    monkeypatch.setattr(random, "randrange", lambda _most: next(numbers))
    submission = Submission(sender=Mailbox("a@example.com"), recipients=(), subject="s")
    builder = MailBuilder(submission, {}, NOW_US)
    first = builder.build(Mailbox("b@example.org"), message_id="<1@x>", subject="s", text="t", html=b"<p>").join()
    (boundary,) = set(BOUNDARY.findall(first))
    text = f"before\n--{boundary.decode()}--\nbehind"
    second = builder.build(Mailbox("b@example.org"), message_id="<1@x>", subject="s", text=text, html=b"<p>").join()
    assert len(set(BOUNDARY.findall(second))) == 2
    assert second.count(boundary) == 1


def test_a_boundary_that_cannot_be_avoided_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every new boundary occurs in the text, too, building the mail ends with an error."""
    monkeypatch.setattr(random, "randrange", lambda _most: 111)
    builder = MailBuilder(Submission(sender=SENDER, recipients=(), subject="s"), {}, NOW_US)
    first = builder.build(READER, message_id="<1@x>", subject="s", text="t", html=b"<p>").join()
    text = BOUNDARY.findall(first)[0].decode()
    with pytest.raises(RuntimeError, match="boundary"):
        builder.build(READER, message_id="<1@x>", subject="s", text=text, html=b"<p>").join()


@pytest.mark.parametrize("html", [None, "<p>x</p>"])
def test_a_word_of_the_customer_is_no_boundary(html: str | None) -> None:
    """A header or an attachment's parameter that is spelled as a boundary's may have any value and may occur in the
    text.
    """
    reader = Reader(text="the letter e and zz", html=html)
    compare([reader] * 2, headers={"X-Note": 'boundary="e"'})
    compare([reader] * 2, attachments=(MailAttachment(b"x", 'image/png; boundary="zz"', "a.png"),))


def test_inline_files_may_follow_others() -> None:
    """A page alone takes files in any order: each inline one is related to it, wherever it stands in the list."""
    files = [
        MailAttachment(b"%d" % number, "image/png", f"{number}.png", inline, f"<{number}@x>" if inline else "")
        for number, inline in enumerate((False, True, False, True))
    ]
    submission = Submission(sender=SENDER, recipients=(), subject="s", attachments=tuple(files))
    builder = MailBuilder(submission, {}, NOW_US)
    mail = builder.build(READER, message_id="<1@x>", subject="s", text=None, html=b"<p>").join()
    parsed = message_from_bytes(mail, policy=policy.default)
    kinds = [part.get_filename() or part.get_content_type() for part in parsed.walk()]
    assert kinds == ["multipart/mixed", "multipart/related", "text/html", "1.png", "3.png", "0.png", "2.png"]


def test_wrong_attachments_raise_as_before() -> None:
    """What cannot go out is refused with the name of its field."""
    files = (MailAttachment(b"", "image/png", "=?"),)
    with pytest.raises(ValidationError, match=r"attachments\[0\]\.file_name"):
        compare([Reader()], attachments=files)
