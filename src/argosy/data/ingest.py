"""Ingest: what a source offers becomes the next version of a dataset, whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from argosy.data import part, source, state
from argosy.data.batch import KEPT, judge
from argosy.data.commit import Making, Outcome, commit
from argosy.data.compact import compact
from argosy.data.load import Load
from argosy.data.state import REJECTED
from argosy.errors import ConflictError, UnknownError
from argosy.spec.dataset import Dataset
from argosy.store import Store, datasets


def ingest(
    store: Store,
    dataset: Dataset,
    root: Path,
    now: datetime,
    *,
    environment: Mapping[str, str],
    actor: str = "controller",
    bundle: str | None = None,
) -> Outcome:
    """Read what is new, check it, and commit it as one version with everything that refers to it.

    At most about 256 MB of files are taken at once; `Outcome.left` tells of more. A version that breaks a rule that
    blocks is recorded without rows; they are kept aside until `accept`. Raises `InputError` for a source that cannot
    be read, `CapacityError` where the disk is full, `ConflictError` if another ingest was faster: then nothing is
    ingested, and the sources stay pending.
    """
    started = (time.process_time(), time.perf_counter())
    with store.read() as conn:
        there = source.offers(conn, dataset, root, now)
        if not there:
            return Outcome("nothing")
        before = state.before(conn, dataset)
    taken = source.portion(there)
    loads = source.load(store, dataset, root, taken, before.terms, now=now, environment=environment)
    batch = judge(store.blobs, dataset, loads, before, now)
    shown = ", ".join(offer.label for offer in taken[:3]) + (f" and {len(taken) - 3} more" if len(taken) > 3 else "")
    making = Making(store, dataset, now, actor, bundle, "dataset.ingested", shown, "", started)
    outcome = commit(making, loads, batch, before)
    if outcome.version is not None:
        compact(store, outcome.version, now)
    return msgspec.structs.replace(outcome, left=len(there) - len(taken))


def accept(store: Store, dataset: Dataset, number: int, actor: str, reason: str, now: datetime) -> Outcome:
    """Take the rows of the rejected version `number` in all the same, as a new version; who and why are recorded.

    Rows that came in meanwhile are not taken twice. Raises `UnknownError` if that version was not rejected,
    `ConflictError` if it was accepted before, `InputError` where its columns cannot be held with the dataset's.
    """
    started = (time.process_time(), time.perf_counter())
    name, key = dataset.name, f"{REJECTED}:{number}"
    with store.read() as conn:
        parts = datasets.parts(conn, name, number, purpose=REJECTED, since=number - 1) if number > 0 else []
        if not parts:
            raise UnknownError(f"{name}@{number} holds no rejected rows", next=f"argosy describe dataset {name}")
        if datasets.ingested(conn, name, [key]):
            raise ConflictError(f"{name}@{number} was accepted before", next=f"argosy describe dataset {name}")
        before = state.before(conn, dataset)
    loads = [
        Load(f"{name}@{number}", KEPT, f"{name}@{number}", (key,), part.frame(store.blobs, [each]).collect())
        for each in parts
    ]
    batch = judge(store.blobs, dataset, loads, before, now, acceptor=actor)
    cause = f"version {number}, rejected before, was accepted by {actor}"
    return commit(
        Making(store, dataset, now, actor, None, "dataset.accepted", cause, reason, started), loads, batch, before
    )
