"""The benchmark of mails measures what it says."""

import pytest
from bench import mime

from linkweir import rewrite_message


@pytest.mark.parametrize("encoding", mime.ENCODINGS)
def test_both_ways_are_checked_before_they_are_measured(encoding: str) -> None:
    """The mail is what its encoding says, and both ways replace its links."""
    raw = mime.mail(encoding)
    assert f"Content-Transfer-Encoding: {encoding}".encode() in raw
    assert rewrite_message(raw, None).html_parts == 1
    found = mime.times_standard(encoding, 15)
    assert found.value > 0
