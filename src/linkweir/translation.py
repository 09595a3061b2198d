"""Texts, numbers and dates in the language of whoever reads a page or a mail: gettext catalogues, Accept-Language.

The English texts are the keys of the catalogues. Where no language is set, as in the API, in commands and in logs,
every function here gives English. Texts with values are formatted after translation, so that an order of words is the
translator's business; values are escaped where they are put into HTML, not here.
"""

import contextlib
import re
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from typing import Any, Final

DOMAIN: Final = "linkweir"
DEFAULT_LANGUAGE: Final = "en"
MAX_HEADER_CHARACTERS: Final = 1000  # of Accept-Language
MAX_WEIGHT: Final = 1.0
NO_VALUE: Final = "\N{EN DASH}"
_RANGE: Final = re.compile(r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*[qQ]\s*=\s*([01](?:\.\d{0,3})?)\s*)?")
_MINUS: Final = "\N{MINUS SIGN}"
_VALUE: Final = re.compile(r"%\((\w+)\)s")
_MAX_FORMS: Final = 256


@dataclass(frozen=True, slots=True)
class Language:
    """A language of the pages: its code (BCP 47), its own name, and how it writes numbers, shares and dates."""

    code: str
    name: str
    thousands: str
    decimal: str
    percent: str  # what follows a share
    months: tuple[str, ...]
    first_day: str = "1"  # of a month
    day: str = "{day} {month}"
    date: str = "{day} {month} {year}"


LANGUAGES: Final = {
    language.code: language
    for language in (
        Language(
            "en",
            "English",
            ",",
            ".",
            "%",
            ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
        ),
        Language(
            "de",
            "Deutsch",
            ".",
            ",",
            "\N{NO-BREAK SPACE}%",
            ("Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."),
            day="{day}. {month}",
            date="{day}. {month} {year}",
        ),
        Language(
            "fr",
            "Français",
            "\N{NARROW NO-BREAK SPACE}",
            ",",
            "\N{NARROW NO-BREAK SPACE}%",
            ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."),
            first_day="1er",
        ),
    )
}
_current: ContextVar[str] = ContextVar("language", default=DEFAULT_LANGUAGE)


def current_language() -> Language:
    """Return the language that is set, English if none is."""
    return LANGUAGES[_current.get()]


@contextlib.contextmanager
def use_language(code: str) -> Iterator[None]:
    """Set the language, in this thread or task and in those that copy its context. Raises KeyError for another one."""
    token = _current.set(LANGUAGES[code].code)
    try:
        yield
    finally:
        _current.reset(token)


def negotiate_language(header: str) -> str:
    """Return the language that an Accept-Language header (RFC 9110, 12.5.4) asks for with the highest weight, the first
    of several; English for any other language, for `*`, and without a header.
    """
    best, best_weight = DEFAULT_LANGUAGE, 0.0
    for text in header[:MAX_HEADER_CHARACTERS].split(","):
        match = _RANGE.fullmatch(text)
        if match is None:
            continue
        code = DEFAULT_LANGUAGE if match[1] == "*" else match[1].partition("-")[0].lower()
        weight = min(MAX_WEIGHT, float(match[2] or MAX_WEIGHT))
        if code in LANGUAGES and weight > best_weight:
            best, best_weight = code, weight
    return best


@cache
def _load_catalogue(code: str) -> NullTranslations:
    if code == DEFAULT_LANGUAGE:
        return NullTranslations()
    with (files("linkweir") / "locales" / code / "LC_MESSAGES" / f"{DOMAIN}.mo").open("rb") as file:
        return GNUTranslations(file)


def translate(text: str) -> str:
    """Translate a text as it is; one that no catalogue has stays English."""
    return _load_catalogue(_current.get()).gettext(text) if text else ""  # "" is the key of a catalogue's head


def translate_plural(singular: str, plural: str, count: int) -> str:
    """Translate a text that depends on a number, in the form that the language has for it."""
    return _load_catalogue(_current.get()).ngettext(singular, plural, count)


def gettext(text: str, /, **values: object) -> str:
    """Translate a text and put the values in place of `%(name)s`."""
    return translate(text) % values


def ngettext(singular: str, plural: str, count: int, /, **values: object) -> str:
    """Translate a text that depends on `count`, and put the values in; `%(num)s` is the number."""
    return translate_plural(singular, plural, count) % {"num": format_number(count), **values}


def translate_filled(text: str, forms: Iterable[str]) -> str:
    """Translate an English text whose values are filled in already, since it was stored or is a library's.

    `forms`: texts with `%(name)s` in the place of a value, each marked for translation; the first that fits is taken.
    A value `reason` is translated in the same way. A text that fits none is translated as it is.
    """
    for form in forms:
        match = _compile_form(form).fullmatch(text)
        if match is not None:
            values = match.groupdict()
            if "reason" in values:
                values["reason"] = translate_filled(values["reason"], forms)
            return gettext(form, **values)
    return translate(text)


@lru_cache(_MAX_FORMS)
def _compile_form(form: str) -> re.Pattern[str]:
    """The pattern of what a form gives when it is filled in."""
    pieces = _VALUE.split(form)  # text, name, text, name, ...
    return re.compile(
        "".join(f"(?P<{piece}>.+)" if index % 2 else re.escape(piece) for index, piece in enumerate(pieces)), re.S
    )


def gettext_noop(text: str) -> str:
    """Mark a text of a table for translation, which happens where it is shown."""
    return text


def _localize(text: str) -> str:
    """Exchange the hyphen and the separators of an English number for a minus sign and those of the language."""
    text, language = text.replace("-", _MINUS), current_language()
    if language.code == DEFAULT_LANGUAGE:
        return text
    return text.translate({ord(","): language.thousands, ord("."): language.decimal})


def format_number(value: float, form: str = ",") -> str:
    """Format 12345 as 12,345; `form`: a format specification of Python with a comma for thousands."""
    return _localize(format(value, form))


def format_percent(part: float, whole: float, form: str = ".1%") -> str:
    """Format a share in percent; a dash if `whole` is 0."""
    return _localize(format(part / whole, form)[:-1]) + current_language().percent if whole else NO_VALUE


def format_change(now: int, before: int) -> str:
    """Format the relative change from `before`, which must not be 0, with its sign."""
    return format_percent(now - before, before, "+,.0%")


def format_date(moment: datetime | Any) -> str:
    """Format a day with its year."""
    return _format_day(moment, current_language().date)


def format_day(moment: datetime | Any) -> str:
    """Format a day without its year."""
    return _format_day(moment, current_language().day)


def format_month(moment: datetime | Any) -> str:
    """Format a month with its year."""
    return _format_day(moment, "{month} {year}")


def _format_day(moment: Any, form: str) -> str:
    language = current_language()
    day = language.first_day if moment.day == 1 else moment.day
    return form.format(day=day, month=language.months[moment.month - 1], year=moment.year)
