"""Tests of how campaigns' tags are written in anonymous links."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linkweir.tokens import Privacy, Tracker, campaign_tags, open_link
from tests.tokens.keyring_factory import RING


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=64))
def test_what_is_written_is_read(tag: str) -> None:
    """Every tag that can be written fits into a token and is read as it was; no two tags are written alike."""
    text = campaign_tags.encode_tag(tag)
    if text is None:
        assert not tag or "@" in tag or len(tag.encode()) > 47 or not set(tag) - set("0123456789abcdefABCDEF.:[] ")
        return
    assert campaign_tags.decode_tag(text) == tag
    link = Tracker(RING, "https://t.example.com", campaign=text, privacy=Privacy.ANONYMOUS).mint("https://x.example", 0)
    assert open_link(RING, link).campaign == text


@given(st.text(st.sampled_from("ABCxyz019~_-"), min_size=1, max_size=64))
def test_any_text_is_read_as_something(text: str) -> None:
    """A token of somebody who minted it themselves may hold any text: it stands for itself, or is the one that is
    written for what it stands for.
    """
    assert campaign_tags.decode_tag(text) == text or campaign_tags.encode_tag(campaign_tags.decode_tag(text)) == text


@pytest.mark.parametrize("tag", ["spring-sale", "A.b_c~d", "x" * 64])
def test_plain_tags_stay(tag: str) -> None:
    """What a token takes as it is stands there as it is: no link becomes longer, and old ones mean the same."""
    assert campaign_tags.encode_tag(tag) == tag


@pytest.mark.parametrize("tag", ["ada@example.org", "192.0.2.1", "2.0.1.999", "2001:db8::1", "[::1]", "", "é" * 24])
def test_addresses_and_long_texts_are_left_out(tag: str) -> None:
    """No address ever stands in a token; the next tag takes the place of what cannot."""
    assert campaign_tags.encode_tag(tag) is None
    assert campaign_tags.first_encodable_tag([tag, "Spring sale"]) == "Spring sale"
