"""The parser of the commands' words: argparse's, which also suggests the near name for one that it does not know."""

import argparse
from collections.abc import Sequence
from typing import Any

from linkweir.error_hints import suggest_name


class CommandParser(argparse.ArgumentParser):
    """An ArgumentParser that never abbreviates options, and reports unknown ones with the usage of their command."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **kwargs})

    def parse_known_args(  # type: ignore[override]  # argparse's own overloads tell namespaces apart, of which we use one
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse the words; argparse calls this for sub-commands, too. Ends the process if one is unknown."""
        result, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._suggest_options(unknown)}")
        return result, unknown

    def _suggest_options(self, unknown: list[str]) -> str:
        known = [name for name in self._option_string_actions if name.startswith("--")]
        hints = (suggest_name(word.partition("=")[0], known) for word in unknown if word.startswith("-"))
        return next(filter(None, hints), "")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            hint = suggest_name(str(value), map(str, action.choices or ()))
            if isinstance(action, argparse._SubParsersAction):
                hint = hint or f"; `{self.prog} --help` lists all"
                raise argparse.ArgumentError(None, f"there is no {_describe(action)} {value!r}{hint}") from None
            raise argparse.ArgumentError(action, f"{error.message}{hint}") from None


def _describe(action: argparse.Action) -> str:
    """Return what a parser calls its sub-commands: command or action."""
    return str(action.metavar or "command").lower()
