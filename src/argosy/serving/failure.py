"""Versions that fail on rows they were to answer: they cannot be loaded, do not take them, raise, or give no number."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import msgspec

from argosy.errors import ArgosyError
from argosy.serving.routing import VersionRef

_SHOWN = 200


class Failure(msgspec.Struct, frozen=True):
    """A version, what went wrong, and the places in the batch of the rows that it failed on.

    `refused`: the rows do not fit its signature, which is the caller's fault unless the signature is a canary's alone.
    `unread`: it could not be asked at all, so nothing is known of what it makes of them.
    """

    ref: VersionRef
    rows: Sequence[int]
    error: Exception
    refused: bool = False
    unread: bool = False


class Failed(Exception):
    """Some versions failed on rows of a batch; the others were not to blame."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__(", ".join(each.ref.address for each in failures))
        self.failures = failures


class Unanswered(ArgosyError):
    """A row that its version failed on and that nobody else may answer."""

    def __init__(self, failure: Failure) -> None:
        error, member = failure.error, failure.ref.address.rpartition("@")[0]
        said = error.message if isinstance(error, ArgosyError) else f"{type(error).__name__}: {str(error)[:_SHOWN]}"
        next = error.next if isinstance(error, ArgosyError) and error.next else f"argosy why {shlex.quote(member)}"
        where = f"row {failure.rows[0]}" + (f" and {len(failure.rows) - 1:,} more" if len(failure.rows) > 1 else "")
        super().__init__(f"version {failure.ref.address} fails on {where}: {said}", next=next)
        if isinstance(error, ArgosyError):
            self.status = max(self.status, error.status)
