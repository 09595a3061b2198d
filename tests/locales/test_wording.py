"""Translations keep to one word for each thing, and to the marks and spaces that their language writes."""

import re
from collections.abc import Iterator

import pytest
from babel.messages import Message

from tests.locales import catalogue
from tests.locales.test_catalogues import all_texts, pairs

TERMS = {
    r"\baccount": (r"[Kk]ont(o|en)", r"compte"),
    r"\bAPI keys?\b": (r"API-Schlüssel", r"[Cc]lés? d.API"),
    r"\bcampaign": (r"[Kk]ampagne", r"[Cc]ampagne"),
    r"\bclicks?\b": (r"[Kk]lick", r"[Cc]li(c|que)"),
    r"\bdeliver(y|ies|ed)?\b": (r"[Zz]ustell|zugestellt|stellt .* zu", r"[Ll]ivr"),
    r"\be-mail address": (r"E-Mail-Adresse", r"adresse e-mail"),
    r"\bopens\b(?! (links|the|this))": (r"Öffnung", r"ouverture"),
    r"\brecipient": (r"[Ee]mpfänger", r"[Dd]estinataire"),
    r"\b(followed|follows?)\b": (r"auf(ge|)ruf|r(ief|iefen)\b|ruf(t|en)|öffne|[Kk]lick", r"[Oo]uv(r|ert)|clique"),
    r"\bsenders?\b": (r"[Aa]bsender", r"expéditeur"),
    r"\btags?\b(?! has| is|'|\.html)": (r"[Ss]chlagw|HTML-Tag", r"\btags?\b|balise"),
    r"\btracked\b": (r"verfolg|Tracking", r"suivi"),
    r"\b[Tt]racking links?\b": (r"Tracking-Link", r"[Ll]iens? de suivi"),
    r"\b[Uu]nsure\b": (r"[Uu]nsicher", r"[Ii]ncertain"),
    r"\bverdict": (r"[Ee]instuf|eingestuft", r"[Vv]erdict"),
}  # what an English text names, and what its German and French ones then name
REJECTED = {
    "de": r"\b[Bb]enutz(en|t|te)\b|\bgezeigt\b|\b[Dd](u|ein|eine|ich|ir)\b|gefolgt|gemailt|Geheimnis|Email",
    "fr": r"\b(remis|remise)\b|\b[Tt](u|on|es|oi)\b|(les|des) vôtres|\bemails?\b|(?<![-\w])(?<!test )mails?\b",
}  # another word for a thing that has one, or an address to a friend
_CODE = re.compile(r"<code>.*?</code>|<[^>]*>|&\w+;|https?://|%\(\w+\)[srd]|[\w.]*@[\w.]+|\S*::\S*|name=value")
_LANGUAGES = pytest.mark.parametrize("code", catalogue.CODES)


def messages(code: str) -> Iterator[Message]:
    """The entries of a language."""
    yield from catalogue.messages(catalogue.read(code))


@_LANGUAGES
def test_one_thing_has_one_word(code: str) -> None:
    """Where an English text uses a term, its translation uses the term of its language."""
    missing = [
        (english, translated)
        for message in messages(code)
        for english, translated in pairs(message)
        for term, expected in TERMS.items()
        if re.search(term, _CODE.sub(" ", english)) and not re.search(expected[catalogue.CODES.index(code)], translated)
    ]
    assert not missing


@_LANGUAGES
def test_rejected_words_do_not_come_back(code: str) -> None:
    """Second words for one thing, and the familiar form of address, are in no translation."""
    assert [text for text in all_texts(code) if re.search(REJECTED[code], _CODE.sub(" ", text))] == []


@_LANGUAGES
def test_apostrophes_and_quotes_are_typographic(code: str) -> None:
    """Straight quotes stand in code only; opening and closing ones are those of the language."""
    foreign = {"de": "'\"«»”\N{RIGHT SINGLE QUOTATION MARK}", "fr": "'\"„“”"}[code]
    assert [text for text in all_texts(code) if set(_CODE.sub(" ", text)) & set(foreign)] == []
    opening, closing = {"de": ("„", "“"), "fr": ("«", "»")}[code]
    assert [text for text in all_texts(code) if text.count(opening) != text.count(closing)] == []


def test_french_marks_have_spaces_that_do_not_break() -> None:
    """`:`, `;`, `?`, `!` and guillemets stand beside a space at which no line ends."""
    space = "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"
    bare = re.compile(rf"(?<![{space}])[:;?!»](?!\d)|«(?![{space}])")
    assert [text for text in all_texts("fr") if bare.search(_CODE.sub("", text))] == []


@_LANGUAGES
def test_shares_have_their_space(code: str) -> None:
    """Between a number and its percent sign stands a space at which no line ends, but in a German compound."""
    assert [text for text in all_texts(code) if re.search(r"[\d)s] ?%%(?!-)", text.replace("95-%%", ""))] == []
