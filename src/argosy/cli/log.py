"""What the loop logs while a command runs it: one line each, with the traceback for those who ask for it."""

from __future__ import annotations

import logging
import os


class _Line(logging.Formatter):
    """The message alone: the event that records a failure says more."""

    def format(self, record: logging.LogRecord) -> str:
        return f"argosy: {record.getMessage()}"


def quietly() -> None:
    """Log Argosy's warnings as lines on stderr, without tracebacks unless ARGOSY_DEBUG asks for them."""
    handler = logging.StreamHandler()
    if os.environ.get("ARGOSY_DEBUG", "") in ("", "0"):
        handler.setFormatter(_Line())
    logger = logging.getLogger("argosy")
    logger.handlers[:] = [handler]
    logger.propagate = False
