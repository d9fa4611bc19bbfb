"""Logged models: each whole in one transaction with its metrics, then its files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from argosy.errors import ConflictError, InputError
from argosy.protocols.mlflow import limit, wire
from argosy.protocols.mlflow.importing import files, source
from argosy.protocols.mlflow.importing.passage import Passage, moment
from argosy.protocols.mlflow.importing.report import LOGGED
from argosy.protocols.mlflow.importing.source import Broken
from argosy.store.models import logged, readings
from argosy.store.models.logged import Logged
from argosy.store.models.readings import Reading
from argosy.store.models.tables import logged as table
from argosy.store.rows import next_id
from argosy.store.tracking import changes, imported, labels
from argosy.store.tracking.arrivals import IMPORTED
from argosy.store.tracking.changes import LOGGED as KIND
from argosy.store.tracking.changes import Change
from argosy.store.tracking.experiments import Experiment
from argosy.store.tracking.imported import Import

_NAME = re.compile(r"m-[\w\-]{1,64}", re.ASCII)


def bring(
    passage: Passage, there: source.Experiment, here: Experiment | None, page: Sequence[source.Logged | Broken]
) -> None:
    """Bring a page of logged models of an experiment, several at once."""
    found = {each.model: each for each in passage.sound(LOGGED, page)}
    with passage.store.read() as conn:
        known, marks = logged.named(conn, found), imported.of(conn, found)
    if here is None or passage.dry:
        passage.report.add(LOGGED, there=len(known))
        return
    passage.each(
        LOGGED,
        [
            (name, partial(_bring, passage, there, here, each, known.get(name), marks.get(name)))
            for name, each in found.items()
        ],
    )


def location(home: Experiment, model: str) -> str:
    """Where the files of a logged model of an experiment lie."""
    return wire.artifact_root(home.location, f"models/{model}")


def _bring(
    passage: Passage, there: source.Experiment, here: Experiment, given: source.Logged, known: Logged | None,
    mark: Import | None,
) -> None:  # fmt: skip
    if known is None:
        mark = None
        passage.write(lambda tx: _write(tx, passage, here, given))
        passage.report.add(LOGGED, brought=1)
    else:
        _compare(given, mark)
        passage.report.add(LOGGED, there=1)
    if (mark is not None and mark.whole) or not passage.artifacts:
        return
    beside = (there.id, "models", given.model, "artifacts")
    whole, _ = files.bring(passage, f"models/{given.model}", given.location, location(here, given.model), beside)
    if whole:
        passage.write(lambda tx: imported.complete(tx, given.model, passage.hand))


def _write(tx: Connection, passage: Passage, here: Experiment, given: source.Logged) -> None:
    if _NAME.fullmatch(given.model) is None:
        raise InputError(f"{given.model[:80]!r} is no name of a logged model", next="it is m- and 32 hex digits")
    hand = passage.hand
    run = None if given.run is None else limit.named(given.run)
    made = Logged(
        next_id(tx, table), given.model, here.id, given.name, given.type, given.status, run, moment(given.at),
        moment(given.updated_at), None, given.parameters,
    )  # fmt: skip
    logged.add(tx, made, hand)
    labels.put(tx, KIND, given.model, given.tags, hand)
    readings.log(tx, [Reading(given.model, each.run, each.dataset, each.digest, each.point) for each in given.metrics])
    changes.add(tx, hand, [Change(KIND, given.model, IMPORTED, None, passage.source.name)])
    imported.mark(tx, given.model, given.content, hand)


def _compare(given: source.Logged, mark: Import | None) -> None:
    if mark is None:
        raise ConflictError(
            "a logged model of this id is here, and it was not imported: nothing of it is overwritten",
            next="see which of them is right",
        )
    if mark.content != given.content:
        raise ConflictError(
            "it was imported, and has changed there since: what is here stays as it was", next="see what changed there"
        )
