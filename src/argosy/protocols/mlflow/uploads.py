"""Large artifacts in parts: uploads that are begun, sent in any order and put together, and addresses for ranges."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from argosy.protocols.mlflow.artifacts import ROOT, noting
from argosy.protocols.mlflow.body import UNREAD
from argosy.protocols.mlflow.fault import INVALID, NO_ENDPOINT, Fault, invalid
from argosy.store.batch import Batch
from argosy.store.blobs import room
from argosy.store.store import Store
from argosy.store.tracking import files, place
from argosy.store.tracking.changes import Hand
from argosy.store.upload import Uploads

_ROOT = ROOT.removesuffix("artifacts")
_CREATE, _COMPLETE, _ABORT, _PART, _PRESIGNED = (
    f"{_ROOT}{name}/" for name in ("mpu/create", "mpu/complete", "mpu/abort", "mpu/part", "presigned")
)
_NUMBERED = re.compile(r"([0-9a-f]{32})/([0-9]{1,5})")
_BODY = 4 * 1024 * 1024
Scope = dict[str, Any]


class _Part(msgspec.Struct):
    part_number: int = 0


class _Request(msgspec.Struct):
    path: str = ""
    num_parts: int = 1
    upload_id: str = ""
    parts: list[_Part] = []


class Parts:
    """An ASGI application over the paths of uploads in parts, and of addresses for downloads in ranges.

    Addresses are of this server, and go with the headers that the client came with: no secret is in them.
    """

    def __init__(self, store: Store, batch: Batch, now: Callable[[], datetime]) -> None:
        self._store, self._batch, self._now = store, batch, now
        self._uploads = Uploads(store.blobs)

    def takes(self, path: str) -> bool:
        """Whether a path is of these."""
        return path.startswith((f"{_ROOT}mpu/", _PRESIGNED))

    def is_part(self, scope: Scope) -> bool:
        """Whether a request carries a part, which is streamed."""
        return bool(scope["method"] == "PUT" and scope["path"].startswith(_PART))

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """The ASGI entry."""
        path, method = scope["path"], scope["method"]
        headers: list[tuple[bytes, bytes]] = []
        if self.is_part(scope):
            headers, answer = await self._part(path.removeprefix(_PART), receive), {}
        elif method == "POST" and path.startswith(_CREATE):
            answer = await self._create(scope, await _request(receive))
        elif method == "POST" and path.startswith(_COMPLETE):
            answer = await self._complete(scope, await _request(receive))
        elif method == "POST" and path.startswith(_ABORT):
            await asyncio.to_thread(self._uploads.drop, (await _request(receive)).upload_id)
            answer = {}
        elif method == "GET" and path.startswith(_PRESIGNED):
            answer = await self._address(scope)
        else:
            raise Fault(NO_ENDPOINT, f"No endpoint {method} {path[:200]}: this server does not answer it")
        body = msgspec.json.encode(answer)
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _create(self, scope: Scope, request: _Request) -> dict[str, Any]:
        target = _target(scope["path"].removeprefix(_CREATE), request.path)
        name = await asyncio.to_thread(self._uploads.begin, target, request.num_parts)
        address, carried = _address(scope), _carried(scope)
        credentials = [
            {"url": f"{address}{_PART}{name}/{number}", "part_number": number, "headers": carried}
            for number in range(1, request.num_parts + 1)
        ]
        return {"upload_id": name, "credentials": credentials}

    async def _part(self, text: str, receive: Any) -> list[tuple[bytes, bytes]]:
        found = _NUMBERED.fullmatch(text)
        if found is None:
            raise invalid("part", text[:200])
        name, number = found[1], int(found[2])
        draft = await asyncio.to_thread(self._uploads.draft, name, number)
        digest, more = hashlib.sha256(), True
        try:
            with draft.open("xb") as file:
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Fault(INVALID, "the client left before the part was whole; it was not kept")
                    chunk, more = message.get("body", b""), message.get("more_body", False)
                    with room("of an upload"):
                        await asyncio.to_thread(file.write, chunk)
                    digest.update(chunk)
            await asyncio.to_thread(self._uploads.keep, name, number, draft)
        finally:
            draft.unlink(missing_ok=True)
        return [(b"etag", f'"{digest.hexdigest()}"'.encode())]

    async def _complete(self, scope: Scope, request: _Request) -> dict[str, Any]:
        name = request.upload_id
        target = _target(scope["path"].removeprefix(_COMPLETE), request.path)
        if (await asyncio.to_thread(self._uploads.about, name)).path != target:
            raise invalid("path", request.path, "It is not what the upload was begun for.")
        numbers = [each.part_number for each in request.parts]
        hand = Hand(scope["auth"].name, self._now())
        digest, size = await asyncio.to_thread(self._uploads.finish, name, numbers, noting(self._batch, hand.at))
        await asyncio.wrap_future(self._batch.submit(lambda tx: files.put(tx, target, digest, size, hand)))
        await asyncio.to_thread(self._uploads.drop, name)
        return {}

    async def _address(self, scope: Scope) -> dict[str, Any]:
        path = place.path(scope["path"].removeprefix(_PRESIGNED))
        found = await asyncio.to_thread(self._found, path)
        return {
            "url": f"{_address(scope)}{ROOT}/{_quoted(scope, path)}",
            "headers": _carried(scope),
            "file_size": found,
        }

    def _found(self, path: str) -> int:
        with self._store.read() as conn:
            return files.get(conn, path).bytes


def _target(folder: str, file: str) -> str:
    """The path that an upload is for: the folder in the address, and the name of the client's file."""
    name = file.replace("\\", "/").rpartition("/")[2]
    return place.path("/".join(each for each in (folder.strip("/"), name) if each))


def _quoted(scope: Scope, path: str) -> str:
    raw: bytes = scope.get("raw_path") or path.encode()
    return raw.decode("latin-1").removeprefix(_PRESIGNED)


def _address(scope: Scope) -> str:
    """This server as the client has reached it."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return f"{scope.get('scheme', 'http')}://{host.decode('latin-1')}"


def _carried(scope: Scope) -> dict[str, str]:
    """What a client must send along: what it sent now."""
    found = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    return {"Authorization": found.decode("latin-1")}


async def _request(receive: Any) -> _Request:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
        if len(body) > _BODY:
            raise Fault(INVALID, f"the body is larger than {_BODY:,} bytes")
    try:
        return msgspec.json.decode(body or b"{}", type=_Request, strict=False)
    except UNREAD as error:
        raise Fault(INVALID, f"the request is not understood: {error}") from None
