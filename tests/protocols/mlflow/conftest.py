"""The application of MLflow's protocol over a store of its own, asked without a network."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest

from argosy.protocols.mlflow.app import Mlflow
from argosy.store import Store
from argosy.store.batch import Batch

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Answer = tuple[int, Any]


class Asker:
    """Asks as "ann"; each write is a second after the last. An answer is a status and JSON (bytes where it is none)."""

    def __init__(self, store: Store, batch: Batch, **given: Any) -> None:
        self.store = store
        seconds = itertools.count()
        self._app = Mlflow(store, batch, lambda: NOW + timedelta(seconds=next(seconds)), **given)

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> Answer:
        """Ask below /api/2.0/mlflow/, or elsewhere where `path` begins with a slash."""
        raw = b"" if body is None else json.dumps(body).encode()
        return self.send(method, path if path.startswith("/") else f"/api/2.0/mlflow/{path}", raw, query)

    def send(
        self, method: str, path: str, body: bytes, query: Mapping[str, Any] | bytes,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """Send a body as it is, and a query as it is where it is bytes."""
        raw = query if isinstance(query, bytes) else urlencode(query, doseq=True).encode()
        scope = {
            "type": "http", "method": method, "path": path, "query_string": raw,
            "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
            "auth": SimpleNamespace(name="ann"),
        }  # fmt: skip
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        asyncio.run(self._app(scope, receive, send))
        told = b"".join(message.get("body", b"") for message in sent[1:])
        kind = dict(sent[0]["headers"])[b"content-type"]
        return sent[0]["status"], json.loads(told) if kind == b"application/json" else told

    def good(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Ask for what must be answered."""
        status, told = self(method, path, body, **query)
        assert status == 200, told
        return told

    def refused(self, method: str, path: str, body: Any = None, **query: Any) -> str:
        """Ask for what must be refused; the error code and the message."""
        status, told = self(method, path, body, **query)
        assert 400 <= status < 500, (status, told)
        return f"{told['error_code']}: {told['message']}"


@pytest.fixture
def ask(home: Path) -> Iterator[Asker]:
    with Store.open(home) as store:
        batch = Batch(store)
        yield Asker(store, batch)
        batch.close()
