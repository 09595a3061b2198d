"""The pages belong together: each is listed, each link leads somewhere, and a search finds what stands in them."""

import re

import pytest

from linkweir.manual import contents
from linkweir.manual.plain_text import render

LINK = re.compile(r"\]\(([^)\s]+)\)")
MAX_TEXT_COLUMNS = 120


def test_every_page_is_listed() -> None:
    """The contents name each file of the folder once."""
    assert sorted(contents.TOPICS) == sorted(path.stem for path in contents.FOLDER.glob("*.md"))


@pytest.mark.parametrize("topic", contents.TOPICS)
def test_every_link_leads_somewhere(topic: str) -> None:
    """A link to another page names one that is there, and a fragment one of its headings."""
    for target in LINK.findall(re.sub(r"```.*?```|`[^`]*`", "", contents.read_page(topic), flags=re.DOTALL)):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        if file.endswith(".md") or not file:
            page = file.removesuffix(".md") or topic
            assert page in contents.TOPICS, target
            assert not anchor or anchor in {section.anchor for section in contents.list_sections(page)}, target
        else:
            assert (contents.FOLDER / file).is_file(), target


@pytest.mark.parametrize("topic", contents.TOPICS)
def test_a_page_begins_with_its_title_and_a_sentence(topic: str) -> None:
    """A page has one heading of the first level, which is its first line, and a text below it."""
    text = contents.read_page(topic)
    assert text.startswith(f"# {contents.read_title(topic)}\n\n")
    assert re.search(r"[.:]\s", text.split("\n\n")[1] + "\n")
    assert sum(section.heading == contents.read_title(topic) for section in contents.list_sections(topic)) == 1


@pytest.mark.parametrize("topic", contents.TOPICS)
def test_lines_are_short(topic: str) -> None:
    """Only rows of tables and what the code has generated are longer than 120 characters."""
    text = (contents.FOLDER / f"{topic}.md").read_text(encoding="utf-8")
    text = re.sub(r"<!-- generated.*?<!-- end generated -->", "", text, flags=re.DOTALL)
    assert [line for line in text.splitlines() if len(line) > MAX_TEXT_COLUMNS and line[0] != "|"] == []


def test_a_search_finds_sections_with_all_words() -> None:
    """A section is found by words in any order and case, headings first; unknown words find nothing."""
    match = contents.search("FILES rewrite")
    assert (match[0].topic, match[0].heading) == ("command-line", "Rewrite files")
    assert all("rewrite" in f"{phrase.heading} {phrase.text}".lower() for phrase in match)
    assert contents.search("rewrite nothingofthekind") == []
    phrases = contents.search("key ring")
    assert all("key ring" in f"{phrase.heading} {phrase.text}".lower() for phrase in phrases[:5])
    assert contents.search("  ") == []


def test_an_excerpt_has_no_marks() -> None:
    """Text that is shown outside its page has neither bars of tables nor marks of code and links."""
    markdown = "See [Settings](settings.md), **now**:\n\n| a | b |\n| --- | --- |\n| `x` | y |\n\n```sh\nls\n```\n"
    assert contents.to_plain_text(markdown) == "See Settings , now : a b x y ls"


def test_a_heading_in_code_is_no_section() -> None:
    """A line of an example that begins with `#` begins no section."""
    assert "added to `submission` and `submissions`" not in [
        section.heading for section in contents.list_sections("postfix")
    ]


@pytest.mark.parametrize("topic", contents.TOPICS)
@pytest.mark.parametrize("width", [60, 80, 100])
def test_plain_text_fits_the_terminal(topic: str, width: int) -> None:
    """In a terminal no line of text is wider than it, unless a single word or code is."""
    for line in render(contents.read_page(topic), width).splitlines():
        assert len(line) <= width or line.startswith("    ") or len(line.split()) == 1, line


def test_plain_text_has_no_marks() -> None:
    """Links become text that names the topic, tables are aligned, and emphasis is gone."""
    text = render(
        "# T\n\nSee [Settings](settings.md#http), **now**.\n\n| a | b |\n| --- | --- |\n| `x` | y\\|z |\n", 80
    )
    assert text == "T\n=\n\nSee Settings (linkweir help settings), now.\n\na    b\n`x`  y|z\n"
