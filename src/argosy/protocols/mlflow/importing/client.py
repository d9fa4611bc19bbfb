"""Requests to another server: one connection per thread, asked again while it is busy, within a budget of time."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, unquote, urlencode, urlsplit

import msgspec

from argosy.errors import ArgosyError, DeniedError, InputError, UnknownError, UsageError

BUDGET = 120.0
"""Seconds for which a request is tried again."""
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_TIMEOUT, _CHUNK, _LONGEST_PAUSE, _SAID = 60.0, 1 << 20, 30.0, 300


class LostError(ArgosyError):
    """A server that does not answer any more."""


class Client:
    """A server at a URI, asked with its own token, or name and password. Threads may share one.

    Once a request found no answer within the budget, all later ones raise at once.
    """

    def __init__(
        self, uri: str, *, token: str = "", user: str = "", password: str = "", budget: float = BUDGET,
        sleep: Callable[[float], object] | None = None, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._parts = _split(uri)
        self._base = self._parts.path.rstrip("/")
        self._headers = {"User-Agent": "argosy", "Accept": "*/*"}
        user, password = user or unquote(self._parts.username or ""), password or unquote(self._parts.password or "")
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        elif user or password:
            self._headers["Authorization"] = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
        self._gone = threading.Event()
        self._budget, self._sleep, self._clock = budget, sleep or self._gone.wait, clock
        self._local = threading.local()
        self._open: set[HTTPConnection] = set()
        self._tls = ssl.create_default_context() if self._parts.scheme == "https" else None

    @property
    def uri(self) -> str:
        """The address, without name and password."""
        return f"{self._parts.scheme}://{self._parts.netloc.rpartition('@')[2]}{self._base}"

    def stop(self) -> None:
        """Give up whatever waits or streams."""
        self._gone.set()

    def close(self) -> None:
        """Close the connections, which no thread uses any more."""
        self.stop()
        while self._open:
            self._open.pop().close()

    def json(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, query: Mapping[str, Any] | None = None
    ) -> Any:
        """Ask, and read the answer. Raises UnknownError for a 404, DeniedError, InputError or LostError."""
        target = f"{path}?{urlencode(query, doseq=True)}" if query else path
        data = None if body is None else msgspec.json.encode(body)
        response = self._ask(method, target, data)
        try:
            return json.loads(response.read())
        except (ValueError, OSError, HTTPException) as error:
            self._drop()
            raise InputError(
                f"{method} {self.uri}{path} was not answered with JSON: {error}", next="is it MLflow?"
            ) from None

    def stream(self, path: str) -> Iterator[bytes]:
        """The body of an answer. Raises InputError where it breaks off."""
        response = self._ask("GET", path, None)
        whole, size = response.length, 0
        try:
            while chunk := response.read(_CHUNK):
                size += len(chunk)
                yield chunk
                if self._gone.is_set():
                    self._drop()
                    raise LostError(f"{self.uri} is asked no more", next="import again to go on")
        except (OSError, HTTPException) as error:
            self._drop()
            raise InputError(f"{path[:_SAID]!r} broke off after {size:,} bytes: {error}", next="try again") from None
        except GeneratorExit:
            self._drop()
            raise
        if whole is not None and size != whole:
            self._drop()
            raise InputError(f"{path[:_SAID]!r} broke off after {size:,} of {whole:,} bytes", next="try again")

    def _ask(self, method: str, target: str, data: bytes | None) -> HTTPResponse:
        """The answer, whose body is not yet read."""
        until, pause, fresh = self._clock() + self._budget, 0.5, False
        while True:
            if self._gone.is_set():
                raise LostError(f"{self.uri} is asked no more", next="import again to go on")
            response, why = self._try(method, target, data)
            if response is not None and response.status not in _AGAIN:
                return self._taken(response, method, target)
            if response is None and not fresh:
                fresh = True  # the server may have closed a connection that was idle: another one may do
                continue
            said = "" if response is None else response.getheader("Retry-After", "")
            wait = min(_LONGEST_PAUSE, float(said)) if said.isdecimal() else pause
            if self._clock() + wait > until:
                if response is not None:
                    raise InputError(f"{method} {self.uri}{target[:_SAID]} failed: {why}", next="import again later")
                self.stop()
                raise LostError(f"{self.uri} does not answer: {why}", next="import again once it does, to go on")
            self._sleep(wait)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _try(self, method: str, target: str, data: bytes | None) -> tuple[HTTPResponse | None, str]:
        """An answer, where there is one, and what is wrong with it."""
        headers = {**self._headers, **({"Content-Type": "application/json"} if data is not None else {})}
        try:
            connection = self._connection()
            connection.request(method, self._base + target, data, headers)
            response = connection.getresponse()
            if response.status in _AGAIN:
                return response, f"{response.status} {_said(response)}"
            return response, ""
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            return None, f"{type(error).__name__}: {error}"

    def _taken(self, response: HTTPResponse, method: str, target: str) -> HTTPResponse:
        status = response.status
        if status < 300:
            return response
        where = response.getheader("Location", "")
        what = f"{method} {self.uri}{target[:_SAID]} was answered with {status}"
        said = _said(response)
        if status < 400:
            self._drop()
            raise InputError(
                f"{what}: it leads to {where[:_SAID]!r}", next="name the server by the address that answers"
            )
        if status in (401, 403):
            raise DeniedError(
                f"{what}: {said}",
                next="set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and _PASSWORD, of the source",
            )
        if status == 404:
            raise UnknownError(f"{what}: {said}", next="is it MLflow's address, and is it still there?")
        raise InputError(f"{what}: {said}", next="look at the log of that server")

    def _connection(self) -> HTTPConnection:
        found: HTTPConnection | None = getattr(self._local, "connection", None)
        if found is None:
            host, port = self._parts.hostname or "", self._parts.port
            if self._tls is not None:
                found = HTTPSConnection(host, port, timeout=_TIMEOUT, context=self._tls)
            else:
                found = HTTPConnection(host, port, timeout=_TIMEOUT)
            self._local.connection = found
            self._open.add(found)
        return found

    def _drop(self) -> None:
        found = getattr(self._local, "connection", None)
        if found is not None:
            found.close()
            self._open.discard(found)
            self._local.connection = None


def _split(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise UsageError(
            f"{uri[:_SAID]!r} is no address of a server", next="give http://HOST:PORT, or the folder mlruns"
        )
    return parts


def _said(response: HTTPResponse) -> str:
    """What a refusal says, as far as it fits in a line."""
    try:
        text = response.read(1 << 16).decode("utf-8", "replace")
        response.read()
    except (OSError, HTTPException) as error:
        return str(error)
    try:
        told = json.loads(text)
        text = str(told.get("message", text)) if isinstance(told, dict) else text
    except ValueError:
        return " ".join(text.split())[:_SAID]
    return " ".join(text.split())[:_SAID]
