"""`linkweir help [TOPIC]`: pages of the manual in the terminal."""

import argparse
import shutil

from linkweir.cli.shared_options import SubcommandParsers, UsageError, add_command
from linkweir.error_hints import suggest_name

MAX_WIDTH = 100


def add_to(commands: SubcommandParsers) -> None:
    """Add the sub-command."""
    parser = add_command(
        commands,
        "help",
        summary="show a page of the manual",
        description="Show a page of the manual. Without TOPIC, list the pages.",
        examples="  linkweir help\n  linkweir help install\n  linkweir help settings | less\n",
    )
    parser.add_argument("topic", nargs="?", metavar="TOPIC", help="page of the manual")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the page. Raises UsageError if there is no such page."""
    from linkweir.manual import contents
    from linkweir.manual.plain_text import render

    if args.topic is None:
        print(_list_topics())
        return 0
    topic = args.topic.lower().removesuffix(".md")
    if topic not in contents.TOPICS:
        raise UsageError(_unknown_topic_error(args.topic, topic))
    print(render(contents.read_page(topic), min(shutil.get_terminal_size().columns, MAX_WIDTH)), end="")
    return 0


def _list_topics() -> str:
    from linkweir.manual import contents

    width = max(map(len, contents.TOPICS))
    lines = ["The pages of the manual; read one with: linkweir help TOPIC"]
    for chapter, topics in contents.CHAPTERS.items():
        lines += ["", chapter, *(f"  {topic:<{width}}  {contents.read_title(topic)}" for topic in topics)]
    return "\n".join(lines)


def _unknown_topic_error(given: str, topic: str) -> str:
    from linkweir.manual import contents

    part = [name for name in contents.TOPICS if topic and topic in name]
    hint = suggest_name(topic, contents.TOPICS) or (f"; did you mean {' or '.join(part)}?" if part else "")
    hint = hint or "; `linkweir help` lists all topics"
    return f"the manual has no topic {given!r}{hint} (of a command: `linkweir COMMAND --help`)"
