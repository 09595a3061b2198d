"""Tests of linkweir.report.collected: the words follow the settings."""

from dataclasses import replace

from linkweir.report.collected import House, said

HOUSE = House(heed_objections=True, shorten=False, places=False, metadata_days=30, content_days=1)


def words(**settings: bool | int) -> str:
    """The whole page as one text."""
    house = replace(HOUSE, **settings)  # type: ignore[arg-type]
    return " ".join(text for _, texts in said(house) for text in texts)


def test_each_setting_has_its_words() -> None:
    """What is turned on is said, what is turned off is not."""
    assert "That is heeded" in words()
    assert "is not heeded here" in words(heed_objections=False)
    assert "That is heeded" not in words(heed_objections=False)
    assert "without its last part" in words(shorten=True)
    assert "without its last part" not in words()
    assert "the country and region" in words(places=True)
    assert "country" not in words()


def test_days_are_those_of_the_accounts() -> None:
    """Retention is named as the accounts have it; content of no days is kept until delivery."""
    assert "for 7 days at most" in words(metadata_days=7)
    assert "the text of a mail for 1 day" in words()
    assert "only until it is delivered" in words(content_days=0)
