"""Structured logs: one JSON object a line. Own loggers, not structlog's global configuration, which is
the host's.

Tokens, keys and bodies are never passed to a logger; no line names a path, for a path may be a token.
"""

import logging
import sys
from typing import Literal, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import FilteringBoundLogger

LOG_LEVELS = logging.getLevelNamesMapping()


def make_logger(
    level: Literal["debug", "info", "warning", "error"], stream: TextIO | None = None
) -> FilteringBoundLogger:
    """A logger that writes to `stream` (standard error by default)."""
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(stream or sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),  # locals hold keys
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LOG_LEVELS[level.upper()]),
    )
    return logger
