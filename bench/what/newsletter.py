"""Newsletters that resemble real ones: nested tables, inline styles, conditional comments, few links.

Fitted to these figures of 411 public templates and newsletters (5,847,479 bytes), which the tests hold it to:

  one `<` per 56 bytes; one `a` start tag per 1,147 bytes; one http(s) href per 2,438 bytes (we aim at 2,100)
  one double-quoted value per 93 bytes, one without quotes per 687; 2.3 attributes in a tag that has any
  median http(s) destination 64 characters, 7 % of hrefs with `&amp;`
  a start tag is 40 bytes long in the mean; 9 % of the bytes are inline styles; text runs of 21 characters
  a comment per 1,585 bytes, a quarter of them conditional, 6 % of the bytes
  a fifth of the bytes in `<style>` blocks (here a seventh, which is harder: nothing is read faster)
"""

from collections.abc import Callable

from bench.what.case import Case, Page
from bench.what.dice import Dice
from bench.what.words import WORDS, destination, escaped, words

Filler = Callable[[Page, Dice], None]

INDENT = " " * 16
FONTS = ("Arial, Helvetica, sans-serif", "Georgia, &quot;Times New Roman&quot;, serif", "Verdana, sans-serif")
COLOURS = ("#ffffff", "#333333", "#f4f4f4", "#0a6ebd", "#777777", "#e2e2e2")


def newsletter(name: str, size: int, seed: int = 11) -> Case:
    """A newsletter of about `size` bytes (one section more at most)."""
    page, dice = Page(), Dice(seed)
    open_page(page, dice, size)
    while page.size < size - 400:
        section(page, dice)
    close_page(page)
    return page.case(name)


def open_page(page: Page, dice: Dice, size: int) -> None:
    """Doctype, head with its style block, and the outer table."""
    page.raw(
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
        '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
        '<html xmlns="http://www.w3.org/1999/xhtml">\n<head>\n'
        '<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1.0" />\n'
        f"<title>{words(dice, 5)}</title>\n"
        '<style type="text/css">\n'
    )
    limit = page.size + size // 7
    while page.size < limit:
        _rule(page, dice)
    page.raw('</style>\n</head>\n<body bgcolor=#f4f4f4 style="margin:0;padding:0;">\n<!-- preheader -->\n')
    page.raw(f'<div style="display:none;max-height:0;overflow:hidden;">{words(dice, 14)}</div>\n')
    page.raw('<table width="100%" border="0" cellspacing="0" cellpadding="0"><tr><td align="center">\n')


def close_page(page: Page) -> None:
    """The end of the outer table and of the document."""
    page.raw("</td></tr></table>\n</body>\n</html>\n")


def section(page: Page, dice: Dice) -> None:
    """About 2,100 bytes with one http(s) link, as it comes on the average; some have two, some none."""
    page.raw(f"<!-- {words(dice, 7)} : begin -->\n")
    page.raw(f'{INDENT}<table width="600" border="0" cellpadding="0" class="section wrapper-{dice.pick(WORDS)}">\n')
    _row(page, dice, _picture)
    _row(page, dice, _paragraph)
    _row(page, dice, _other_anchor)
    for _ in range(dice.pick((0, 1, 1, 2))):
        _row(page, dice, _link)
    if dice.chance(25):
        _conditional(page, dice)
    page.raw(f"{INDENT}</table>\n")


def _rule(page: Page, dice: Dice) -> None:
    if dice.chance(20):
        page.raw("@media only screen and (max-width: 480px) {\n  td > p { padding: 0 !important; }\n}\n")
    selector = f"{dice.pick(('table', 'td', '#outer', 'a:hover', 'p > span'))} .{dice.hexadecimal(5)}"
    page.raw(f"{selector} {{\n  font-family: Arial, sans-serif;\n  color: {dice.pick(COLOURS)};\n}}\n")


def _row(page: Page, dice: Dice, fill: Filler) -> None:
    colour = dice.pick(COLOURS)
    align = ' align="center"' if dice.chance(40) else ""
    page.raw(f'{INDENT}<tr>\n{INDENT}<td{align} class="cell-{dice.pick(WORDS)} column"{_style(dice)}')
    page.raw(
        dice.pick((" valign=top", " valign=top align=left", f' bgcolor="{colour}"', f' width="{dice.below(600)}"'))
        + f">\n{INDENT}"
    )
    fill(page, dice)
    page.raw(f"\n{INDENT}</td>\n{INDENT}</tr>\n")


def _style(dice: Dice) -> str:
    if dice.chance(60):
        return ""
    padding = f"{dice.below(30)}px {dice.below(30)}px"
    return f' style="padding:{padding}; font-family:{dice.pick(FONTS)}; font-size:{11 + dice.below(8)}px;"'


def _picture(page: Page, dice: Dice) -> None:
    source = f"http://cdn.example.org/mail/images/{dice.hexadecimal(24)}.png"
    page.raw(f'<img src="{source}" alt="{words(dice, 4)}" border="0" />')


def _paragraph(page: Page, dice: Dice) -> None:
    page.raw(f"<p{_style(dice)}><b>{words(dice, 3)}</b><br />")
    for _ in range(3 + dice.below(2)):
        page.raw(f"{words(dice, dice.pick((4, 5, 6, 9, 48)))}<br>\n{INDENT}")
    page.raw(f'<font color="{dice.pick(COLOURS)}">{words(dice, 2)}</font></p>')


def _link(page: Page, dice: Dice) -> None:
    address = destination(dice)
    before = dice.pick(("", 'target="_blank" ', 'class="button" ')) + 'href="'
    after = '"' + dice.pick(("", ' target="_blank"', ' style="color:#0a6ebd; text-decoration:none;"', " rel=nofollow"))
    page.site(f"<a {before}", escaped(address), f"{after}>", address)
    page.raw(f"<strong>{words(dice, 2)}</strong></a>")


def _other_anchor(page: Page, dice: Dice) -> None:
    # Half of the corpus's `a` tags lead elsewhere: mailto, fragments, nothing, a merge field.
    where = dice.pick(("mailto:hello@example.com", "#top", "", "{{ unsubscribe_url }}", "tel:+100000"))
    opted_out = dice.chance(10)
    tail = " data-as-no-track" if opted_out else ""
    page.anchor(f'<a href="{escaped(destination(dice)) if opted_out else where}"{tail}>')
    page.raw(f"{words(dice, 2)}</a>")


def _conditional(page: Page, dice: Dice) -> None:
    # Untouched by default: what is in a comment is no markup.
    page.raw(
        '<!--[if mso]><v:roundrect xmlns:v="urn:schemas-microsoft-com:vml" '
        f'href="{escaped(destination(dice))}" arcsize="8%" fillcolor="#0a6ebd">'
        f"<center>{words(dice, 2)}</center></v:roundrect><![endif]-->\n"
    )
