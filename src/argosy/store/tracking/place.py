"""Paths of clients' artifacts: names below a root, never a way out of it."""

from __future__ import annotations

import re
from urllib.parse import unquote

from argosy.errors import UsageError

SCHEME = "mlflow-artifacts:/"
LONGEST, DEEPEST = 1500, 64
_ENCODED = re.compile(r"%(2e|2f|5c|00|25)", re.IGNORECASE)
_BAD = re.compile(r"[\x00-\x1f\x7f\\]")
_DOTS = ("", ".", "..")
_LOST = "\ufffd"
"""What bytes that are no UTF-8 are read as: any of them, so that two names would be one."""


def path(text: str) -> str:
    """The path that `text` names: segments parted by single slashes, "" for the root.

    Raises UsageError for what a file system, a proxy or a browser might read as another place: empty or dotted
    segments, such with parameters after a semicolon, absolute paths, backslashes, control characters, and all of these
    in percent-encoding, however often.
    """
    parts = text.split("/") if text else []
    plain = text
    for _ in range(3):
        found = unquote(plain)
        if found == plain:
            break
        plain = found
    wrong = (
        len(text) > LONGEST or len(parts) > DEEPEST or _BAD.search(plain) is not None
        or any(part.partition(";")[0] in _DOTS for part in (*parts, *(plain.split("/") if plain else ())))
        or _ENCODED.search(text) is not None or _LOST in text
    )  # fmt: skip
    if wrong:
        raise UsageError(
            f"Invalid path: {text[:200]!r} names no artifact",
            next=f"give names parted by single slashes, without '..', at most {LONGEST} characters",
        )
    return text


def root(location: str, run: str) -> str | None:
    """The path below which the artifacts of a run, or of `models/MODEL`, lie; None where they lie elsewhere.

    `location` is that of its experiment.
    """
    below = f"{location.removeprefix(SCHEME).strip('/')}/{run}/artifacts".strip("/")
    if not location.startswith(SCHEME):
        return None
    try:
        return path(below)
    except UsageError:
        return None
