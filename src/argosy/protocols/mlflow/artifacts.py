"""Artifacts of runs and models: listed, put, got (whole or a range) and removed, streamed in both directions."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, BinaryIO
from urllib.parse import parse_qs, quote

import msgspec
from sqlalchemy import Connection

from argosy.errors import UnknownError
from argosy.protocols.mlflow import package, wire
from argosy.protocols.mlflow.endpoint import Endpoint, OfRun
from argosy.protocols.mlflow.fault import INVALID, NO_ENDPOINT, Fault
from argosy.protocols.mlflow.sink import Sink
from argosy.store.artifacts import Artifact
from argosy.store.batch import Batch
from argosy.store.store import Store
from argosy.store.tracking import experiments, files, place, runs
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.place import SCHEME

ROOT = "/api/2.0/mlflow-artifacts/artifacts"
_CHUNK = 1 << 20
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
Scope = dict[str, Any]


class List(OfRun, kw_only=True):
    """artifacts/list."""

    path: str | None = None
    page_token: str | None = None


def of_run(conn: Connection, request: List) -> dict[str, Any]:
    """What lies in a folder of a run, with paths below the run's root."""
    found = runs.get(conn, request.run)
    root = wire.artifact_root(experiments.get(conn, found.experiment_id).location, found.run)
    return {"root_uri": root, **below(conn, root, request.path or "")}


def inside(uri: str) -> str:
    """The path on this server that a URI names. Raises Fault for one that lies elsewhere."""
    if not uri.startswith(SCHEME):
        raise Fault(INVALID, f"artifacts below {uri[:200]!r} are not kept by this server; ask where they lie")
    return place.path(uri.removeprefix(SCHEME).strip("/"))


def below(conn: Connection, root: str, path: str) -> dict[str, Any]:
    """What lies in a folder below the URI of a root, with paths below it."""
    base, folder = inside(root), place.path(path.rstrip("/"))
    entries = files.listed(conn, f"{base}/{folder}" if folder else base)
    shown = [_entry(f"{folder}/{each.name}" if folder else each.name, each.bytes) for each in entries]
    return wire.filled({"files": shown})


def _entry(path: str, size: int | None) -> dict[str, Any]:
    return {"path": path, "is_dir": True} if size is None else {"path": path, "is_dir": False, "file_size": size}


def noting(batch: Batch, at: datetime) -> Callable[[str], object]:
    """Tells the collector of bytes before they are there: they go where no file comes to be of them, for any reason."""
    return lambda digest: batch.submit(lambda tx: files.expect(tx, digest, at)).result()


class Files:
    """The files themselves, and what lies in a folder of theirs: an ASGI application over `ROOT` and paths below it."""

    def __init__(self, store: Store, batch: Batch, now: Callable[[], datetime]) -> None:
        self._store, self._batch, self._now = store, batch, now

    def takes(self, path: str) -> bool:
        """Whether a path is that of a file, or of all of them."""
        return path == ROOT or path.startswith(f"{ROOT}/")

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """The ASGI entry."""
        path = place.path(scope["path"].removeprefix(ROOT).removeprefix("/"))
        method = scope["method"]
        if method == "GET" and not path:
            asked = parse_qs(scope["query_string"].decode("utf-8", "replace")).get("path", [""])[0]
            await _json(send, await asyncio.to_thread(self._listed, place.path(asked.rstrip("/"))))
        elif not path or (package.is_of(path) and method not in ("GET", "HEAD")):
            raise Fault(INVALID, f"{scope['path'][:200]} is not for {method}: name a file of a run or of a model")
        elif method == "PUT":
            await self._put(path, scope, receive)
            await _json(send, b"{}")
        elif method in ("GET", "HEAD"):
            await self._get(path, scope, send)
        elif method == "DELETE":
            await asyncio.wrap_future(self._batch.submit(lambda tx: files.remove(tx, path, self._now())))
            await _json(send, b"{}")
        else:
            raise Fault(NO_ENDPOINT, f"No endpoint {method} {scope['path'][:200]}: use GET, PUT or DELETE")

    async def _put(self, path: str, scope: Scope, receive: Any) -> None:
        sink = Sink(self._store.blobs)
        try:
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Fault(INVALID, "the client left before the file was whole; nothing was kept")
                more = message.get("more_body", False)
                if sink.add(message.get("body", b"")) or not more:
                    await asyncio.to_thread(sink.write)
            hand = Hand(scope["auth"].name, self._now())
            digest, size, data = await asyncio.to_thread(sink.finish, noting(self._batch, hand.at))
            await asyncio.wrap_future(self._batch.submit(lambda tx: files.put(tx, path, digest, size, hand, data)))
        finally:
            sink.close()

    async def _get(self, path: str, scope: Scope, send: Any) -> None:
        found = await asyncio.to_thread(self._find, path)
        headers = {name: value for name, value in scope["headers"]}
        low, high, status = _span(headers.get(b"range"), found.bytes)
        name = path.rpartition("/")[2]
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        told = [
            (b"content-type", kind.encode()), (b"content-length", str(high - low).encode()),
            (b"content-disposition", f"attachment; filename*=UTF-8''{quote(name)}".encode()),
            (b"accept-ranges", b"bytes"), (b"x-content-type-options", b"nosniff"),
            (b"etag", f'"{found.digest}"'.encode()),
        ]  # fmt: skip
        if status == 206:
            told.append((b"content-range", f"bytes {low}-{high - 1}/{found.bytes}".encode()))
        source = None if found.data is not None else await asyncio.to_thread(self._open, found)
        try:
            await send({"type": "http.response.start", "status": status, "headers": told})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
            elif source is None:
                await send({"type": "http.response.body", "body": (found.data or b"")[low:high]})
            else:
                await _stream(source, found, low, high, send)
        finally:
            if source is not None:
                source.close()

    def _find(self, path: str) -> Artifact:
        with self._store.read() as conn:
            return package.get(conn, self._store.blobs, path) if package.is_of(path) else files.get(conn, path)

    def _listed(self, folder: str) -> bytes:
        with self._store.read() as conn:
            of_package = package.is_of(folder)
            found = package.listed(conn, self._store.blobs, folder) if of_package else files.listed(conn, folder)
        return msgspec.json.encode(wire.filled({"files": [_entry(each.name, each.bytes) for each in found]}))

    def _open(self, found: Artifact) -> BinaryIO:
        file = self._store.blobs.path(found.pack or found.digest)
        try:
            source = file.open("rb")
        except FileNotFoundError:
            raise UnknownError(f"the bytes of {found.digest} are gone", next="restore them from a backup") from None
        if source.seek(0, 2) < found.start + found.bytes:
            source.close()
            raise UnknownError(f"the bytes of {found.digest} are cut off", next="restore them from a backup")
        return source


async def _stream(source: BinaryIO, found: Artifact, low: int, high: int, send: Any) -> None:
    """Send bytes of a blob; one that is damaged ends the answer early, so that nobody takes it for whole."""
    source.seek(found.start + low)
    digest, whole, left = hashlib.sha256(), (low, high) == (0, found.bytes), high - low

    def read() -> bytes:
        chunk = source.read(min(_CHUNK, left))
        if whole:
            digest.update(chunk)
        return chunk

    while left:
        chunk = await asyncio.to_thread(read)
        left -= len(chunk)
        if not chunk or (not left and whole and digest.hexdigest() != found.digest):
            raise ConnectionError(f"the bytes of {found.digest} do not match their address")
        await send({"type": "http.response.body", "body": chunk, "more_body": bool(left)})
    if high == low:
        await send({"type": "http.response.body", "body": b""})


def _span(header: bytes | None, size: int) -> tuple[int, int, int]:
    """(first byte, end, status) of what is asked for; what is no range that can be served is the whole."""
    match = _RANGE.fullmatch((header or b"").decode("latin-1"))
    if match is None or not any(match.groups()):
        return 0, size, 200
    first, last = match.groups()
    low = int(first) if first else max(0, size - int(last))
    high = min(size, int(last) + 1) if first and last else size
    return (low, high, 206) if low < high else (0, size, 200)


async def _json(send: Any, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


ENDPOINTS = [
    Endpoint("GET", "artifacts/list", List, of_run, needs=("run_id",)),
]
