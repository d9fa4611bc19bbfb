"""Why a work has no value, in words: what its worker did beyond a limit, or how its worker died."""

from __future__ import annotations

import signal
from typing import NamedTuple

from argosy.engine.contract import Failure
from argosy.engine.job import Job


class Verdict(NamedTuple):
    """Why a worker was killed, and for which work."""

    job: Job
    failure: Failure


def too_long(seconds: float, limit: float) -> Failure:
    """It overran its time."""
    return Failure("timeout", f"ran for {seconds:.3g} s; the limit is {limit:.3g} s")


def too_large(held: int, limit: int) -> Failure:
    """It exceeded its memory."""
    return Failure("memory", f"its worker held {held:,} bytes; the limit is {limit:,} bytes")


def too_loud(written: int, limit: int) -> Failure:
    """It wrote more than its log may hold."""
    return Failure("log", f"wrote {written:,} bytes to its log; the limit is {limit:,} bytes")


def died(code: int) -> Failure:
    """Its worker ended by itself: an exit code, or a signal's number below zero."""
    if code >= 0:
        return Failure("crash", f"its worker ended with exit code {code}")
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = " (killed from outside; perhaps the system ran out of memory)" if -code == signal.SIGKILL else ""
    return Failure("crash", f"its worker was ended by {name}{hint}")
