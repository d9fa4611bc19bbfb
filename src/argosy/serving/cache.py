"""Loaded models, least recently used first out, bounded in bytes."""

from __future__ import annotations

import fnmatch
import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import cached_property
from threading import Lock
from time import perf_counter

import msgspec

from argosy.model.format import Model, load
from argosy.model.signature import Signature
from argosy.serving.routing import VersionRef
from argosy.store.blobs import Blobs

_MB = 1 << 20
_LOG = logging.getLogger("argosy.serving")


class Loaded(msgspec.Struct, frozen=True, dict=True):
    """A version ready to answer, with its signature."""

    model: Model
    signature: Signature

    @cached_property
    def quick(self) -> Callable[[bytes], float] | None:
        """Answers a single row by the bytes of its float64, where the model is a `RowModel`."""
        return getattr(self.model, "predict_row", None)

    @cached_property
    def apart(self) -> bool:
        """Whether it answers from another process, so that the event loop must not wait for it."""
        return bool(getattr(self.model, "apart", False))


class Counters(msgspec.Struct):
    """How the cache fared since it was made; `seconds` is what all loads took together."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    failures: int = 0
    seconds: float = 0.0


def blob_loader(blobs: Blobs, *, trusted: bool = True) -> Callable[[VersionRef], Loaded]:
    """Loads from content-addressed blobs: bytes that do not match their address raise CorruptError.

    Where not `trusted`, versions that are pickles raise DeniedError.
    """
    signatures: dict[str, Signature] = {}

    def loader(ref: VersionRef) -> Loaded:
        signature = signatures.get(ref.signature)
        if signature is None:
            signature = signatures[ref.signature] = Signature.from_json(blobs.get(ref.signature))
        return Loaded(load(ref.format, blobs.read(ref.slot), known=True, trusted=trusted), signature)

    return loader


class ModelCache:
    """Models by version id. Threads share it; a load never makes a warm hit wait, and runs once however many ask.

    The model asked for last is always kept, even alone above `limit_bytes`. Models of members whose address matches one
    of the patterns `pinned` (`late-arrival/*`) are never given up for others; they count towards the limit.
    """

    def __init__(
        self, loader: Callable[[VersionRef], Loaded], limit_bytes: int = 512 * _MB, pinned: Sequence[str] = ()
    ) -> None:
        self.counters = Counters()
        self.bytes = 0
        self._loader = loader
        self._limit = limit_bytes
        self._pattern = re.compile("|".join(map(fnmatch.translate, pinned))) if pinned else None
        self._lock = Lock()
        self._models: OrderedDict[int, Loaded] = OrderedDict()
        self._pinned: dict[int, Loaded] = {}
        self._flights: dict[int, Future[Loaded]] = {}

    def __len__(self) -> int:
        """How many models are loaded."""
        return len(self._models) + len(self._pinned)

    @property
    def pinned(self) -> int:
        """How many of them are pinned."""
        return len(self._pinned)

    def ids(self) -> list[int]:
        """Ids of the versions that are loaded, those asked for last at the end."""
        with self._lock:
            return [*self._pinned, *self._models]

    def peek(self, ref: VersionRef) -> Loaded | None:
        """The model if it is warm; never blocks on a load."""
        with self._lock:
            found = self._models.get(ref.id)
            if found is not None:
                self._models.move_to_end(ref.id)
            elif (found := self._pinned.get(ref.id)) is None:
                return None
            self.counters.hits += 1
            return found

    def get(self, ref: VersionRef) -> Loaded:
        """The model, loaded by this thread if nobody does; raises what the load raises, and tries again next time."""
        with self._lock:
            found = self._models.get(ref.id) or self._pinned.get(ref.id)
            if found is not None:
                return found
            flight = self._flights.get(ref.id)
            mine = flight is None
            if flight is None:
                flight = self._flights[ref.id] = Future()
                self.counters.misses += 1
        if mine:
            self._load(ref, flight)
        return flight.result()

    def pin(self, refs: Iterable[VersionRef]) -> None:
        """Load those of some versions that are pinned; one that cannot be is tried again when it is asked for."""
        for ref in refs:
            if self._is_pinned(ref):
                try:
                    self.get(ref)
                except Exception as error:  # whatever keeps a version from loading is a failure of that version
                    _LOG.error("version %s is pinned and not loaded: %s", ref.address, error)

    def retain(self, refs: Iterable[VersionRef]) -> None:
        """Forget every model whose version is not among these."""
        ids = {ref.id for ref in refs}
        with self._lock:
            for table in (self._models, self._pinned):
                for id in [id for id in table if id not in ids]:
                    self.bytes -= table.pop(id).model.bytes_in_memory

    def _is_pinned(self, ref: VersionRef) -> bool:
        return self._pattern is not None and self._pattern.match(ref.address.rpartition("@")[0]) is not None

    def _load(self, ref: VersionRef, flight: Future[Loaded]) -> None:
        began = perf_counter()
        try:
            loaded = self._loader(ref)
        except BaseException as error:
            with self._lock:
                self.counters.failures += 1
                del self._flights[ref.id]
            flight.set_exception(error)
            return
        with self._lock:
            del self._flights[ref.id]
            table: dict[int, Loaded] = self._pinned if self._is_pinned(ref) else self._models
            table[ref.id] = loaded
            self.bytes += loaded.model.bytes_in_memory
            self.counters.seconds += perf_counter() - began
            while self.bytes > self._limit and len(self._models) > 1:
                _, old = self._models.popitem(last=False)
                self.bytes -= old.model.bytes_in_memory
                self.counters.evictions += 1
        flight.set_result(loaded)
