"""Models that were in use before a start: remembered in the home, and loaded again before the server is ready."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from argosy.serving.cache import ModelCache
from argosy.serving.routing import Routing, VersionRef

_THREADS = 4
_LOG = logging.getLogger("argosy.serving")


class Warmth:
    """Remembers in the file at `path` which models of a cache are in use; with None it remembers nothing.

    Loading them again takes `limit_seconds` at most: a model that is not loaded by then is when it is first asked.
    Workers of one home share the file, and each writes what it holds: the last one is believed.
    """

    def __init__(self, cache: ModelCache, path: Path | None = None, limit_seconds: float = 5.0) -> None:
        self._cache, self._path, self._limit = cache, path, limit_seconds
        self._written: list[int] = []
        self._left = self._wanted = 0
        self._over = path is None

    @property
    def why(self) -> str:
        """Why a server that just started is not ready, "" where it is."""
        if self._over:
            return ""
        return f"{self._left:,} of {self._wanted:,} models that were in use before the start are not loaded yet"

    def keep(self) -> None:
        """Write which models are loaded, unless nothing changed; it blocks on the disk, and a full one is logged."""
        ids = self._cache.ids()
        if self._path is None or not self._over or ids == self._written:
            return
        partial = self._path.with_name(f".{self._path.name}.{os.getpid()}.part")
        try:
            partial.write_bytes(msgspec.json.encode(ids))
            partial.replace(self._path)
            self._written = ids
        except OSError as error:
            _LOG.error("which models are in use is not remembered: %s", error)

    async def restore(self, routing: Routing) -> None:
        """Load what was remembered and may still answer, in parallel, what was asked for last first."""
        known = {ref.id: ref for endpoint in routing.endpoints.values() for ref in endpoint.versions}
        wanted = [known[id] for id in reversed(self._remembered()) if id in known]
        self._left = self._wanted = len(wanted)
        end = time.monotonic() + self._limit
        before = self._cache.counters.evictions
        loop = asyncio.get_running_loop()
        threads = ThreadPoolExecutor(_THREADS, "argosy-warm")
        try:
            for start in range(0, len(wanted), _THREADS):
                if time.monotonic() > end or self._cache.counters.evictions > before:
                    break
                some = wanted[start : start + _THREADS]
                loads = [loop.run_in_executor(threads, self._load, ref) for ref in some]
                await asyncio.wait(loads, timeout=max(0.0, end - time.monotonic()))
                self._left -= len(some)
        finally:
            self._over = True
            threads.shutdown(wait=False)

    def _load(self, ref: VersionRef) -> None:
        try:
            self._cache.get(ref)
        except Exception as error:  # its rows fall to others, as they do wherever it cannot be loaded
            _LOG.error("version %s is not loaded again: %s", ref.address, error)

    def _remembered(self) -> Sequence[int]:
        """Ids of versions, those asked for last at the end; none where the file cannot be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[int]) if self._path is not None else []
        except (OSError, msgspec.DecodeError):
            return []
