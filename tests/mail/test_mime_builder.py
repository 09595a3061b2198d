"""Tests of linkweir.mail.mime_builder, read back with the standard library's parser."""

import email
import email.policy
import re
from dataclasses import replace
from email.header import Header, decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkweir.errors import ValidationError
from linkweir.mail import addresses, content_validation, mime_builder
from linkweir.mail.addresses import CONTROL_CHARACTERS, MAX_NAME_CHARS
from linkweir.mail.message_types import MailAttachment, Mailbox, Submission
from linkweir.mail.mime_builder import MailBuilder

NOW_US = 1_700_000_000_000_000
line_strategy = st.text(st.characters(exclude_categories=["Cs"]), max_size=MAX_NAME_CHARS).filter(
    lambda text: not CONTROL_CHARACTERS.search(text)
)
page_strategy = st.text(st.characters(exclude_categories=["Cs"]))


def build_and_parse(
    *,
    subject: str = "s",
    text: str | None = None,
    html: str | None = "<p>x</p>",
    name: str = "",
    headers: dict[str, str] | None = None,
    attachments: tuple[MailAttachment, ...] = (),
) -> EmailMessage:
    """A mail, built and parsed again; every line of it is legal."""
    submission = Submission(
        sender=Mailbox("a@example.com", name), recipients=(), subject=subject, attachments=attachments
    )
    raw = (
        MailBuilder(submission, headers or {}, NOW_US)
        .build(
            Mailbox("b@example.org", name),
            message_id="<m@example.com>",
            subject=subject,
            text=text,
            html=None if html is None else html.encode(),
        )
        .join()
    )
    assert raw.isascii()
    assert all(len(item) <= content_validation.MAX_LINE_BYTES for item in raw.split(b"\r\n"))
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    return email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)


def decode_html_part(mail: EmailMessage) -> bytes:
    """The decoded bytes of the HTML part."""
    part = mail.get_body(("html",))
    assert part is not None
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    return data


@settings(deadline=None)
@given(page_strategy)
def test_html_bytes_are_preserved(html: str) -> None:
    """Any HTML, whatever its line ends, controls and lengths, decodes to exactly its UTF-8 bytes."""
    assert decode_html_part(build_and_parse(html=html)) == html.encode()


@settings(deadline=None)
@given(line_strategy)
def test_subjects_come_back(subject: str) -> None:
    """Any subject without line breaks reads back the same, but for white space at its ends and in runs."""
    assert str(build_and_parse(subject=subject)["subject"]).split() == subject.split()


@settings(deadline=None)
@given(line_strategy)
def test_names_cannot_change_addresses(name: str) -> None:
    """Whatever stands in a name, there is one address in To and From, and it is the one that was meant."""
    mail = build_and_parse(name=name)
    for header, expected in (("to", "b@example.org"), ("from", "a@example.com")):
        assert [address.addr_spec for address in mail[header].addresses] == [expected]
        # RFC 2047 drops the space between two encoded words; the newer parser keeps it inside a name
        raw = next(text for key, text in mail.raw_items() if key.lower() == header)
        shown, plain = parseaddr("".join(str(raw).splitlines()))
        assert plain == expected
        assert str(make_header(decode_header(shown))).split() == name.split()


def test_headers_are_complete() -> None:
    """Message-ID, Date, MIME-Version and both addresses are there."""
    mail = build_and_parse()
    assert mail["message-id"] == "<m@example.com>"
    assert mail["date"].datetime.timestamp() == NOW_US // 1_000_000
    assert mail["mime-version"] == "1.0"


@pytest.mark.parametrize(
    "name", [" a.txt", "a.txt ", "  ", " \u00fc.txt ", "a  b.txt", f" {'y' * 300} ", f" \u00fc{'z' * 300} "]
)
def test_spaces_of_a_file_name_are_in_the_mail(name: str) -> None:
    """The name of an attachment is in the mail with the spaces around it, whatever readers make of them."""
    mail = build_and_parse(attachments=(MailAttachment(b"x", "image/png", name),))
    (part,) = (part for part in mail.walk() if part.get_content_disposition() == "attachment")
    found = part.get_param("filename", header="content-disposition")
    assert found is not None
    assert email.utils.collapse_rfc2231_value(found) == name


def test_long_headers_stay_whole() -> None:
    """A header with a long word stays as written: encoded words in List-Unsubscribe would be understood by nobody."""
    value = "<https://example.com/" + "x" * 300 + ">"
    submission = Submission(sender=Mailbox("a@example.com"), recipients=(), subject="s")
    raw = (
        MailBuilder(submission, {"List-Unsubscribe": value}, NOW_US)
        .build(Mailbox("b@example.org"), message_id="<m@example.com>", subject="s", text="t", html=None)
        .join()
    )
    assert f"List-Unsubscribe: {value}\r\n".encode() in raw


HIDDEN_HEADER = "=?utf-8?q?a=0D=0ABcc:_evil=40example.com?="  # an encoded word with a line break in it


@pytest.mark.parametrize(
    "text", [HIDDEN_HEADER, HIDDEN_HEADER + " ü", HIDDEN_HEADER + " b" * 600, HIDDEN_HEADER + "b" * 1200]
)
def test_rfc_2047_encoding_hides_no_header(text: str) -> None:
    """A line break inside an encoded word never becomes one: neither the subject nor a header can add another."""
    mail = build_and_parse(subject=text, headers={"X-A": text}, name=HIDDEN_HEADER)
    assert "bcc" not in mail
    assert {name.lower() for name in mail if name.lower() not in ("mime-version", "content-type")} == {
        *("from", "to", "subject", "date", "message-id", "x-a", "content-transfer-encoding")
    }


def test_rfc_2047_encoding_hides_no_attachment_header() -> None:
    """Neither a file's name nor its id can end a line; a name in an honest encoded word is read."""
    for hidden in (HIDDEN_HEADER, "=?utf-8?q?=3D=3Futf-8=3Fq=3F=0D=0AX:_y=3F=3D?=", "=?", "x" * 1001):
        with pytest.raises(ValidationError, match="file_name"):
            content_validation.check_attachment(MailAttachment(b"", "text/plain", hidden), "attachments[0]")
    files = (MailAttachment(b"x", "image/png", "=?utf-8?q?=C3=9C.png?=", inline=True, content_id=f"<{HIDDEN_HEADER}>"),)
    content_validation.check_attachment(files[0], "attachments[0]")
    (part,) = [part for part in build_and_parse(attachments=files).walk() if part.get_content_type() == "image/png"]
    assert part.get_filename() == "Ü.png"
    assert dict(part.raw_items())["Content-ID"] == f"<{HIDDEN_HEADER}>"
    assert {name.lower() for name in part if not name.lower().startswith("content-")} == {"mime-version"}


HIDDEN_HEADERS = (
    "=?utf-8?q?a=0d=0aBcc:_x?=",
    "=?utf-8?b?YQ0KQmNjOiB4?=",  # the same in base64
    "=?utf-8?q?=0d=0a=0d=0a<h1>?=",
)


def submit_and_parse(submission: Submission, recipient: Mailbox) -> EmailMessage | None:
    """The mail read back, each line that begins a header checked; None: the submission is refused by a field's name."""
    try:
        for item in submission.attachments:
            content_validation.check_attachment(item, "attachments[0]")
        reply_to = submission.reply_to and addresses.validate_mailbox(submission.reply_to, "reply_to")
        submission = replace(
            submission, sender=addresses.validate_mailbox(submission.sender, "from"), reply_to=reply_to
        )
        recipient = addresses.validate_mailbox(recipient, "recipients[0]")
        headers = content_validation.check_headers(submission.headers, has_reply_to=reply_to is not None)
    except ValidationError:
        return None
    raw = (
        MailBuilder(submission, headers, NOW_US)
        .build(recipient, message_id="<m@example.com>", subject=submission.subject, text=None, html=b"<p>")
        .join()
    )
    assert not re.search(rb"^(bcc|<h1)", raw, re.IGNORECASE | re.MULTILINE)
    mail = email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)
    for part in mail.walk():
        assert all(isinstance(str(value), str) for _, value in part.items())  # reading each raises nothing
        part.get_params()
        part.get_filename()
    return mail


@pytest.mark.parametrize("hidden", HIDDEN_HEADERS)
@pytest.mark.parametrize("name", ["x", "charset", "name", "boundary", "filename", "url"])
def test_a_type_parameter_hides_no_header(name: str, hidden: str) -> None:
    """An encoded word in a parameter of an attachment's type is refused, wherever in the value it stands."""
    for value in (f'"{hidden}"', f'"a {hidden} b"', f'"{hidden[:-2]}"; y="?="', f'"a{hidden}"'):
        with pytest.raises(ValidationError, match=r"attachments\[0\]\.content_type"):
            content_validation.check_attachment(
                MailAttachment(b"x", f"text/html; {name}={value}", "a.html"), "attachments[0]"
            )


@pytest.mark.parametrize("hidden", HIDDEN_HEADERS)
@pytest.mark.parametrize("field", ["from", "to", "reply_to", "file_name", "content_id", "content_type"])
def test_no_field_hides_a_header(field: str, hidden: str) -> None:
    """Encoded words with line breaks, and these encoded once more, are refused or go out without a line of their own,
    and Python's reader reads the mail.
    """
    for text in (hidden, Header(hidden, "utf-8").encode(), f"{hidden} \u00fc", f'"{hidden}"', f"x, {hidden}"):
        names = {field: text}
        file = MailAttachment(
            b"x",
            f'image/png; x="{text}"' if field == "content_type" else "image/png",
            names.get("file_name", "a.png"),
            inline=True,
            content_id=f"<{names.get('content_id', 'c@example.com')}>",
        )
        submission = Submission(
            sender=Mailbox("a@example.com", names.get("from", "")),
            recipients=(),
            subject="s",
            reply_to=Mailbox("r@example.com", names.get("reply_to", "")),
            attachments=(file,),
        )
        mail = submit_and_parse(submission, Mailbox("b@example.org", names.get("to", "")))
        if mail is not None and field in mail:
            assert len(mail[field].addresses) == 1
        if field in ("file_name", "content_type"):
            assert mail is None


@pytest.mark.parametrize("hidden", HIDDEN_HEADERS)
@pytest.mark.parametrize(
    "name",
    [
        *("Subject", "X-A", "List-Id", "List-Unsubscribe", "References", "In-Reply-To", "Errors-To"),
        *("Reply-To", "Cc", "Sender", "Date"),
    ],
)
def test_no_header_hides_another(name: str, hidden: str) -> None:
    """The same in the subject and in the headers of the customer's own, as texts, as names and as comments."""
    for word in (hidden, Header(hidden, "utf-8").encode()):
        for text in (word, f"{word} \u00fc", f"<{word}>", f"{word} <c@example.com>", f'"{word}" <c@example.com>'):
            subject, headers = (text, {}) if name == "Subject" else ("s", {name: text})
            submission = Submission(sender=Mailbox("a@example.com"), recipients=(), subject=subject, headers=headers)
            submit_and_parse(submission, Mailbox("b@example.org"))


@pytest.mark.parametrize("name", ["=?x", "=?nowhere?q?a?=", "=?utf-8?q?=FF?=", HIDDEN_HEADERS[0], "a, =?utf-8?q?b?="])
def test_a_name_like_an_encoded_word_is_encoded(name: str) -> None:
    """What the composer is given as a name is what a reader sees, even if it looks like an encoded word."""
    mail = build_and_parse(name=name)
    assert [mail[header].addresses[0].display_name for header in ("from", "to")] == [name, name]


def test_a_long_header_with_spaces_is_folded() -> None:
    """Text that needs more than one line is folded at its spaces, and only a word too long for a line is encoded."""
    references = " ".join(f"<{number}@example.com>" for number in range(300))
    mail = build_and_parse(headers={"References": references, "X-Long": "x" * 5000})
    assert dict(mail.raw_items())["References"].replace("\n", "").split() == references.split()
    assert str(mail["x-long"]) == "x" * 5000


def test_a_reply_to_header_holds_addresses() -> None:
    """Names and domains in any script go out encoded; what is no list of addresses is refused, comments in comments
    too; and so is a header that is there twice, a longer one than can be written, and too many.
    """
    mail = build_and_parse(headers={"Reply-To": '"Jürgen, X" <j@exämple.de>, k@example.com'})
    assert [address.addr_spec for address in mail["reply-to"].addresses] == ["j@xn--exmple-cua.de", "k@example.com"]
    refused: list[dict[str, str]] = [
        *({"Reply-To": text} for text in ("", "x", "(" * 7000, "ü@example.com", "<<<>>,", "a@[")),
        {"Reply-To": "a@example.com", "reply-to": "b@example.com"},
        {"X-A": "x" * (content_validation.MAX_HEADER_CHARS + 1)},
        {f"X-{number}": "x" for number in range(content_validation.MAX_HEADERS + 1)},
    ]
    for headers in refused:
        with pytest.raises(ValidationError, match="headers"):
            content_validation.check_headers(headers, has_reply_to=False)


def test_large_bodies_are_those_of_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies that are written past the standard library decode to the same bytes in the same parts, in any order; a
    text's lines end as they do in a small one.
    """
    files = tuple(
        MailAttachment(bytes([index]) * size, "image/png", f"{index}.png", inline, f"<{index}@x>" if inline else "")
        for index, (size, inline) in enumerate(((5000, False), (6001, True), (10, True), (7002, False), (5003, True)))
    )
    text = "a\r\nb\rc\n\n" + "ü" * 5000

    def parts() -> list[tuple[str, str | None, bytes]]:
        mail = build_and_parse(text=text, html="<p>\r\n<b>\n" + "x" * 5000, attachments=files)
        result = [part for part in mail.walk() if not part.is_multipart()]
        return [(item.get_content_type(), item["content-id"], _decode_part(item)) for item in result]

    small = parts()
    monkeypatch.setattr(mime_builder, "LARGE_BODY_BYTES", 1000)
    large = parts()
    assert large[1:] == small[1:]
    assert large[0][2].replace(b"\r\n", b"\n") == small[0][2].replace(b"\r\n", b"\n")
    assert len(large) == 7


def _decode_part(part: EmailMessage) -> bytes:
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes)
    return data


def test_text_and_html_are_alternatives() -> None:
    """With both bodies the mail is multipart/alternative, the text first."""
    mail = build_and_parse(text="plain ü", html="<p>")
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("text", ["a", "ü" * 2000, "x" * 5000, "nul \x00 bell \x07", "a\rb\nc\r\nd"])
def test_any_text_can_be_sent(text: str) -> None:
    """Text of any length and with any character arrives, line by line."""
    part = build_and_parse(text=text, html=None).get_body(("plain",))
    assert part is not None
    assert str(part.get_content()).splitlines() == text.splitlines()


def test_attachments_come_back() -> None:
    """A file comes back with its bytes, type and name; an inline one is related to the HTML by its id."""
    files = (
        MailAttachment(b"\x00\x01\r\n", "application/pdf", "Übersicht.pdf"),
        MailAttachment(b"PNG", "image/png", "logo.png", inline=True, content_id="<logo@example.com>"),
    )
    mail = build_and_parse(text="t", html='<img src="cid:logo@example.com">', attachments=files)
    (attached,) = mail.iter_attachments()
    assert attached.get_content() == b"\x00\x01\r\n"
    assert attached.get_filename() == "Übersicht.pdf"
    inline = next(part for part in mail.walk() if part["content-id"])
    assert inline["content-id"] == "<logo@example.com>"
    assert inline.get_content_disposition() == "inline"


def test_an_attachment_type_has_its_parameters() -> None:
    """Charset, method and quoted values of a type arrive as they were asked for."""
    kind = 'text/calendar; charset=utf-8; method=REQUEST; x="a; b"'
    mail = build_and_parse(html="<p>", attachments=(MailAttachment("é".encode(), kind, "i.ics"),))
    (file,) = mail.iter_attachments()
    assert (file.get_content_type(), file.get_content()) == ("text/calendar", "é")
    assert (file.get_param("method"), file.get_param("x")) == ("REQUEST", "a; b")


def test_html_attachments_are_no_bodies() -> None:
    """An HTML file that goes along does not become the mail's body."""
    mail = build_and_parse(html="<p>body</p>", attachments=(MailAttachment(b"<p>file</p>", "text/html", "page.html"),))
    assert decode_html_part(mail) == b"<p>body</p>"
