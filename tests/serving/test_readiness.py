"""Readiness, and what is said while the store cannot be read."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
from pathlib import Path

import httpx
import msgspec
import pytest

from argosy.errors import ConflictError
from argosy.serving.app import App, Settings
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.routing import Routing
from argosy.serving.score import Scorer
from argosy.serving.server import Options
from argosy.serving.snapshot import Source
from argosy.serving.worker import application
from argosy.store import Store
from tests.postgres import server
from tests.serving.conftest import NOW, planted
from tests.serving.served import ASK, TOKEN, URL, Direct, Served, body
from tests.serving.test_caller import GIVEN
from tests.serving.test_load import samples


def client(app: App) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=Direct(app), base_url="http://127.0.0.1", headers=ASK)


def test_a_server_whose_store_cannot_be_read_answers_on_and_says_how_old_its_picture_is(served: Served) -> None:
    cache = ModelCache(blob_loader(served.fleet.store.blobs))
    source, broken = Source(served.fleet.store), False

    def read() -> Routing | None:
        if broken:
            raise ConflictError("the database does not answer")
        return source()

    app = App(Settings(TOKEN, poll_seconds=0.01), read, Scorer(cache, lambda: NOW), cache)

    async def talk() -> None:
        nonlocal broken
        await app.start()
        async with client(app) as ask:
            assert (await ask.get("/v2/health/ready")).json() == {"ready": True}
            fresh = await ask.post(URL, json=body(**GIVEN))
            broken = True
            await asyncio.sleep(2.3)
            stale, ready = await ask.post(URL, json=body(**GIVEN)), await ask.get("/v2/health/ready")
            metrics = samples((await ask.get("/metrics")).text)
            assert "argosy-stale-seconds" not in fresh.headers and stale.json()["outputs"] == fresh.json()["outputs"]
            assert float(stale.headers["argosy-stale-seconds"]) > 2
            assert ready.status_code == 200 and ready.json()["ready"] and ready.json()["stale_seconds"] > 2
            assert metrics["argosy_routing_age_seconds"][0][1] > 2
            broken = False
            await _read_again(ask)
            assert (await ask.get("/v2/health/ready")).json() == {"ready": True}
        await app.stop()

    asyncio.run(talk())


def test_answers_go_on_where_the_database_was_moved_away(served: Served, home: Path) -> None:
    app = application(Options(home=served.fleet.store.home, token=TOKEN, poll_seconds=0.05))

    async def talk() -> list[int]:
        await app.start()
        async with client(app) as ask:
            before = await ask.post(URL, json=body(**GIVEN))
            for path in home.glob("argosy.db*"):
                path.rename(path.with_name(f"gone.{path.name}"))
            await asyncio.sleep(0.2)
            after = await ask.post(URL, json=body(**GIVEN))
        await app.stop()
        return [before.status_code, after.status_code]

    assert asyncio.run(talk()) == [200, 200]


def test_a_server_is_not_ready_before_its_first_picture_nor_once_it_is_to_stop(served: Served) -> None:
    fresh = msgspec.structs.replace(served, app=application(Options(home=served.fleet.store.home, token=TOKEN)))

    async def talk() -> list[tuple[int, str]]:
        found = []
        async with client(fresh.app) as ask:
            for step in (None, fresh.app.start, fresh.app.drain):
                waited = step() if step else None
                if waited is not None:
                    await waited
                answer = await ask.get("/v2/health/ready")
                found.append((answer.status_code, answer.json().get("why", "")))
            assert (await ask.get("/v2/health/live")).status_code == 200
        await fresh.app.stop()
        return found

    assert asyncio.run(talk()) == [(503, "the store was not read yet"), (200, ""), (503, "the server is about to stop")]


@pytest.mark.slow
@pytest.mark.postgres
def test_a_database_that_hangs_costs_no_answer_and_is_read_again_once_it_does_not(tmp_path: Path) -> None:
    with server() as database, Store.open(database.url, blobs=tmp_path) as store:
        cache = ModelCache(blob_loader(store.blobs))
        app = App(Settings(TOKEN, poll_seconds=0.05), Source(store), Scorer(cache, lambda: NOW), cache)

        async def talk() -> None:
            await app.start()
            async with client(app) as ask:
                assert (await ask.get("/v2/health/ready")).json() == {"ready": True}
                hung = [database.pid, *_children(database.pid)]
                for pid in hung:
                    os.kill(pid, signal.SIGSTOP)
                try:
                    await asyncio.sleep(2.5)
                    ready, answer = await ask.get("/v2/health/ready"), await ask.get("/v2")
                finally:
                    for pid in hung:
                        os.kill(pid, signal.SIGCONT)
                assert ready.status_code == 200 and ready.json()["stale_seconds"] > 2
                assert answer.status_code == 200 and float(answer.headers["argosy-stale-seconds"]) > 2
                await _read_again(ask)
            await app.stop()

        asyncio.run(talk())


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.postgres
def test_a_database_that_was_killed_costs_no_answer_and_every_answer_says_how_old_its_picture_is(
    tmp_path: Path,
) -> None:
    with server() as database, Store.open(database.url, blobs=tmp_path) as store:
        planted(store)
        app = application(Options(home=database.url, token=TOKEN, blobs=str(tmp_path), poll_seconds=0.05))

        async def talk() -> None:
            await app.start()
            async with client(app) as ask:
                before = await ask.post(URL, json=body(**GIVEN))
                assert before.status_code == 200 and "argosy-stale-seconds" not in before.headers
                os.kill(database.pid, signal.SIGQUIT)  # it ends at once, and drops whoever asks it
                end = time.monotonic() + 60
                while "stale_seconds" not in (ready := await ask.get("/v2/health/ready")).json():
                    assert time.monotonic() < end, "it does not say so"
                    await asyncio.sleep(0.05)
                after = await ask.post(URL, json=body(**GIVEN))
                assert ready.status_code == after.status_code == 200
                assert float(after.headers["argosy-stale-seconds"]) > 0
                assert after.json()["outputs"] == before.json()["outputs"]
            await app.stop()

        asyncio.run(talk())


def test_a_database_that_somebody_else_has_locked_is_read_on(served: Served, home: Path) -> None:
    """A writer keeps others from writing; whoever reads has the facts of before."""
    app = application(Options(home=served.fleet.store.home, token=TOKEN, poll_seconds=0.05))
    rival = sqlite3.connect(home / "argosy.db", isolation_level=None)
    rival.execute("BEGIN EXCLUSIVE")

    async def talk() -> None:
        await app.start()
        async with client(app) as ask:
            for _ in range(3):
                assert (await ask.post(URL, json=body(**GIVEN))).status_code == 200
                await asyncio.sleep(0.1)
            assert (await ask.get("/v2/health/ready")).json() == {"ready": True}
        await app.stop()

    asyncio.run(talk())
    rival.close()


async def _read_again(ask: httpx.AsyncClient) -> None:
    end = time.monotonic() + 60
    while "stale_seconds" in (await ask.get("/v2/health/ready")).json():
        assert time.monotonic() < end, "it is not read again"
        await asyncio.sleep(0.02)


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
