"""The text of a report by mail: sums under titles, as plain text and as a small HTML page without images or styles."""

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

from linkweir.translation import current_language, gettext

MAX_SUBJECT_CHARACTERS: Final = 120


class ReportSection(NamedTuple):
    """The sums of a campaign or of everything: names with values, and the page that shows more."""

    title: str
    url: str
    figures: Sequence[tuple[str, str]]


class ReportMail(NamedTuple):
    """A mail to be sent."""

    subject: str
    text: str
    html: str


def make_report(subject: str, intro: str, sections: Sequence[ReportSection], settings_url: str) -> ReportMail:
    """Make the mail of a report; `settings_url`: where its reader changes what they get."""
    sections = [ReportSection(_to_line(title), url, figures) for title, url, figures in sections]
    subject, intro = _to_line(subject)[:MAX_SUBJECT_CHARACTERS], _to_line(intro)
    note = gettext(
        "Clicks by people and by machines are estimates. You get this mail because you chose it under Settings."
    )
    change = gettext("To change that, open %(url)s", url=settings_url)
    link = gettext("Change which reports you get")
    parts = [intro, *map(_section_text, sections), f"{note}\n{change}"]
    html = (
        f'<!DOCTYPE html>\n<html lang="{current_language().code}"><head><meta charset="utf-8">'
        f"<title>{escape(subject)}</title></head><body>\n"
        f"<p>{escape(intro)}</p>\n{''.join(map(_section_html, sections))}"
        f'<p>{escape(note)} <a href="{escape(settings_url)}">{escape(link)}</a></p>\n</body></html>\n'
    )
    return ReportMail(subject, "\n\n".join(parts) + "\n", html)


def _section_text(section: ReportSection) -> str:
    lines = (gettext("%(name)s: %(value)s", name=name, value=value) for name, value in section.figures)
    return "\n".join((section.title, *lines, section.url))


def _section_html(section: ReportSection) -> str:
    rows = "".join(
        f'<tr><th scope="row" align="left">{escape(name)}</th><td align="right">{escape(value)}</td></tr>\n'
        for name, value in section.figures
    )
    link = f'<a href="{escape(section.url)}">{escape(section.title)}</a>'
    return f'<h2>{link}</h2>\n<table cellpadding="4">\n{rows}</table>\n'


def _to_line(text: str) -> str:
    """A text that comes from users, as one line that a header can carry."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
