"""What is wrong with a form, in the reader's language: the field as the form names it, and the reason.

Validation is that of the API, whose texts speak of its types (`Expected 'int' >= 1`); pages say what to type instead.
"""

import re
from typing import Final

import msgspec

from linkweir.errors import LinkweirError, ValidationError
from linkweir.translation import gettext, gettext_noop, translate, translate_filled
from linkweir.web.request_body import to_validation_error

FIELD_LABELS: Final = {
    "domains": gettext_noop("Domains"),
    "email": gettext_noop("E-mail"),
    "from": gettext_noop("From"),
    "ip_allow_list": gettext_noop("Allowed from"),
    "label": gettext_noop("Name"),
    "name": gettext_noop("Name"),
    "role": gettext_noop("Role"),
    "scope": gettext_noop("For mail from"),
    "scopes": gettext_noop("Scopes"),
    "to": gettext_noop("To"),
    "url": gettext_noop("URL"),
    "verdict_wait_seconds": gettext_noop("Wait for the verdict, at most (seconds)"),
}
TYPE_ERRORS: Final = (  # of msgspec, and what a page says instead; the first that fits
    (re.compile(r"Expected '(?:int|float)', got .*"), gettext_noop("must be a whole number")),
    (re.compile(r"Expected '(?:int|float)' >= (?P<limit>\S+)"), gettext_noop("must be at least %(limit)s")),
    (re.compile(r"Expected '(?:int|float)' <= (?P<limit>\S+)"), gettext_noop("must be at most %(limit)s")),
    (re.compile(r"Expected '(?:str|array)' of length >= 1"), gettext_noop("must not be empty")),
    (re.compile(r"Expected 'str' of length <= (?P<limit>\d+)"), gettext_noop("must have at most %(limit)s characters")),
    (re.compile(r"Expected 'array' of length <= (?P<limit>\d+)"), gettext_noop("must have at most %(limit)s entries")),
    (
        re.compile(r"Expected 'str' matching regex .*", re.DOTALL),
        gettext_noop("has characters that are not allowed here"),
    ),
    (re.compile(r"Invalid enum value .*", re.DOTALL), gettext_noop("is none of the choices")),
    (re.compile(r"Expected '.*"), gettext_noop("is none of the choices")),  # a choice that no form offers
)
REASON_FORMS: Final = (  # of modules that know no languages
    gettext_noop("%(value)s is not an attribute name, name=value or a preset"),
    gettext_noop("must not hold U+0000"),
    gettext_noop("is required"),
)
_ENTRY: Final = re.compile(r"(\w+)\[(\d+)\].*")


def translate_reason(error: ValidationError) -> str:
    """Return what is wrong, to be put behind the field's name."""
    for pattern, text in TYPE_ERRORS:
        match = pattern.fullmatch(error.reason)
        if match is not None:
            return gettext(text, **match.groupdict())
    return translate_filled(error.reason, REASON_FORMS)


def to_sentence(error: ValidationError) -> str:
    """Return what is wrong as a sentence to be shown at the field, which names the line of one with several."""
    reason = translate_reason(error)
    return f"{_format_line(error)}{reason[:1].upper()}{reason[1:]}."


def explain_error(error: LinkweirError | msgspec.ValidationError) -> str:
    """Return what is wrong with which field, to be shown above a form, without a full stop."""
    if isinstance(error, msgspec.ValidationError):
        error = to_validation_error(str(error))
    if not isinstance(error, ValidationError):
        return translate(str(error)).removesuffix(".")
    reason = translate_reason(error)
    name = re.split(r"[\[.]", error.field)[0]
    if not name:
        return reason[:1].upper() + reason[1:]
    label = translate(FIELD_LABELS.get(name, name))
    return gettext("%(field)s: %(reason)s", field=label, reason=_format_line(error) + reason)


def _format_line(error: ValidationError) -> str:
    entry = _ENTRY.fullmatch(error.field)
    return gettext("Line %(number)s:", number=int(entry[2]) + 1) + " " if entry else ""
