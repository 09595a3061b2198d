"""The texts of pages and mails that can be translated, and the catalogues of their translations, by Babel."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from linkweir.accounts import roles
from linkweir.clicks.classify import VERDICT_REASONS
from linkweir.clicks.enrichment import DEVICE_CLASSES
from linkweir.dashboard.message_pages import STATUSES
from linkweir.db.dimensions import DIMENSIONS
from linkweir.html import REASONS
from linkweir.html.lint import TEXT_IS_URL
from linkweir.stats.hits import VERDICT_GROUPS
from linkweir.tokens import Privacy
from linkweir.translation import DEFAULT_LANGUAGE, DOMAIN, LANGUAGES
from linkweir.web.error_responses import RESPONSE_BY_ERROR
from linkweir.webhooks.event_kinds import EVENT_KINDS

SOURCE = Path(__file__).parent.parent.parent / "src" / "linkweir"
LOCALES = SOURCE / "locales"
CODES = tuple(code for code in LANGUAGES if code != DEFAULT_LANGUAGE)
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"**/templates/**.html": {"silent": "false", "trim_blocks": "true", "lstrip_blocks": "true"}}
KEYWORDS = {"_": None, "gettext": None, "gettext_noop": None, "ngettext": (1, 2)}
DATE = datetime(2026, 1, 1, tzinfo=UTC)  # in all catalogues, which change only with their texts
HEADER = "# Translations of the texts of pages and mails; the English texts are the keys."


def path_of(code: str, suffix: str) -> Path:
    """The file of a catalogue: `.po` to edit, `.mo` for programs."""
    return LOCALES / code / "LC_MESSAGES" / f"{DOMAIN}.{suffix}"


def list_table_texts() -> Iterator[tuple[str, str]]:
    """Texts of tables that programs read, too, and that pages show translated: each with the file it is in."""
    yield from (("clicks/classify/rules.py", sentence) for sentence in VERDICT_REASONS.values())
    for kind in EVENT_KINDS:
        yield "webhooks/event_kinds.py", kind.label
        yield "webhooks/event_kinds.py", kind.description
    yield from (("clicks/enrichment.py", device) for device in DEVICE_CLASSES)
    yield from (("tokens/__init__.py", mode.value) for mode in Privacy)
    for dimension in DIMENSIONS:
        texts = (dimension.title, dimension.disclosure, dimension.disclosure and dimension.article_disclosure)
        yield from (("db/dimensions.py", text) for text in texts if text)
    yield from (("html/outcome.py", text) for text in REASONS.values())
    yield "html/lint.py", TEXT_IS_URL
    yield from (("web/error_responses.py", text) for _, text, _ in RESPONSE_BY_ERROR.values() if text)
    for name in VERDICT_GROUPS:
        yield "stats/hits.py", name
        yield "stats/hits.py", name.capitalize()
    for status in STATUSES:
        yield "dashboard/message_pages.py", status.replace("Received", "Accepted")
    yield from (("dashboard/templates/parts.html", name) for name in ("bounced", "failed", "deferred"))
    yield from (("dashboard/templates/webhook.html", name) for name in ("waiting", "succeeded"))
    for role in roles.ROLES:
        yield "accounts/roles.py", role
        yield "accounts/roles.py", role.capitalize()
    yield from (("stats/report_period.py", step) for step in ("Hour", "Day", "Month"))


@cache
def extract() -> Catalog:
    """Every text that can be translated, with the files it is in."""
    template = Catalog(project="Linkweir", version="", charset="utf-8")
    found = extract_from_dir(SOURCE, METHODS, OPTIONS, KEYWORDS)
    for name, _, text, _, _ in found:
        template.add(text, locations=[(f"src/linkweir/{name}", 0)])
    for name, text in list_table_texts():
        template.add(text, locations=[(f"src/linkweir/{name}", 0)])
    return template


def read(code: str) -> Catalog:
    """The catalogue of a language, to be edited."""
    with path_of(code, "po").open("rb") as file:
        return read_po(file, locale=code, domain=DOMAIN)


def make_po(catalogue: Catalog) -> bytes:
    """The catalogue as the text of its file: sorted, with files but without lines, which would change all the time."""
    file = BytesIO()
    write_po(file, catalogue, width=110, sort_output=True, include_lineno=False, omit_header=False)
    return file.getvalue()


def make_mo(catalogue: Catalog) -> bytes:
    """The catalogue as programs read it."""
    file = BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def messages(catalogue: Catalog) -> list[Message]:
    """The catalogue's entries without its head."""
    return [message for message in catalogue if message.id]


def merge(code: str) -> Catalog:
    """The catalogue of a language with the texts of today: new ones without a translation, old ones left out."""
    fresh = Catalog(
        locale=code,
        domain=DOMAIN,
        header_comment=HEADER,
        project="Linkweir",
        version="1",
        msgid_bugs_address="the project",
        last_translator="the project",
        language_team=code,
        creation_date=DATE,
        revision_date=DATE,
        fuzzy=False,
    )
    known = {str(message.id): message for message in messages(read(code))} if path_of(code, "po").exists() else {}
    for message in messages(extract()):
        old = known.get(str(message.id))
        fresh.add(message.id, old.string if old else None, sorted(set(message.locations)), old.flags if old else ())
    return fresh
