"""Registered models with their versions: under their names and numbers, with tags, aliases and stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import Connection

from argosy.errors import ConflictError
from argosy.protocols.mlflow import registry, wire
from argosy.protocols.mlflow.importing import logged as models
from argosy.protocols.mlflow.importing import source
from argosy.protocols.mlflow.importing.files import stays
from argosy.protocols.mlflow.importing.passage import Passage, moment
from argosy.protocols.mlflow.importing.report import FILE, MODEL, VERSION
from argosy.protocols.mlflow.importing.source import Broken
from argosy.protocols.mlflow.source import PROMPTS
from argosy.store.models import aliases, logged, registered, versions
from argosy.store.models.registered import Registered
from argosy.store.models.tables import registered as model_table
from argosy.store.models.versions import NONE, STAGES, Version
from argosy.store.rows import next_id
from argosy.store.tracking import changes, experiments, labels, runs
from argosy.store.tracking.arrivals import IMPORTED
from argosy.store.tracking.changes import MODEL as MODEL_KIND
from argosy.store.tracking.changes import VERSION as VERSION_KIND
from argosy.store.tracking.changes import Change

_BELOW = "artifacts"


class Birth(NamedTuple):
    """When a model was made there, as one of its name may be another; and where its aliases point."""

    at: int
    aliases: Mapping[str, int]


def bring_models(passage: Passage, page: Sequence[source.Model | Broken]) -> None:
    """Bring a page of registered models, without their versions."""
    found = {each.name: each for each in passage.sound(MODEL, page)}
    with passage.store.read() as conn:
        known = registered.some(conn, found)
    if passage.dry:
        passage.report.add(MODEL, there=len(known))
        return
    passage.each(MODEL, [(name, partial(_model, passage, each, known.get(name))) for name, each in found.items()])


def bring_versions(passage: Passage, page: Sequence[source.Version | Broken], born: Mapping[str, Birth]) -> None:
    """Bring a page of versions with the aliases that point at them. `born` tells of each model of the source."""
    found = passage.sound(VERSION, page)
    with passage.store.read() as conn:
        known = registered.some(conn, {each.model for each in found})
        wanted = {(known[each.model].id, each.number) for each in found if each.model in known}
        there = versions.numbered(conn, wanted)
        pointing = aliases.of(conn, {each.id for each in known.values()})
        places = _places(conn, found)
    if passage.dry:
        passage.report.add(VERSION, there=len(there))
        return
    work = _Work(passage, known, there, pointing, places, born)
    passage.each(VERSION, [(f"{each.model}/{each.number}", partial(work.do, each)) for each in found])


def _model(passage: Passage, given: source.Model, known: Registered | None) -> None:
    if known is not None:
        _same(known, given.at)
        passage.report.add(MODEL, there=1)
        return
    passage.write(lambda tx: _make(tx, passage, given))
    passage.report.add(MODEL, brought=1)


def _make(tx: Connection, passage: Passage, given: source.Model) -> None:
    hand = passage.hand
    made = Registered(
        next_id(tx, model_table), registry.named(given.name), given.description, moment(given.at),
        moment(given.updated_at), 0,
    )  # fmt: skip
    registered.add(tx, made, hand)
    labels.put(tx, MODEL_KIND, made.entity, given.tags, hand)
    changes.add(tx, hand, [Change(MODEL_KIND, made.entity, IMPORTED, None, passage.source.name)])


def _same(known: Registered, at: int | None) -> None:
    if at is None or known.at != moment(at):
        raise ConflictError(
            f"a registered model {known.name!r} is here, and is another: nothing of it is overwritten",
            next="rename one of them",
        )


class _Place(NamedTuple):
    """Where the files of a version lie here; `source` is what tells of it there."""

    source: str
    location: str


class _Work(NamedTuple):
    """The versions of a page: the models here, the versions and aliases that are here, and where files lie."""

    passage: Passage
    known: Mapping[str, Registered]
    there: Mapping[tuple[int, int], Version]
    pointing: Mapping[int, Mapping[str, int]]
    places: Mapping[str, _Place]
    born: Mapping[str, Birth]

    def do(self, given: source.Version) -> None:
        """Bring one. Raises ConflictError where it is here and another, or its model is."""
        passage, model = self.passage, self.known.get(given.model)
        if model is None:
            raise ConflictError(f"its model {given.model[:200]!r} is not here", next="see why")
        birth = self.born.get(given.model)
        _same(model, None if birth is None else birth.at)
        found = self.there.get((model.id, given.number))
        if found is None:
            passage.write(lambda tx: self._write(tx, model, given))
            passage.report.add(VERSION, brought=1)
            self._tell(given)
        else:
            if (found.run, found.logged, found.at) != (given.run, given.logged, moment(given.at)):
                raise ConflictError("it is here and is another: nothing of it is overwritten", next="rename the model")
            passage.report.add(VERSION, there=1)
        self._aliases(model, given, new=found is None)

    def _write(self, tx: Connection, model: Registered, given: source.Version) -> None:
        hand = self.passage.hand
        place = self.places.get(given.location, _Place(given.source, given.location))
        stage = given.stage if given.stage in STAGES else NONE
        version = Version(
            0, model.id, model.name, given.number, given.description, place.source, place.location, given.run,
            given.logged, stage, given.owner, moment(given.at), moment(given.updated_at),
        )  # fmt: skip
        made = versions.add(tx, version, hand)
        labels.put(tx, VERSION_KIND, made.entity, given.tags, hand)
        told = [Change(VERSION_KIND, made.entity, IMPORTED, None, self.passage.source.name)]
        if stage != NONE:
            told.append(Change(VERSION_KIND, made.entity, "stage", NONE, stage, IMPORTED))
        changes.add(tx, hand, told)
        for alias in self._pointing(given):
            if alias not in self.pointing.get(model.id, {}):
                aliases.put(tx, model, registry.called(alias), given.number, hand, IMPORTED)

    def _pointing(self, given: source.Version) -> list[str]:
        """The aliases that point at a version there."""
        birth = self.born.get(given.model)
        return [] if birth is None else [name for name, number in birth.aliases.items() if number == given.number]

    def _tell(self, given: source.Version) -> None:
        """Tell of files that are not here."""
        if given.location in self.places or stays(given.location) or given.source in PROMPTS:
            return
        self.passage.report.add(FILE, found=1)
        why = f"files at {given.location[:300]} lie beside no run and no logged model that is here: they are not copied"
        self.passage.report.fail(FILE, f"{given.model}/{given.number}", why)

    def _aliases(self, model: Registered, given: source.Version, *, new: bool) -> None:
        """Tell of aliases that point elsewhere here; those stay."""
        here = self.pointing.get(model.id, {})
        for alias in self._pointing(given):
            number = here.get(alias)
            if number != given.number and not (new and number is None):
                points = "at nothing" if number is None else f"at version {number}"
                raise ConflictError(f"its alias {alias!r} points {points} here, and stays so", next="move it yourself")


def _places(conn: Connection, found: Sequence[source.Version]) -> dict[str, _Place]:
    """Where files lie here, by where they lie there: beside the run or the logged model that their path names."""
    named = {each.location: _named(each.location) for each in found if not stays(each.location)}
    wanted = {name for several in named.values() for name, _ in several}
    tracked, shelved = runs.named(conn, wanted), logged.named(conn, wanted)
    ids = {run.experiment_id for run in tracked.values()} | {each.experiment_id for each in shelved.values()}
    homes = experiments.some(conn, ids)
    roots = {name: wire.artifact_root(homes[run.experiment_id].location, name) for name, run in tracked.items()}
    roots |= {name: models.location(homes[each.experiment_id], name) for name, each in shelved.items()}
    made: dict[str, _Place] = {}
    for each in found:
        for name, rest in named.get(each.location, ()):
            if name in roots:
                location = f"{roots[name]}/{rest}" if rest else roots[name]
                kept = each.source.startswith(("runs:", "models:"))
                made.setdefault(each.location, _Place(each.source if kept else location, location))
                break
    return made


def _named(location: str) -> list[tuple[str, str]]:
    """The runs and logged models that a location may be below, each with the path below it."""
    scheme, colon, rest = location.partition(":/")
    if colon and scheme in ("runs", "models"):
        name, _, path = rest.strip("/").partition("/")
        return [(name, path)]
    parts = location.rstrip("/").split("/")
    return [
        (before, "/".join(parts[place + 2 :])) for place, (before, here) in enumerate(pairwise(parts)) if here == _BELOW
    ]
