"""`linkweir completion SHELL`: the script that makes a shell complete commands, options and their values."""

import argparse
import contextlib
import re
from collections.abc import Iterator
from typing import Any

from linkweir.cli.completion_scripts import SCRIPTS, CompletionNode, CompletionOption
from linkweir.cli.shared_options import SubcommandParsers, add_command

_EXAMPLES = """\
  eval "$(linkweir completion bash)"                       in ~/.bashrc
  source <(linkweir completion zsh)                        in ~/.zshrc, after compinit
  linkweir completion fish > ~/.config/fish/completions/linkweir.fish

Make a stored script anew after an update.
"""
_FILE_METAVARS = re.compile(r"\b(?:FILE|PATH|FOLDER|DIR|LIST)\b")
_SUMMARY = re.compile(r"[;:(]")  # a description in a menu ends before these


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command to the parser."""
    parser = add_command(
        commands,
        "completion",
        summary="print the script for completion in a shell",
        description="Print a script that makes a shell complete commands, options, their values and file names.",
        examples=_EXAMPLES,
    )
    parser.add_argument("shell", choices=tuple(SCRIPTS), metavar="SHELL", help=", ".join(SCRIPTS))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    from linkweir.cli.entry_point import build_parser

    nodes = list(_walk((), build_parser()))
    with contextlib.suppress(ModuleNotFoundError):  # without the service's packages its options do not matter
        from linkweir.server.serve import add_arguments

        serve = argparse.ArgumentParser(prog="linkweir serve")
        add_arguments(serve)
        nodes = [node for node in nodes if node.path != ("serve",)] + list(_walk(("serve",), serve))
    print(SCRIPTS[args.shell](nodes), end="")
    return 0


def _walk(path: tuple[str, ...], parser: argparse.ArgumentParser) -> Iterator[CompletionNode]:
    """The command and all below it."""
    commands: dict[str, str] = {}
    values: tuple[str, ...] = ()
    takes_files = False
    children: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._get_subactions()}
            commands = {name: _summarize(helps.get(name, "")) for name in action.choices}
            children = dict(action.choices)
        elif not action.option_strings:
            values += tuple(map(str, action.choices or ()))
            takes_files |= _names_file(action)
    options = tuple(_make_option(action) for action in parser._actions if action.option_strings)
    yield CompletionNode(path, commands, options, values, takes_files)
    for name, child in children.items():
        yield from _walk((*path, name), child)


def _make_option(action: argparse.Action) -> CompletionOption:
    return CompletionOption(
        names=tuple(action.option_strings),
        summary=_summarize(str(action.help or "").replace("%%", "%")),
        takes_value=action.nargs != 0,
        choices=tuple(map(str, action.choices or ())),
        takes_files=_names_file(action),
    )


def _names_file(action: Any) -> bool:
    return bool(_FILE_METAVARS.search(str(action.metavar or "")))


def _summarize(text: str) -> str:
    return _SUMMARY.split(" ".join(text.split()))[0].strip()
