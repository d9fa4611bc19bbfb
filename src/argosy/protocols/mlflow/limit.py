"""Limits that clients and their stores share: lengths of names and values, and how many a request may hold."""

from __future__ import annotations

import posixpath
import re
from datetime import datetime, timedelta
from functools import lru_cache

from argosy.protocols.mlflow.fault import INVALID, Fault, invalid, missing
from argosy.store.codec import EPOCH

KEY, USER, PARAMETER, TAG, EXPERIMENT, EXPERIMENT_TAG, REGISTRY_TAG = 250, 256, 6000, 8000, 500, 20_000, 100_000
METRICS, PARAMETERS, TAGS, ALL = 1000, 100, 100, 1000
PAGE = 50_000
_KEY = re.compile(r"[/\w.\- :]*")
_RUN = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}")
_LAST_MS = 253_402_300_799_999
_CHARACTERS = (
    "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and "
    "slashes (/)."
)


def key(value: str, path: str) -> str:
    """A name of a metric, parameter or tag; it must be none that a file system would read otherwise."""
    return value if len(value) <= KEY and _plain(value) else _refuse(value, path)


@lru_cache(maxsize=65_536)
def _plain(value: str) -> bool:
    """Whether a name is in order; clients log the same names again and again."""
    try:
        return bool(_refuse(value, ""))
    except Fault:
        return False


def _refuse(value: str, path: str) -> str:
    """A name in order. Raises Fault, which says what is wrong."""
    plain = posixpath.normpath(value)
    if not _KEY.fullmatch(value):
        raise invalid(path, value, _CHARACTERS)
    if plain != value or plain == "." or plain.startswith(("..", "/")):
        raise invalid(path, value, f"As a path it would mean {plain!r}; give it a name that means itself.")
    return length(value, KEY, path)


def length(value: str, most: int, path: str) -> str:
    """A text of at most so many characters."""
    if len(value) > most:
        raise Fault(INVALID, f"'{path}' exceeds the maximum length of {most} characters: it has {len(value):,}")
    if "\0" in value:
        raise invalid(path, value, "It holds a zero byte.")
    return value


def clipped(value: str, most: int, path: str) -> str:
    """The beginning of a text that is too long: parameters and tags are cut, as MLflow does."""
    return length(value[:most], most, path)


def named(run: str) -> str:
    """The name of a run, which is never taken for a path."""
    if not run:
        raise missing("run_id")
    if not _RUN.fullmatch(run):
        raise invalid("run_id", run)
    return run


def whole(value: int, path: str) -> int:
    """A number that has room in 64 bits."""
    if not -(2**63) <= value < 2**63:
        raise invalid(path, value, "It must be a valid long (64-bit integer).")
    return value


def moment(milliseconds: int | None, path: str) -> datetime | None:
    """A time since 1970."""
    if milliseconds is None:
        return None
    if not 0 <= milliseconds <= _LAST_MS:
        raise invalid(path, milliseconds, "It must be in milliseconds since 1970, before the year 10000.")
    return EPOCH + timedelta(milliseconds=milliseconds)


def milliseconds(at: datetime) -> int:
    """Since 1970."""
    return (at - EPOCH) // timedelta(milliseconds=1)


def page(most: int | None, usual: int, limit: int = PAGE) -> int:
    """How many a page may hold."""
    if most is None:
        return usual
    if not 1 <= most <= limit:
        raise invalid("max_results", most, f"It must be a positive integer of at most {limit}.")
    return most
