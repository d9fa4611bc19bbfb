"""Tags: which columns of what is shown are tagged, as personal or sensitive, now, whenever it was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, select

from argosy.store import declarations, schema
from argosy.store.edges import IN, LIST, OUT
from argosy.store.mask import Tags
from argosy.store.rows import among

_EDGE = schema.edge


def of_facts(conn: Connection, items: Sequence[dict[str, Any]]) -> list[Tags]:
    """For each fact about a `dataset`, the tags of its columns."""
    known = declarations.tags(conn, {item["dataset"] for item in items})
    return [known.get(item["dataset"], {}) for item in items]


def of_artifacts(conn: Connection, items: Sequence[dict[str, Any]]) -> list[Tags]:
    """For each artifact, by `digest`, whose preview, its `body`, shows rows: the tags of columns that are called so.

    Those of all datasets that it was made from count, through however many steps.
    """
    columns = {item["digest"]: found for item in items if (found := _shown(item["body"]))}
    known = declarations.tags(conn) if columns else {}
    names = {name for each in known.values() for name in each}
    asked = [digest for digest, each in columns.items() if not names.isdisjoint(each)]
    tags: dict[str, dict[str, str]] = {}
    for digest, reference in _origins(conn, asked) if asked else []:
        tags.setdefault(digest, {}).update(known.get(reference.rpartition("@")[0], {}))
    return [tags.get(item["digest"], {}) for item in items]


def _shown(body: Any) -> list[str]:
    """The columns of a preview with rows; none of what is not as Argosy's format of tables writes it."""
    if not isinstance(body, dict) or body.get("kind") != "table" or not isinstance(body.get("columns"), dict):
        return []
    head = body.get("head")
    return list(body["columns"]) if isinstance(head, list) and all(isinstance(row, list) for row in head) else []


def _origins(conn: Connection, digests: Iterable[str]) -> list[tuple[str, str]]:
    """The versions of datasets that artifacts were made from, each after the artifact's digest; one query."""
    c = _EDGE.c
    mine = among(c.reference, digests) & (c.kind == "artifact") & (c.direction == OUT)
    walk = select(c.reference.label("root"), c.execution_id).where(mine).cte("walk", recursive=True)
    read, made = _EDGE.alias("read"), _EDGE.alias("made")
    reads = (read.c.execution_id == walk.c.execution_id) & (read.c.direction == IN)
    same = (made.c.reference == read.c.reference) & (made.c.kind == read.c.kind) & (made.c.direction == OUT)
    before = select(walk.c.root, made.c.execution_id).join(read, reads).join(made, same)
    walk = walk.union(before.where(read.c.kind.in_(("artifact", LIST))))
    origin = (c.execution_id == walk.c.execution_id) & (c.direction == IN) & (c.kind == "dataset")
    found = conn.execute(select(walk.c.root, c.reference).join(_EDGE, origin).distinct())
    return [(root, reference) for root, reference in found]
