"""Artifacts: where an output's bytes lie, alone or in a pack."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.store import mask, schema, tags
from argosy.store.blobs import Blobs, Slot
from argosy.store.rows import Row, among, columns, fetch, insert

_TABLE = schema.artifact


class Artifact(Row, frozen=True, kw_only=True):
    """`bytes` bytes of `kind`: `data` itself where they are few, else from `start` of the blob `pack`, or a blob alone.

    `body` tells people what it holds: a table's columns and first rows, say.
    """

    digest: str
    kind: str
    bytes: int
    at: datetime
    pack: str | None = None
    start: int = 0
    data: builtins.bytes | None = None
    body: dict[str, Any] | None = None

    @property
    def slot(self) -> Slot:
        """What `Blobs.read` takes."""
        return Slot(self.digest, self.pack, self.start, self.bytes)


def content(blobs: Blobs, artifact: Artifact) -> builtins.bytes:
    """All bytes of an artifact. Raises CorruptError, or UnknownError where they are gone."""
    return artifact.data if artifact.data is not None else blobs.read(artifact.slot)


def of_slots(slots: Iterable[Slot], kind: str, at: datetime) -> list[Artifact]:
    """Artifacts for what `Blobs.pack` returned."""
    return [
        Artifact(digest=slot.digest, kind=kind, bytes=slot.bytes, at=at, pack=slot.pack, start=slot.start)
        for slot in slots
    ]


def add(tx: Connection, artifacts: Sequence[Artifact]) -> None:
    """Record artifacts; one whose digest is known stays where it is."""
    insert(tx, _TABLE, artifacts, ignore=True)


def renew(tx: Connection, artifacts: Sequence[Artifact]) -> None:
    """Record artifacts that were made anew; one whose digest is known lies from now on where it was put now.

    Where it lay before may be lost or damaged, and what was just put is neither.
    """
    insert(tx, _TABLE, artifacts, renew=("pack", "start", "data"))


def starting(conn: Connection, prefix: str, limit: int) -> list[Artifact]:
    """The first artifacts whose digest starts with `prefix`, in order."""
    c = _TABLE.c
    query = columns(_TABLE, Artifact).where(c.digest >= prefix, c.digest < f"{prefix}~").order_by(c.digest)
    return fetch(conn, query.limit(limit), Artifact)


def masked(conn: Connection, found: Collection[Artifact]) -> dict[str, Artifact]:
    """Artifacts, by their digests, as they may be shown: their previews without values of columns that are tagged."""
    items = [{"digest": each.digest, "body": each.body} for each in found]
    shown = [
        mask.artifact(item, each)["body"] for item, each in zip(items, tags.of_artifacts(conn, items), strict=True)
    ]
    return {each.digest: msgspec.structs.replace(each, body=body) for each, body in zip(found, shown, strict=True)}


def get(conn: Connection, digests: Iterable[str]) -> dict[str, Artifact]:
    """The known artifacts among `digests`."""
    found = fetch(conn, columns(_TABLE, Artifact).where(among(_TABLE.c.digest, digests)), Artifact)
    return {artifact.digest: artifact for artifact in found}
