"""In which charset a part is: its byte order mark, else what its headers name, else what it declares, else UTF-8."""

import base64
import email
from pathlib import Path

import pytest

from linkweir.html import Outcome
from linkweir.mime.message import check_message, rewrite_message

URL = "https://t.example.com/x"
PAGE = '<html><head>{}</head><body><a href="https://example.com/?q=\u041f\u0440">x</a></body></html>'


def make_mail(data: bytes, content_type: str = "text/html", encoding: str = "base64") -> bytes:
    """A mail with this one part."""
    body = base64.encodebytes(data).replace(b"\n", b"\r\n") if encoding == "base64" else data
    return f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body


def scan_mail(raw: bytes) -> tuple[list[tuple[str, str | None]], list[str]]:
    """Outcome and destination of each link, and the codes of the notes."""
    links, notes = check_message(raw)
    return [(str(link.link.outcome), link.link.destination) for link in links], [note.code for note in notes]


TRACKED_RESULT: tuple[list[tuple[str, str | None]], list[str]] = (
    [("tracked", "https://example.com/?q=\u041f\u0440")],
    [],
)


@pytest.mark.parametrize(
    ("content_type", "meta", "codec"),
    [
        ("text/html", '<meta charset="windows-1251">', "cp1251"),
        ("text/html", '<meta http-equiv=Content-Type content="text/html; charset=koi8-r">', "koi8-r"),
        ("text/html; charset=x-unknown", "<meta charset=windows-1251>", "cp1251"),
        ('text/html; charset=""', "<meta charset=windows-1251>", "cp1251"),
        ("text/html; charset=koi8-r", "<meta charset=windows-1251>", "koi8-r"),
        ("text/html", "<meta charset=iso-2022-jp>", "iso2022_jp"),
        ("text/html", "<meta charset=x-unknown>", "utf-8"),
        ("text/html", "<!-- <meta charset=windows-1251> -->", "utf-8"),
        ("text/html", "", "utf-8"),
        ("text/html", "<meta charset=windows-1251>", "utf-8-sig"),
        ("text/html; charset=utf-16", "", "utf-16"),
        ("text/html", "<meta charset=windows-1251>", "utf-16"),
        ("text/html; charset=iso-8859-1", "", "utf-16"),
        ("text/html; charset=koi8-r", "", "utf-8-sig"),
        ("text/html; charset=iso-2022-jp", "", "utf-8-sig"),
        ("text/html; charset=utf-16", "<meta charset=windows-1251>", "utf-8-sig"),
        ("text/html; charset=utf-16le", "", "utf-16-le"),
        ("text/html; charset=utf-32", "", "utf-32"),
    ],
)
def test_the_charset_is_the_one_that_readers_take(content_type: str, meta: str, codec: str) -> None:
    """The link's destination is read in it, and of the text nothing but the href changes."""
    raw = make_mail(PAGE.format(meta).encode(codec), content_type)
    assert scan_mail(raw) == TRACKED_RESULT
    done = email.message_from_bytes(rewrite_message(raw, lambda _destination, _index: URL).raw).get_payload(decode=True)
    assert done == PAGE.format(meta).replace("https://example.com/?q=\u041f\u0440", URL).encode(codec)


def test_big_endian_text_with_its_mark_is_read() -> None:
    """UTF-16 in either byte order, by its byte order mark, and comes back in the same."""
    data = b"\xfe\xff" + PAGE.encode("utf-16-be")
    raw = make_mail(data, "text/html; charset=utf-16")
    assert scan_mail(raw) == TRACKED_RESULT
    done = email.message_from_bytes(rewrite_message(raw, lambda _destination, _index: URL).raw).get_payload(decode=True)
    assert isinstance(done, bytes)
    assert done.startswith(b"\xfe\xff")
    assert done.decode("utf-16") == PAGE.replace("https://example.com/?q=\u041f\u0440", URL)


def test_utf_16_without_byte_order_is_unchanged_and_reported() -> None:
    """Without a byte order mark readers differ, so the part is not judged, and a note says so."""
    assert scan_mail(make_mail(PAGE.encode("utf-16-le"), "text/html; charset=utf-16")) == ([], ["untouched-part"])


@pytest.mark.external
@pytest.mark.parametrize(
    ("name", "destination"),
    [("meta-charset", "https://example.com/?q=\u041f\u0440"), ("cs_utf-16", "https://ex.com/?a=1&b=2")],
)
def test_the_cases_are_read_in_their_charset(shared_folder: Path, name: str, destination: str) -> None:
    """The one link of the mail leads where its charset says, and nothing else changes."""
    raw = (shared_folder / "cases" / f"{name}.eml").read_bytes()
    assert scan_mail(raw) == ([(str(Outcome.TRACKED), destination)], [])
    assert rewrite_message(raw, lambda _destination, _index: URL).replaced == 1
