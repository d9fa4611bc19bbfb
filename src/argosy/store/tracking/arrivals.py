"""Runs that arrive whole from another system: with all that they logged there, and under the names they had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from argosy.store.models import logged
from argosy.store.tracking import changes, imported, inputs, metrics, runs, texts
from argosy.store.tracking.changes import RUN, Change, Hand
from argosy.store.tracking.inputs import Input
from argosy.store.tracking.metrics import Point
from argosy.store.tracking.runs import NAME_TAG, Run

IMPORTED = "imported"
"""The field of the change which tells from where something was brought."""


class Arrival(NamedTuple):
    """A run as it arrives; the id that `run` has is not yet its own.

    `blocks` are points as `metrics.pack` makes them, `read` and `made` logged models, each with a step. `content` is
    the hash of what it was there, `source` tells where that is.
    """

    run: Run
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    blocks: Sequence[bytes]
    inputs: Sequence[Input]
    read: Sequence[tuple[str, int]]
    made: Sequence[tuple[str, int]]
    content: str
    source: str


def write(tx: Connection, given: Arrival, hand: Hand) -> Run:
    """Have a run that is as it arrives, in one transaction with the note that it was brought."""
    run = runs.add(tx, given.run, hand)
    texts.put(tx, texts.PARAMETER, run.id, run.experiment_id, given.parameters, hand, run=run.run)
    texts.put(tx, texts.TAG, run.id, run.experiment_id, {**given.tags, NAME_TAG: run.name}, hand, run=run.run)
    for block in given.blocks:
        found = metrics.unpack(block).items()
        points = [Point(key, value, step, at) for key, several in found for step, at, value in several]
        metrics.log(tx, run.id, run.experiment_id, points)
    inputs.log(tx, run.id, run.experiment_id, given.inputs)
    logged.flow(tx, run.id, logged.IN, given.read)
    logged.flow(tx, run.id, logged.OUT, given.made)
    changes.add(tx, hand, [Change(RUN, run.run, IMPORTED, None, given.source)])
    imported.mark(tx, run.run, given.content, hand)
    return run
