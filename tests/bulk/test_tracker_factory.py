"""Message ids per file."""

import hashlib
import os
from pathlib import Path

import pytest

from linkweir.bulk.document_io import UnreadableInput
from linkweir.bulk.tracker_factory import TrackerFactory, expand_pattern, is_pattern, list_unknown_fields
from linkweir.errors import BadSwitch
from linkweir.tokens import Privacy, Tracker
from linkweir.tokens.identifiers import parse_message_id
from tests.tokens.keyring_factory import RING


def test_patterns_are_filled_in_from_the_file(tmp_path: Path) -> None:
    """{stem} is the name without its last suffix, {sha} the first 16 hex digits of its SHA-256."""
    path = tmp_path / "spring.sale.html"
    path.write_bytes(b"<p>")
    digits = hashlib.sha256(b"<p>").hexdigest()[:16]
    assert expand_pattern("m-{stem}-{sha}", str(path)) == f"m-spring.sale-{digits}"


def test_an_unreadable_file_has_no_digest(tmp_path: Path) -> None:
    """{sha} of a file that is not there, or that can be read only once, is Unreadable."""
    os.mkfifo(tmp_path / "pipe")
    for name in ("gone", "pipe"):
        with pytest.raises(UnreadableInput):
            expand_pattern("{sha}", str(tmp_path / name))


def test_unknown_fields_are_named() -> None:
    """Fields other than stem and sha are found, and a text without fields is no pattern."""
    assert list_unknown_fields("{stem}{name}{sha}{}") == ["name", ""]
    assert is_pattern("{stem}")
    assert not is_pattern("plain")


@pytest.mark.parametrize("privacy", [Privacy.FULL, Privacy.PSEUDONYMOUS, Privacy.ANONYMOUS])
@pytest.mark.parametrize("pattern", ["{n}", "m-{n}", "018f0000-0000-7000-8000-00000000000{n}"])
def test_the_tracker_of_each_mail_is_the_one_of_its_message(pattern: str, privacy: Privacy) -> None:
    """Whichever mail comes first, each one's links are those that a tracker made for its message alone would make."""
    url = "https://t.example"
    factory = TrackerFactory(RING, url, message=pattern, campaign="spring", privacy=privacy)
    for number in (3, 1, 2, 3):
        message = parse_message_id(pattern.replace("{n}", str(number)))
        alone = Tracker(RING, url, message=message, campaign="spring", privacy=privacy)
        one = factory.make_tracker("/a/b.mbox", number)
        assert (one.message, one.mint("https://a.example/", 0)) == (message, alone.mint("https://a.example/", 0))


def test_an_id_that_no_token_can_hold_is_refused_behind_others() -> None:
    """A name of a file that is no message id is an error of that file, also when another file came before."""
    factory = TrackerFactory(RING, "https://t.example", message="{stem}")
    assert factory.make_tracker("/a/good.html").message == "good"
    for _ in range(2):
        with pytest.raises(BadSwitch):
            factory.make_tracker("/a/not good.html")
    assert factory.make_tracker("/a/fine.html").message == "fine"
