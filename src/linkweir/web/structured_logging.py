"""Structured logs: one JSON object a line for programs, readable lines for people at a terminal. Own loggers, not
structlog's global configuration, which is the host's.

Tokens, keys and bodies are never passed to a logger; no line names a path, for a path may be a token.
"""

import logging
import os
import sys
import traceback
from typing import Literal, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import ExcInfo, FilteringBoundLogger, Processor

from linkweir.terminal.text import escape_unprintable

LOG_LEVELS = logging.getLevelNamesMapping()
EVENT_WIDTH = 24  # characters, so that the fields of most lines begin below each other
LogFormat = Literal["auto", "text", "json"]


def make_logger(
    level: Literal["debug", "info", "warning", "error"], stream: TextIO | None = None, log_format: LogFormat = "auto"
) -> FilteringBoundLogger:
    """Return a logger that writes to `stream` (standard error by default). `auto`: text to a terminal."""
    stream = stream or sys.stderr
    is_text = log_format == "text" or (log_format == "auto" and stream.isatty())
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=[structlog.processors.add_log_level, *(_text_processors(stream) if is_text else _JSON_PROCESSORS)],
        wrapper_class=structlog.make_filtering_bound_logger(LOG_LEVELS[level.upper()]),
    )
    return logger


_JSON_PROCESSORS: list[Processor] = [
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),  # locals hold keys
    structlog.processors.JSONRenderer(),
]


def _text_processors(stream: TextIO) -> list[Processor]:
    """Return what makes a line in local time; texts of strangers stand in quotes, with everything unprintable escaped,
    so that none is a line of its own or drives the terminal.
    """
    return [
        structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
        structlog.dev.ConsoleRenderer(
            EVENT_WIDTH,
            colors=stream.isatty() and "NO_COLOR" not in os.environ,
            repr_native_str=True,
            sort_keys=False,
            exception_formatter=_write_exception,
        ),
    ]


def _write_exception(stream: TextIO, error: ExcInfo) -> None:
    """Write a traceback without locals, indented so that no text in it looks like a line of the log."""
    for part in traceback.format_exception(*error):
        for line in part.splitlines():
            stream.write(f"\n    {escape_unprintable(line)}")
