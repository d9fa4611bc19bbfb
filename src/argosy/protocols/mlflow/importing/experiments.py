"""Experiments: found here by name, or made; those of the trash among those in it."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection

from argosy.protocols.mlflow.importing import source
from argosy.protocols.mlflow.importing.files import stays
from argosy.protocols.mlflow.importing.passage import Passage, moment
from argosy.protocols.mlflow.importing.report import EXPERIMENT, Place
from argosy.store.tracking import changes, experiments, labels
from argosy.store.tracking.arrivals import IMPORTED
from argosy.store.tracking.changes import EXPERIMENT as KIND
from argosy.store.tracking.changes import Change
from argosy.store.tracking.experiments import Experiment
from argosy.store.tracking.place import SCHEME


def bring(passage: Passage, given: source.Experiment) -> Experiment | None:
    """The experiment here that an experiment there is; None where there is none, as nothing is written."""
    with passage.store.read() as conn:
        if given.deleted:
            found = next(iter(experiments.trashed(conn, given.name)), None)
        else:
            found = experiments.find(conn, given.name)
    if found is None:
        made = None if passage.dry else passage.write(partial(_make, passage=passage, given=given))
        passage.report.add(EXPERIMENT, brought=0 if passage.dry else 1)
    else:
        made = found
        passage.report.add(EXPERIMENT, there=1)
        if not passage.dry:
            passage.write(partial(_tag, passage=passage, found=found, given=given))
    if made is not None:
        passage.report.map(Place(given.name, given.id, made.id, found is None))
    return made


def _make(tx: Connection, passage: Passage, given: source.Experiment) -> Experiment:
    """Make it. Its artifacts lie in this home, or where they stay."""
    hand, id = passage.hand, experiments.fresh(tx)
    made = Experiment(
        id, given.name, given.location if stays(given.location) else f"{SCHEME}{id}", moment(given.at),
        moment(given.updated_at), hand.at if given.deleted else None,
    )  # fmt: skip
    experiments.add(tx, made, hand)
    labels.put(tx, KIND, str(id), given.tags, hand)
    changes.add(tx, hand, [Change(KIND, str(id), IMPORTED, None, passage.source.name)])
    return made


def _tag(tx: Connection, passage: Passage, found: Experiment, given: source.Experiment) -> None:
    """Give it the tags that it has none of its own for."""
    known = labels.of(tx, KIND, [str(found.id)]).get(str(found.id), {})
    new = {key: value for key, value in given.tags.items() if key not in known}
    labels.put(tx, KIND, str(found.id), new, passage.hand)
