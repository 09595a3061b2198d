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

from bench.cases.page_builder import PageBuilder
from bench.cases.rng import Xorshift
from bench.cases.vocabulary import VOCABULARY, escape_attribute, make_destination, make_text
from linkweir.benchmark.case import Case

Filler = Callable[[PageBuilder, Xorshift], None]

INDENT = " " * 16
FONTS = ("Arial, Helvetica, sans-serif", "Georgia, &quot;Times New Roman&quot;, serif", "Verdana, sans-serif")
COLOURS = ("#ffffff", "#333333", "#f4f4f4", "#0a6ebd", "#777777", "#e2e2e2")


def generate_newsletter(name: str, size: int, seed: int = 11) -> Case:
    """A newsletter of about `size` bytes (one section more at most)."""
    page, rng = PageBuilder(), Xorshift(seed)
    open_page(page, rng, size)
    while page.size < size - 400:
        add_section(page, rng)
    close_page(page)
    return page.build(name)


def open_page(page: PageBuilder, rng: Xorshift, size: int) -> None:
    """Doctype, head with its style block, and the outer table."""
    page.add_markup(
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
        '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
        '<html xmlns="http://www.w3.org/1999/xhtml">\n<head>\n'
        '<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1.0" />\n'
        f"<title>{make_text(rng, 5)}</title>\n"
        '<style type="text/css">\n'
    )
    limit = page.size + size // 7
    while page.size < limit:
        _add_rule(page, rng)
    page.add_markup('</style>\n</head>\n<body bgcolor=#f4f4f4 style="margin:0;padding:0;">\n<!-- preheader -->\n')
    page.add_markup(f'<div style="display:none;max-height:0;overflow:hidden;">{make_text(rng, 14)}</div>\n')
    page.add_markup('<table width="100%" border="0" cellspacing="0" cellpadding="0"><tr><td align="center">\n')


def close_page(page: PageBuilder) -> None:
    """The end of the outer table and of the document."""
    page.add_markup("</td></tr></table>\n</body>\n</html>\n")


def add_section(page: PageBuilder, rng: Xorshift) -> None:
    """About 2,100 bytes with one http(s) link, as it comes on the average; some have two, some none."""
    page.add_markup(f"<!-- {make_text(rng, 7)} : begin -->\n")
    page.add_markup(
        f'{INDENT}<table width="600" border="0" cellpadding="0" class="section wrapper-{rng.choice(VOCABULARY)}">\n'
    )
    _add_row(page, rng, _add_picture)
    _add_row(page, rng, _add_paragraph)
    _add_row(page, rng, _add_untracked_anchor)
    for _ in range(rng.choice((0, 1, 1, 2))):
        _add_row(page, rng, _add_link)
    if rng.chance(25):
        _add_conditional_comment(page, rng)
    page.add_markup(f"{INDENT}</table>\n")


def _add_rule(page: PageBuilder, rng: Xorshift) -> None:
    if rng.chance(20):
        page.add_markup("@media only screen and (max-width: 480px) {\n  td > p { padding: 0 !important; }\n}\n")
    selector = f"{rng.choice(('table', 'td', '#outer', 'a:hover', 'p > span'))} .{rng.random_hex(5)}"
    page.add_markup(f"{selector} {{\n  font-family: Arial, sans-serif;\n  color: {rng.choice(COLOURS)};\n}}\n")


def _add_row(page: PageBuilder, rng: Xorshift, fill: Filler) -> None:
    colour = rng.choice(COLOURS)
    align = ' align="center"' if rng.chance(40) else ""
    page.add_markup(f'{INDENT}<tr>\n{INDENT}<td{align} class="cell-{rng.choice(VOCABULARY)} column"{_make_style(rng)}')
    page.add_markup(
        rng.choice((" valign=top", " valign=top align=left", f' bgcolor="{colour}"', f' width="{rng.randrange(600)}"'))
        + f">\n{INDENT}"
    )
    fill(page, rng)
    page.add_markup(f"\n{INDENT}</td>\n{INDENT}</tr>\n")


def _make_style(rng: Xorshift) -> str:
    if rng.chance(60):
        return ""
    padding = f"{rng.randrange(30)}px {rng.randrange(30)}px"
    return f' style="padding:{padding}; font-family:{rng.choice(FONTS)}; font-size:{11 + rng.randrange(8)}px;"'


def _add_picture(page: PageBuilder, rng: Xorshift) -> None:
    source = f"http://cdn.example.org/mail/images/{rng.random_hex(24)}.png"
    page.add_markup(f'<img src="{source}" alt="{make_text(rng, 4)}" border="0" />')


def _add_paragraph(page: PageBuilder, rng: Xorshift) -> None:
    page.add_markup(f"<p{_make_style(rng)}><b>{make_text(rng, 3)}</b><br />")
    for _ in range(3 + rng.randrange(2)):
        page.add_markup(f"{make_text(rng, rng.choice((4, 5, 6, 9, 48)))}<br>\n{INDENT}")
    page.add_markup(f'<font color="{rng.choice(COLOURS)}">{make_text(rng, 2)}</font></p>')


def _add_link(page: PageBuilder, rng: Xorshift) -> None:
    address = make_destination(rng)
    before = rng.choice(("", 'target="_blank" ', 'class="button" ')) + 'href="'
    after = '"' + rng.choice(("", ' target="_blank"', ' style="color:#0a6ebd; text-decoration:none;"', " rel=nofollow"))
    page.add_link(f"<a {before}", escape_attribute(address), f"{after}>", address)
    page.add_markup(f"<strong>{make_text(rng, 2)}</strong></a>")


def _add_untracked_anchor(page: PageBuilder, rng: Xorshift) -> None:
    # Half of the corpus's `a` tags lead elsewhere: mailto, fragments, nothing, a merge field.
    where = rng.choice(("mailto:hello@example.com", "#top", "", "{{ unsubscribe_url }}", "tel:+100000"))
    opted_out = rng.chance(10)
    tail = " data-as-no-track" if opted_out else ""
    page.add_untracked_anchor(f'<a href="{escape_attribute(make_destination(rng)) if opted_out else where}"{tail}>')
    page.add_markup(f"{make_text(rng, 2)}</a>")


def _add_conditional_comment(page: PageBuilder, rng: Xorshift) -> None:
    # Untouched by default: what is in a comment is no markup.
    page.add_markup(
        '<!--[if mso]><v:roundrect xmlns:v="urn:schemas-microsoft-com:vml" '
        f'href="{escape_attribute(make_destination(rng))}" arcsize="8%" fillcolor="#0a6ebd">'
        f"<center>{make_text(rng, 2)}</center></v:roundrect><![endif]-->\n"
    )
