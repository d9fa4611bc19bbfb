"""Disposal: experiments, tracked runs and registered models go into the trash by their names, and come out again."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection

from argosy.errors import ConflictError, UnknownError, UsageError
from argosy.store.models import registered
from argosy.store.tracking import experiments, identity, runs
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.experiments import Experiment

EXPERIMENT, RUN, MODEL = KINDS = ("experiment", "run", "model")


class Done(NamedTuple):
    """What was done, in words, and what it can be called by."""

    said: str
    kind: str
    name: str


def delete(tx: Connection, kind: str, name: str, hand: Hand, reason: str = "") -> Done:
    """Put the thing of a name into the trash: an experiment with its runs, a model with its versions.

    Raises UnknownError where there is none, ConflictError for a run that is there already, UsageError for a kind that
    has no trash.
    """
    return _chosen(kind, _DELETE)(tx, name, hand, reason)


def restore(tx: Connection, kind: str, name: str, hand: Hand, reason: str = "") -> Done:
    """Take the thing of a name out of the trash, with all that went there with it; of several the last one deleted.

    Raises UnknownError where none is there, TakenError where its name was given to another meanwhile, ConflictError for
    a run whose experiment is in the trash, UsageError for a kind that has no trash.
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
    of = experiments.get(tx, found.experiment_id)
    if of.deleted_at is not None:
        next = f"argosy restore experiment {shlex.quote(of.name)}"
        raise ConflictError(f"run {name} is of experiment {of.name}, which is in the trash", next=next)
    runs.restore(tx, found.run, hand, reason)
    return Done(f"run {name} ({found.name}) is back", RUN, name)


def _delete_model(tx: Connection, name: str, hand: Hand, reason: str) -> Done:
    found = registered.find(tx, name)
    if found is None:
        trashed = "; one is in the trash" if registered.trashed(tx, name) else ""
        next = f"argosy restore model {shlex.quote(name)}" if trashed else "argosy get models"
        raise UnknownError(f"there is no registered model {name!r}{trashed}", next=next)
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


_DELETE: dict[str, _Act] = {EXPERIMENT: _delete_experiment, RUN: _delete_run, MODEL: _delete_model}
_RESTORE: dict[str, _Act] = {EXPERIMENT: _restore_experiment, RUN: _restore_run, MODEL: _restore_model}
