"""`linkweir render`: one newsletter for many recipients, each with their own values and links."""

import argparse
import os
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linkweir.bulk.file_list import is_same_file
from linkweir.bulk.tables.table_format import TABLE_FORMATS, detect_table_format
from linkweir.cli.data_option import add_data_option
from linkweir.cli.key_file_option import add_key_file_option, key_file_path, load_or_create_keyring
from linkweir.cli.link_options import get_campaign
from linkweir.cli.shared_options import (
    SubcommandParsers,
    UsageError,
    add_command,
    add_switch_options,
    parse_positive_int,
    parse_switches,
)
from linkweir.terminal.text import display_path
from linkweir.tokens import Privacy

if TYPE_CHECKING:
    from linkweir.mail.newsletter.mail_output import OutputFormat

FORMAT_NAMES = ("ndjson", "parquet", "mbox", "maildir")
MAIL_FORMATS = ("mbox", "maildir")
STDOUT = "-"
# what has no meaning with --send: the service's settings, its account and its domains say it
FILE_OPTIONS: tuple[str, ...] = (
    "output",
    "format",
    "id_column",
    "privacy",
    "key_file",
    "opt_out",
    "vendors",
    "outlook",
    "skip",
)
FILE_OPTIONS += ("one_time", "track_placeholders", "tag_limit", "charset", "jobs")
_EXAMPLES = """\
  linkweir render news.html --recipients people.csv -o mails.ndjson --base-url https://t.example.com
  linkweir render news.html --recipients people.parquet --id-column id -o tracked/ --format parquet --jobs 4
  linkweir render news.html --recipients people.csv -o out/ --format maildir --from news@example.com \\
    --subject 'News for {{ name }}' --text news.txt --address-column email

  linkweir render news.html --recipients people.csv --send --from news@example.com --subject 'News' \\
    --data /var/lib/linkweir

Templates are MiniJinja, as in the service: columns are values, {{ name }} is escaped in HTML, what is missing is empty.
They are filled first, and then links are replaced, so that an address may have values in it.
A run that was interrupted or killed goes on where it was when it is started again in the same way.
Exit codes: 0 success, 1 some rows have no mail (the others are done), 2 usage error.
"""


def add_to(commands: SubcommandParsers) -> None:
    """Add this sub-command to the parser."""
    parser = add_command(
        commands,
        "render",
        summary="fill one newsletter for many recipients, with links of their own (needs linkweir[service])",
        description="Fill a template for each recipient of a file and give each tracking links of its own. The "
        "template is parsed once.",
        examples=_EXAMPLES,
    )
    parser.add_argument("template", metavar="TEMPLATE", help="HTML file with MiniJinja substitutions")
    _add_recipient_options(parser)
    _add_mail_options(parser)
    _add_output_options(parser)
    _add_queue_options(parser)
    group = parser.add_argument_group("contents of the links")
    group.add_argument(
        "--base-url",
        metavar="URL",
        help="base URL of the links; remembered in the key file (--send: default LINKWEIR_BASE_URL)",
    )
    group.add_argument(
        "--campaign", metavar="NAME", help="campaign name or number, for --privacy anonymous; --send: tag of the mails"
    )
    group.add_argument(
        "--privacy",
        choices=[str(mode) for mode in Privacy if mode is not Privacy.NONE],
        default=str(Privacy.FULL),
        help="what clicks may reveal; anonymous links contain only the campaign and the link's position "
        "(default: %(default)s)",
    )
    add_key_file_option(group, "keys that sign the links, created on first use")
    add_switch_options(parser)
    defaults = {name: parser.get_default(name) for name in FILE_OPTIONS}
    parser.set_defaults(run=run, file_defaults=defaults)


def _add_recipient_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("recipients")
    group.add_argument(
        "--recipients",
        required=True,
        metavar="FILE",
        help="CSV with a header, NDJSON (both also with .gz or .zst) or Parquet; a row is a recipient",
    )
    group.add_argument(
        "--recipients-format", choices=TABLE_FORMATS, help="format of that file (default: by its suffix)"
    )
    group.add_argument(
        "--id-column", default="id", metavar="NAME", help="column with the message id (default: %(default)s)"
    )
    group.add_argument(
        "--address-column",
        metavar="NAME",
        help="column with the address, which is checked (default: none; email for mbox, maildir and --send)",
    )
    group.add_argument("--variant-column", metavar="NAME", help="column with the side of an A/B test, to be passed on")


def _add_mail_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("mails")
    group.add_argument("--subject", metavar="TEXT", help="template of the subject")
    group.add_argument("--text", metavar="FILE", help="template of the plain text part")
    group.add_argument(
        "--from",
        dest="sender",
        metavar="ADDRESS",
        help="sender, such as 'News <news@example.com>', for mbox, maildir and --send",
    )


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o",
        "--output",
        default=STDOUT,
        metavar="PATH",
        help="file to write (.ndjson or .mbox, also with .gz or .zst), or folder for parquet and maildir (default: "
        "standard output)",
    )
    group.add_argument(
        "--format",
        choices=FORMAT_NAMES,
        help="ndjson: an object per mail; parquet: a folder of files (default: ndjson, or by the suffix of --output)",
    )
    group.add_argument("--report", type=Path, metavar="FILE", help="write one JSON line per row without a mail to FILE")
    group.add_argument(
        "--jobs",
        type=parse_positive_int,
        default=1,
        metavar="N",
        help="number of processes that make the mails; the output is the same (default: %(default)s)",
    )
    group.add_argument("--restart", action="store_true", help="begin anew, even if an earlier run did not end")
    group.add_argument("--quiet", action="store_true", help="print no progress bar and no summary, only errors")


def _add_queue_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the service's queue")
    group.add_argument(
        "--send",
        action="store_true",
        help="queue the mails in a service on this machine, which delivers them, in place of --output; links are as "
        "its account and domains have them",
    )
    add_data_option(group)
    group.add_argument(
        "--account", type=uuid.UUID, metavar="UUID", help="account that sends (default: the only one there is)"
    )


def run(args: argparse.Namespace) -> int:
    """Do it and return the exit code."""
    if args.send:
        return _send(args)
    for name in ("data", "account"):
        if getattr(args, name) is not None:
            raise UsageError(f"--{name} is for --send")
    return _write(args)


def _send(args: argparse.Namespace) -> int:
    """Check the options, and queue the mails."""
    for name, default in args.file_defaults.items():
        if getattr(args, name) != default:
            raise UsageError(f"--{name.replace('_', '-')} is not for --send: the service's settings apply")
    if args.sender is None or args.subject is None:
        raise UsageError("--send needs --from and --subject")
    args.address_column = args.address_column or "email"
    format_ = _find_format(args)
    _check_files(args)
    html, text = _read_template(args.template), None if args.text is None else _read_template(args.text)
    from linkweir.cli.queue_run import send_newsletter
    from linkweir.errors import ValidationError

    try:
        sender = _parse_sender(args.sender)
    except ValidationError as error:
        raise UsageError(str(error)) from error
    return send_newsletter(args, (args.recipients, format_), sender, html, text)


def _write(args: argparse.Namespace) -> int:
    """Write the mails to the output."""
    from linkweir.cli.render_run import RenderRun, RunState, describe_output_error, make_fingerprint
    from linkweir.errors import ValidationError
    from linkweir.mail.newsletter.parallel_rendering import (
        RenderSetup,
        make_parallel_renderer,
        make_serial_renderer,
    )
    from linkweir.mail.newsletter.recipient_mails import Newsletter, NewsletterOptions

    format_ = _validate(args)
    recipients = _find_format(args)
    _check_files(args)
    html, text = _read_template(args.template), None if args.text is None else _read_template(args.text)
    switches = parse_switches(args)
    ring, base_url = load_or_create_keyring(key_file_path(args), args.base_url, dry_run=False)
    settings = _list_settings(args, format_, html, text, base_url)
    target = None if args.output == STDOUT else Path(os.path.realpath(args.output))  # a link stays a link
    is_stream = target is None or (target.exists() and not target.is_file() and not target.is_dir())
    state = None
    if format_ == "parquet":
        _check_parts(Path(args.output), restart=args.restart)
    try:
        fingerprint = make_fingerprint(args.recipients, settings)
    except OSError as error:
        raise UsageError(f"--recipients {display_path(args.recipients)}: {error.strerror}") from error
    try:
        if target is not None and not is_stream:
            state = RunState(target, fingerprint, restart=args.restart)
        now = state.checkpoint.now if state else _now()
        options = NewsletterOptions(
            html=html,
            subject=args.subject,
            text=text,
            sender=_parse_sender(args.sender) if format_ in MAIL_FORMATS else None,
            id_column=args.id_column,
            address_column=args.address_column,
            variant_column=args.variant_column,
            now=now,
            run=f"{fingerprint[:12]}-{now:x}",
            makes_lines=format_ == "ndjson",
        )
        tracker = _make_tracker(ring, base_url, args)
        newsletter = Newsletter(options, tracker, switches)
        setup = RenderSetup(options, tracker, switches, format_)
        output = _open_output(format_, target, options, is_stream=is_stream)
        return RenderRun(
            (args.recipients, recipients),
            newsletter,
            make_serial_renderer(newsletter) if args.jobs == 1 else make_parallel_renderer(setup, args.jobs),
            output,
            state,
            report=args.report,
            quiet=args.quiet,
            is_timed=format_ != "parquet",
        ).run()
    except ValidationError as error:
        raise UsageError(str(error)) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise describe_output_error(None if target is None else args.output, error) from error
    finally:
        if state is not None:
            state.close()


def _validate(args: argparse.Namespace) -> "OutputFormat":
    """The format of the output. Raises UsageError."""
    format_: OutputFormat = args.format or _format_of_name(args.output)
    if format_ in MAIL_FORMATS:
        if args.sender is None or args.subject is None:
            raise UsageError(f"--format {format_} needs --from and --subject")
        args.address_column = args.address_column or "email"
    elif args.sender is not None:
        raise UsageError("--from is for --format mbox and maildir")
    if args.output == STDOUT and format_ in ("parquet", "maildir"):
        raise UsageError(f"--format {format_} needs --output FOLDER")
    if args.output != STDOUT and format_ in ("ndjson", "mbox") and os.path.isdir(args.output):
        raise UsageError(f"--output {display_path(args.output)} is a folder; {format_} is one file")
    if format_ in ("parquet", "maildir") and os.path.exists(args.output) and not os.path.isdir(args.output):
        raise UsageError(f"--output {display_path(args.output)} must be a folder here")
    return format_


def _check_files(args: argparse.Namespace) -> None:
    """Keep what is read, and the keys, from being written over. Raises UsageError."""
    outputs = {} if args.output == STDOUT else {"--output": args.output}
    if args.report is not None:
        outputs["--report"] = str(args.report)
    inputs = [args.template, args.recipients, str(key_file_path(args)), *([args.text] if args.text else [])]
    for option, path in outputs.items():
        if any(is_same_file(path, other) for other in inputs) or list(outputs.values()).count(path) > 1:
            raise UsageError(f"{option} {display_path(path)} is another file of this run")


def _format_of_name(output: str) -> "OutputFormat":
    stem = output.removesuffix(".gz").removesuffix(".zst")
    return "mbox" if stem.endswith(".mbox") else "parquet" if stem.endswith(".parquet") else "ndjson"


def _find_format(args: argparse.Namespace) -> Any:
    format_ = args.recipients_format or detect_table_format(args.recipients)
    if format_ is None:
        raise UsageError(f"--recipients {display_path(args.recipients)}: --recipients-format says what it is")
    return format_


def _read_template(path: str) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{display_path(path)}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{display_path(path)} is not UTF-8 (byte {error.start})") from error


def _list_settings(
    args: argparse.Namespace, format_: str, html: str, text: str | None, base_url: str
) -> dict[str, Any]:
    """What has to be the same for a run to go on."""
    names = ("recipients_format", "id_column", "address_column", "variant_column", "subject", "sender", "campaign")
    switches = ("privacy", "opt_out", "vendors", "outlook", "skip", "one_time", "track_placeholders", "tag_limit")
    settings = {name: getattr(args, name) for name in (*names, *switches)}
    return settings | {"format": format_, "html": html, "text": text, "base_url": base_url}


def _parse_sender(text: str) -> Any:
    from linkweir.mail.content_validation import parse_mailboxes

    mailboxes = parse_mailboxes(text, "--from")
    if len(mailboxes) != 1:
        raise UsageError("--from must be one address")
    return mailboxes[0]


def _make_tracker(ring: Any, base_url: str, args: argparse.Namespace) -> Any:
    from linkweir.bulk.tracker_factory import TrackerFactory

    factory = TrackerFactory(ring, base_url, campaign=get_campaign(args), privacy=Privacy(args.privacy))
    return factory.make_row_trackers("", has_ids=True).base


def _open_output(format_: "OutputFormat", target: Path | None, options: Any, *, is_stream: bool) -> Any:
    from linkweir.mail.newsletter import mail_output

    if format_ == "maildir" and target is not None:
        return mail_output.MaildirOutput(target, run=options.run, now=options.now)
    if format_ == "parquet" and target is not None:
        return mail_output.ParquetOutput(target)
    encode = mail_output.make_encoder(format_, options)
    assert encode is not None
    if target is None:
        return mail_output.StreamOutput(sys.stdout.buffer, encode)
    if is_stream:  # a terminal, a pipe or /dev/null, which must not be replaced
        return mail_output.StreamOutput(open(target, "wb"), encode)
    return mail_output.FileOutput(target, encode)


def _check_parts(target: Path, *, restart: bool) -> None:
    """Keep the files of an earlier, finished run. Raises UsageError, ModuleNotFoundError."""
    import pyarrow.parquet  # noqa: F401 - before anything is written

    from linkweir.cli.render_run import PROGRESS_SUFFIX
    from linkweir.mail.newsletter.mail_output import list_parts

    if not restart and not target.with_name(target.name + PROGRESS_SUFFIX).exists() and list_parts(target):
        raise UsageError(f"--output {display_path(str(target))} has files of an earlier run; --restart replaces them")


def _now() -> int:
    import time

    return time.time_ns() // 1000
