"""Quoted-printable parts (RFC 2045 section 6.7): decoding with offsets, and splicing that changes no other byte."""

from linkweir import _mime
from linkweir.html import Outcome
from linkweir.html.replacements import Replacement
from linkweir.mime.notes import UnrewritablePart


class QuotedPrintableBody:
    """One encoded part; `decoded` is its text. Raises UnrewritablePart when it is malformed.

    `crlf`: new lines end with CRLF if the part has only one line.
    """

    failure_outcome = Outcome.ENCODING  # the outcome of a link that cannot be replaced
    failure_reason = "white space stands there before a line end, which some readers drop"

    def __init__(self, encoded: bytes, crlf: bool) -> None:
        try:
            self.decoded, has_crlf = _mime.decode_quoted_printable(encoded)
        except _mime.MalformedEncoding as reason:
            raise UnrewritablePart(str(reason)) from None
        self._encoded = encoded
        self._crlf = has_crlf or (crlf and b"\n" not in encoded)

    def splice(self, replacements: list[Replacement]) -> tuple[bytes, list[int]]:
        """Return the part with these bytes of the text replaced, and the indexes of those that cannot be: they contain
        white space before a line end, which some readers remove (RFC 2045, 6.7, rule 3).
        """
        done, fits = _mime.splice_quoted_printable(self._encoded, self._crlf, replacements, len(self.decoded))
        return done, [number for number, fit in enumerate(fits) if not fit] if 0 in fits else []
