"""The collector: purges the trash and what uploads left behind, beside whoever is served."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from argosy.controller import leftover
from argosy.store.store import Store
from argosy.store.tracking.trash import purge
from argosy.store.upload import Uploads

_LOG = logging.getLogger("argosy.server")
_FIRST, _EVERY = 60.0, 600.0


class Collector:
    """A thread that purges what was deleted longer ago than `retention`, a minute after the start and every ten."""

    def __init__(
        self, store: Store, retention: timedelta, now: Callable[[], datetime], *, first: float = _FIRST,
        every: float = _EVERY,
    ) -> None:  # fmt: skip
        self._store, self._retention, self._now, self._every = store, retention, now, every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(first,), name="argosy-collector", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it; what it is about ends first."""
        self._ended.set()
        self._thread.join()

    def _run(self, pause: float) -> None:
        while not self._ended.wait(pause):
            pause = self._every
            try:
                done = purge(self._store, self._now(), self._retention)
                Uploads(self._store.blobs).sweep(self._now())
                leftover.remove(leftover.find(self._store, self._now()))  # no controller may be there to do it
            except Exception as error:  # a busy store, a full disk, a database that restarts: the next time will do
                _LOG.warning("the trash could not be purged: %s", error)
                continue
            if done.any:
                _LOG.info("purged: %s", done)
