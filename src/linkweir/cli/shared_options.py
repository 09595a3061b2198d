"""What several sub-commands share: options, how their words become the library's values, usage errors."""

import argparse
import re
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from linkweir.bulk.file_list import FILE_KINDS
from linkweir.errors import BadSwitch, LinkweirError
from linkweir.html import Switches
from linkweir.html.charset import Charset

EXIT_USAGE = 2
DEFAULT_TAG_LIMIT_BYTES = 65536
PATHS_HELP = "HTML file, mail (.eml), mailbox (.mbox), folder of these, Maildir, or - for standard input"


class UsageError(LinkweirError):
    """What was asked for makes no sense; the text says what to do instead."""


class SubcommandParsers(Protocol):
    """The part of argparse's sub-command action that is used here."""

    def add_parser(self, name: str, **kwargs: Any) -> argparse.ArgumentParser: ...


def add_command(
    commands: SubcommandParsers, name: str, *, summary: str, description: str, examples: str
) -> argparse.ArgumentParser:
    """Add a sub-command whose help ends with examples, printed as they are."""
    return commands.add_parser(
        name,
        help=summary,
        description=wrap_text(description),
        epilog="examples:\n" + examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def wrap_text(text: str) -> str:
    """Fold `text` to the terminal, which argparse does not do once examples must stay as they are."""
    width = min(shutil.get_terminal_size().columns - 2, 100)
    return textwrap.fill(text, width, break_on_hyphens=False)


def add_switch_options(parser: argparse.ArgumentParser) -> None:
    """Add the switches of the link rules; all are off by default."""
    group = parser.add_argument_group("which links (all off by default)")
    group.add_argument(
        "--opt-out",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="an attribute that excludes links, in addition to data-as-no-track; can be repeated",
    )
    group.add_argument(
        "--vendors",
        action="store_true",
        help="recognize other vendors' opt-out attributes (ses:no-track, clicktracking=off, data-pm-no-track, "
        'mc:disable-tracking, data-msys-clicktrack="0", disable-tracking, data-no-track and others)',
    )
    group.add_argument(
        "--outlook",
        action="store_true",
        help="also rewrite links in Outlook's conditional comments: <!--[if mso]> buttons and VML",
    )
    group.add_argument(
        "--skip",
        action="append",
        default=[],
        metavar="REGEX",
        help="never track URLs that match this regular expression (ignores case); can be repeated",
    )
    group.add_argument(
        "--one-time",
        action="store_true",
        help="never track one-time links, such as password reset, verification and unsubscribe (about "
        "100 systems and 25 languages)",
    )
    group.add_argument(
        "--track-placeholders",
        action="store_true",
        help="track URLs with a template marker after the host; the destination contains the marker unchanged",
    )
    group.add_argument(
        "--tag-limit",
        type=parse_byte_size,
        default=DEFAULT_TAG_LIMIT_BYTES,
        metavar="BYTES",
        help="maximum length of a tag, such as 65536 or 64k (default: 64k); longer ones are not rewritten",
    )
    group.add_argument(
        "--charset",
        type=parse_charset,
        metavar="NAME",
        help="charset of the files (default: <meta> in the first 1024 bytes, else UTF-8; a byte order mark "
        "takes precedence)",
    )


def add_kind_option(parser: argparse.ArgumentParser, kinds: Sequence[str] = FILE_KINDS) -> None:
    """Add what says what standard input, or a file with an unusual name, holds."""
    parser.add_argument(
        "--kind",
        choices=kinds,
        help="format of standard input and of the files named (default: by suffix, else html)",
    )


def add_suffix_option(parser: argparse.ArgumentParser, verb: str, suffixes: Iterable[str]) -> None:
    """Add `--ext`; `suffixes`: those that are taken anyway."""
    parser.add_argument(
        "--ext",
        action="append",
        default=[],
        type=parse_suffix,
        metavar="SUFFIX",
        help=f"also {verb} files of a folder with this suffix, such as .tpl, as HTML; can be repeated (always: "
        + " ".join(suffixes)
        + ")",
    )


def parse_suffix(text: str) -> str:
    """Return `tpl`, `*.tpl` or `.TPL` as `.tpl`."""
    return "." + text.lower().lstrip("*").lstrip(".")


def add_config_options(group: argparse._ActionsContainer) -> None:
    """Add what says where the project's settings are."""
    group.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="read [tool.linkweir] of this file (default: of the nearest pyproject.toml, here or above)",
    )
    group.add_argument("--no-config", action="store_true", help="read no pyproject.toml")


def parse_switches(args: argparse.Namespace) -> Switches:
    """Return the switches that the options ask for. Raises UsageError, naming the one that can't be used."""
    try:
        return Switches(
            opt_out=(*(["vendors"] if args.vendors else []), *args.opt_out),
            outlook=args.outlook,
            skip=(*(["one-time"] if args.one_time else []), *args.skip),
            track_placeholders=args.track_placeholders,
            tag_limit=args.tag_limit,
        )
    except BadSwitch as error:
        raise UsageError(str(error)) from error


def parse_byte_size(text: str) -> int:
    """Return a number of bytes written like `65536`, `64k` or `1M` (powers of 1024)."""
    match = re.fullmatch(r"([0-9]{1,9})([kKmM]?)", text)
    number = int(match[1]) << {"": 0, "k": 10, "m": 20}[match[2].lower()] if match else 0
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 65536, 64k or 1M")
    return number


def parse_positive_int(text: str) -> int:
    """Return a positive whole number."""
    if not re.fullmatch(r"[0-9]{1,6}", text) or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


def parse_charset(text: str) -> str:
    """Return `text` if it names a charset that the rewriter knows."""
    if not Charset(text).is_supported:
        raise argparse.ArgumentTypeError(f"{text!r} is not a known charset")
    return text
