"""The trash: what was deleted long enough ago is purged, with its values, files and bytes; that it was stays known.

Bytes go last: an artifact that a client put is collected once no file is of it and nothing else refers to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from argosy.store.codec import to_micros
from argosy.store.rows import execute, execute_many, within
from argosy.store.store import Store
from argosy.store.traces import record
from argosy.store.tracking import changes, ended, files, imported
from argosy.store.tracking.changes import EXPERIMENT, LOGGED, MODEL, PURGED, RUN, VERSION, Change, Hand
from argosy.store.tracking.place import SCHEME, root

RETENTION = timedelta(days=30)
_ACTOR = "trash"
_EACH = 200
_GRACE = timedelta(hours=1)
"""Bytes that were put so lately may belong to a file whose row is about to land."""
_OF_RUN = ("metric", "block", "parameter", "tag", "intake", "logged_flow")


class Purged(msgspec.Struct):
    """How much was purged of what."""

    experiments: int = 0
    runs: int = 0
    logged: int = 0
    traces: int = 0
    models: int = 0
    versions: int = 0
    files: int = 0
    artifacts: int = 0
    bytes: int = 0

    @property
    def any(self) -> bool:
        """Whether there was anything."""
        return any(msgspec.structs.astuple(self))


def purge(store: Store, now: datetime, retention: timedelta = RETENTION) -> Purged:
    """Purge what was deleted before `now` less `retention`, in short transactions; it may be killed, and run twice."""
    total, before = Purged(), now - retention
    hand = Hand(_ACTOR, now)
    for step in (_runs, _logged, _traces, _experiments, _registered, _released, _collect):
        while True:
            with store.write() as tx:
                more = step(tx, store, hand, before, total)
            if not more:
                break
    if total.any:
        store.clear_log()
    return total


def _runs(tx: Connection, store: Store, hand: Hand, before: datetime, total: Purged) -> bool:
    sql = (
        "SELECT r.id, r.run, e.location FROM tracked r JOIN experiment e ON e.id = r.experiment_id "
        f"WHERE r.deleted_at < ? ORDER BY r.deleted_at LIMIT {_EACH}"
    )
    found = execute(tx, sql, (to_micros(before),)).fetchall()
    for table in _OF_RUN:
        _delete(tx, table, "run_id", [id for id, *_ in found])
    total.files += sum(files.remove(tx, place, hand.at) for _, run, location in found if (place := root(location, run)))
    _delete(tx, "tracked", "id", [id for id, *_ in found])
    ended.forget(tx, [run for _, run, _ in found])
    _told(tx, hand, RUN, [run for _, run, _ in found])
    total.runs += len(found)
    return len(found) == _EACH


def _logged(tx: Connection, store: Store, hand: Hand, before: datetime, total: Purged) -> bool:
    sql = (
        "SELECT l.id, l.model, e.location FROM logged l JOIN experiment e ON e.id = l.experiment_id "
        f"WHERE coalesce(l.deleted_at, e.deleted_at) < ? ORDER BY l.id LIMIT {_EACH}"
    )
    found = execute(tx, sql, (to_micros(before),)).fetchall()
    _delete(tx, "logged_metric", "logged_id", [id for id, *_ in found])
    places = [root(location, f"models/{model}") for _, model, location in found]
    total.files += sum(files.remove(tx, place, hand.at) for place in places if place)
    _delete(tx, "logged", "id", [id for id, *_ in found])
    _told(tx, hand, LOGGED, [model for _, model, _ in found])
    total.logged += len(found)
    return len(found) == _EACH


def _traces(tx: Connection, store: Store, hand: Hand, before: datetime, total: Purged) -> bool:
    """Traces go with their experiment; alone they are never in the trash."""
    sql = (
        "SELECT e.id FROM experiment e WHERE e.deleted_at < ? AND e.id <> 0 "
        "AND EXISTS (SELECT 1 FROM trace t WHERE t.experiment_id = e.id) ORDER BY e.id LIMIT 1"
    )
    found = [id for (id,) in execute(tx, sql, (to_micros(before),))]
    total.traces += sum(record.delete(tx, id, hand, limit=_EACH) for id in found)
    return bool(found)


def _experiments(tx: Connection, store: Store, hand: Hand, before: datetime, total: Purged) -> bool:
    sql = (
        "SELECT e.id FROM experiment e WHERE e.deleted_at < ? AND e.id <> 0 "
        "AND NOT EXISTS (SELECT 1 FROM tracked r WHERE r.experiment_id = e.id) "
        "AND NOT EXISTS (SELECT 1 FROM logged l WHERE l.experiment_id = e.id) "
        f"AND NOT EXISTS (SELECT 1 FROM trace t WHERE t.experiment_id = e.id) ORDER BY e.id LIMIT {_EACH}"
    )
    found = [id for (id,) in execute(tx, sql, (to_micros(before),))]
    _delete(tx, "data_source", "experiment_id", found)
    lent = _lent(tx, found)
    total.files += sum(files.remove(tx, str(id), hand.at) for id in found if str(id) not in lent)
    _delete(tx, "experiment", "id", found)
    _forget(tx, EXPERIMENT, [str(id) for id in found])
    changes.tell_purged(tx, hand, EXPERIMENT, found)
    total.experiments += len(found)
    return len(found) == _EACH


def _lent(tx: Connection, purged: Sequence[int]) -> set[str]:
    """The folders of the artifacts that lie where another experiment keeps its own."""
    clause, bound = within(tx, "id", purged)
    sql = f"SELECT location FROM experiment WHERE location <> '{SCHEME}' || id AND NOT ({clause})"
    locations = [location for (location,) in execute(tx, sql, (bound,)) if location.startswith(SCHEME)]
    return {location.removeprefix(SCHEME).strip("/").partition("/")[0] for location in locations}


def _registered(tx: Connection, store: Store, hand: Hand, before: datetime, total: Purged) -> bool:
    """Models that were deleted, each with all of its versions: one that is restored meanwhile is whole."""
    sql = f"SELECT id FROM registered WHERE deleted_at < ? ORDER BY id LIMIT {_EACH}"
    found = [id for (id,) in execute(tx, sql, (to_micros(before),))]
    total.versions += _versions(tx, found)
    _delete(tx, "registered_alias", "model_id", found)
    _delete(tx, "registered", "id", found)
    _forget(tx, MODEL, [str(id) for id in found])
    changes.tell_purged(tx, hand, MODEL, found)
    total.models += len(found)
    return len(found) == _EACH


def _released(tx: Connection, store: Store, hand: Hand, before: datetime, total: Purged) -> bool:
    """Versions that were deleted, of models that were not."""
    sql = f"SELECT id, model_id, number FROM registered_version WHERE deleted_at < ? ORDER BY id LIMIT {_EACH}"
    found = execute(tx, sql, (to_micros(before),)).fetchall()
    _forget(tx, VERSION, [str(id) for id, *_ in found])
    _delete(tx, "registered_version", "id", [id for id, *_ in found])
    gone = [Change(MODEL, str(model), f"version {number}", None, PURGED) for _, model, number in found]
    changes.add(tx, hand, gone)
    total.versions += len(found)
    return len(found) == _EACH


def _versions(tx: Connection, models: Sequence[int]) -> int:
    """Delete all versions of models; returns how many there were."""
    clause, bound = within(tx, "model_id", models)
    found = [id for (id,) in execute(tx, f"SELECT id FROM registered_version WHERE {clause}", (bound,))]
    _forget(tx, VERSION, [str(id) for id in found])
    execute(tx, f"DELETE FROM registered_version WHERE {clause}", (bound,))
    return len(found)


def _collect(tx: Connection, store: Store, hand: Hand, before: datetime, total: Purged) -> bool:
    """Artifacts that no file is of any more, and their bytes: within the transaction, so that nobody refers to them.

    Bytes that were written for a file that did not come to be are no artifact.
    """
    limit = hand.at - _GRACE
    rows = execute(tx, f"SELECT digest FROM orphan WHERE at < ? ORDER BY digest LIMIT {_EACH}", (to_micros(limit),))
    digests = [digest for (digest,) in rows]
    needed = _needed(tx, digests)
    free = [digest for digest in digests if digest not in needed]
    clause, bound = within(tx, "digest", free)
    sql = f"SELECT digest, bytes, data IS NULL AND pack IS NULL, kind FROM artifact WHERE {clause}"
    found = execute(tx, sql, (bound,)).fetchall()
    gone = list[str]()
    kept = {each for each in {*free} - {digest for digest, *_ in found} if not store.blobs.collect(each, limit)}
    for digest, size, apart, kind in found:
        if kind != files.KIND:
            continue
        if apart and not store.blobs.collect(digest, limit):
            kept.add(digest)
            continue
        gone.append(digest)
        total.artifacts, total.bytes = total.artifacts + 1, total.bytes + size
    _delete(tx, "artifact", "digest", gone)
    _delete(tx, "orphan", "digest", [digest for digest in digests if digest not in kept])
    execute_many(tx, "UPDATE orphan SET at = ? WHERE digest = ?", [(to_micros(hand.at), digest) for digest in kept])
    return len(digests) == _EACH


def _needed(tx: Connection, digests: Sequence[str]) -> set[str]:
    """Those of some digests that something refers to."""
    places = (
        ("file", "digest"), ("edge", "reference"), ("version", "artifact"), ("version", "signature"),
        ("artifact", "pack"), ("part", "digest"), ("window", "digest"), ("bundle", "digest"),
    )  # fmt: skip
    found: set[str] = set()
    for table, column in places:
        clause, bound = within(tx, column, digests)
        found.update(
            digest for (digest,) in execute(tx, f'SELECT DISTINCT {column} FROM "{table}" WHERE {clause}', (bound,))
        )
    return found


def _delete(tx: Connection, table: str, column: str, values: Sequence[object]) -> None:
    if values:
        clause, bound = within(tx, column, values)
        execute(tx, f"DELETE FROM {table} WHERE {clause}", (bound,))


def _forget(tx: Connection, kind: str, entities: Sequence[str]) -> None:
    """Purge tags and the history of things."""
    for table in ("label", "change"):
        clause, bound = within(tx, "entity", entities)
        execute(tx, f"DELETE FROM {table} WHERE kind = ? AND {clause}", (kind, bound))
    imported.forget(tx, entities)


def _told(tx: Connection, hand: Hand, kind: str, names: Sequence[str]) -> None:
    """Purge tags and the history of things with names of their own, and keep that they were purged."""
    _forget(tx, kind, names)
    changes.add(tx, hand, [Change(kind, each, PURGED, None, hand.at.isoformat()) for each in names])
