"""A client of the inference server: Open Inference Protocol v2 over one kept connection."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any

import msgspec

from argosy.errors import ArgosyError

Lost = (HTTPException, OSError)
"""What a request raises when the server went away."""

_VERSION = re.compile(rb"^argosy_routing_version (-?\d+)$", re.MULTILINE)


class Client:
    """Asks one server on the loopback. Not for threads to share."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._types: dict[str, dict[str, str]] = {}

    def infer(self, fleet: str, columns: Mapping[str, Sequence[object]]) -> list[float]:
        """Score rows at the time of each one's decision: its event time minus the fleet's lead."""
        types = self._inputs(fleet)
        inputs = [
            {"name": name, "shape": [len(values)], "datatype": types[name], "data": values}
            for name, values in columns.items()
            if name in types
        ]
        body = {"inputs": inputs, "parameters": {"at": "event"}, "outputs": [{"name": "prediction"}]}
        found = self._ask("POST", f"/v2/models/{fleet}/infer", body)
        predictions: list[float] = found["outputs"][0]["data"]
        return predictions

    def flush(self) -> None:
        """Return when every answered row is on disk."""
        self._ask("POST", "/argosy/flush", {})

    def follow(self, version: int, timeout: float = 30.0) -> None:
        """Wait until the server answers by the routing picture `version` or a later one."""
        end = time.monotonic() + timeout
        while self.routing() < version:
            if time.monotonic() > end:
                raise ArgosyError(f"the inference server did not pick up routing version {version} in {timeout:g} s")
            time.sleep(0.01)

    def routing(self) -> int:
        """The version of the routing picture that the server answers by."""
        found = _VERSION.search(self._send("GET", "/metrics"))
        return int(found[1]) if found else -1

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _inputs(self, fleet: str) -> dict[str, str]:
        """The datatype of each input that the fleet takes."""
        if fleet not in self._types:
            metadata = self._ask("GET", f"/v2/models/{fleet}")
            self._types[fleet] = {each["name"]: each["datatype"] for each in metadata["inputs"]}
        return self._types[fleet]

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        return msgspec.json.decode(self._send(method, path, body))

    def _send(self, method: str, path: str, body: object = None) -> bytes:
        data = None if body is None else msgspec.json.encode(body)
        try:
            self._connection.request(method, path, data, self._headers)
            response = self._connection.getresponse()
            answer = response.read()
        except Lost:
            self._connection.close()  # the next request connects anew
            raise
        if response.status != 200:
            raise ArgosyError(f"the inference server refused {method} {path}: {answer[:500].decode(errors='replace')}")
        return answer
