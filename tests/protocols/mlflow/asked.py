"""The application of MLflow's protocol, asked directly, as a client of a name would ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import msgspec

from argosy.protocols.mlflow.app import Mlflow
from argosy.store import Store
from argosy.store.batch import Batch

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Answer(msgspec.Struct, frozen=True):
    """Status and body of an answer."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return msgspec.json.decode(self.body)


class Asker:
    """Asks an application in one event loop; a path without a slash in front is below MLflow's prefix."""

    def __init__(self, app: Mlflow, name: str = "ann") -> None:
        self.app, self._name = app, name
        self._runner = asyncio.Runner()

    def __call__(self, method: str, path: str, **fields: Any) -> Answer:
        return self.together([(method, path, fields)])[0]

    def together(self, asked: Sequence[tuple[str, str, dict[str, Any]]]) -> list[Answer]:
        """Several requests at once: method, path and fields of each."""

        async def ask() -> list[Answer]:
            return await asyncio.gather(*(self._ask(*each) for each in asked))

        return self._runner.run(ask())

    async def _ask(self, method: str, path: str, fields: dict[str, Any]) -> Answer:
        query = urlencode(fields, doseq=True).encode() if method == "GET" else b""
        body = b"" if method == "GET" else msgspec.json.encode(fields)
        whole = path if path.startswith("/") else f"/api/2.0/mlflow/{path}"
        scope = {
            "type": "http", "method": method, "path": whole, "query_string": query, "headers": [],
            "auth": SimpleNamespace(name=self._name, role="admin"),
        }  # fmt: skip
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        return Answer(sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:]))

    def close(self) -> None:
        """End the loop."""
        self._runner.close()


@contextmanager
def opened(store: Store, now: Callable[[], datetime] = lambda: NOW, **given: Any) -> Iterator[Asker]:
    """The application over a store, until the block ends."""
    with closing(Batch(store)) as batch, closing(Asker(Mlflow(store, batch, now, **given))) as asker:
        yield asker
