"""`linkweir rewrite`: files, folders and streams in, the same bytes with tracking links out."""

import argparse
import sys

from linkweir.bulk.file_list import FileList, InvalidPlan, find_overwritten, plan_rewrite
from linkweir.bulk.file_rewriter import FileRewriter, RewriteConfig
from linkweir.cli.key_file_option import add_key_file_option, key_file_path, load_or_create_keyring
from linkweir.cli.link_options import add_link_options, check_message_id, get_campaign, warn_ignored_options
from linkweir.cli.rewrite_run import RewriteRun
from linkweir.cli.shared_options import (
    PATHS_HELP,
    SubcommandParsers,
    UsageError,
    add_command,
    add_kind_option,
    add_switch_options,
    parse_positive_int,
    parse_switches,
)
from linkweir.errors import BadSwitch
from linkweir.terminal.text import STDIN, display_path
from linkweir.tokens import Privacy

_EXAMPLES = """\
  linkweir rewrite mail.html -o tracked.html --base-url https://t.example.com
  linkweir rewrite templates/ --output tracked/     a folder, mirrored; the base URL is known by now
  linkweir rewrite templates/ --in-place --dry-run  say what would be done
  linkweir rewrite a.html b.html -o tracked/ --message-id '{stem}' --campaign spring
  render-newsletter | linkweir rewrite --skip /reset/ --one-time | send-it
  linkweir rewrite drafts/ -o out/                  .eml files and Maildirs too: links inside MIME, byte for byte
  linkweir rewrite sent.mbox -o tracked.mbox --message-id '{stem}.{n}'
  compose | linkweir rewrite --kind eml | sendmail -t
  linkweir rewrite big/ -o out/ --jobs 8 --report links.jsonl

With --key-file linkweir-data/keys.json the links are those of `linkweir serve`, which counts their clicks.
A file is replaced in one step when it is complete, or not at all.
Exit codes: 0 all right, 1 some files or mails failed (the others are done), 2 a mistake in the command line.
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command to the parser."""
    parser = add_command(
        commands,
        "rewrite",
        summary="replace the links of HTML, mails and mailboxes by tracking links",
        description="Replace the links of HTML, of mails (.eml, Maildir) and mailboxes (.mbox) by tracking links "
        "that carry their destination. Every other "
        "byte stays as it is. Without PATH, or with -, reads standard input and writes standard output, as a "
        "stream.",
        examples=_EXAMPLES,
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help=PATHS_HELP)
    add_kind_option(parser)
    _add_output_options(parser)
    group = add_link_options(
        parser, base_url="where the links lead, like https://t.example.com; remembered in the key file"
    )
    add_key_file_option(group, "keys that sign the links, made on first use")
    add_switch_options(parser)
    _add_run_options(parser)
    parser.set_defaults(run=run)


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where to")
    group.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        help="file to write, or folder to mirror into: one folder goes into it directly, several paths each "
        "under their own name (default: -, standard output, for one file)",
    )
    group.add_argument("--in-place", action="store_true", help="rewrite the files where they are")
    group.add_argument(
        "--dry-run", action="store_true", help="write no files and make no keys, only say what would be done"
    )
    group.add_argument(
        "--copy-others",
        action="store_true",
        help="copy a folder's other files too (default: they are left out)",
    )
    group.add_argument(
        "--follow", action="store_true", help="go into symbolic links to folders (default: they are left out)"
    )


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how")
    group.add_argument(
        "--jobs",
        type=parse_positive_int,
        metavar="N",
        help="processes to use (default: one per processor where it pays)",
    )
    group.add_argument(
        "--report",
        metavar="FILE",
        help="write one JSON line per link to FILE (- is standard output, if that is free)",
    )
    group.add_argument("--quiet", action="store_true", help="no progress bar and no summary; errors are still printed")


def run(args: argparse.Namespace) -> int:
    """Do it and return the exit code."""
    _validate_options(args)
    warn_ignored_options(args)
    if args.output == "-":
        args.output = None  # which is standard output
    try:
        listing = plan_rewrite(
            args.paths,
            output=args.output,
            in_place=args.in_place,
            dry_run=args.dry_run,
            copy_others=args.copy_others,
            follow=args.follow,
            kind=args.kind,
        )
    except InvalidPlan as error:
        raise UsageError(str(error)) from error
    to_stdout = any(job.target is None for job in listing.jobs) and not args.dry_run
    if args.report == "-" and to_stdout:
        raise UsageError("--report - needs standard output, where the HTML goes; use --report FILE")
    _validate_report(args.report, listing)
    _validate_key_file(str(key_file_path(args)), args.report, listing)
    recipe = _build_config(args)
    try:
        FileRewriter(recipe)  # so that a bad message id is one error and not one per file
    except BadSwitch as error:
        raise UsageError(str(error)) from error
    return RewriteRun(args, listing, recipe).run()


def _validate_options(args: argparse.Namespace) -> None:
    if not args.paths:
        if sys.stdin.isatty():
            raise UsageError("no PATH given, and standard input is a terminal; see linkweir rewrite --help")
        args.paths = [STDIN]
    if args.in_place and args.output:
        raise UsageError("--in-place and --output exclude each other")
    check_message_id(args)


def _validate_report(report: str | None, listing: FileList) -> None:
    """Keep the report from replacing a file that is read or written in the same run."""
    if report is None or report == "-":
        return
    paths = [path for job in listing.jobs for path in (job.source, job.target) if path is not None and path != STDIN]
    if find_overwritten(report, paths):
        raise UsageError(f"--report {display_path(report)} is a file of this run")


def _validate_key_file(key_file: str, report: str | None, listing: FileList) -> None:
    """Keep the keys, whose loss would leave every link dead, from being written over."""
    targets = [job.target for job in listing.jobs if job.target is not None]
    if report is not None and report != "-":
        targets.append(report)
    if found := find_overwritten(key_file, targets):
        raise UsageError(f"{display_path(found)} would be written over, but it is the key file")


def _build_config(args: argparse.Namespace) -> RewriteConfig:
    ring, base_url = load_or_create_keyring(key_file_path(args), args.base_url, dry_run=args.dry_run)
    return RewriteConfig(
        keyring=ring,
        base_url=base_url,
        message=args.message_id,
        campaign=get_campaign(args),
        privacy=Privacy(args.privacy),
        switches=parse_switches(args),
        charset=args.charset,
        report=args.report is not None,
        dry_run=args.dry_run,
        in_place=args.in_place,
    )
