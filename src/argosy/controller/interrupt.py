"""Ctrl-C while a run goes on: it is heeded where nothing is half done, not in the midst of a transaction."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def deferred() -> Iterator[Callable[[], None]]:
    """What it yields raises KeyboardInterrupt once Ctrl-C was pressed; pressed again, it is heeded at once.

    Elsewhere than in the main thread, and where Ctrl-C means something else already, nothing changes.
    """
    usual = signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not usual:
        yield lambda: None
        return
    pressed = 0

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed += 1
        if pressed > 1:
            raise KeyboardInterrupt

    def heed() -> None:
        if pressed:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, press)
    try:
        yield heed
        heed()
    finally:
        signal.signal(signal.SIGINT, usual)
