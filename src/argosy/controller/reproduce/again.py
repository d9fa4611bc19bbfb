"""Doing it again: a recipe in a home of its own, with the libraries of this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from argosy.controller import code as coding
from argosy.controller import libraries, running, survey
from argosy.controller.act import train as training
from argosy.controller.action import Group, Train
from argosy.controller.house import House
from argosy.controller.reproduce import environment, outcome, recipe
from argosy.controller.reproduce.checkout import check_out
from argosy.controller.reproduce.compare import Compared, compare
from argosy.controller.reproduce.recipe import Piped, Recipe, Trained
from argosy.errors import ArgosyError
from argosy.model.signature import Signature
from argosy.pipelines.landing import Ended
from argosy.spec.feature import Spine
from argosy.spec.fleet import POOLED, Fleet
from argosy.spec.quantity import plural
from argosy.store import Store

Tell = Callable[[str], None]
_CAUSE, _PAUSE = "reproduced", 2.0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was done again, of what, and what came of it.

    `libraries` tells in words how those that are installed differ from the recorded ones, `home` is where it was done.
    """

    name: str
    bundle: str
    datasets: dict[str, int]
    python: str
    libraries: str
    compared: Compared
    wall_s: float
    home: str = ""


def again(
    store: Store, wanted: Recipe, place: Path, *, variables: Mapping[str, str], tolerance: float = 0.0,
    actor: str = _CAUSE, tell: Tell = lambda _: None,
) -> Report:  # fmt: skip
    """Do what a recipe tells once more, in a home at `place`, and compare what came of it with what `store` has.

    The user's code runs in this process and its workers, with the `variables` of the environment. Raises CorruptError
    where something that it was made of is gone, and ArgosyError where a training gives no model.
    """
    now = environment.installed(wanted.libraries)
    differ = libraries.changes(wanted.libraries, now)
    if differ:
        tell(f"other libraries than recorded: {differ}")
    check_out(store, wanted, place)
    tell(f"checked out: bundle {wanted.bundle.digest[:12]}, {_read(wanted)}")
    began = time.monotonic()
    with Store.open(place, create=False) as copy, House(copy, environment=variables, actor=actor) as house:
        name = _train(house, wanted, store) if isinstance(wanted, Trained) else _run(house, wanted, tell)
        wall = time.monotonic() - began
        with copy.read() as conn:
            made = recipe.find(conn, name)
            assert isinstance(made, Piped | Trained)
            after = outcome.of(conn, _narrowed(made, wanted))
    with store.read() as conn:
        before = outcome.of(conn, wanted)
    return Report(
        name=wanted.name, bundle=wanted.bundle.digest, datasets=wanted.datasets, python=now["python"],
        libraries=differ, compared=compare(before, after, tolerance), wall_s=wall,
    )  # fmt: skip


def _read(wanted: Recipe) -> str:
    return ", ".join(f"{name}@{number}" for name, number in wanted.datasets.items()) or "no dataset"


def _narrowed(made: Piped | Trained, wanted: Recipe) -> Recipe:
    """The same call as the one that is asked for."""
    if isinstance(made, Piped) and isinstance(wanted, Piped):
        return msgspec.structs.replace(made, call=wanted.call)
    return made


def _run(house: House, wanted: Piped, tell: Tell) -> str:
    """Run a pipeline again; the name of its run."""
    run = wanted.run
    code = coding.of_run(house, run)
    made = running.setting(house, code, run.parameters, run.inputs)
    asked = running.request(house, code, run.parameters, _CAUSE)
    begun = running.begun(house, asked, made)
    running.carry_out(house, code, begun, made, train=_refuse, on_ended=_Told(tell))
    return str(begun.id)


def _refuse(fleet: str) -> dict[str, Any]:
    raise ArgosyError(
        f"the training of fleet {fleet} is not done again with its run",
        next=f"argosy reproduce {fleet}/KEY@NUMBER, for a version that it made",
    )


class _Told:
    """Tells every few seconds how many calls have ended."""

    def __init__(self, tell: Tell) -> None:
        self._tell, self._count, self._last = tell, 0, time.monotonic()

    def __call__(self, ended: Ended) -> None:
        self._count += 1
        if time.monotonic() - self._last > _PAUSE:
            self._last = time.monotonic()
            self._tell(f"  {plural(self._count, 'call')} so far")


def _train(house: House, wanted: Trained, store: Store) -> str:
    """Train a member again as of the time of its training; the address of the version."""
    meant = wanted.address
    pooled = meant.key == POOLED
    groups = () if pooled else (Group(_CAUSE, (meant.key,)),)
    digest = wanted.version.signature
    with house.store.read() as conn:
        snapshot = survey.glance(conn, wanted.at)
    state = snapshot.fleets[meant.fleet]
    known = _without_keys(Signature.from_json(store.blobs.get(digest)), state.fleet) if digest else None
    revision = state.revision
    action = Train(meant.fleet, groups, pooled, _CAUSE, revision)
    found = training.run(house, snapshot, action, wanted.at, signature=known)
    if meant.key not in found.versions:
        why = found.failed.get(meant.key, found.said)
        raise ArgosyError(f"{meant} could not be trained again: {why}", next=f"argosy lineage {meant}")
    return str(msgspec.structs.replace(meant, number=1))


def _without_keys(signature: Signature, fleet: Fleet) -> Signature:
    """The signature of the fleet's training set: the pooled model takes the key columns besides."""
    added = set(fleet.by) - {each.name for each in fleet.features if isinstance(each, Spine)}
    features = tuple(each for each in signature.features if each.name not in added or each.origin != "column")
    return msgspec.structs.replace(signature, features=features)
