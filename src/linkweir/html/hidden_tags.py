"""What a mail may get before its end and nobody sees: the open pixel, and the link that only machines follow."""

from __future__ import annotations

from linkweir.errors import check_type
from linkweir.html.tag_insertion import make_pixel_tag


def make_honeypot_tag(url: str) -> bytes:
    """An empty link: with nothing to see or touch even where styles are taken out, named to no screen reader, and
    reached by no Tab key.
    """
    hidden = 'style="display:none;mso-hide:all" aria-hidden="true" tabindex="-1" rel="nofollow"'
    return f'<a href="{url}" {hidden}></a>'.encode("ascii")


def make_hidden_tags(pixel: str | None, honeypot: str | None) -> tuple[bytes, ...]:
    """The tags for these addresses; where they stand says `html.pixel`."""
    check_type("pixel", pixel, (str, type(None)), "str or None")
    check_type("honeypot", honeypot, (str, type(None)), "str or None")
    return (*((make_pixel_tag(pixel),) if pixel else ()), *((make_honeypot_tag(honeypot),) if honeypot else ()))


def render_hidden_tags(pixel: str | None, honeypot: str | None) -> bytes:
    """The same in one piece, empty for neither."""
    return b"".join(make_hidden_tags(pixel, honeypot))
