"""Loaded models, least recently used first out, bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock

import msgspec

from argosy.model.format import Model, load
from argosy.model.signature import Signature
from argosy.serving.routing import VersionRef
from argosy.store.blobs import Blobs

_MB = 1 << 20


class Loaded(msgspec.Struct, frozen=True):
    """A version ready to answer, with its signature."""

    model: Model
    signature: Signature


class Counters(msgspec.Struct):
    """How the cache fared since it was made."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    failures: int = 0


def blob_loader(blobs: Blobs) -> Callable[[VersionRef], Loaded]:
    """Loads from content-addressed blobs: bytes that do not match their address raise CorruptError."""
    signatures: dict[str, Signature] = {}

    def loader(ref: VersionRef) -> Loaded:
        signature = signatures.get(ref.signature)
        if signature is None:
            signature = signatures[ref.signature] = Signature.from_json(blobs.get(ref.signature))
        return Loaded(load(ref.format, blobs.read(ref.slot), known=True), signature)

    return loader


class ModelCache:
    """Models by version id. Threads share it; a load never makes a warm hit wait, and runs once however many ask.

    The model asked for last is always kept, even alone above `limit_bytes`.
    """

    def __init__(self, loader: Callable[[VersionRef], Loaded], limit_bytes: int = 512 * _MB) -> None:
        self.counters = Counters()
        self.bytes = 0
        self._loader = loader
        self._limit = limit_bytes
        self._lock = Lock()
        self._models: OrderedDict[int, Loaded] = OrderedDict()
        self._flights: dict[int, Future[Loaded]] = {}

    def __len__(self) -> int:
        """How many models are loaded."""
        return len(self._models)

    def ids(self) -> list[int]:
        """Ids of the versions that are loaded, those asked for last at the end."""
        with self._lock:
            return list(self._models)

    def peek(self, ref: VersionRef) -> Loaded | None:
        """The model if it is warm; never blocks on a load."""
        with self._lock:
            found = self._models.get(ref.id)
            if found is not None:
                self._models.move_to_end(ref.id)
                self.counters.hits += 1
            return found

    def get(self, ref: VersionRef) -> Loaded:
        """The model, loaded by this thread if nobody does; raises what the load raises, and tries again next time."""
        with self._lock:
            found = self._models.get(ref.id)
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

    def drop(self, ids: set[int]) -> None:
        """Forget every model whose version is not among `ids`."""
        with self._lock:
            for id in [id for id in self._models if id not in ids]:
                self.bytes -= self._models.pop(id).model.bytes_in_memory

    def _load(self, ref: VersionRef, flight: Future[Loaded]) -> None:
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
            self._models[ref.id] = loaded
            self.bytes += loaded.model.bytes_in_memory
            while self.bytes > self._limit and len(self._models) > 1:
                _, old = self._models.popitem(last=False)
                self.bytes -= old.model.bytes_in_memory
                self.counters.evictions += 1
        flight.set_result(loaded)
