"""`linkweir help` shows the manual."""

import pytest

from linkweir.manual.contents import TOPICS, read_title
from tests.cli.command_runner import CommandRunner


def test_without_a_topic_all_are_listed(linkweir: CommandRunner) -> None:
    """The list names each page with its title."""
    run = linkweir("help")
    assert run.code == 0
    for topic in TOPICS:
        assert f"  {topic} " in run.out.decode()
        assert read_title(topic) in run.out.decode()


def test_a_page_is_shown_as_text(linkweir: CommandRunner) -> None:
    """A page is printed for the width of the terminal, without the marks of Markdown."""
    run = linkweir("help", "settings", COLUMNS="80")
    text = run.out.decode()
    assert (run.code, run.err) == (0, "")
    assert text.startswith("Settings\n========\n")
    assert "LINKWEIR_BASE_URL" in text
    assert "| --- |" not in text
    assert "<!--" not in text


@pytest.mark.parametrize(
    ("topic", "near"),
    [
        ("webhook", "webhooks"),
        ("Rules", "rewriting-rules"),
        ("erasure", "privacy-and-erasure"),
        ("qqqq", "linkweir help"),
    ],
)
def test_an_unknown_topic_names_near_ones(linkweir: CommandRunner, topic: str, near: str) -> None:
    """A topic that is not there is an error in the command line, which names those that are like it."""
    run = linkweir("help", topic)
    assert (run.code, run.out) == (2, b"")
    assert f"no topic {topic!r}" in run.err
    assert near in run.err
