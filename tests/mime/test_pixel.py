"""The open pixel inside a mail, whatever its transfer encoding, and where it may stand in a page."""

import base64
import quopri

import pytest

from linkweir import rewrite_message
from linkweir.html.ending import honeypot_tag
from linkweir.html.pixel import insert_ending, pixel_tag
from tests.mime.compare import content, parts

URL = "https://t.example.com/c/token"
TAG = f'<img src="{URL}" width="1" height="1" border="0" alt="">'
PAGE = "<html><body><p>caf\u00e9 = " + "x" * 200 + "</p></BODY></html>\r\n"


def encoded(encoding: str) -> bytes:
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
    done = rewrite_message(encoded(encoding), None, pixel=URL)
    (part,) = parts(done.raw)
    assert content(part).decode() == PAGE.replace("</BODY>", TAG + "</BODY>")


def test_one_pixel_for_a_mail() -> None:
    """Of two HTML bodies the first one gets the pixel."""
    body = encoded("8bit")
    mail = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + body + b"\r\n--b\r\n" + body + b"\r\n--b--\r\n"
    assert rewrite_message(mail, None, pixel=URL).raw.count(TAG.encode()) == 1


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
def test_a_place_is_one_that_a_browser_sees(page: str, expected: str) -> None:
    """Before the real `</body>`, else `</html>`, else at the end; nowhere when that is no markup."""
    assert insert_ending(page, pixel_tag(URL)) == expected.replace("*", TAG)


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
def test_the_hidden_link_stands_behind_the_pixel(encoding: str) -> None:
    """Decoded, the page has both before `</body>`, or the hidden link alone, and nothing else is new."""
    hidden = honeypot_tag(URL + "2").decode()
    for pixel, new in ((URL, TAG + hidden), (None, hidden)):
        (part,) = parts(rewrite_message(encoded(encoding), None, pixel=pixel, honeypot=URL + "2").raw)
        assert content(part).decode() == PAGE.replace("</BODY>", new + "</BODY>")
