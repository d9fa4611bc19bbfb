"""Memory: results of earlier executions by their key, as far as their artifacts are still there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.errors import CorruptError, UnknownError
from argosy.pipelines.piece import Held, Many, Piece
from argosy.spec import duration
from argosy.store import Blobs, Store, artifacts, calls, executions

_FEW = 16
"""Keys for which it is cheaper to ask first whether any is known."""
_RUNS = 8
"""Runs whose results are all loaded at once, at most."""
_LOST = re.compile("(?<=there is no blob )[0-9a-f]{64}|[0-9a-f]{64}(?= does not match its content address)")


class Known(msgspec.Struct, frozen=True, gc=False):
    """The outputs of an execution that succeeded, and when it did."""

    execution_id: int
    at: datetime
    outputs: tuple[Piece | None, ...]

    def fresh(self, cache: bool | str, now: datetime) -> bool:
        """Whether it may be used again by a step that is cached for so long."""
        return not isinstance(cache, str) or self.at + duration.parse(cache) > now


class Memo:
    """Looks results up, those of the pipeline's last run all at once: most runs repeat most of it.

    What that run found to be damaged is read before it is used again.
    """

    def __init__(self, store: Store, last: int | None = None) -> None:
        self._store = store
        self._last = last
        self._known: dict[str, Known] = {}
        self._begun = False
        self._loaded: set[int] = set()
        self._there: dict[str, bool] = {}
        self._doubted: set[str] = set()

    def find(self, keys: Sequence[str]) -> dict[str, Known]:
        """Those of `keys` that are known."""
        if not self._begun and self._last is not None:
            with self._store.read() as conn:
                self._load(conn, self._last)
        self._begun = True
        missing = [key for key in keys if key not in self._known]
        if missing and (len(missing) > _FEW or executions.known(self._store, missing)):
            with self._store.read() as conn:
                found = read(conn, executions.finished(conn, missing).values())
                self._known |= found
                self._widen(conn, found.values())
        found = {key: self._known[key] for key in keys if key in self._known}
        return {key: known for key, known in found.items() if all(map(self._is_there, known.outputs))}

    def learn(self, key: str, known: Known) -> None:
        """That a call was made just now: what was known of it before is old."""
        if key in self._known:
            self._known[key] = known

    def _widen(self, conn: Connection, found: Iterable[Known]) -> None:
        """Who repeats one result of a run is likely to repeat the others: all of one such run, which are few."""
        one = next(iter(found), None)
        run = calls.user(conn, one.execution_id) if one is not None else None
        if run is not None and run not in self._loaded and len(self._loaded) < _RUNS:
            self._load(conn, run)

    def _load(self, conn: Connection, run: int) -> None:
        self._loaded.add(run)
        self._known = read(conn, executions.of_run(conn, run)) | self._known
        reasons = calls.reasons(conn, run, calls.FAILED)
        self._doubted |= {digest for reason in reasons for digest in lost(reason)}

    def _is_there(self, piece: Piece | None) -> bool:
        if isinstance(piece, Many):
            return all(map(self._is_there, piece.items))
        if not isinstance(piece, Held):
            return True
        if {piece.digest, piece.pack} & self._doubted and not _sound(self._store.blobs, piece):
            return False
        return piece.data is not None or _has(self._store.blobs, piece.pack or piece.digest, self._there)


def lost(reason: str) -> set[str]:
    """The blobs and artifacts that were damaged or gone, where a call failed for that."""
    return set(_LOST.findall(reason))


def read(conn: Connection, runs: Iterable[executions.Execution | executions.Done]) -> dict[str, Known]:
    """The results of executions of steps by key; those whose artifacts are not on record are left out."""
    found = [run for run in runs if run.outcome == executions.SUCCEEDED and "outputs" in run.parameters]
    digests = {digest for run in found for output in run.parameters["outputs"] for _, digest in _named(output)}
    known = artifacts.get(conn, digests)
    made: dict[str, Known] = {}
    for run in found:
        try:
            outputs = tuple(_piece(output, known) for output in run.parameters["outputs"])
        except KeyError:
            continue
        made[run.key] = Known(run.id, run.ended_at, outputs)
    return made


def written(piece: Piece | None) -> Any:
    """An output as JSON: its format and digest, a list of such, or null."""
    if isinstance(piece, Held):
        return [piece.format, piece.digest]
    return {"items": [written(each) for each in piece.items]} if isinstance(piece, Many) else None


def _named(output: Any) -> Iterable[tuple[str, str]]:
    if isinstance(output, dict):
        for each in output["items"]:
            yield from _named(each)
    elif output is not None:
        yield output[0], output[1]


def _piece(output: Any, known: dict[str, artifacts.Artifact]) -> Piece | None:
    if isinstance(output, dict):
        return Many.of([_piece(each, known) for each in output["items"]])
    return None if output is None else msgspec.structs.replace(Held.recorded(known[output[1]]), format=output[0])


def _has(blobs: Blobs, digest: str, there: dict[str, bool]) -> bool:
    if digest not in there:
        there[digest] = blobs.has(digest)
    return there[digest]


def _sound(blobs: Blobs, piece: Held) -> bool:
    if piece.data is not None:
        return hashlib.sha256(piece.data).hexdigest() == piece.digest
    try:
        blobs.read(piece.slot)
    except (CorruptError, UnknownError):
        return False
    return True
