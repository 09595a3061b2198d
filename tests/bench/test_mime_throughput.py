"""The benchmark of mails measures what it says."""

import pytest
from bench import mime_throughput

from linkweir.mime.message import rewrite_message


@pytest.mark.parametrize("encoding", mime_throughput.ENCODINGS)
def test_both_implementations_are_checked_before_they_are_measured(encoding: str) -> None:
    """The mail is what its encoding says, and both ways replace its links."""
    raw = mime_throughput.make_mail(encoding)
    assert f"Content-Transfer-Encoding: {encoding}".encode() in raw
    assert rewrite_message(raw, None).html_parts == 1
    result = mime_throughput.speedup_over_stdlib(encoding, 15)
    assert result.value > 0
