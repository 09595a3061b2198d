"""What query parameters say. Raises BadInput naming the one that cannot be used."""

from datetime import UTC, datetime

from starlette.datastructures import QueryParams

from linkweir.accounts.domain_names import to_ascii_domain
from linkweir.clock import from_datetime
from linkweir.errors import ValidationError

MAX_TEXT_LENGTH = 2000  # characters; the store refuses patterns of tens of thousands
MAX_TEXTS = 100
FLAG_VALUES = {"": None, "true": True, "1": True, "false": False, "0": False}


def parse_datetime(query: QueryParams, name: str) -> datetime | None:
    """A time in RFC 3339, in UTC; None when it is not given."""
    text = query.get(name)
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))  # a "+" that nobody percent-encoded
        if found.tzinfo is None:
            raise ValidationError(name, "must have a time zone, as in 2026-01-31T10:00:00Z")
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValidationError(name, "must be a time like 2026-01-31T10:00:00Z") from None


def parse_timestamp(query: QueryParams, name: str) -> int | None:
    """The same in microseconds since 1970."""
    found = parse_datetime(query, name)
    return None if found is None else from_datetime(found)


def parse_text(query: QueryParams, name: str) -> str | None:
    """A text; None when it is not given."""
    found = query.get(name)
    if found and len(found) > MAX_TEXT_LENGTH:
        raise ValidationError(name, f"is longer than {MAX_TEXT_LENGTH} characters")
    return found


def parse_email(query: QueryParams, name: str) -> str | None:
    """An address as it is stored. A "+" in it is a plus: forms mean a space by it, and no address has one."""
    found = parse_text(query, name)
    if not found:
        return None
    local, at, domain = found.replace(" ", "+").rpartition("@")
    return local + at + _to_ascii(domain)


def parse_domain(query: QueryParams, name: str) -> str | None:
    """A domain as it is stored; None when it is not given."""
    found = parse_text(query, name)
    return _to_ascii(found) if found else None


def parse_domains(query: QueryParams, name: str) -> list[str]:
    """The same for a list."""
    return [_to_ascii(one) for one in parse_texts(query, name)]


def _to_ascii(domain: str) -> str:
    try:
        return to_ascii_domain(domain, "domain")
    except ValidationError:
        return domain.lower()  # nothing has it


def parse_flag(query: QueryParams, name: str) -> bool | None:
    """True or false; None when it is not given."""
    found = query.get(name, "").lower()
    if found not in FLAG_VALUES:
        raise ValidationError(name, "must be true or false")
    return FLAG_VALUES[found]


def parse_texts(query: QueryParams, name: str) -> list[str]:
    """A list: the parameter several times, or values separated by commas."""
    found = [one.strip() for text in query.getlist(name) for one in text.split(",") if one.strip()]
    if len(found) > MAX_TEXTS:
        raise ValidationError(name, f"has more than {MAX_TEXTS} values")
    return found


def parse_number(query: QueryParams, name: str) -> int | None:
    """A whole number from 0; None when it is not given."""
    found = query.get(name)
    if not found:
        return None
    if not (found.isascii() and found.isdecimal() and len(found) <= 9):
        raise ValidationError(name, "must be a whole number")
    return int(found)
