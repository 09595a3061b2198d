"""Build the parser, run the sub-command that was named, turn failure into a line and an exit code."""

import argparse
import gc
import importlib
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from types import FrameType
from typing import Any, NoReturn, TextIO, cast

import linkweir
from linkweir.bulk.document_io import describe_error
from linkweir.cli.command_parser import CommandParser
from linkweir.cli.shared_options import EXIT_USAGE, UsageError, add_command, wrap_text
from linkweir.error_hints import explain_missing_package
from linkweir.errors import LinkweirError
from linkweir.terminal.text import display_path

_EPILOG = """\
first steps:
  linkweir check newsletter.html                 which links can be tracked, and why not the others
  linkweir rewrite newsletter.html -o out.html --base-url https://t.example.com
  linkweir rewrite templates/ --output tracked/  a whole folder, into another one
  linkweir classify clicks.ndjson                tell people from machines among recorded clicks
  linkweir open https://t.example.com/...        show what a tracking link contains
  linkweir serve                                 run the service: API, redirects, clicks, dashboard

help on a command: linkweir rewrite --help; the manual: linkweir help
exit codes: 0 success, 1 some files failed or a check found problems, 2 usage error
"""
_SERVE = "serve"
# The modules of the commands, in the order of the help; only that of the command that runs is loaded.
_MODULES = {
    "rewrite": "rewrite_command",
    "render": "render_command",
    "check": "check_command",
    "bench": "bench_command",
    "classify": "classify_command",
    "open": "open_command",
    "keys": "keys_command",
    "secrets": "secrets_command",
    "status": "status_command",
    "account": "account_command",
    "api-keys": "api_keys_command",
    "user": "user_command",
    "block": "block_command",
    "corrections": "corrections_command",
    "webhooks": "webhooks_command",
    "explain": "explain_command",
    "networks": "networks_command",
    "export": "export_command",
    "recipient": "recipient_command",
    "rebuild": "rebuild_command",
    "migrate": "migrate_command",
    _SERVE: "serve_command",
    "completion": "completion_command",
    "help": "help_command",
}
_EXIT_INTERRUPTED = 128 + signal.SIGINT
_EXIT_BROKEN_PIPE = 128 + 13  # SIGPIPE, which Windows lacks


def build_parser(names: Iterable[str] = _MODULES) -> argparse.ArgumentParser:
    """Return the parser of these sub-commands, without the options of `serve`, which need its packages."""
    parser = CommandParser(
        prog="linkweir",
        description=wrap_text(
            "Click tracking for e-mail that you run yourself: replace the links of a mail without changing any other "
            "byte, check which links can be tracked, and run the service that redirects readers and counts clicks."
        ),
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"linkweir {linkweir.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in names:
        module = _load_command(name)
        if name == _SERVE:
            add_command(commands, name, **module.SERVE_HELP)
        else:
            module.add_to(commands)
    return parser


def _load_command(name: str) -> Any:
    return importlib.import_module(f"linkweir.cli.{_MODULES[name]}")


def run_process() -> NoReturn:
    """Run the command as a process of its own and end it with its exit code."""
    code = main()
    gc.freeze()  # or the interpreter looks through all that was loaded once more, which takes longer than some commands
    sys.exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with `argv` (default: the process's own arguments) and return its exit code."""
    reopen_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:  # a file name that the terminal's charset lacks is shown escaped, not as a crash
            reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _on_sigterm)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # `nohup` means that
        signal.signal(signal.SIGHUP, _on_sigterm)
    try:
        return _run(sys.argv[1:] if argv is None else list(argv))
    except (UsageError, ModuleNotFoundError) as error:
        why = _explain_missing_package(error) if isinstance(error, ModuleNotFoundError) else error
        print(f"linkweir: {why}", file=sys.stderr)
        return EXIT_USAGE
    except LinkweirError as error:
        print(f"linkweir: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        _redirect_stdout_to_null()
        return _EXIT_BROKEN_PIPE
    except OSError as error:  # of the key file, say; a document's own errors never come this far
        where = f"{display_path(str(error.filename))}: " if error.filename else ""
        print(f"linkweir: {where or _explain_stdout_errors()}{describe_error(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("linkweir: interrupted", file=sys.stderr)
        return _EXIT_INTERRUPTED


def _run(argv: list[str]) -> int:
    if argv[:1] == [_SERVE]:
        serve: int = _load_command(_SERVE).main(argv[1:])
        return serve
    parser = build_parser(argv[:1] if argv and argv[0] in _MODULES else _MODULES)
    if not argv:
        parser.print_help(sys.stderr)
        return EXIT_USAGE
    try:
        args = parser.parse_args(argv)
    except SystemExit:  # after --help or --version
        sys.stdout.flush()
        raise
    code: int = args.run(args)
    sys.stdout.flush()  # here, where a broken pipe is still caught
    return code


def _explain_missing_package(error: ModuleNotFoundError) -> str:
    """Say what to install for a sub-command that needs more than the library."""
    if (error.name or "linkweir").partition(".")[0] == "linkweir":
        raise error
    return explain_missing_package(error.name or "")


def _on_sigterm(number: int, _frame: FrameType | None) -> None:
    """Leave through every `with` and `finally` on SIGTERM and SIGHUP, so that no temporary file stays."""
    raise SystemExit(128 + number)


def _explain_stdout_errors() -> str:
    """Name standard output where it is what takes nothing, and drop what it was to take."""
    try:
        sys.stdout.flush()
    except OSError:
        _redirect_stdout_to_null()
        return "can't write standard output: "
    return ""


def _redirect_stdout_to_null() -> None:
    """Point standard output at nothing, or Python complains about the broken pipe once more when it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def reopen_closed_streams() -> None:
    """Put something at the place of each closed stream.

    A free number 0, 1 or 2 would go to the next file that is opened, the key file say, and be read or written
    as if it were the stream. Input and output refuse use with an error; messages to a closed stderr are lost.
    """
    if sys.stdin is None:
        sys.stdin = _make_failing_stream(0, os.O_WRONLY, "r")
    if sys.stdout is None:
        sys.stdout = _make_failing_stream(1, os.O_RDONLY, "w")
    if sys.stderr is None:
        sys.stderr = _make_failing_stream(2, os.O_WRONLY, "w")


def _make_failing_stream(number: int, flags: int, mode: str) -> TextIO:
    """Open nothing under `number`; the system refuses what `flags` do not allow."""
    try:
        os.fstat(number)
    except OSError:
        handle = os.open(os.devnull, flags)
        if handle != number:
            os.dup2(handle, number)
            os.close(handle)
        os.set_inheritable(number, True)  # as standard streams are
    return cast(TextIO, open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False))
