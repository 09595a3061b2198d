"""`linkweir bench`: how fast the user's own documents are rewritten here, beside floors and peers, with a verdict."""

import argparse
import math
import sys
from pathlib import Path

from linkweir.benchmark.run_record import RecordError, load_limits
from linkweir.benchmark.speed_limits import SpeedLimit, parse_limit
from linkweir.bulk.document_io import describe_error
from linkweir.bulk.file_list import TEMPLATE_SUFFIXES
from linkweir.cli.bench_run import EXIT_NOISY, FORMATS, BenchOptions, BenchRun
from linkweir.cli.link_options import add_link_options, check_message_id, make_throwaway_trackers, warn_ignored_options
from linkweir.cli.project_settings import ProjectSettings, load_project_settings
from linkweir.cli.shared_options import (
    DEFAULT_TAG_LIMIT_BYTES,
    PATHS_HELP,
    SubcommandParsers,
    UsageError,
    add_command,
    add_config_options,
    add_kind_option,
    add_suffix_option,
    add_switch_options,
    parse_suffix,
    parse_switches,
)
from linkweir.terminal.text import STDIN, display_path

_DEFAULT_SECONDS = "10"
_DEFAULT_SPREAD = "20%"
_DEFAULT_TOLERANCE = "10%"
_EXAMPLES = f"""\
  linkweir bench newsletter.html
  linkweir bench templates/ --one-time --outlook      with the options that you rewrite with
  linkweir bench templates/ --min 0.05                at least 0.05 of the speed of a memory sweep
  linkweir bench templates/ --min 300MB/s             at least this speed
  linkweir bench templates/ --save speed.json         then, after a change:
  linkweir bench templates/ --baseline speed.json     at most 10 % slower
  linkweir bench templates/ --format github-action-benchmark > speed.json

The memory sweep (memchr for every `<`) runs in the same rounds, so its ratio says the same on a busy machine and,
within limits, on another one; MB/s do not. Peers that are installed (python-lolhtml, turbohtml, selectolax, lxml,
html5-parser) take part, with a constant link. Every answer is checked before it is timed.
Settings: [tool.linkweir] of pyproject.toml, as for `linkweir check`, says which documents and links; the table
[tool.linkweir.bench] has min, baseline, tolerance, max-spread, seconds and format.
Exit codes: 0 fast enough or nothing to judge, 1 too slow, a wrong answer, an unreadable file or no link at all,
2 usage error, {EXIT_NOISY} too noisy to judge.
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command to the parser."""
    parser = add_command(
        commands,
        "bench",
        summary="measure how fast your own documents are rewritten, and fail if that is too slow",
        description="Measure how fast HTML files, templates, mails and mailboxes are rewritten on this machine, beside "
        "a sweep over the same memory and other rewriters, and judge it.",
        examples=_EXAMPLES,
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help=PATHS_HELP)
    add_kind_option(parser)
    add_suffix_option(parser, "measure", TEMPLATE_SUFFIXES)
    parser.add_argument("--follow", action="store_true", help="follow symbolic links to folders")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="json: all figures; github: workflow commands; github-action-benchmark: for its tool "
        "customBiggerIsBetter (default: text)",
    )
    parser.add_argument("--save", type=Path, metavar="FILE", help="write all figures into this file, for --baseline")
    parser.add_argument("--no-peers", action="store_true", help="measure no other rewriters")
    _add_limit_options(parser)
    add_link_options(
        parser, base_url="base URL of the links (default: LINKWEIR_BASE_URL, else that of `linkweir serve`)"
    )
    add_switch_options(parser)
    parser.set_defaults(run=run, tag_limit=None)


def _add_limit_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what fails")
    group.add_argument(
        "--min",
        action="append",
        default=[],
        metavar="MB/s|RATIO",
        help="the least speed, such as 300MB/s, or ratio to the memory sweep, such as 0.05; can be repeated",
    )
    group.add_argument("--baseline", type=Path, metavar="FILE", help="a file of --save, whose ratios must be reached")
    group.add_argument(
        "--tolerance",
        metavar="PERCENT",
        help=f"how much slower than the baseline is accepted (default: {_DEFAULT_TOLERANCE.replace('%', '%%')})",
    )
    group.add_argument(
        "--max-spread",
        metavar="PERCENT",
        help="judge nothing if the middle half of the rounds is wider than this part of the median (default: "
        f"{_DEFAULT_SPREAD.replace('%', '%%')})",
    )
    group.add_argument(
        "--seconds",
        metavar="N",
        help=f"how long to measure each kind of documents; up to three times as long while it is too slow or too noisy "
        f"(default: {_DEFAULT_SECONDS})",
    )
    add_config_options(group)


def run(args: argparse.Namespace) -> int:
    """Measure, print, and return the exit code."""
    settings = ProjectSettings(Path.cwd()) if args.no_config else load_project_settings(args.config)
    settings.add_to_bench(args)
    args.format = args.format or FORMATS[0]
    if args.format not in FORMATS:
        raise UsageError(f"format {args.format!r} is none of: {', '.join(FORMATS)}")
    args.tag_limit = args.tag_limit or DEFAULT_TAG_LIMIT_BYTES
    args.ext = [parse_suffix(suffix) for suffix in args.ext]
    if not args.paths:
        if sys.stdin.isatty():
            raise UsageError("no PATH given and standard input is a terminal; see linkweir bench --help")
        args.paths = [STDIN]
    check_message_id(args)
    warn_ignored_options(args)
    limits, fingerprint = _collect_limits(args)
    options = BenchOptions(
        limits=limits,
        baseline_fingerprint=fingerprint,
        max_spread=_parse_share(args.max_spread or _DEFAULT_SPREAD, "--max-spread"),
        seconds=_parse_seconds(args.seconds or _DEFAULT_SECONDS),
        has_peers=not args.no_peers,
    )
    return BenchRun(args, options).run(parse_switches(args), make_throwaway_trackers(args))


def _collect_limits(args: argparse.Namespace) -> tuple[list[SpeedLimit], str | None]:
    try:
        limits = [parse_limit(text, "--min") for text in args.min]
    except ValueError as error:
        raise UsageError(f"--min: {error}") from error
    tolerance = _parse_share(args.tolerance or _DEFAULT_TOLERANCE, "--tolerance")
    if tolerance >= 1:
        raise UsageError(f"--tolerance {args.tolerance!r} must be less than 100%")
    if args.baseline is None:
        return limits, None
    try:
        from_baseline, fingerprint = load_limits(args.baseline, tolerance)
    except (RecordError, OSError) as error:
        raise UsageError(f"--baseline {display_path(str(args.baseline))}: {describe_error(error)}") from error
    return limits + from_baseline, fingerprint


def _parse_share(text: str, option: str) -> float:
    """A percentage as a share."""
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        share = math.nan
    if not 0 <= share < math.inf:
        raise UsageError(f"{option} {text!r} is not a percentage such as 10%")
    return share


def _parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 3600:
        raise UsageError(f"--seconds {text!r} is not a number of seconds up to 3600")
    return seconds
