"""`linkweir check`: every link with its place, outcome and reason, like a linter."""

import argparse
import sys
from pathlib import Path

from linkweir.bulk.document_io import describe_error
from linkweir.bulk.file_list import TEMPLATE_SUFFIXES
from linkweir.bulk.lint_baseline import Baseline, BaselineError
from linkweir.bulk.lint_policy import DEFAULT_CODE, LintPolicy, UnknownCode, parse_codes
from linkweir.cli.check_run import FORMATS, CheckRun
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
from linkweir.tokens import keyring_file

_EXAMPLES = """\
  linkweir check newsletter.html
  linkweir check templates/ --only-problems     for a build: exit code 1 if there are problems
  linkweir check templates/ --strict            warnings, too
  linkweir check templates/ --format github     shown at their lines in a pull request
  linkweir check templates/ --format sarif > linkweir.sarif
  linkweir check --select default,placeholder . a marker that is not filled in is a problem
  linkweir check --ignore unquoted --per-file-ignores 'old/*:no-host,odd-link' .
  linkweir check . --baseline known.json --update-baseline    take what is there now as known; then
  linkweir check . --baseline known.json        fail for what is new only
  linkweir check --format json mail.html | jq 'select(.problem)'
  linkweir check drafts/*.eml                   mails; the part follows the file name: mail.eml[1.2]:3:14
  render-newsletter | linkweir check --outlook -

Columns: file:line:column, level, outcome, reason, URL (or the tag, if it has none).
Levels: ok; note: deliberately not tracked; problem: looks as if it should be tracked, but cannot be
(www.example.com without http://, href=https://... without quotes), or a part of a mail that could not be checked;
warning: the link's text is another address than the link's, or it is tracked and its text is a URL: mail programs may
take both for phishing.
Codes: an outcome, odd-link for a warning, or that of a part of a mail, such as untouched-part. `default` stands for
what is a problem or a warning without --select.
Settings: the table [tool.linkweir] of pyproject.toml, here or above, has the options by name:
  [tool.linkweir]
  strict = true
  ext = [".tpl"]
  per-file-ignores = { "old/*" = ["unquoted"] }
Exit codes: 0 no problem, 1 a problem, an unreadable file, a folder without files to check or no link at all,
2 usage error.
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command to the parser."""
    parser = add_command(
        commands,
        "check",
        summary="list every link with its position, outcome and reason, like a linter",
        description="List every link of HTML files, templates, mails and mailboxes: where it is, whether it can be "
        "tracked, and if not, why.",
        examples=_EXAMPLES,
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help=PATHS_HELP)
    add_kind_option(parser)
    add_suffix_option(parser, "check", TEMPLATE_SUFFIXES)
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="json: one JSON object per line for each link; github: workflow commands; gitlab: code quality report; "
        "sarif: SARIF 2.1.0; junit: a test for each link (default: text)",
    )
    parser.add_argument("--only-problems", action="store_true", help="omit links without problems (warnings stay)")
    parser.add_argument("--quiet", action="store_true", help="print no summary")
    parser.add_argument("--follow", action="store_true", help="follow symbolic links to folders")
    _add_finding_options(parser)
    group = add_link_options(
        parser,
        base_url="base URL, to detect links that would be too long (default: that of the key file, else "
        "LINKWEIR_BASE_URL, else that of `linkweir serve`)",
    )
    group.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="recognize existing tracking links with these keys (default: none)",
    )
    add_switch_options(parser)
    parser.set_defaults(run=run, tag_limit=None)


def _add_finding_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what fails the check")
    group.add_argument("--strict", action="store_true", help="warnings are problems, too")
    for name, what in (
        ("select", "outcomes that are problems, such as default,placeholder"),
        ("ignore", "outcomes that are no problems"),
    ):
        group.add_argument(f"--{name}", action="append", default=[], metavar="CODES", help=f"{what}; can be repeated")
    group.add_argument(
        "--per-file-ignores",
        action="append",
        default=[],
        metavar="PATTERN:CODES",
        help="these are no problems in files whose path or name matches the pattern; can be repeated",
    )
    group.add_argument(
        "--baseline", type=Path, metavar="FILE", help="problems and warnings listed in this file are known and pass"
    )
    group.add_argument(
        "--update-baseline", action="store_true", help="write what there is now into the baseline, and pass"
    )
    group.add_argument("--allow-empty", action="store_true", help="do not fail if there is no link at all")
    add_config_options(group)


def run(args: argparse.Namespace) -> int:
    """Check, print, and return the exit code."""
    settings = ProjectSettings(Path.cwd()) if args.no_config else load_project_settings(args.config)
    settings.add_to(args)
    _fill_in_defaults(args)
    if not args.paths:
        if sys.stdin.isatty():
            raise UsageError("no PATH given and standard input is a terminal; see linkweir check --help")
        args.paths = [STDIN]
    check_message_id(args)
    warn_ignored_options(args)
    lint = CheckRun(args, _make_policy(args), settings.folder, _load_baseline(args))
    switches = parse_switches(args)
    ring = None if args.key_file is None else keyring_file.load(args.key_file)
    return lint.run(switches, make_throwaway_trackers(args, ring))


def _fill_in_defaults(args: argparse.Namespace) -> None:
    """Set what neither the command line nor the project says."""
    args.format = args.format or FORMATS[0]
    if args.format not in FORMATS:
        raise UsageError(f"format {args.format!r} is none of: {', '.join(FORMATS)}")
    args.tag_limit = args.tag_limit or DEFAULT_TAG_LIMIT_BYTES
    args.ext = [parse_suffix(suffix) for suffix in args.ext]


def _make_policy(args: argparse.Namespace) -> LintPolicy:
    try:
        selected = parse_codes(",".join(args.select), allow_default=True) or frozenset({DEFAULT_CODE})
        patterns = []
        for text in args.per_file_ignores:
            pattern, colon, codes = text.rpartition(":")
            if not colon:
                raise UsageError(f"--per-file-ignores {text!r} is not PATTERN:CODES")
            patterns.append((pattern, parse_codes(codes)))
        return LintPolicy(args.strict, selected, parse_codes(",".join(args.ignore)), tuple(patterns))
    except UnknownCode as error:
        raise UsageError(str(error)) from error


def _load_baseline(args: argparse.Namespace) -> Baseline:
    if args.update_baseline and args.baseline is None:
        raise UsageError("--update-baseline needs --baseline FILE")
    if args.baseline is None or args.update_baseline:
        return Baseline()
    try:
        return Baseline.load(args.baseline)
    except (BaselineError, OSError) as error:
        raise UsageError(f"--baseline {display_path(str(args.baseline))}: {describe_error(error)}") from error
