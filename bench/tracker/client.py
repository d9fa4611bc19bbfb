"""A client of the protocol that costs little: one kept-alive connection, JSON, and nothing tried twice."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from tracker.server import Server

PREFIX = "/api/2.0/mlflow/"
FILES = "/api/2.0/mlflow-artifacts/artifacts/"
CHUNK = 1 << 20
_TIMEOUT_SECONDS = 300


class Refused(Exception):
    """The server answered with something else than 200."""


class Client:
    """A connection to a server, for one thread. Every call raises Refused for an answer that is not 200."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._wire = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_TIMEOUT_SECONDS)  # sets TCP_NODELAY
        self._headers = {"Authorization": f"Bearer {server.token}"} if server.token else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._wire.close()

    def post(self, path: str, **body: object) -> dict[str, Any]:
        """The JSON of the answer to a POST."""
        data = json.dumps(body, separators=(",", ":")).encode()
        return self._json("POST", PREFIX + path, data, {"Content-Type": "application/json"})

    def get(self, path: str, **query: object) -> dict[str, Any]:
        """The JSON of the answer to a GET."""
        return self._json("GET", f"{PREFIX}{path}?{urlencode(query)}")

    def run(self, experiment: str = "0", **fields: object) -> str:
        """The id of a new run."""
        made = self.post("runs/create", experiment_id=experiment, start_time=1_700_000_000_000, **fields)
        return str(made["run"]["info"]["run_id"])

    def put(self, path: str, chunks: Iterable[bytes], length: int) -> None:
        """Send an artifact."""
        self._json("PUT", FILES + path, chunks, {"Content-Length": str(length)})

    def fetch(self, path: str) -> Iterator[memoryview]:
        """The bytes of an artifact, part by part; each part holds until the next one is asked for."""
        answer = self._ask("GET", FILES + path)
        buffer = memoryview(bytearray(CHUNK))
        while count := answer.readinto(buffer):
            yield buffer[:count]

    def _json(
        self, method: str, path: str, body: bytes | Iterable[bytes] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:  # fmt: skip
        told = self._ask(method, path, body, headers).read()
        made: dict[str, Any] = json.loads(told) if told else {}
        return made

    def _ask(
        self, method: str, path: str, body: bytes | Iterable[bytes] | None = None, headers: dict[str, str] | None = None
    ) -> http.client.HTTPResponse:  # fmt: skip
        self._wire.request(method, path, body, self._headers | (headers or {}))
        answer = self._wire.getresponse()
        if answer.status != 200:
            said = answer.read()[:500].decode(errors="replace")
            raise Refused(f"{self._server.name}: {method} {path[:200]} answered {answer.status}: {said}")
        return answer
