"""The open pixel inside a mail, whatever its transfer encoding, and where it may stand in a page."""

import base64
import quopri

import pytest

from linkweir.html.tag_insertion import insert_tags, make_honeypot_tag, make_pixel_tag
from linkweir.mime.message import rewrite_message
from tests.mime.assertions import decode_part, list_parts

URL = "https://t.example.com/c/token"
PIXEL_TAG = f'<img src="{URL}" width="1" height="1" border="0" alt="">'
PAGE = "<html><body><p>caf\u00e9 = " + "x" * 200 + "</p></BODY></html>\r\n"


def make_mail(encoding: str) -> bytes:
    """The page as a mail."""
    data = PAGE.encode()
    if encoding == "quoted-printable":
        data = quopri.encodestring(data.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    elif encoding == "base64":
        data = base64.encodebytes(data).replace(b"\n", b"\r\n")
    head = f"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + data


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
def test_the_pixel_stands_before_the_body_ends(encoding: str) -> None:
    """Decoded, the page has the pixel before `</body>` and nothing else is new."""
    done = rewrite_message(make_mail(encoding), None, pixel=URL)
    (part,) = list_parts(done.raw)
    assert decode_part(part).decode() == PAGE.replace("</BODY>", PIXEL_TAG + "</BODY>")


def test_one_pixel_for_a_mail() -> None:
    """Of two HTML bodies the first one gets the pixel."""
    body = make_mail("8bit")
    mail = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + body + b"\r\n--b\r\n" + body + b"\r\n--b--\r\n"
    assert rewrite_message(mail, None, pixel=URL).raw.count(PIXEL_TAG.encode()) == 1


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<body>x</body>", "<body>x*</body>"),
        ("<body>x</body><!-- </body> -->", "<body>x*</body><!-- </body> -->"),
        ("<script>'</body>'</script>x</html>", "<script>'</body>'</script>x*</html>"),
        ("<p>x", "<p>x*"),
        ("<p>x<!-- never ends", "<p>x<!-- never ends"),
        ("<textarea>never ends</body>", "<textarea>never ends</body>"),
    ],
)
def test_the_pixel_is_inserted_where_a_browser_renders_it(page: str, expected: str) -> None:
    """Before the real `</body>`, else `</html>`, else at the end; nowhere when that is no markup."""
    assert insert_tags(page.encode(), make_pixel_tag(URL)).decode() == expected.replace("*", PIXEL_TAG)


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
def test_the_hidden_link_stands_behind_the_pixel(encoding: str) -> None:
    """Decoded, the page has both before `</body>`, or the hidden link alone, and nothing else is new."""
    hidden = make_honeypot_tag(URL + "2").decode()
    for pixel, new in ((URL, PIXEL_TAG + hidden), (None, hidden)):
        (part,) = list_parts(rewrite_message(make_mail(encoding), None, pixel=pixel, honeypot=URL + "2").raw)
        assert decode_part(part).decode() == PAGE.replace("</BODY>", new + "</BODY>")
