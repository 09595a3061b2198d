"""The language of pages and mails: negotiation, formats, and that English is what everything else gets."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from linkweir import translation
from linkweir.accounts.host_checks import PROBLEM_FORMS
from linkweir.translation import gettext, negotiate_language, ngettext, use_language

NARROW, WIDE, MINUS = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}", "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-CH", "de"),
        ("FR-ca, en;q=0.5", "fr"),
        ("en, de", "en"),
        ("en;q=0.2, de;q=0.3", "de"),
        ("nl, de;q=0.1", "de"),
        ("nl, pl;q=0.4", "en"),
        ("de;q=0, fr;q=0.001", "fr"),
        ("de;q=0", "en"),
        ("*", "en"),
        ("fr;q=0.5, *;q=0.1", "fr"),
        ("de ; q=0.4 , fr;Q=0.8", "fr"),
        ("de;q=1.0000, fr;q=0.1", "fr"),
        ("de;q=7, fr;q=0.1", "fr"),
        ("deutsch-ist-keine-sprache-hier", "en"),
        ("german, fr", "fr"),
        (",,;q=,fr", "fr"),
        ("de\x00, fr", "fr"),
        ("nl," * 400 + "de", "en"),
    ],
)
def test_accept_language_is_negotiated(header: str, language: str) -> None:
    """The known language with the highest weight, the first of several, else English; malformed ranges do not count."""
    assert negotiate_language(header) == language


@pytest.mark.parametrize(
    ("code", "number", "share", "change", "day"),
    [
        ("en", "1,234,567", "12.5%", f"{MINUS}33%", "7 Mar 2026"),
        ("de", "1.234.567", f"12,5{WIDE}%", f"{MINUS}33{WIDE}%", "7. März 2026"),
        ("fr", f"1{NARROW}234{NARROW}567", f"12,5{NARROW}%", f"{MINUS}33{NARROW}%", "7 mars 2026"),
    ],
)
def test_numbers_and_dates_follow_the_language(code: str, number: str, share: str, change: str, day: str) -> None:
    """Separators, the space before a percent sign, and the names of months are those of the language."""
    with use_language(code):
        assert translation.format_number(1_234_567) == number
        assert translation.format_percent(1, 8) == share
        assert translation.format_change(2, 3) == change
        assert translation.format_date(date(2026, 3, 7)) == day


@pytest.mark.parametrize(("code", "text"), [("en", "+1.5"), ("de", "+1,5"), ("fr", "+1,5")])
def test_negative_numbers_have_a_minus_sign(code: str, text: str) -> None:
    """A hyphen is not a minus sign, in no language; a positive number keeps its plus sign."""
    with use_language(code):
        assert translation.format_number(1.5, "+.1f") == text
        assert translation.format_number(-1.5, "+.1f") == text.replace("+", MINUS)
        assert translation.format_percent(-1, 8).startswith(f"{MINUS}12")


@pytest.mark.parametrize(
    ("code", "first", "second"),
    [("en", "1 May", "2 May"), ("de", "1. Mai", "2. Mai"), ("fr", "1er mai", "2 mai")],
)
def test_the_first_of_a_month_follows_the_language(code: str, first: str, second: str) -> None:
    """French counts this day with an ordinal, and no other."""
    with use_language(code):
        assert [translation.format_day(date(2026, 5, day)) for day in (1, 2)] == [first, second]
        assert translation.format_date(date(2026, 5, 1)) == f"{first} 2026"


def test_nothing_is_shared_between_threads() -> None:
    """A page in German does not change what the API says at the same time."""
    with use_language("de"), ThreadPoolExecutor(1) as pool:
        assert gettext("Sign in") == "Anmelden"
        assert pool.submit(gettext, "Sign in").result() == "Sign in"
    assert gettext("Sign in") == "Sign in"


@pytest.mark.parametrize(
    ("code", "none", "one", "many"),
    [
        ("en", "0 days", "1 day", "1,000 days"),
        ("de", "0 Tage", "1 Tag", "1.000 Tage"),
        ("fr", "0 jour", "1 jour", f"1{NARROW}000 jours"),
    ],
)
def test_plurals_follow_the_language(code: str, none: str, one: str, many: str) -> None:
    """Each language has its own rule: nothing is singular in French."""
    with use_language(code):
        assert [ngettext("%(num)s day", "%(num)s days", count) for count in (0, 1, 1000)] == [none, one, many]


def test_what_no_catalogue_has_stays_english() -> None:
    """Texts of others, such as names, are not lost; nothing is not the head of a catalogue."""
    with use_language("fr"):
        assert translation.translate("Spring sale") == "Spring sale"
        assert translation.translate("") == ""


def test_a_value_may_have_any_name() -> None:
    """What a text calls its value does not clash with the parameters of the functions."""
    with use_language("de"):
        assert gettext("%(text)r is not an e-mail address", text="x") == "'x' ist keine E-Mail-Adresse"
    assert ngettext("%(count)s of %(plural)s", "%(count)s of %(plural)s", 2, count=1, plural=2) == "1 of 2"


def test_an_unknown_language_is_refused() -> None:
    """A mistake in the code is seen at once."""
    with pytest.raises(KeyError), use_language("nl"):
        pass


@pytest.mark.parametrize(
    ("text", "german"),
    [
        ("leads to elsewhere.example, not to t.example", "führt zu elsewhere.example, nicht zu t.example"),
        ("not checked: ::1 is not a public address", "nicht geprüft: ::1 ist keine öffentliche Adresse"),
        (
            "no connection to 192.0.2.1, port 443: Connection refused",
            "keine Verbindung zu 192.0.2.1, Port 443: Verbindung abgelehnt",
        ),
        ("TLS failed: UNKNOWN_TO_US", "TLS ist fehlgeschlagen: UNKNOWN_TO_US"),
        ("not checked", "nicht geprüft"),
        ("a text of\nnobody", "a text of\nnobody"),
        ("not checked: 100% (x) is not a public address", "nicht geprüft: 100% (x) ist keine öffentliche Adresse"),
        ("", ""),
    ],
)
def test_a_text_whose_values_are_filled_in_is_translated(text: str, german: str) -> None:
    """The form that fits is translated with its values, a reason within it too; a text of no form stays as it is."""
    assert translation.translate_filled(text, PROBLEM_FORMS) == text
    with use_language("de"):
        assert translation.translate_filled(text, PROBLEM_FORMS) == german
