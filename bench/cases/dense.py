"""A page of almost nothing but links: the worst that an honest mail can be, a digest or a directory."""

from bench.cases.page_builder import PageBuilder
from bench.cases.rng import Xorshift
from bench.cases.vocabulary import escape_attribute, make_destination, make_text
from linkweir.benchmark.case import Case


def generate_dense(name: str, size: int, seed: int = 2) -> Case:
    """About `size` bytes with one link per 100 or so."""
    page, rng = PageBuilder(), Xorshift(seed)
    page.add_markup("<!DOCTYPE html>\n<html><head><title>Digest</title></head><body><ul>\n")
    while page.size < size - 40:
        address = make_destination(rng)
        page.add_link('<li><a href="', escape_attribute(address), '">', address)
        page.add_markup(f"{make_text(rng, 2)}</a></li>\n")
    page.add_markup("</ul></body></html>\n")
    return page.build(name)
