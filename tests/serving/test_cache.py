"""The model cache: bounded, single flight, and warm hits that never wait."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest

from argosy.errors import CorruptError
from argosy.model.matrix import Matrix
from argosy.serving.cache import Loaded, ModelCache, blob_loader
from argosy.serving.routing import VersionRef
from argosy.serving.snapshot import Source
from argosy.store.blobs import Slot
from tests.serving.conftest import SIGNATURE, Fixture, matrix


class Sized:
    """A model of a stated size."""

    features = 5

    def __init__(self, size: int) -> None:
        self.bytes_in_memory = size

    def predict(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        return np.zeros(len(matrix))


def ref(id: int, member: str = "f/m") -> VersionRef:
    return VersionRef(id, f"{member}@{id}", "lightgbm", Slot(f"{id:064d}", None, 0, 1), "s")


def test_the_least_recently_used_goes_first() -> None:
    cache = ModelCache(lambda r: Loaded(Sized(40), SIGNATURE), limit_bytes=100)
    cache.get(ref(1))
    cache.get(ref(2))
    assert cache.peek(ref(1)) is not None
    cache.get(ref(3))
    assert cache.peek(ref(2)) is None and cache.peek(ref(1)) is not None and cache.peek(ref(3)) is not None
    assert (cache.bytes, len(cache), cache.counters.evictions) == (80, 2, 1)
    assert cache.counters.seconds > 0


def test_a_model_above_the_limit_is_kept_alone() -> None:
    cache = ModelCache(lambda r: Loaded(Sized(500), SIGNATURE), limit_bytes=100)
    cache.get(ref(1))
    assert cache.peek(ref(1)) is not None
    cache.get(ref(2))
    assert len(cache) == 1 and cache.bytes == 500


def test_dropped_versions_leave_memory() -> None:
    cache = ModelCache(lambda r: Loaded(Sized(10), SIGNATURE))
    for id in range(4):
        cache.get(ref(id))
    cache.retain([ref(1), ref(2)])
    assert len(cache) == 2 and cache.bytes == 20 and cache.peek(ref(0)) is None


def test_pinned_models_are_loaded_ahead_and_never_given_up_for_others(caplog: pytest.LogCaptureFixture) -> None:
    def loader(wanted: VersionRef) -> Loaded:
        if wanted.id == 9:
            raise CorruptError("broken")
        return Loaded(Sized(40), SIGNATURE)

    cache = ModelCache(loader, limit_bytes=100, pinned=("f/hot/*", "g"))
    every = [ref(1, "f/hot/a"), ref(2, "f/cold"), ref(3, "g"), ref(9, "f/hot/b"), ref(4, "g/h")]
    cache.pin(every)
    assert (len(cache), cache.pinned) == (2, 2) and "f/hot/b@9 is pinned and not loaded" in caplog.text
    for each in (every[1], every[4]):
        cache.get(each)
    assert cache.peek(every[0]) is not None and cache.peek(every[2]) is not None
    assert cache.peek(every[1]) is None and cache.peek(every[4]) is not None
    assert (cache.bytes, cache.counters.evictions) == (120, 1) and cache.ids() == [1, 3, 4]
    cache.retain([every[4]])
    assert (cache.bytes, cache.ids()) == (40, [4])


def test_one_load_serves_all_who_wait_and_warm_hits_pass_by() -> None:
    started, gate = threading.Event(), threading.Event()
    loads: list[int] = []

    def loader(wanted: VersionRef) -> Loaded:
        loads.append(wanted.id)
        if wanted.id == 1:
            started.set()
            assert gate.wait(60)
        return Loaded(Sized(1), SIGNATURE)

    cache = ModelCache(loader)
    cache.get(ref(0))
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(cache.get, ref(1)) for _ in range(4)]
        assert started.wait(60)
        assert cache.peek(ref(0)) is not None  # while the load is still held back
        assert not any(each.done() for each in waiting)
        gate.set()
        assert len({id(each.result(10)) for each in waiting}) == 1
    assert loads == [0, 1]


def test_a_failed_load_is_told_to_all_and_tried_again() -> None:
    outcomes = [CorruptError("broken"), None]

    def loader(wanted: VersionRef) -> Loaded:
        if (error := outcomes.pop(0)) is not None:
            raise error
        return Loaded(Sized(1), SIGNATURE)

    cache = ModelCache(loader)
    with pytest.raises(CorruptError):
        cache.get(ref(1))
    assert cache.get(ref(1)).signature == SIGNATURE
    assert cache.counters.failures == 1


def test_a_flipped_byte_is_never_served(fleet: Fixture) -> None:
    picture = Source(fleet.store)()
    assert picture is not None
    champion = picture.endpoints["late-arrival"].routes["JFK/AA"].champion
    assert champion is not None
    loaded = ModelCache(blob_loader(fleet.store.blobs)).get(champion)
    wanted = fleet.estimators[champion.address].predict_proba(matrix())[:, 1]
    np.testing.assert_array_equal(loaded.model.predict(matrix()), wanted)
    path = fleet.store.blobs.path(champion.slot.pack or champion.slot.digest)
    data = bytearray(path.read_bytes())
    data[champion.slot.start + 20] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    with pytest.raises(CorruptError, match="content address"):
        ModelCache(blob_loader(fleet.store.blobs)).get(champion)
