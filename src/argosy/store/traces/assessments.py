"""Assessments: feedback on a trace, and what was expected of it. One may override another, which is valid no more."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection

from argosy.errors import InputError, UnknownError
from argosy.store.codec import from_json, to_json, to_micros
from argosy.store.rows import execute, next_id, within
from argosy.store.traces import record
from argosy.store.traces.tables import assessment
from argosy.store.tracking import changes
from argosy.store.tracking.changes import TRACE, Change, Hand

_FIELDS = "assessment, kind, name, value, valid, overrides, body"


class Assessment(NamedTuple):
    """An assessment: `value` is it as text, `body` all of it as the client says it."""

    assessment: str
    kind: str
    name: str
    value: str
    valid: bool
    overrides: str | None
    body: Mapping[str, Any]


def add(tx: Connection, trace: str, given: Assessment, hand: Hand) -> Assessment:
    """Add an assessment, under a name of its own. Raises UnknownError for a trace that is not, or what it overrides."""
    found = record.get(tx, trace)
    if given.overrides is not None:
        _judge(tx, get(tx, trace, given.overrides).assessment, valid=False)
    new = given._replace(assessment=f"a-{uuid.uuid4().hex}")
    values = [*new[:-1], to_json(dict(new.body))]
    sql = f"INSERT INTO assessment (id, trace_id, at, actor, {_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    execute(tx, sql, (next_id(tx, assessment), found.id, to_micros(hand.at), hand.actor, *values))
    return new


def get(conn: Connection, trace: str, name: str) -> Assessment:
    """One assessment of a trace. Raises UnknownError."""
    found = record.get(conn, trace)
    sql = f"SELECT {_FIELDS} FROM assessment WHERE trace_id = ? AND assessment = ?"
    row = execute(conn, sql, (found.id, name)).fetchone()
    if row is None:
        next = "list those of the trace"
        raise UnknownError(f"Assessment with ID '{name[:300]}' not found for trace '{trace}'", next=next)
    return _made(row)


def of(conn: Connection, trace_ids: Iterable[int]) -> dict[int, list[Assessment]]:
    """The assessments of the traces of ids, in the order in which they were made."""
    clause, bound = within(conn, "trace_id", trace_ids)
    found: dict[int, list[Assessment]] = {}
    sql = f"SELECT trace_id, {_FIELDS} FROM assessment WHERE {clause} ORDER BY trace_id, id"
    for id, *row in execute(conn, sql, (bound,)):
        found.setdefault(id, []).append(_made(row))
    return found


def change(tx: Connection, trace: str, new: Assessment, hand: Hand) -> None:
    """Have an assessment say something else. Raises UnknownError, InputError where it is of another kind."""
    known = get(tx, trace, new.assessment)
    if known.kind != new.kind:
        raise InputError(f"assessment {new.assessment} is {known.kind}, not {new.kind}", next="add another one")
    sql = "UPDATE assessment SET name = ?, value = ?, valid = ?, body = ? WHERE assessment = ?"
    execute(tx, sql, (new.name, new.value, new.valid, to_json(dict(new.body)), new.assessment))
    if new.value != known.value:
        field = f"{new.kind}:{new.name}"
        changes.add(tx, hand, [Change(TRACE, trace, field, known.value, new.value)])


def delete(tx: Connection, trace: str, name: str, hand: Hand) -> None:
    """Remove an assessment; what it overrode is valid again. Removing what is not there changes nothing."""
    found = of(tx, [record.get(tx, trace).id])
    gone = next((each for all in found.values() for each in all if each.assessment == name), None)
    if gone is None:
        return
    execute(tx, "DELETE FROM assessment WHERE assessment = ?", (name,))
    execute(tx, "UPDATE assessment SET overrides = NULL WHERE overrides = ?", (name,))
    if gone.overrides is not None:
        _judge(tx, gone.overrides, valid=True)
    changes.add(tx, hand, [Change(TRACE, trace, f"{gone.kind}:{gone.name}", gone.value, None)])


def _judge(tx: Connection, name: str, *, valid: bool) -> None:
    execute(tx, "UPDATE assessment SET valid = ? WHERE assessment = ?", (valid, name))


def _made(row: Any) -> Assessment:
    name, kind, title, value, valid, overrides, body = row
    return Assessment(name, kind, title, value, bool(valid), overrides, from_json(body))
