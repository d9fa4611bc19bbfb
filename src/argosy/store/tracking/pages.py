"""Tokens of pages of what is short or sorted as a whole: how many came before."""

from __future__ import annotations

import base64
import binascii

from argosy.errors import UsageError

_MOST = 10**9


def token(start: int) -> str:
    """The token of the page that begins after so many."""
    return base64.urlsafe_b64encode(str(start).encode()).decode()


def start(token: str | None) -> int:
    """After how many a page begins. Raises UsageError for what is no token."""
    if not token:
        return 0
    try:
        text = base64.urlsafe_b64decode(token).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    if not text.isdigit() or int(text) > _MOST:
        raise UsageError(f"page token {token[:40]!r} was not given by this list", next="start without one")
    return int(text)
