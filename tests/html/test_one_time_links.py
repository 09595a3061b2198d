"""Tests of linkweir.html.one_time: links that work once are known, and what is written about them is not."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import re2

import linkweir
from linkweir.html import one_time
from linkweir.html.switches import Switches
from tests.oracle.corpus import load_documents

TABLE = one_time.load_table()
PRESET = Switches(skip=("one-time",))
ORDINARY_PATHS = [
    "/",
    "/products/shoes",
    "/news?token=abc",
    "/preset/1",
    "/reset-your-password-tips-blog",
    "/blog/unsubscribe-rates-2026",
    "/blog/how-to-unsubscribe-from-emails",
    "/blog/verified-reviews",
    "/confirmed-speakers",
    "/articles/confirmation-bias",
    "/checkout/confirmation/100023",
    "/order-confirmation/100023",
    "/activation-energy",
    "/activate-your-offer-now/2026",
    "/password-manager",
    "/news/password-reset-attacks-rise",
    "/verify-2026-conference",
    "/age-verification",
    "/validation-library",
    "/opt-out-day",
    "/kfz-abmeldung-berlin",
    "/abmeldung-wohnsitz",
    "/bestaetigte-termine",
    "/destinations/baja/",
    "/baja-california?month=5",
    "/activar-tu-negocio",
    "/verificacion-de-datos",
    "/conferma-del-trend",
    "/hair-removal",
    "/login",
    "/login?next=/account",
    "/reset-filter?x=1",
    "/members/?id=1",
    "/members/anna",
    "/newsletter/2026/05",
    "/subscription/plans",
    "/subscribe?u=1",
    "/auth/callback/google?code=1",
    "/search?q=unsubscribe",
    "/search?q=%D0%BE%D1%82%D0%BF%D0%B8%D1%81%D0%BA%D0%B0",
    "/docs/reset/intro",
    "/u/anna",
    "/user/reset",
    "/account/orders/1/abc",
    "/wiki/Verification_and_validation",
    "/watch?v=dQw4w9WgXcQ",
    "/a/confirmer-la-tendance",
    "/уведомления/подтвержденные-события",
    "/help/%E7%A1%AE%E8%AE%A4%E4%B9%A6",
]


def get_outcome(path: str) -> str:
    """What becomes of a link to a path, or to a whole address, with the preset."""
    address = path if path.startswith("https:") else "https://ex.example" + path
    (link,) = linkweir.scan(f'<a href="{address}">', switches=PRESET)
    assert link.destination == address
    return link.outcome


@pytest.mark.parametrize("system", TABLE["systems"], ids=lambda one: one["name"])
def test_every_system_has_a_source_and_a_pattern_that_works(system: dict[str, str]) -> None:
    """The example of each system is found by its own pattern, and is skipped by the preset."""
    assert system["source"]
    assert re.search(system["pattern"], "https://ex.example" + system["example"], re.IGNORECASE)
    assert get_outcome(system["example"]) == "skipped"


def generate_spellings() -> Iterator[tuple[str, str]]:
    """Every word of every language, as addresses may spell it."""
    for name, language in TABLE["languages"].items():
        assert language["source"]
        for word in language["words"]:
            for form in {word, word.upper() if word.isascii() else word, quote(word), quote(word.capitalize())}:
                yield name, form


def test_every_term_of_every_language_is_matched() -> None:
    """A word is found as a path segment, joined in any way, percent-encoded, and as what a parameter does."""
    missed = [
        (name, address)
        for name, form in generate_spellings()
        for address in (f"/{form}", f"/x/{form}/abc?u=1", f"/{form}.php", f"/?action={form}&u=1", f"/newsletter-{form}")
        if get_outcome(address) != "skipped"
    ]
    assert missed == []
    assert len({name for name, _ in generate_spellings()}) >= 25
    for joined in ("resetPassword", "reset_password", "reset+password", "reset%20password", "mot_de_passe_oublie"):
        assert get_outcome(f"/{joined}?t=1") == "skipped"


@pytest.mark.parametrize("path", ORDINARY_PATHS)
def test_what_only_speaks_of_it_is_tracked(path: str) -> None:
    """An article, a search and a plain token are ordinary links."""
    assert get_outcome(path) == "tracked"


@pytest.mark.external
def test_the_cases(shared_folder: Path) -> None:
    """Each link of the case has the outcome that its text names."""
    links = list(linkweir.scan((shared_folder / "cases" / "one-time.html").read_text(), switches=PRESET))
    assert [link.outcome for link in links] == [link.text for link in links]
    assert len(links) == 12


@pytest.mark.external
def test_the_corpus_with_both_engines(shared_folder: Path) -> None:
    """Python's engine and RE2 find the same destinations of the corpus, each with a word that says why, and few."""
    seen = {
        link.destination or ""
        for _, html, charset in load_documents(shared_folder)
        for link in linkweir.scan(html, charset=charset)
        if link.outcome == "tracked"
    }
    options = re2.Options()
    options.case_sensitive, options.max_mem = False, 1 << 26
    python = [re.compile(expression, re.IGNORECASE) for expression in one_time.build_patterns()]
    google = [re2.compile(expression, options) for expression in one_time.build_patterns()]
    result = {expression for expression in seen if any(pattern.search(expression) for pattern in python)}
    assert result == {expression for expression in seen if any(pattern.search(expression) for pattern in google)}
    assert 0 < len(result) < len(seen) / 20
    assert all(
        re.search("unsub|opt-?out|remove|verify|confirm|reset", expression, re.IGNORECASE) for expression in result
    )


def test_no_address_takes_the_engine_long() -> None:
    """Addresses of 8,000 characters made of what the patterns repeat are searched in less than a second each."""
    python = [re.compile(expression, re.IGNORECASE) for expression in one_time.build_patterns()]
    for piece in ("/", "@", "&action=", "/email-", "my-your-the-", "/reset/a/", "/wp-login.php?", "&userid=", "=a&"):
        address = "https://ex.example/?" + piece * (8000 // len(piece))
        assert not any(pattern.search(address + "x") for pattern in python) or piece == "/reset/a/"
