"""Listings: a long list that calls were given is recorded once, as an artifact that is made of its items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from argosy.pipelines.piece import INLINE, Held, Many, Outside, Piece, Plain, Rows
from argosy.store import Blobs, artifacts, edges, executions
from argosy.store.artifacts import Artifact
from argosy.store.edges import LIST

FEW = 16
"""Items of a list that are read one by one."""


def read(piece: Piece | None) -> Sequence[tuple[str, str]]:
    """The kinds and names of what a call that is given a piece has read; a long list is one thing."""
    if isinstance(piece, Plain):
        return ()
    if isinstance(piece, Rows):
        return [("dataset", piece.reference)]
    if isinstance(piece, Outside):
        return [("file", f"{piece.path}#{piece.digest[:12]}")]
    if isinstance(piece, Many):
        return [(LIST, piece.digest)] if _is_long(piece) else _items(piece)
    if not isinstance(piece, Held) or piece.of == "":
        return []
    return [("artifact", piece.digest if piece.of is None else piece.of)]


def land(tx: Connection, blobs: Blobs, pieces: Iterable[Piece | None], bundle: str | None, now: datetime) -> None:
    """Record the long lists within pieces, unless they are known: each with an execution that read its items."""
    found: dict[str, Many] = {}
    for piece in pieces:
        _find(piece, found)
    if not found:
        return
    known = artifacts.get(tx, found)
    new = [piece for digest, piece in found.items() if digest not in known]
    artifacts.add(tx, [_artifact(piece, blobs, now) for piece in new])
    made = executions.record(tx, [
        executions.NewExecution(
            key=piece.digest, kind=LIST, subject=f"list/{piece.digest[:12]}", started_at=now, ended_at=now,
            bundle=bundle,
        )
        for piece in new
    ])  # fmt: skip
    edges.add(tx, [
        edges.Edge(execution_id=id, direction=direction, kind=kind, reference=reference)
        for id, piece in zip(made, new, strict=True)
        for direction, pairs in ((edges.IN, _items(piece)), (edges.OUT, [(LIST, piece.digest)]))
        for kind, reference in pairs
    ])  # fmt: skip


def _find(piece: Piece | None, found: dict[str, Many]) -> None:
    if not isinstance(piece, Many) or piece.digest in found:
        return
    if _is_long(piece):
        found[piece.digest] = piece
    for each in piece.items:
        _find(each, found)


def _is_long(piece: Many) -> bool:
    """Whether a list is recorded: one of constants alone has nothing to tell."""
    return len(piece.items) > FEW and any(read(each) for each in piece.items)


def _items(piece: Many) -> list[tuple[str, str]]:
    return [pair for each in piece.items for pair in read(each)]


def _artifact(piece: Many, blobs: Blobs, now: datetime) -> Artifact:
    data = piece.text.encode()
    small = len(data) <= INLINE
    if not small:
        blobs.put(data)
    return Artifact(
        digest=piece.digest, kind=LIST, bytes=len(data), at=now, data=data if small else None,
        body={"count": len(piece.items)},
    )  # fmt: skip
