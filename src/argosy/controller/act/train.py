"""Carry out a `Train`: one join for all members that are due, one training set, and no fit that was done before."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.controller import libraries, signal
from argosy.controller.act.materialise import sources
from argosy.controller.action import Train, headline
from argosy.controller.condition import Explanation, explain
from argosy.controller.house import House
from argosy.controller.libraries import Libraries
from argosy.controller.observe import FleetState, Snapshot
from argosy.controller.wanted import Wanted
from argosy.controller.watching import answered, reference
from argosy.data.dtype import parse_all
from argosy.data.read import scan
from argosy.engine.contract import Progress
from argosy.errors import UnknownError
from argosy.features.join import join
from argosy.features.lineage import lineage
from argosy.features.request import apply as request_features
from argosy.features.source import Source
from argosy.features.trainingset import Columns, TrainingSet, build, member
from argosy.model.signature import Signature, infer_signature
from argosy.model.signature import lineage as made
from argosy.spec import duration
from argosy.spec.dataset import Dataset
from argosy.spec.feature import Feature, RequestFeatures, Spine, ViewReference
from argosy.spec.fleet import POOLED, Fleet
from argosy.spec.quantity import plural
from argosy.spec.tag import tagged
from argosy.store import decisions, events, members, signals
from argosy.store.executions import FALLBACK
from argosy.training.fleet import preload, train
from argosy.training.request import TrainReport, TrainRequest
from argosy.training.rows import Member

AT = "decision time"
"""The column of the time at which a prediction is made; a space keeps it apart from the columns of users' tables."""

_SAID = 200
_NAMED = 32
"""Letters and digits in the name of a training set's directory: nothing else beside it is ours to drop."""

OnProgress = Callable[[Progress], None]


class _Views(msgspec.Struct, frozen=True):
    """The views of a fleet, ready to be joined, and what they were read from."""

    sources: list[tuple[Source, pl.LazyFrame]]
    references: tuple[tuple[str, str], ...]


class Given(msgspec.Struct, frozen=True):
    """A training set, what it was read from, and by name why slices are left out of it."""

    data: TrainingSet
    inputs: tuple[tuple[str, str], ...]
    left_out: dict[str, str] = {}


class Trained(msgspec.Struct, frozen=True):
    """What came of a training in words, and by the key of each member that failed the reason.

    `versions` are the ids of new ones, by the key of their member; `unchanged` and `fallbacks` count members that were
    up to date, and that have no model of their own. `empty` where no row had a label, so that nothing was trained.
    """

    said: str
    failed: dict[str, str] = {}
    versions: dict[str, int] = {}
    unchanged: int = 0
    fallbacks: int = 0
    empty: bool = False


def run(
    house: House, snapshot: Snapshot, action: Train, now: datetime, on_progress: OnProgress | None = None,
    signature: Signature | None = None,
) -> Trained:  # fmt: skip
    """Train the members of an action; what happened to each is recorded with the reason that asked for it.

    A `signature` is that of an earlier training, whose categories are to be used again.
    """
    state = snapshot.fleets[action.fleet]
    wanted = snapshot.wanted["fleet", action.fleet]
    given = training_set(house, snapshot, state, action, now, signature)
    if given is None:
        return Trained(f"{action.fleet}: there are no labelled rows to train on", empty=True)
    data = given.data
    lines = data.members.filter(pl.col("member") != POOLED)
    everyone = tuple(Member(key, start, rows, digest) for key, start, rows, digest in
                     lines.select("member", "start", "rows", "digest").iter_rows())  # fmt: skip
    environment = state.installed or libraries.installed(wanted.packages)
    request = TrainRequest(
        fleet=state.fleet, signature=data.signature, members=everyone, data=data, code=_code(snapshot, wanted),
        environment=environment.digest, bundle=wanted.bundle, inputs=(*given.inputs, ("training set", data.digest)),
        only=frozenset(action.members), pooled=action.pooled,
    )  # fmt: skip
    engine = house.engine(wanted.bundle, preload(each.fleet for each in snapshot.fleets.values()))
    report = train(house.store, engine, request, now, on_progress, partial(house.write, action.subject))
    _record(house, state, action, report, environment, now)
    said = (
        f"{action.fleet}: {plural(len(report.versions), 'new version')}, {len(report.unchanged)} unchanged, "
        f"{len(report.fallbacks)} without a model of their own, {len(report.failed)} failed"
    )
    left_out = (f"; slice {name!r} is left out: {why}" for name, why in given.left_out.items())
    counts = len(report.unchanged), len(report.fallbacks)
    return Trained(said + "".join(left_out), report.failed, report.versions, *counts)


def training_set(
    house: House, snapshot: Snapshot, state: FleetState, action: Train, now: datetime,
    signature: Signature | None = None, apart: Path | None = None,
) -> Given | None:  # fmt: skip
    """The training set of the members that are due (of all, where the pooled model is); None without labelled rows.

    Its signature is that of its rows unless one is given. Built anew only when the rows, the views or what is known by
    `now` differ from the last time. With a directory `apart`, it is built there, and neither recorded nor kept.
    """
    fleet = state.fleet
    only = None if action.pooled else frozenset(action.members)
    if fleet.spine not in snapshot.versions:
        return None
    version = snapshot.versions[fleet.spine]
    with house.store.read() as conn:
        spine = snapshot.wanted["dataset", fleet.spine].declaration
        assert isinstance(spine, Dataset)
        views = _views(conn, house, snapshot, fleet)
        inputs = (("dataset", f"{fleet.spine}@{version.number}"), *views.references)
        rows = _spine(conn, house, fleet, spine, version.number, [each for each, _ in views.sources], only, now)
    if rows.is_empty():
        return None
    label = pl.col(fleet.label.column).cast(pl.Float64)
    known = rows.select(pl.len(), low=pl.col(AT).min(), high=pl.col(AT).max(), sum=label.sum()).row(0)
    made_of = [fleet.name, state.revision, inputs, sorted(only) if only is not None else None, known,
               version.digest, fleet.slices, *([signature.digest] if signature else [])]  # fmt: skip
    path = house.places.sets / fleet.name / hashlib.sha256(msgspec.json.encode(made_of)).hexdigest()[:_NAMED]
    if (path / "set.json").exists():
        return Given(TrainingSet.open(path), inputs)
    derived = (feature.expressions for feature in fleet.features if isinstance(feature, RequestFeatures))
    expressions = {name: each.expr() for given in derived for name, each in given.items()}
    frame, slices, left_out = _sliced(fleet, request_features(expressions, join(rows, AT, views.sources)))
    signature = signature or signature_of(fleet, views.sources, frame, _lineage(house, snapshot, fleet))
    columns = Columns(fleet.by, AT, fleet.label.column, slices=slices)
    if apart is not None:
        return Given(build(frame, signature, columns, apart / path.name), inputs, left_out)
    reference.record(
        house.store, fleet, state.revision, frame, frame.with_columns(member=member(fleet.by))["member"],
        _recorded(snapshot, fleet, spine, signature), (*action.members, *([POOLED] * action.pooled)), now,
        version.number, partial(house.write, action.subject),
    )  # fmt: skip
    _forget(path.parent)
    return Given(build(frame, signature, columns, path), inputs, left_out)


def _sliced(fleet: Fleet, frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, str], dict[str, str]]:
    """The joined rows with a column for each slice, which holds its values as text; and the names of these columns.

    At last, why some slices are left out: what is only told of a version must not cost its training.
    """
    columns, left_out = dict[str, str](), dict[str, str]()
    for each in fleet.slices:
        name = f"slice {each.name}"  # a space keeps it apart from the columns of users' tables
        try:
            frame = frame.with_columns(each.values.expr().cast(pl.String, strict=False).alias(name))
            columns[each.name] = name
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            left_out[each.name] = str(error).partition("\n")[0][:_SAID]
    return frame, columns, left_out


def signature_of(
    fleet: Fleet, sources: list[tuple[Source, pl.LazyFrame]], frame: pl.DataFrame, reads: Mapping[str, tuple[str, ...]]
) -> Signature:  # fmt: skip
    """The features of a fleet in the order of its declaration, each with where it comes from."""
    columns = {source.name: source.columns for source, _ in sources}
    found: list[tuple[str, str]] = []
    for each in fleet.features:
        match each:
            case Spine(name=name):
                found.append((name, "column"))
            case RequestFeatures(expressions=expressions):
                found += [(name, "request") for name in expressions]
            case ViewReference(name=name):
                found += [(column, f"view:{name}") for column in columns[name]]
    names = [name for name, _ in found]
    return infer_signature(
        frame, names, task=fleet.task, label=fleet.label.column, origins=dict(found), reads=reads
    )  # fmt: skip


def _spine(
    conn: Connection,
    house: House,
    fleet: Fleet,
    spine: Dataset,
    number: int,
    views: Sequence[Source],
    only: frozenset[str] | None,
    now: datetime,
) -> pl.DataFrame:
    """The labelled rows of version `number` known at `now`, each once (its newest correction), and their decision time.

    Of the spine's columns those that training asks for, with the entity columns of the views that are joined to them.
    """
    lead = duration.parse(fleet.lead) if fleet.lead else None
    low = now - duration.parse(fleet.history) if fleet.history else None
    given = scan(conn, house.store, spine.name, number, low=low, latest=bool(spine.key))
    rows = answered.known_labels(fleet, given, now)
    if only is not None:
        rows = rows.filter(member(fleet.by).is_in(sorted(only)))
    at = pl.col(spine.time) - pl.lit(lead) if lead else pl.col(spine.time)
    asked = {name for each in fleet.features for name in _columns(each)}
    keys, joined = {name for v in views for name in v.entity}, {name for v in views for name in v.columns}
    asked |= {*fleet.by, *keys, fleet.label.column, spine.time}
    asked |= {name for each in fleet.slices for name in each.values.columns()} - joined
    have = rows.collect_schema().names()
    return rows.select(*(name for name in have if name in asked), at.alias(AT)).collect()


def _columns(feature: Feature) -> tuple[str, ...]:
    """The spine's columns that a feature of a fleet reads."""
    match feature:
        case Spine(name=name):
            return (name,)
        case RequestFeatures(expressions=expressions):
            return tuple(name for e in expressions.values() for name in e.columns())
        case _:
            return ()


def _views(conn: Connection, house: House, snapshot: Snapshot, fleet: Fleet) -> _Views:
    given, references = [], []
    for view, source, version in sources(snapshot, fleet):
        if version is None:
            raise UnknownError(
                f"feature view {view.name} has no rows yet, so {fleet.name} cannot train",
                next=f"argosy describe dataset {view.dataset}",
            )
        given.append((source, scan(conn, house.store, version.dataset, version.number)))
        references.append(("dataset", f"{version.dataset}@{version.number}"))
    return _Views(given, tuple(references))


def _lineage(house: House, snapshot: Snapshot, fleet: Fleet) -> dict[str, tuple[str, ...]]:
    """By each column that the fleet's views bring, what it is made of."""
    found = dict[str, tuple[str, ...]]()
    for view, source, _ in sources(snapshot, fleet):
        version = snapshot.versions.get(view.dataset)
        if version is None:
            continue  # its rows are here without what they were made from
        house.functions(snapshot.wanted["feature_view", view.name])
        keys = (*source.entity, source.time, *filter(None, [source.known]))
        found |= lineage(view, source.columns, parse_all(version.columns), keys)
    return found


def _recorded(snapshot: Snapshot, fleet: Fleet, spine: Dataset, signature: Signature) -> list[str]:
    """The features that are recorded where they are served: all but those that come of tagged columns."""
    declared = [snapshot.wanted["dataset", view.dataset].declaration for view, _, _ in sources(snapshot, fleet)]
    derived = (feature.expressions for feature in fleet.features if isinstance(feature, RequestFeatures))
    expressions = {name: each for given in derived for name, each in given.items()}
    redacted = tagged([spine, *(d for d in declared if isinstance(d, Dataset))], expressions, made([signature]))
    return [name for name in signature.names if name not in redacted]


def _code(snapshot: Snapshot, wanted: Wanted) -> str:
    """One digest over all code of the project that the fleet reaches."""
    return hashlib.sha256(msgspec.json.encode(wanted.code, order="sorted")).hexdigest()


def _record(
    house: House, state: FleetState, action: Train, report: TrainReport, environment: Libraries, now: datetime
) -> None:
    """Bring the signals of members that are up to date in step, and keep the decision with what it saw."""
    fleet = state.fleet
    rows = {row["key"]: row for row in state.table.iter_rows(named=True)}
    causes = {key: group.cause for group in action.groups for key in group.members}
    if action.pooled:
        causes[POOLED] = "the pooled model is due"
    with house.write(action.subject) as tx:
        ids = members.ids(tx, fleet.name)
        fact = libraries.record(tx, fleet.name, environment, now, house.actor)
        current = [rows[key] for key in causes if key not in report.failed and key in rows]
        signals.record(tx, [each for row in current for each in _signals(state, row, fact, now)])
        decisions.add(
            tx,
            [
                decisions.NewDecision(
                    fleet=fleet.name, member_id=ids.get(key), action="train", at=now, reason=cause,
                    body={"outcome": _outcome(report, key, rows.get(key)), "saw": _saw(fleet, rows.get(key), now)},
                )
                for key, cause in causes.items()
            ],
        )  # fmt: skip
        message = f"{headline(action)}: {plural(len(report.versions), 'new version')}, {len(report.failed)} failed"
        body = {"failed": dict(list(report.failed.items())[:20]), "cpu_s": report.cpu_s}
        events.add(tx, [events.NewEvent(at=now, kind="trained", subject=fleet.name, actor=house.actor,
                                        message=message, body=body)])  # fmt: skip


def _signals(state: FleetState, row: dict[str, Any], fact: int, now: datetime) -> list[signals.NewSignal]:
    """What is true of a member that was brought up to date; what says the same as before is not written again."""
    known = {
        signal.TRAINED: now.timestamp(), signal.TRAINED_ROWS: row[signal.ROWS] or 0.0,
        signal.REVISION: float(state.revision), signal.LIBRARIES: float(fact), signal.ASKED: None,
    }  # fmt: skip
    same = {name for name in (signal.LIBRARIES, signal.ASKED) if row[name] == known[name]}
    return [
        signals.NewSignal(fleet=state.fleet.name, member_id=row["member_id"], name=name, value=value, at=now)
        for name, value in known.items()
        if name not in same
    ]


def _outcome(report: TrainReport, key: str, row: dict[str, Any] | None) -> str:
    if key in report.versions or _landed_before(report, key, row):
        return "a new version"
    if row is not None and row["execution_outcome"] == FALLBACK and row["execution_key"] == report.unchanged.get(key):
        return str(row["execution_reason"])
    if key in report.unchanged:
        return "unchanged: rows, features, code and parameters are those of the last training"
    return report.failed.get(key) or report.fallbacks.get(key) or "no labelled rows"


def _landed_before(report: TrainReport, key: str, row: dict[str, Any] | None) -> bool:
    """Whether the version that is up to date was made by this training before it was killed and begun again."""
    if row is None or key not in report.unchanged or row["version_key"] != report.unchanged[key]:
        return False
    unjudged = row[signal.JUDGED] != row["version_id"]
    return row["trained_at"] is None or (unjudged and row["version_at"] >= row["trained_at"])


def _saw(fleet: Fleet, row: dict[str, object] | None, now: datetime) -> object:
    seen: Explanation | None = explain(fleet.retrain, row, now) if row else None
    return msgspec.to_builtins(seen)


def _forget(folder: Path, keep: int = 2) -> None:
    """Drop the oldest training sets of a fleet: each can be built again from facts."""
    ours = (p for p in folder.glob("?" * _NAMED) if p.name.isalnum() and (p / "set.json").is_file())
    old = sorted(ours, key=lambda p: p.stat().st_mtime, reverse=True)
    for path in old[keep - 1 :]:
        shutil.rmtree(path, ignore_errors=True)
