"""The lookout: whoever reads runs sees what Argosy did itself until a moment ago."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from argosy.store.batch import Batch
from argosy.store.store import Store
from argosy.store.tracking.absorb import absorb, behind

_LOG = logging.getLogger("argosy.protocols")
_EVERY, _PATIENCE = 1.0, 2.0


class Lookout:
    """Has executions absorbed before runs are read: once a second at most, and only where there are new ones.

    `now` is the machine's time, `clock` counts seconds. Of one event loop.
    """

    def __init__(
        self, store: Store, batch: Batch, now: Callable[[], datetime], clock: Callable[[], float]
    ) -> None:  # fmt: skip
        self._store, self._batch, self._now, self._clock = store, batch, now, clock
        self._looked = -_EVERY
        self._work: asyncio.Task[None] | None = None

    async def look(self) -> None:
        """Return once all is absorbed, or after two seconds of work on what is a great deal: that goes on meanwhile."""
        if self._work is None and self._clock() - self._looked >= _EVERY:
            self._looked = self._clock()
            self._work = asyncio.create_task(self._catch_up())
        if self._work is not None:
            await asyncio.wait({self._work}, timeout=max(0.0, self._looked + _PATIENCE - self._clock()))

    async def _catch_up(self) -> None:
        try:
            if await asyncio.to_thread(behind, self._store):
                while await asyncio.wrap_future(self._batch.submit(lambda tx: absorb(tx, self._now()))):
                    pass
        except Exception as error:  # runs are read as they are, rather than not at all
            _LOG.error("executions could not be absorbed", exc_info=error)
        finally:
            self._work = None
