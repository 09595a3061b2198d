"""What query parameters say. Raises BadInput naming the one that cannot be used."""

from datetime import UTC, datetime

from starlette.datastructures import QueryParams

from linkweir.errors import BadInput
from linkweir.mail.address import ascii_domain

TEXT_LIMIT = 2000  # characters; the store refuses patterns of tens of thousands
TEXTS = 100
FLAGS = {"": None, "true": True, "1": True, "false": False, "0": False}


def moment(query: QueryParams, name: str) -> datetime | None:
    """A time in RFC 3339, in UTC; None when it is not given."""
    text = query.get(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))  # a "+" that nobody percent-encoded
        if found.tzinfo is None:
            raise BadInput(name, "must have a time zone, as in 2026-01-31T10:00:00Z")
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(name, "must be a time like 2026-01-31T10:00:00Z") from None


def microseconds(query: QueryParams, name: str) -> int | None:
    """The same in microseconds since 1970."""
    found = moment(query, name)
    return None if found is None else int(found.timestamp()) * 1_000_000 + found.microsecond


def text(query: QueryParams, name: str) -> str | None:
    """A text; None when it is not given."""
    found = query.get(name)
    if found and len(found) > TEXT_LIMIT:
        raise BadInput(name, f"is longer than {TEXT_LIMIT} characters")
    return found


def email(query: QueryParams, name: str) -> str | None:
    """An address as it is stored. A "+" in it is a plus: forms mean a space by it, and no address has one."""
    found = text(query, name)
    if not found:
        return None
    local, at, domain = found.replace(" ", "+").rpartition("@")
    return local + at + _ascii(domain)


def domain(query: QueryParams, name: str) -> str | None:
    """A domain as it is stored; None when it is not given."""
    found = text(query, name)
    return _ascii(found) if found else None


def domains(query: QueryParams, name: str) -> list[str]:
    """The same for a list."""
    return [_ascii(one) for one in texts(query, name)]


def _ascii(domain: str) -> str:
    try:
        return ascii_domain(domain, "domain")
    except BadInput:
        return domain.lower()  # nothing has it


def flag(query: QueryParams, name: str) -> bool | None:
    """True or false; None when it is not given."""
    found = query.get(name, "").lower()
    if found not in FLAGS:
        raise BadInput(name, "must be true or false")
    return FLAGS[found]


def texts(query: QueryParams, name: str) -> list[str]:
    """A list: the parameter several times, or values separated by commas."""
    found = [one.strip() for text in query.getlist(name) for one in text.split(",") if one.strip()]
    if len(found) > TEXTS:
        raise BadInput(name, f"has more than {TEXTS} values")
    return found


def whole(query: QueryParams, name: str) -> int | None:
    """A whole number from 0; None when it is not given."""
    found = query.get(name)
    if not found:
        return None
    if not (found.isascii() and found.isdecimal() and len(found) <= 9):
        raise BadInput(name, "must be a whole number")
    return int(found)
