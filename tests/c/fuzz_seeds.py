"""Where a fuzzer starts: small documents, destinations, and words that it would be long in finding."""

import base64
import json
import quopri
import random
from collections.abc import Iterator
from pathlib import Path

MAX_SEED_BYTES = 4096  # bytes; longer inputs are slower and find nothing else

DOCUMENTS = [
    b'<a href="https://example.com/">x</a>',
    b"<p class=x><a target=_blank href='http://h/?a=1&amp;b=2#f'>y</a></p>",
    b'<a href = "https://h" data-as-no-track><A HREF=http://h><a name>',
    b'<a href="{{ url }}"><a href="https://h/{{ x }}"><a href="&#104;ttps://h/&#0;">',
    b"<!-- <a href='http://h'> --!><a href='http://h'><!--><!---><![CDATA[ > <a href=''> ]]>",
    b'<!--[if mso]><v:roundrect href="https://h" a="1"><a href="http://h"><![endif]--><a href="http://h">',
    b"<script><!-- <script> </script> --></script><style><a></style><title><a></title><textarea/><a></textarea >",
    b"<svg><title><a></title><style><a></style><![CDATA[<a>]]></svg><math><mi><a></mi><annotation-xml "
    b"encoding='text/html'><p></annotation-xml></math><a href='http://h'>",
    b'<table><tr><td width="20" style="padding:0;margin:0" align=left>words and words and words, sixty-four bytes '
    b'of them</td></tr></table><img src="x" alt=\'\'><a href="https://u@[::1]:8/\\?">',
]
DESTINATIONS = [
    b"https://www.example.com/products/summer-sale?utm_source=newsletter&utm_medium=email&id=12345678901234567890",
    b"http://h/550e8400-e29b-41d4-a716-446655440000/DEADBEEF0123/Zm9vYmFyYmF6cXV4/\xc3\xa9",
    b"",
    b"mailto:x",
]
DICTIONARY_ENTRIES = [
    *(b"<a ", b"<A\n", b"</a>", b'href="', b"href='", b'href = "', b" HREF=https://h ", b'"https://h/"'),
    *(b"'http://u@h:8/?a=1&copy=2#f'", b" data-as-no-track", b" ses:no-track", b' clicktracking="&#111;ff"'),
    *(b"<!--", b"-->", b"--!>", b"<!-->", b"<!--->", b"<![CDATA[", b"]]>", b"<!doctype html>"),
    *(b"<?x", b"</ x>", b"</>"),
    *(b"<script", b"</script>", b"<style>", b"</style>", b"<title>", b"</title>", b"<textarea>", b"</textarea "),
    *(b"<plaintext>", b"<xmp>", b"</xmp/", b"<iframe>", b"<noembed>", b"<noframes>", b"<svg>", b"<svg/>", b"</svg>"),
    *(b"<math>", b"</math>", b"<foreignObject>", b"</foreignObject>", b"<desc>", b"<mi>", b"</mi>", b"<mtext>"),
    *(b"<mglyph>", b"<annotation-xml", b" encoding='text/html'", b' encoding="application/xhtml+xml"', b"<font"),
    *(b" color=1", b"<p>", b"</p>", b"</br>", b"<b>", b"<!--[if mso]>", b'<!--[if (x)]><a href="http://h">'),
    *(b"<![endif]-->", b'<v:rect href="', b"<v:roundrect ", b"&amp;", b"&#0;", b"&#x68;ttp", b"&nGt;", b"&copy="),
    *(b"=3D", b"=\r\n", b"=\n", b"=e9", b"=20\n", b" \r\n", b"Zg==", b"Zg8=", b"AAAA"),
    *(b"{{", b"{%", b"*|", b"<%", b"#{", b"[::1]", b"\0", b"\f", b"\r\n", b" = ", b"/>", b"><", b'=""', b' x="', b'">'),
]


def format_dictionary() -> str:
    """The words, as libFuzzer reads them."""
    return "".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in DICTIONARY_ENTRIES)


def make_scan_seeds(shared_folder: Path) -> Iterator[bytes]:
    """Documents, each behind four bytes that choose a way to scan it; the shared ones too where they are."""
    rng = random.Random(1)  # noqa: S311 - not a secret
    for document in [*DOCUMENTS, *_load_corpus(shared_folder), *load_suites(shared_folder)]:
        yield rng.randbytes(4) + document[: MAX_SEED_BYTES - 4]


def make_token_seeds(shared_folder: Path) -> Iterator[bytes]:
    """Destinations; `shared_folder` has none apart from its documents."""
    del shared_folder
    yield from DESTINATIONS


def make_mime_seeds(shared_folder: Path) -> Iterator[bytes]:
    """Parts in both encodings, each behind eight bytes that choose changes and lines."""
    rng = random.Random(2)  # noqa: S311 - not a secret
    for document in [*DOCUMENTS, *_load_corpus(shared_folder)]:
        for encoded in (quopri.encodestring(document), base64.encodebytes(document).replace(b"\n", b"\r\n")):
            yield rng.randbytes(8) + encoded[: MAX_SEED_BYTES - 8]


def make_extension_seeds(shared_folder: Path) -> Iterator[bytes]:
    """Documents, mails and destinations, each behind sixteen bytes of decisions, twice."""
    rng = random.Random(3)  # noqa: S311 - not a secret
    mails = [path.read_bytes() for path in sorted(shared_folder.glob("corpus/eml/**/*.eml"))[::5]]
    for document in [*DOCUMENTS, *DESTINATIONS, *_load_corpus(shared_folder), *load_suites(shared_folder), *mails]:
        for _ in range(2):
            yield rng.randbytes(16) + document[: MAX_SEED_BYTES - 16]


def _load_corpus(shared_folder: Path) -> Iterator[bytes]:
    for path in sorted(shared_folder.glob("corpus/html/**/*.html")):
        yield path.read_bytes()[:MAX_SEED_BYTES]


def load_suites(shared_folder: Path) -> Iterator[bytes]:
    for path in sorted(shared_folder.glob("suites/html5lib-tests/tree-construction/**/*.dat")):
        for case in path.read_bytes().split(b"#data\n")[1:]:
            yield case.split(b"\n#errors")[0]
    for path in sorted(shared_folder.glob("suites/html5lib-tests/tokenizer/*.test")):
        for test in json.loads(path.read_text(encoding="utf-8")).get("tests", []):
            yield str(test["input"]).encode("utf-8", "replace")
