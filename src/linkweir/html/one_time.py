"""Finds addresses of links that work once, or that end a subscription: the preset `one-time` of the switch `skip`.

A scanner that follows such a link on the reader's behalf uses it up. `one_time.toml` has the paths and parameters of
systems that people run, and words in the languages of mail, which count as whole path segments or as what a parameter
says to do. An article *about* them (`/blog/unsubscribe-rates`) is none: next to a word only certain other words may
stand. The patterns use what Python's engine and RE2 both know: nothing looks ahead or back.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

_ID = r"[^/?#&]+"
_END = r"(?:[/?#&;=]|%2[36f]|%3[bdf]|\.(?:php\d?|[sxj]?html?|aspx?|jsp|do|action|cgi|pl|cfm|axd)\b|$)"
# what a word may follow; as a value only where the parameter says what to do, for people search for words as well
_START = (
    r"(?:[/?&#;]|%2[36f]|%3[bf]|[?&;#](?:act(?:ion)?|do|op|cmd|command|mode|task|type|page|view|p|a|m|r|method|event"
    r"|controller|route|step|path|func|fn|intent|flow)=)"
)
_SEPARATOR = r"(?:[-_+. /]|%20)?"
# letters that Unicode does not take apart into one of ASCII and a mark
_ASCII_LETTERS = str.maketrans({"\u0131": "i", "ł": "l", "đ": "d", "ø": "o", "æ": "ae", "ß": "ss", "\u0130": "i"})


def load_table() -> dict[str, Any]:
    """The systems and languages as `one_time.toml` has them, each system's pattern ready to be compiled."""
    table = tomllib.loads(files(__package__).joinpath("one_time.toml").read_text("utf-8"))
    for system in table["systems"]:
        system["pattern"] = system["pattern"].replace("<id>", _ID)
    return table


def list_url_forms(term: str) -> set[str]:
    """List the spellings of a term in an address: itself, without its marks, and percent-encoded, small and
    capitalised.
    """
    forms = {term}
    plain = unicodedata.normalize("NFKD", term.translate(_ASCII_LETTERS))
    stripped = "".join(letter for letter in plain if not unicodedata.combining(letter))
    if stripped.isascii():
        forms.add(stripped)
    if not term.isascii():
        forms |= {
            quote(spelling, safe="") for spelling in (term, term.capitalize(), unicodedata.normalize("NFD", term))
        }
    return forms


def _build_trie_pattern(terms: Iterable[str]) -> str:
    """A pattern for all the words that tries each letter once: an alternation of hundreds would try each word."""
    below: dict[str, set[str]] = {}
    for term in terms:
        below.setdefault(term[:1], set()).add(term[1:])
    ends = below.pop("", None) is not None
    parts = [
        (_SEPARATOR if letter == "-" else re.escape(letter)) + _build_trie_pattern(rest)
        for letter, rest in sorted(below.items())
    ]
    if not parts:
        return ""
    return ("(?:" + "|".join(parts) + ")" if len(parts) > 1 or ends else parts[0]) + "?" * ends


def _split_alternatives(pattern: str) -> list[str]:
    """The pattern's alternatives outside of groups."""
    alternatives, depth = [""], 0
    for part in re.findall(r"\\.|\[[^\]]*\]|.", pattern):
        depth += (part == "(") - (part == ")")
        if part == "|" and not depth:
            alternatives.append("")
        else:
            alternatives[-1] += part
    return alternatives


def _group_by_prefix(patterns: Iterable[str]) -> str:
    """One pattern for all, in which what they begin with is tried once."""
    groups: dict[str, list[str]] = {}
    for pattern in dict.fromkeys(alternative for several in patterns for alternative in _split_alternatives(several)):
        begins = re.match(r"/|\[[?&#;/]+\]|", pattern)
        first = begins[0] if begins else ""
        groups.setdefault(first, []).append(pattern[len(first) :])
    return "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in groups.items())


@lru_cache(1)
def build_patterns() -> tuple[str, ...]:
    """Build the regular expressions of the preset, to be searched letter case aside, when they are first needed."""
    known = load_table()
    neighbours = _build_trie_pattern(known["neighbours"])
    term_pattern = _build_trie_pattern(
        {
            form
            for language in known["languages"].values()
            for term in language["words"]
            for form in list_url_forms(term)
        }
    )
    part = rf"(?:{neighbours}[-_+.]?){{0,3}}{term_pattern}(?:[-_+.]?(?:{neighbours}|\d+|[0-9a-f]{{8,}})){{0,3}}"
    host = r"//(?:[^/?#@]*[@.])?(?:unsub(?:scribe)?|opt-?out|abmelden|desinscription|verify|confirm)[a-z0-9-]*\."
    # Spanish: the word is also a region of Mexico, so only with a query behind it
    return (
        _group_by_prefix(system["pattern"] for system in known["systems"]),
        rf"{_START}(?:{part}{_END}|baja(?:\.php)?\?)|{host}",
    )
