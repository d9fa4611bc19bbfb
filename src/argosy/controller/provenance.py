"""Provenance: what an execution of a step read and made, and of an artifact who made it and who reads it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.controller import course
from argosy.controller.course import Result
from argosy.controller.result import called
from argosy.errors import UnknownError, UsageError
from argosy.store import artifacts, calls, edges, executions, runs
from argosy.store.calls import Call
from argosy.store.edges import IN, LIST, OUT, Edge
from argosy.store.executions import Execution
from argosy.store.logs import LOG

_SHORTEST = 4
_MOST = 20
"""Makers and readers that are named."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """An argument: a constant (`value`), or what was read; `origin` is the node that it came from, if one.

    `artifact` tells of one that is on record; a list of artifacts has a `count`.
    """

    name: str
    value: Any = None
    content: str = ""
    origin: str = ""
    count: int | None = None
    artifact: Result | None = None


class Executed(msgspec.Struct, frozen=True, kw_only=True):
    """An execution of a step: the call that it was made for, arguments, what it read from outside, outputs, its log."""

    execution: Execution
    call: Call | None
    given: list[Given]
    read: list[Edge]
    made: list[Result]
    log: Result | None


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """An execution that made an artifact, or read it."""

    id: int
    kind: str
    subject: str
    ended_at: datetime


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact: what it is, and the newest of the executions that made it and that read it."""

    digest: str
    format: str
    bytes: int
    at: datetime
    preview: dict[str, Any] | None
    made_by: list[Maker]
    read_by: list[Maker]
    more: bool
    """Whether more made or read it than are named."""


def execution(conn: Connection, id: int) -> Executed:
    """What is on record of an execution of a step. Raises UnknownError."""
    found = executions.get(conn, [id]).get(id)
    if found is None:
        raise UnknownError(f"there is no execution {id}", next="argosy get executions")
    told: dict[str, dict[str, Any]] = found.parameters.get("arguments", {})
    touched = edges.of(conn, [id])
    digests = {name: each["content"].rpartition(":")[2] for name, each in told.items() if "content" in each}
    logs = [edge.reference for edge in touched if edge.kind == LOG]
    known = artifacts.masked(conn, artifacts.get(conn, [*digests.values(), *logs]).values())
    shown = {digest: _shown(artifact) for digest, artifact in known.items()}
    outputs: list[Any] = found.parameters.get("outputs", [])
    call = calls.first(conn, [id]).get(id)
    return Executed(
        execution=found, call=call,
        given=[
            Given(
                name=name, value=each.get("value"), content=each.get("content", ""), origin=each.get("from", ""),
                count=each.get("count"), artifact=shown.get(digests.get(name, "")),
            )
            for name, each in told.items()
        ],
        read=[edge for edge in touched if edge.direction == IN and edge.kind not in ("artifact", LIST)],
        made=course.results(conn, dict(zip(_names(conn, call, len(outputs)), outputs, strict=True))),
        log=next((shown[e.reference] for e in touched if e.kind == LOG and e.reference in shown), None),
    )  # fmt: skip


def _names(conn: Connection, call: Call | None, count: int) -> list[str]:
    """What the outputs of a call are called."""
    if count == 1:
        return ["output"]
    run = runs.get(conn, call.run_id) if call is not None else None
    nodes: list[dict[str, Any]] = run.body.get("nodes", []) if run is not None else []
    names: list[str] = next((n.get("outputs", []) for n in nodes if call is not None and n["name"] == call.node), [])
    return [called(names, place) if any(names) else f"output {place + 1}" for place in range(count)]


def artifact(conn: Connection, prefix: str) -> Kept:
    """The artifact whose digest starts with `prefix`. Raises UnknownError, and UsageError where several do."""
    text = prefix.lower()
    if len(text) < _SHORTEST or not all(each in "0123456789abcdef" for each in text):
        raise UsageError(
            f"{prefix[:80]!r} is no digest",
            next=f"pass its first {_SHORTEST} hexadecimal digits or more: argosy get artifacts",
        )
    found = artifacts.starting(conn, text, 2)
    if not found:
        raise UnknownError(f"there is no artifact {prefix}", next="argosy get artifacts, or argosy describe run ID")
    if len(found) > 1:
        raise UsageError(
            f"{prefix} begins several artifacts: {', '.join(each.digest[: len(text) + 6] for each in found)}, …",
            next="pass more of its digits",
        )
    (one,) = artifacts.masked(conn, found).values()
    kind = one.kind if one.kind in (LIST, LOG) else "artifact"
    made = _at(conn, kind, [one.digest], OUT)
    read = _at(conn, kind, [one.digest], IN)
    known = executions.get(conn, {*made, *read})
    lists = [id for id in read if id in known and known[id].kind == LIST]
    if lists:
        through = _at(conn, LIST, [edge.reference for edge in edges.of(conn, lists, OUT)], IN)
        known |= executions.get(conn, through)
        read = sorted({*read, *through}.difference(lists), reverse=True)
    return Kept(
        digest=one.digest, format=one.kind, bytes=one.bytes, at=one.at, preview=one.body,
        made_by=_makers(made, known), read_by=_makers(read, known), more=max(len(made), len(read)) > _MOST,
    )  # fmt: skip


def _at(conn: Connection, kind: str, references: Sequence[str], direction: str) -> list[int]:
    found = edges.at(conn, kind, references, direction, limit=_MOST + 1)
    return list(dict.fromkeys(edge.execution_id for edge in found))


def _makers(ids: Sequence[int], known: dict[int, Execution]) -> list[Maker]:
    some = (known[id] for id in ids[:_MOST] if id in known)
    return [Maker(id=each.id, kind=each.kind, subject=each.subject, ended_at=each.ended_at) for each in some]


def _shown(found: artifacts.Artifact) -> Result:
    return Result(name="", format=found.kind, digest=found.digest, bytes=found.bytes, preview=found.body)
