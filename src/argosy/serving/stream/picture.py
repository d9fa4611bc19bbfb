"""Who answers the rows of a stream, as the store tells it while the stream runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from argosy.errors import UnknownError
from argosy.serving.cache import ModelCache
from argosy.serving.routing import Endpoint, Routing

_LOG = logging.getLogger("argosy.serving")


class Picture:
    """The endpoint of one fleet: the newest that `source` gives. Models of versions that no route names are dropped."""

    def __init__(self, source: Callable[[], Routing | None], cache: ModelCache, fleet: str) -> None:
        self.endpoint: Endpoint | None = None
        self._source, self._cache, self._fleet = source, cache, fleet
        self._failing = False

    async def take(self) -> Endpoint:
        """Look for a newer endpoint; raises UnknownError where the fleet is not declared."""
        newer = await asyncio.to_thread(self._source)
        if newer is not None or self.endpoint is None:
            found = (newer or Routing(0, {})).endpoint(self._fleet)
            refs = (*found.versions, *found.shadows)
            await asyncio.to_thread(self._cache.pin, refs)
            self.endpoint = found
            self._cache.retain(refs)
        return self.endpoint

    async def follow(self, seconds: float) -> None:
        """Look every so many seconds, until cancelled. What was known last is kept while nothing newer can be had.

        Raises UnknownError where the fleet is declared no longer.
        """
        while True:
            await asyncio.sleep(seconds)
            try:
                await self.take()
                self._failing = False
            except UnknownError:
                raise
            except Exception as error:  # whatever the store raises must not end the stream
                if not self._failing:
                    _LOG.error("who answers for fleet %s is not looked up again: %s", self._fleet, error)
                self._failing = True
