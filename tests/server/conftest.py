"""The application over a built home, asked through ASGI; a home of its own for tests that write."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from argosy.server import app, secret
from argosy.server.guard import Guard
from argosy.server.settings import Settings
from argosy.store import Store
from tests.console import build, sailed

BASE = "http://localhost:8075"


class Asker:
    """Sends requests to an application, as `token` where one is given."""

    def __init__(self, guard: Guard, token: str | None = None) -> None:
        self.guard, self._token = guard, token

    def __call__(self, method: str, path: str, **options: object) -> httpx.Response:
        return asyncio.run(self._send(method, path, options))

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    async def _send(self, method: str, path: str, options: dict[str, object]) -> httpx.Response:
        given = {"authorization": f"Bearer {self._token}"} if self._token else {}
        headers = {**given, **(options.pop("headers", None) or {})}  # type: ignore[dict-item]
        transport = httpx.ASGITransport(self.guard)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            return await client.request(method, path, headers=headers, **options)  # type: ignore[arg-type]


class World:
    """A store with the application over it, and one asker for each role."""

    def __init__(self, store: Store) -> None:
        self.store = store
        settings = Settings(home=store.home, poll_seconds=0.02)
        self.guard, self.desk = app.create(store, settings, lambda: build.NOW)
        self.secrets = {role: secret.issue(store, f"a {role}", role, build.NOW) for role in secret.ROLES}
        self.anyone = Asker(self.guard)
        self.viewer = Asker(self.guard, self.secrets["viewer"])
        self.caller = Asker(self.guard, self.secrets["caller"])
        self.admin = Asker(self.guard, self.secrets["admin"])


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a built home, to be copied."""
    root = Path(tmp_path_factory.mktemp("template"))
    with build.home(root) as store:
        run, lease = sailed.depart(store)
        sailed.land(store, run, "first")
        sailed.land(store, run, "second", 3)
        sailed.arrive(store, run, lease)
    return root


@pytest.fixture(scope="session")
def world(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world that is only read."""
    root = tmp_path_factory.mktemp("world") / "home"
    shutil.copytree(template, root)
    with Store.open(root) as store:
        yield World(store)


@pytest.fixture
def own(template: Path, tmp_path: Path) -> Iterator[World]:
    """A world of the test's own."""
    shutil.copytree(template, tmp_path / "home")
    with Store.open(tmp_path / "home") as store:
        yield World(store)
