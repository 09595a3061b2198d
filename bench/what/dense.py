"""A page of almost nothing but links: the worst that an honest mail can be, a digest or a directory."""

from bench.what.case import Case, Page
from bench.what.dice import Dice
from bench.what.words import destination, escaped, words


def dense(name: str, size: int, seed: int = 2) -> Case:
    """About `size` bytes with one link per 100 or so."""
    page, dice = Page(), Dice(seed)
    page.raw("<!DOCTYPE html>\n<html><head><title>Digest</title></head><body><ul>\n")
    while page.size < size - 40:
        address = destination(dice)
        page.site('<li><a href="', escaped(address), '">', address)
        page.raw(f"{words(dice, 2)}</a></li>\n")
    page.raw("</ul></body></html>\n")
    return page.case(name)
