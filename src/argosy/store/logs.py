"""Logs: what executions of steps wrote, each an artifact of its own kind."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from argosy.store import schema
from argosy.store.calls import FAILED
from argosy.store.edges import OUT
from argosy.store.rows import Row, fetch

LOG = "log"
"""The kind of the artifacts, and of the edges to them."""


class Written(Row, frozen=True, kw_only=True):
    """That the execution of a call wrote something: the digest and the size of its log. `id` is that of the call."""

    id: int
    node: str
    element: int
    state: str
    execution_id: int
    digest: str
    bytes: int


def of_run(
    conn: Connection, run_id: int, *, node: str | None = None, element: int | None = None, failed: bool = False,
    after: int = 0,
) -> list[Written]:  # fmt: skip
    """The logs of what a run's calls used, executed by it or earlier, in order of the calls' last word; one query.

    Of one node, one element, what `failed`, or calls with an id beyond `after` only, if asked for.
    """
    call, edge, artifact = schema.call.c, schema.edge.c, schema.artifact.c
    last = select(func.max(call.id)).where(call.run_id == run_id).group_by(call.node, call.element)
    wrote = (edge.execution_id == call.execution_id) & (edge.direction == OUT) & (edge.kind == LOG)
    query = select(
        call.id, call.node, call.element, call.state, call.execution_id, artifact.digest, artifact.bytes
    ).join_from(schema.call, schema.edge, wrote)
    query = query.join(schema.artifact, artifact.digest == edge.reference).where(call.id.in_(last), call.id > after)
    for column, wanted in ((call.node, node), (call.element, element), (call.state, FAILED if failed else None)):
        if wanted is not None:
            query = query.where(column == wanted)
    return fetch(conn, query.order_by(call.id), Written)
