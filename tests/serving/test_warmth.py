"""Models that were in use are loaded again before the server says it is ready, and no start waits for long."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path

import msgspec
import pytest

from argosy.errors import CorruptError
from argosy.serving.cache import Loaded, ModelCache, blob_loader
from argosy.serving.routing import Routing, VersionRef
from argosy.serving.snapshot import Source
from argosy.serving.warmth import Warmth
from tests.serving.conftest import Fixture


def picture(fleet: Fixture) -> tuple[Routing, dict[str, VersionRef]]:
    routing = Source(fleet.store)()
    assert routing is not None
    return routing, {ref.address: ref for ref in routing.endpoints["late-arrival"].versions}


def test_what_was_in_use_is_loaded_again_and_nothing_else(fleet: Fixture, tmp_path: Path) -> None:
    routing, refs = picture(fleet)
    pooled, own = refs["late-arrival/*@1"], refs["late-arrival/JFK/AA@1"]
    used = ModelCache(blob_loader(fleet.store.blobs))
    before = Warmth(used, tmp_path / "warm")
    asyncio.run(before.restore(routing))
    for ref in (own, pooled, own):
        used.get(ref)
    used.peek(own)
    before.keep()
    assert json.loads((tmp_path / "warm").read_bytes()) == [pooled.id, own.id]

    again = ModelCache(blob_loader(fleet.store.blobs))
    after = Warmth(again, tmp_path / "warm")
    assert "0 of 0 models" in after.why  # until the picture is there
    asyncio.run(after.restore(routing))
    assert after.why == "" and set(again.ids()) == {own.id, pooled.id}


def test_it_says_how_many_it_waits_for_and_keeps_the_file_meanwhile(fleet: Fixture, tmp_path: Path) -> None:
    routing, refs = picture(fleet)
    go, read = threading.Event(), blob_loader(fleet.store.blobs)

    def slowly(ref: VersionRef) -> Loaded:
        assert go.wait(60)
        return read(ref)

    ids = [ref.id for ref in refs.values()]
    (tmp_path / "warm").write_text(json.dumps([*ids, 10**9]))
    cache = ModelCache(slowly)
    warmth = Warmth(cache, tmp_path / "warm", 20)

    async def talk() -> str:
        restoring = asyncio.create_task(warmth.restore(routing))
        await asyncio.sleep(0.05)
        why = warmth.why
        warmth.keep()
        go.set()
        await restoring
        return why

    assert asyncio.run(talk()) == "3 of 3 models that were in use before the start are not loaded yet"
    assert json.loads((tmp_path / "warm").read_bytes()) == [*ids, 10**9] and set(cache.ids()) == set(ids)


def test_a_start_waits_no_longer_than_it_may(fleet: Fixture, tmp_path: Path) -> None:
    routing, refs = picture(fleet)
    (tmp_path / "warm").write_text(json.dumps([ref.id for ref in refs.values()]))
    go = threading.Event()

    def stuck(ref: VersionRef) -> Loaded:
        go.wait(20)
        raise CorruptError("late")

    warmth = Warmth(ModelCache(stuck), tmp_path / "warm", 0.1)
    began = time.monotonic()

    async def talk() -> None:
        await warmth.restore(routing)
        assert warmth.why == "" and time.monotonic() - began < 5
        go.set()

    asyncio.run(talk())


def test_a_model_that_cannot_be_loaded_keeps_no_other_one_out(fleet: Fixture, tmp_path: Path) -> None:
    routing, refs = picture(fleet)
    read, broken = blob_loader(fleet.store.blobs), refs["late-arrival/*@1"]

    def loader(ref: VersionRef) -> Loaded:
        if ref == broken:
            raise CorruptError("its bytes are not those of its address")
        return read(ref)

    (tmp_path / "warm").write_text(json.dumps([ref.id for ref in refs.values()]))
    cache = ModelCache(loader)
    asyncio.run(Warmth(cache, tmp_path / "warm").restore(routing))
    assert set(cache.ids()) == {ref.id for ref in refs.values() if ref != broken}


@pytest.mark.parametrize("text", [None, "", "[1,", '{"a": 1}', '["x"]', "\x00"])
def test_a_file_that_cannot_be_read_is_no_file(fleet: Fixture, tmp_path: Path, text: str | None) -> None:
    routing, _ = picture(fleet)
    if text is not None:
        (tmp_path / "warm").write_text(text)
    warmth = Warmth(ModelCache(blob_loader(fleet.store.blobs)), tmp_path / "warm")
    asyncio.run(warmth.restore(routing))
    assert warmth.why == ""


def test_loading_stops_where_the_cache_is_full(fleet: Fixture, tmp_path: Path) -> None:
    routing, refs = picture(fleet)
    more = {n: msgspec.structs.replace(refs["late-arrival/*@1"], id=n) for n in range(100, 140)}
    endpoint = routing.endpoints["late-arrival"]
    route = endpoint.pooled
    routes = {str(n): msgspec.structs.replace(route, champion=ref) for n, ref in more.items()}
    wide = Routing(1, {"late-arrival": msgspec.structs.replace(endpoint, routes=routes)})
    (tmp_path / "warm").write_text(json.dumps(list(more)))
    cache = ModelCache(blob_loader(fleet.store.blobs), limit_bytes=1)
    asyncio.run(Warmth(cache, tmp_path / "warm").restore(wide))
    assert cache.counters.misses <= 8  # of 40
