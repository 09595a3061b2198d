"""Which charset a document claims."""

import pytest

from linkweir.html.charset import sniff_charset


@pytest.mark.parametrize(
    ("head", "label"),
    [
        (b"", "utf-8"),
        (b"<p>no word", "utf-8"),
        (b"<meta charset=koi8-r>", "koi8-r"),
        (b"<META CHARSET = 'Big5' >", "big5"),
        (b'<meta\nname="x" charset="shift_jis"/>', "shift_jis"),
        (b"<meta http-equiv=Content-Type content='text/html; charset=windows-1251'>", "windows-1251"),
        (b"<meta content='text/html; charset=\"gbk\"' http-equiv=content-type>", "gbk"),
        (b'<meta content="text/html; charset=gbk">', "utf-8"),  # no http-equiv: says nothing
        (b'<meta http-equiv=refresh content="0; charset=gbk">', "utf-8"),
        (b"<!-- <meta charset=koi8-r> --><meta charset=euc-kr>", "euc-kr"),
        (b"<!--><meta charset=euc-kr>", "euc-kr"),
        (b"<!-- never closed <meta charset=koi8-r>", "utf-8"),
        (b'<p title="<meta charset=koi8-r>"><meta charset=euc-kr>', "euc-kr"),
        (b"<p title='never closed <meta charset=koi8-r>", "utf-8"),
        (b"<!doctype html><?x <meta charset=koi8-r>?><meta charset=euc-kr>", "euc-kr"),
        (b"<metadata charset=koi8-r>", "utf-8"),
        (b"<meta charset=utf-16le>", "utf-8"),
        (b"<meta charset=x-user-defined>", "windows-1252"),
        (b"<meta charset=koi8-r charset=gbk>", "koi8-r"),
        (b"<meta charset=koi8-r", "utf-8"),
        (b" " * 1004 + b"<meta charset=koi8-r>", "utf-8"),
        (b" " * 1003 + b"<meta charset=koi8-r>", "koi8-r"),
    ],
)
def test_the_prescan_reads_meta_as_the_standard_does(head: bytes, label: str) -> None:
    """Without a BOM or the caller's word, the first meta in the first 1024 bytes counts, else UTF-8."""
    assert sniff_charset(head) == label


@pytest.mark.parametrize(
    ("mark", "label"),
    [
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
        (b"\xff\xfe\0\0", "utf-32-le"),
        (b"\0\0\xfe\xff", "utf-32-be"),
    ],
)
def test_a_byte_order_mark_wins(mark: bytes, label: str) -> None:
    """A BOM counts more than the caller's word and than meta."""
    assert sniff_charset(mark + b"<meta charset=koi8-r>", "gbk") == label


def test_the_callers_charset_beats_meta() -> None:
    """The charset that the caller names counts more than meta."""
    assert sniff_charset(b"<meta charset=koi8-r>", "gbk") == "gbk"
