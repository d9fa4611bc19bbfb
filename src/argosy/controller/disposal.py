"""Disposal: what clients keep goes into the trash by its name, and comes out again.

Experiments, tracked runs, logged models, registered models and single versions of them.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection

from argosy.errors import ConflictError, UnknownError, UsageError
from argosy.store.models import logged, registered, versions
from argosy.store.models.registered import Registered
from argosy.store.tracking import experiments, identity, runs
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.experiments import Experiment

EXPERIMENT, RUN, MODEL, VERSION, LOGGED = KINDS = ("experiment", "run", "model", "version", "logged")


class Done(NamedTuple):
    """What was done, in words, and what it can be called by."""

    said: str
    kind: str
    name: str


def delete(tx: Connection, kind: str, name: str, hand: Hand, reason: str = "") -> Done:
    """Put the thing of a name into the trash: an experiment with its runs, a model with its versions.

    A version is named as its model and its number are: late/3. Raises UnknownError where there is none, ConflictError
    for a run or a logged model that is there already, UsageError for a kind that has no trash.
    """
    return _chosen(kind, _DELETE)(tx, name, hand, reason)


def restore(tx: Connection, kind: str, name: str, hand: Hand, reason: str = "") -> Done:
    """Take the thing of a name out of the trash, with all that went there with it; of several the last one deleted.

    Raises UnknownError where none is there, TakenError where its name was given to another meanwhile, ConflictError for
    what belongs to an experiment that is in the trash, UsageError for a kind that has no trash.
    """
    return _chosen(kind, _RESTORE)(tx, name, hand, reason)


def experiment(conn: Connection, name: str) -> Experiment:
    """The experiment of a name or an id that is not deleted. Raises UnknownError."""
    found = experiments.find(conn, name)
    if found is None and _is_id(name):
        found = experiments.some(conn, [int(name)]).get(int(name))
    if found is None or found.deleted_at is not None:
        trashed = "; one is in the trash" if found or experiments.trashed(conn, name) else ""
        next = f"argosy restore experiment {shlex.quote(name)}" if trashed else "argosy get experiments"
        raise UnknownError(f"there is no experiment {name!r}{trashed}", next=next)
    return found


_Act = Callable[[Connection, str, Hand, str], Done]


def _chosen(kind: str, acts: dict[str, _Act]) -> _Act:
    if kind.removesuffix("s") not in acts:
        raise UsageError(f"a {kind} has no trash", next=f"use one of: {', '.join(KINDS)}")
    return acts[kind.removesuffix("s")]


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _delete_experiment(tx: Connection, name: str, hand: Hand, reason: str) -> Done:
    found = experiment(tx, name)
    experiments.delete(tx, found.id, hand, reason)
    return Done(f"experiment {found.name} and its runs are in the trash", EXPERIMENT, found.name)


def _restore_experiment(tx: Connection, name: str, hand: Hand, reason: str) -> Done:
    some = experiments.trashed(tx, name)
    if not some and _is_id(name):
        some = [each for each in experiments.some(tx, [int(name)]).values() if each.deleted_at is not None]
    if not some:
        raise UnknownError(f"no experiment {name!r} is in the trash", next="argosy get experiments")
    experiments.restore(tx, some[0].id, hand, reason)
    return Done(f"experiment {some[0].name} and its runs are back", EXPERIMENT, some[0].name)


def _delete_run(tx: Connection, name: str, hand: Hand, reason: str) -> Done:
    (found,) = identity.find(tx, [name])
    if found.deleted_at is not None:
        raise ConflictError(f"run {name} is in the trash already", next=f"argosy restore run {name}")
    runs.delete(tx, found.run, hand, reason)
    return Done(f"run {name} ({found.name}) is in the trash", RUN, name)


def _restore_run(tx: Connection, name: str, hand: Hand, reason: str) -> Done:
    (found,) = identity.find(tx, [name])
    if found.deleted_at is None:
        raise UnknownError(f"run {name} is not in the trash", next=f"argosy describe run {name}")
    _outside(tx, f"run {name}", found.experiment_id)
    runs.restore(tx, found.run, hand, reason)
    return Done(f"run {name} ({found.name}) is back", RUN, name)


def _delete_model(tx: Connection, name: str, hand: Hand, reason: str) -> Done:
    found = _model(tx, name)
    registered.delete(tx, found, hand, reason)
    return Done(f"model {name} and its versions are in the trash", MODEL, name)


def _restore_model(tx: Connection, name: str, hand: Hand, reason: str) -> Done:
    some = registered.trashed(tx, name)
    if not some:
        raise UnknownError(
            f"no registered model {name!r} is in the trash", next=f"argosy history model {shlex.quote(name)}"
        )
    found, deleted_at = some[0]
    registered.restore(tx, found, deleted_at, hand, reason)
    return Done(f"model {name} and its versions are back", MODEL, name)


def _delete_version(tx: Connection, name: str, hand: Hand, reason: str) -> Done:
    model, number = _version(tx, name)
    if versions.trashed(tx, model, number) is not None:
        raise ConflictError(f"version {name} is in the trash already", next=f"argosy restore version {name}")
    versions.delete(tx, versions.get(tx, model, number), hand, reason)
    return Done(f"version {name} is in the trash, and no alias points at it any more", VERSION, name)


def _restore_version(tx: Connection, name: str, hand: Hand, reason: str) -> Done:
    model, number = _version(tx, name)
    found = versions.trashed(tx, model, number)
    if found is None:
        raise UnknownError(
            f"no version {name!r} is in the trash", next=f"argosy history model {shlex.quote(model.name)}"
        )
    versions.restore(tx, *found, hand, reason)
    return Done(f"version {name} is back; its aliases are not", VERSION, name)


def _delete_logged(tx: Connection, name: str, hand: Hand, reason: str) -> Done:
    if logged.get(tx, name).deleted_at is not None:
        raise ConflictError(f"logged model {name} is in the trash already", next=f"argosy restore logged {name}")
    logged.delete(tx, name, hand, reason)
    return Done(f"logged model {name} is in the trash", LOGGED, name)


def _restore_logged(tx: Connection, name: str, hand: Hand, reason: str) -> Done:
    found = logged.get(tx, name)
    if found.deleted_at is None:
        raise UnknownError(f"logged model {name} is not in the trash", next="argosy runs")
    _outside(tx, f"logged model {name}", found.experiment_id)
    logged.restore(tx, name, hand, reason)
    return Done(f"logged model {name} is back", LOGGED, name)


def _model(tx: Connection, name: str) -> Registered:
    """The registered model of a name. Raises UnknownError where there is none that is not in the trash."""
    found = registered.find(tx, name)
    if found is None:
        trashed = "; one is in the trash" if registered.trashed(tx, name) else ""
        next = f"argosy restore model {shlex.quote(name)}" if trashed else "argosy get models"
        raise UnknownError(f"there is no registered model {name!r}{trashed}", next=next)
    return found


def _version(tx: Connection, name: str) -> tuple[Registered, int]:
    """The model and the number that a version is named by, be there such a version or not."""
    model, slash, number = name.rpartition("/")
    if not slash or not _is_id(number):
        raise UsageError(f"{name!r} names no version of a registered model", next="name it as late/3")
    return _model(tx, model), int(number)


def _outside(tx: Connection, what: str, experiment_id: int) -> None:
    """Raises ConflictError for what belongs to an experiment that is in the trash."""
    of = experiments.get(tx, experiment_id)
    if of.deleted_at is not None:
        next = f"argosy restore experiment {shlex.quote(of.name)}"
        raise ConflictError(f"{what} is of experiment {of.name}, which is in the trash", next=next)


_DELETE: dict[str, _Act] = {
    EXPERIMENT: _delete_experiment, RUN: _delete_run, MODEL: _delete_model, VERSION: _delete_version,
    LOGGED: _delete_logged,
}  # fmt: skip
_RESTORE: dict[str, _Act] = {
    EXPERIMENT: _restore_experiment, RUN: _restore_run, MODEL: _restore_model, VERSION: _restore_version,
    LOGGED: _restore_logged,
}  # fmt: skip
