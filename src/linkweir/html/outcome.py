"""Outcomes of links: the stable codes of the link rules, each with a plain reason. Knows no tokenizer."""

import enum


class Outcome(enum.StrEnum):
    """The outcome of one link; the value is the stable code (link rules, section 2)."""

    TRACKED = "tracked"
    UNTERMINATED = "unterminated"
    TOO_LONG = "too-long"
    NO_HREF = "no-href"
    OPTED_OUT = "opted-out"
    UNQUOTED = "unquoted"
    SPACED_EQUALS = "spaced-equals"
    PLACEHOLDER = "placeholder"
    NOT_HTTP = "not-http"
    NO_HOST = "no-host"
    MALFORMED = "malformed"
    TOO_LONG_DESTINATION = "too-long-destination"
    SKIPPED = "skipped"
    DECLINED = "declined"
    REFUSED = "refused"
    ALREADY_TRACKED = "already-tracked"
    LINE_TOO_LONG = "line-too-long"
    ENCODING = "encoding"


REASONS: dict[Outcome, str] = {
    Outcome.TRACKED: "the link is replaced by a tracking link",
    Outcome.UNTERMINATED: "the document ends before the tag's '>'",
    Outcome.TOO_LONG: "the tag is longer than the limit",
    Outcome.NO_HREF: "the tag has no href attribute",
    Outcome.OPTED_OUT: "the tag has an opt-out attribute",
    Outcome.UNQUOTED: "the href value is missing or not in quotes",
    Outcome.SPACED_EQUALS: "there is white space around the '=' of href",
    Outcome.PLACEHOLDER: "the URL contains a template marker that is not filled in",
    Outcome.NOT_HTTP: "the URL does not begin with http:// or https://",
    Outcome.NO_HOST: "the URL has no usable host",
    Outcome.MALFORMED: "the value contains '<', a NUL or a control character",
    Outcome.TOO_LONG_DESTINATION: "the URL, or the tracking link made from it, is longer than 8000 characters",
    Outcome.SKIPPED: "the URL matches a skip pattern",
    Outcome.DECLINED: "the link function returned None",
    Outcome.REFUSED: "the link function returned something that cannot stand in an attribute",
    Outcome.ALREADY_TRACKED: "the URL is already a tracking link of this key ring",
    Outcome.LINE_TOO_LONG: "the tracking link would make a line of the mail longer than the 998 octets allowed",
    Outcome.ENCODING: "the bytes cannot be decoded with certainty in the document's encoding, or, in a "
    "quoted-printable mail, the link contains white space before a line end",
}
