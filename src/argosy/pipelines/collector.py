"""Python's cyclic garbage collector, while many small facts are made that outlive each other in order."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (50_000, 20, 100)
"""Objects until the youngest are searched, and how often that is until older ones are: see `gc.set_threshold`."""


@contextmanager
def relaxed() -> Iterator[None]:
    """Meanwhile, search for cycles rarely, and not among what was there before.

    A run makes millions of objects that reference counts free in time; searching them for cycles at Python's usual
    rate, as often as every 700 objects, takes a fifth of a run's CPU and finds next to nothing.
    """
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
