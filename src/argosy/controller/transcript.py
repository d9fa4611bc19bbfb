"""The transcript of a run: what its steps wrote and why they failed, read a few hundred logs at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection

from argosy.engine.log import lost
from argosy.store import Blobs, artifacts, calls, executions, logs
from argosy.store.artifacts import Artifact
from argosy.store.runs import Run

_AT_ONCE = 200


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A call that has something to tell: a log, or why it failed. `id` is that of the call."""

    id: int
    node: str
    element: int
    state: str
    execution_id: int | None = None
    digest: str | None = None
    reason: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What a call wrote; of one that failed, the reason and where in the code, if it came from there.

    Of a long log, `lost` bytes from its middle were never kept: a line in the text says where they were.
    """

    node: str
    element: int
    state: str
    execution_id: int | None
    text: str
    reason: str = ""
    traceback: str = ""
    lost: int = 0


def places(
    conn: Connection, run: Run, *, node: str | None = None, element: int | None = None, failed: bool = False,
    after: int = 0,
) -> list[Place]:  # fmt: skip
    """The calls of a run that have something to tell, in the order of its graph; two queries.

    Of one node, one element, what `failed`, or calls with an id beyond `after` only, if asked for.
    """
    lost = calls.of(conn, run.id, node=node, element=element, states=[calls.FAILED])
    found = {
        each.id: Place(
            id=each.id, node=each.node, element=each.element, state=each.state, execution_id=each.execution_id,
            reason=each.reason,
        )
        for each in lost
        if each.id > after
    }  # fmt: skip
    for each in logs.of_run(conn, run.id, node=node, element=element, failed=failed, after=after):
        known = found.get(each.id)
        found[each.id] = Place(
            id=each.id, node=each.node, element=each.element, state=each.state, execution_id=each.execution_id,
            digest=each.digest, reason=known.reason if known is not None else "",
        )  # fmt: skip
    order = {name["name"]: number for number, name in enumerate(run.body.get("nodes", ()))}
    return sorted(found.values(), key=lambda each: (order.get(each.node, len(order)), each.node, each.element))


def read(conn: Connection, blobs: Blobs, found: Sequence[Place]) -> Iterator[Entry]:
    """What calls have to tell, one after another as given."""
    for start in range(0, len(found), _AT_ONCE):
        some = found[start : start + _AT_ONCE]
        known = artifacts.get(conn, {each.digest for each in some if each.digest is not None})
        broken = [each.execution_id for each in some if each.state == calls.FAILED and each.execution_id is not None]
        done = executions.get(conn, broken)
        for each in some:
            data = _content(blobs, known.get(each.digest or ""))
            failed = done.get(each.execution_id or 0)
            yield Entry(
                node=each.node, element=each.element, state=each.state, execution_id=each.execution_id,
                text=data.decode(errors="replace"), reason=each.reason,
                traceback=failed.parameters.get("traceback", "") if failed is not None else "",
                lost=lost(data),
            )  # fmt: skip


def content(conn: Connection, blobs: Blobs, digest: str) -> bytes:
    """What is kept of a log, as it was written."""
    return _content(blobs, artifacts.get(conn, [digest]).get(digest))


def _content(blobs: Blobs, log: Artifact | None) -> bytes:
    return b"" if log is None else artifacts.content(blobs, log)
