"""An application over a store of facts, and a client that asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import polars as pl

from argosy.serving.app import App
from argosy.serving.recorder import Recorder
from argosy.serving.request import Reply, Request

if TYPE_CHECKING:
    from tests.serving.conftest import Fixture

TOKEN = "a-token-for-the-tests"
ASK = {"Authorization": f"Bearer {TOKEN}"}
URL = "/v2/models/late-arrival/infer"


class Weather:
    """An online store of one view: temp and wind by origin, with the age of each."""

    def __init__(self) -> None:
        self.values: dict[str, tuple[float, float]] = {"JFK": (3.0, 0.5), "EWR": (9.0, 1.5)}
        self.asked: list[datetime] = []
        self.age = timedelta(hours=1)

    def one(self, entity: Mapping[str, Any], at: datetime) -> tuple[list[Any], Sequence[timedelta | None]]:
        self.asked.append(at)
        found = self.values.get(entity["origin"])
        if found is None:
            return [None, None], [None]
        return (list(found) if self.age <= timedelta(hours=6) else [None, None]), [self.age]

    def rows(
        self, entities: Mapping[str, Sequence[Any]], at: datetime | Sequence[datetime]
    ) -> tuple[Sequence[Sequence[Any]], Sequence[Sequence[timedelta | None]]]:
        moments = [at] * len(entities["origin"]) if isinstance(at, datetime) else at
        answers = [self.one({"origin": origin}, when) for origin, when in zip(entities["origin"], moments, strict=True)]
        return [values for values, _ in answers], [ages for _, ages in answers]

    def forgotten(self, place: int, at: datetime, now: datetime) -> datetime | None:
        return None


class Direct(httpx.AsyncBaseTransport):
    """A client's way to an application without a wire between them."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.raw}
        call = self._app.open(Request(request.method, request.url.path, headers, request.url.query))
        if call.refusal is None:
            call.request.body = await request.aread()
        found = self._app.answer(call)
        reply = found if isinstance(found, Reply) else await found
        return httpx.Response(reply.status, headers=[(b"content-type", reply.kind), *reply.headers], content=reply.body)


class Served(msgspec.Struct):
    """An application over the fixture's store, and what stands around it."""

    app: App
    fleet: Fixture
    weather: Weather
    recorder: Recorder
    segments: Path

    def run(self, talk: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> Any:
        """Talk to the application with a client that knows the token."""

        async def talking() -> Any:
            await self.app.refresh()
            transport = Direct(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=ASK) as client:
                return await talk(client)

        return asyncio.run(talking())

    def post(self, body: Any, url: str = URL, **more: Any) -> httpx.Response:
        """One POST of JSON."""
        answer: httpx.Response = self.run(lambda client: client.post(url, json=body, **more))
        return answer

    def recorded(self) -> pl.DataFrame:
        """Everything on disk after a flush."""
        self.recorder.flush()
        return pl.concat([pl.read_ipc(path) for path in sorted(self.segments.rglob("*.arrow"))])


def tensor(name: str, datatype: str, data: list[Any], shape: list[int] | None = None) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data}


def body(rows: int = 1, **changes: dict[str, Any] | None) -> dict[str, Any]:
    """A good request of `rows` rows, with some inputs replaced (None: left out)."""
    inputs = {
        "flight": tensor("flight", "BYTES", [f"f{i}" for i in range(rows)]),
        "origin": tensor("origin", "BYTES", ["JFK"] * rows),
        "carrier": tensor("carrier", "BYTES", ["AA"] * rows),
        "departure": tensor("departure", "BYTES", ["2013-04-01T15:30:00Z"] * rows),
        "distance": tensor("distance", "FP64", [0.25] * rows),
        "dest": tensor("dest", "BYTES", ["LAX"] * rows),
    }
    inputs.update({name: change for name, change in changes.items() if change is not None})
    return {"id": "r1", "inputs": [v for k, v in inputs.items() if changes.get(k, v) is not None]}


def outputs(answer: httpx.Response) -> dict[str, list[Any]]:
    assert answer.status_code == 200, answer.text
    return {output["name"]: output["data"] for output in answer.json()["outputs"]}
