"""Completion scripts for bash, zsh and fish, made from a tree of commands. Knows no argparse.

All three do the same: the words before the cursor that form a known path of commands say which command it is; behind an
option that takes a value come its choices or files, after `-` the options of the command, else its commands, values or
files.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CompletionOption:
    """An option with all its names."""

    names: tuple[str, ...]
    summary: str
    takes_value: bool
    choices: tuple[str, ...]
    takes_files: bool


@dataclass(frozen=True, slots=True)
class CompletionNode:
    """A command by the path that leads to it: its commands with their summaries, its options, and what its arguments
    may be.
    """

    path: tuple[str, ...]
    commands: dict[str, str]
    options: tuple[CompletionOption, ...]
    values: tuple[str, ...]
    takes_files: bool


def make_bash_script(nodes: Sequence[CompletionNode]) -> str:
    """For `eval` or a file of bash-completion."""
    after_options, words, commands = [], [], []
    for node in nodes:
        key = " ".join(node.path)
        for option in node.options:
            if option.takes_value:
                pattern = " | ".join(_quote(f"{key}|{name}") for name in option.names)
                after_options.append(f"    {pattern}) {_make_bash_value(option)} return ;;")
        names = " ".join(name for option in node.options for name in option.names)
        arguments = " ".join((*node.commands, *node.values))
        rest = "" if node.takes_files else "compopt +o default 2> /dev/null; "
        words.append(f"    {_quote(f'{key}|-')}) {_make_bash_reply(names)} ;;")
        commands.append(f"    {_quote(f'{key}|')}) {rest}{_make_bash_reply(arguments) if arguments else ''} ;;")
    return "\n".join(
        (
            "_linkweir() {",
            '  local chain="" cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD - 1]}" i',
            "  COMPREPLY=()",
            "  for ((i = 1; i < COMP_CWORD; i++)); do",
            '    case "${chain:+$chain }${COMP_WORDS[i]}" in',
            f'    {_list_paths(nodes)}) chain="${{chain:+$chain }}${{COMP_WORDS[i]}}" ;;',
            "    esac",
            "  done",
            '  case "$chain|$prev" in',
            *after_options,
            "  esac",
            '  case "$chain|${cur:0:1}" in',
            *words,
            "  *)",
            '    case "$chain|" in',
            *("  " + line for line in commands),
            "    esac",
            "    ;;",
            "  esac",
            "}",
            "complete -o default -F _linkweir linkweir",
            "",
        )
    )


def _make_bash_reply(words: str) -> str:
    return f'COMPREPLY=($(compgen -W {_quote(words)} -- "$cur"));'


def _make_bash_value(option: CompletionOption) -> str:
    if option.choices:
        return "compopt +o default 2> /dev/null; " + _make_bash_reply(" ".join(option.choices))
    return "" if option.takes_files else "compopt +o default 2> /dev/null;"


def make_zsh_script(nodes: Sequence[CompletionNode]) -> str:
    """For `source`, or as a file `_linkweir` in a folder of $fpath."""
    after_options, options, arguments = [], [], []
    for node in nodes:
        key = " ".join(node.path)
        for option in node.options:
            if option.takes_value:
                pattern = "|".join(_quote(f"{key}|{name}") for name in option.names)
                after_options.append(f"    ({pattern}) {_make_zsh_value(option)} return ;;")
        items = [(name, option.summary) for option in node.options for name in option.names]
        options.append(f"    ({_quote(key)}) items=({_make_zsh_items(items)}) ;;")
        items = [*node.commands.items(), *((value, "") for value in node.values)]
        files = "_files;" if node.takes_files else ""
        arguments.append(f"    ({_quote(key)}) items=({_make_zsh_items(items)}); {files} ;;")
    return "\n".join(
        (
            "#compdef linkweir",
            "_linkweir() {",
            '  local chain="" i',
            "  local -a items",
            "  for ((i = 2; i < CURRENT; i++)); do",
            '    case "${chain:+$chain }${words[i]}" in',
            f'    ({_list_paths(nodes)}) chain="${{chain:+$chain }}${{words[i]}}" ;;',
            "    esac",
            "  done",
            '  case "$chain|${words[CURRENT - 1]}" in',
            *after_options,
            "  esac",
            '  if [[ "${words[CURRENT]}" == -* ]]; then',
            '    case "$chain" in',
            *options,
            "    esac",
            "  else",
            '    case "$chain" in',
            *arguments,
            "    esac",
            "  fi",
            "  (( ${#items} )) && _describe linkweir items",
            "}",
            "compdef _linkweir linkweir",
            "",
        )
    )


def _make_zsh_items(items: Iterable[tuple[str, str]]) -> str:
    return " ".join(_quote(f"{name}:{summary}" if summary else name) for name, summary in items)


def _make_zsh_value(option: CompletionOption) -> str:
    if option.choices:
        return f"items=({' '.join(map(_quote, option.choices))}); _describe value items;"
    return "_files;" if option.takes_files else ""


def make_fish_script(nodes: Sequence[CompletionNode]) -> str:
    """For `source`, or as a file `completions/linkweir.fish`."""
    paths = " ".join(_quote(" ".join(node.path), fish=True) for node in nodes if node.path)
    lines = [
        "function __linkweir_at",
        "  set -l chain",
        "  for word in (commandline -opc)[2..-1]",
        f'    contains -- (string join -- " " $chain $word) {paths}; and set -a chain $word',
        "  end",
        '  test "$argv[1]" = "$chain"',
        "end",
        "complete -c linkweir -f",
    ]
    for node in nodes:
        condition = "-n " + _quote(f"__linkweir_at {_quote(' '.join(node.path), fish=True)}", fish=True)
        start = f"complete -c linkweir {condition}"
        for name, summary in (*node.commands.items(), *((value, "") for value in node.values)):
            lines.append(f"{start} -a {_quote(name, fish=True)} -d {_quote(summary, fish=True)}")
        if node.takes_files:
            lines.append(f"{start} -F")
        for option in node.options:
            names = " ".join(
                f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in sorted(option.names)
            )
            lines.append(f"{start} {names} {_make_fish_value(option)}-d {_quote(option.summary, fish=True)}")
    return "\n".join((*lines, ""))


def _make_fish_value(option: CompletionOption) -> str:
    if option.choices:
        return f"-x -a {_quote(' '.join(option.choices), fish=True)} "
    return "" if not option.takes_value else "-r -F " if option.takes_files else "-x "


def _list_paths(nodes: Sequence[CompletionNode]) -> str:
    return " | ".join(_quote(" ".join(node.path)) for node in nodes if node.path)


def _quote(text: str, *, fish: bool = False) -> str:
    """As one word of the shell."""
    if fish:
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "'" + text.replace("'", "'\\''") + "'"


SCRIPTS: dict[str, Callable[[Sequence[CompletionNode]], str]] = {
    "bash": make_bash_script,
    "zsh": make_zsh_script,
    "fish": make_fish_script,
}
