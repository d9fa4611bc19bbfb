"""Planning: from a snapshot and a time to a list of actions, with their reasons. Pure: the same in, the same out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
import polars as pl

from argosy.controller import condition, signal
from argosy.controller.action import Action, Finish, Gate, Group, Ingest, Materialise, Record, Train, Wait, Watch
from argosy.controller.libraries import changes
from argosy.controller.observe import FleetState, Snapshot
from argosy.data.dtype import instant
from argosy.spec.dataset import Dataset, in_order
from argosy.spec.feature import FeatureView, RequestFeatures, Spine, ViewReference
from argosy.spec.fleet import Fleet
from argosy.spec.quantity import plural
from argosy.spec.rollout import NOUNS, ABTest, Canary, Immediate, under_way
from argosy.store import datasets, verdicts
from argosy.store.rollouts import STARTED

RETRY_FIRST = timedelta(minutes=10)
RETRY_LAST = timedelta(days=1)
_DOUBLINGS = 20
PHASES: tuple[tuple[type, ...], ...] = ((Ingest,), (Materialise, Record), (Watch,), (Finish,), (Train,), (Gate,))


class Plan(msgspec.Struct, frozen=True):
    """What the controller would do now, in the order in which it would do it."""

    at: datetime
    actions: tuple[Action, ...]

    @property
    def next(self) -> tuple[Action, ...]:
        """The actions of the earliest phase that has any; later ones are planned anew once these are done."""
        for phase in PHASES:
            found = tuple(action for action in self.actions if isinstance(action, phase))
            if found:
                return found
        return ()


def plan(snapshot: Snapshot, now: datetime) -> Plan:
    """What must be done so that what is wanted becomes true."""
    actions = [*_data(snapshot), *_views(snapshot)]
    for name in sorted(snapshot.fleets):
        actions.extend(of_fleet(snapshot, snapshot.fleets[name], now))
    order = {kind: index for index, phase in enumerate((*PHASES, (Wait,))) for kind in phase}
    return Plan(now, tuple(sorted(actions, key=lambda action: order[type(action)])))


def watch_key(snapshot: Snapshot, fleet: Fleet, now: datetime) -> str:
    """What a watch looks at: the fleet as declared, the versions of its spine and of its predictions, and the day."""
    spine, recorded = snapshot.versions.get(fleet.spine), snapshot.versions.get(predictions(fleet.name))
    numbers = [f"{fleet.spine}@{spine.number if spine else 0}", f"predictions@{recorded.number if recorded else 0}"]
    declared = snapshot.wanted["fleet", fleet.name].fingerprint[:12]
    return " ".join([fleet.name, declared, *numbers, now.date().isoformat()])


def predictions(fleet: str) -> str:
    """The name of the dataset of a fleet's recorded predictions."""
    return f"{fleet}.predictions"


def explanations(fleet: str) -> str:
    """The name of the dataset of the contributions to some of a fleet's recorded predictions."""
    return f"{fleet}.explanations"


def _data(snapshot: Snapshot) -> Iterator[Action]:
    for dataset in in_order(snapshot.of(Dataset)):
        new = snapshot.pending.get(dataset.name, ())
        if new:
            shown = ", ".join(new[:2]) + (", …" if len(new) > 2 else "")
            yield Ingest(dataset.name, f"{len(new)} new in its source ({shown})")
        elif dataset.name in snapshot.stale:
            said = f"{snapshot.stale[dataset.name].says}; its rows are used as they are"
            yield Wait(f"new rows of {dataset.name}", (), said)


def _views(snapshot: Snapshot) -> Iterator[Action]:
    for view in snapshot.of(FeatureView):
        version = snapshot.versions.get(view.dataset)
        done = snapshot.materialised.get(view.name, 0)
        if version is not None and version.number > done:
            why = f"{view.dataset} is at version {version.number}, the view at {done}"
            if view.name in snapshot.outdated:
                why = f"its code or its declaration changed, so all of {view.dataset} is computed anew"
            yield Materialise(view.name, version.number, why)


def of_fleet(snapshot: Snapshot, state: FleetState, now: datetime) -> Iterator[Action]:
    """What would be done for one fleet alone, waiting included."""
    fleet = state.fleet
    if state.segments:
        yield Record(fleet.name, f"{plural(state.segments, 'segment')} of predictions to take in")
    if (wait := unready(snapshot, fleet)) is not None:
        yield wait
        return
    if state.watched != watch_key(snapshot, fleet, now):
        yield Watch(fleet.name, "new rows or predictions" if state.watched else "nothing has been counted yet")
    elif ended := _ended(state, now):
        yield Watch(fleet.name, f"the time of {plural(ended, 'rollout')} is over")
    yield from _rollouts(state)
    yield from _training(snapshot, state, now)
    yield from _gates(state)


def unready(snapshot: Snapshot, fleet: Fleet) -> Wait | None:
    """What a fleet waits for that can have no members yet: rows of its spine, or a column that the spine lacks."""
    spine = snapshot.versions.get(fleet.spine)
    if spine is None:
        reason = f"{fleet.spine} has no rows yet, so {fleet.name} cannot train"
        return Wait(f"dataset {fleet.spine}", (), reason + _because(snapshot, fleet.spine))
    if reason := lacking(fleet, spine):
        return Wait(f"columns of {fleet.name}", (), f"{fleet.name} cannot train: {reason}")
    return None


def held(snapshot: Snapshot, fleet: Fleet) -> Wait | None:
    """What members of a fleet wait for, whoever is due: data that may not be used, or a view without rows."""
    if (wait := barred(snapshot, fleet)) is not None:
        return wait
    empty = next((view for view in _views_of(snapshot, fleet) if view.name not in snapshot.materialised), None)
    return Wait(f"view {empty.name}", (), _uncomputed(snapshot, empty)) if empty is not None else None


def barred(snapshot: Snapshot, fleet: Fleet) -> Wait | None:
    """What every member of a fleet waits for, due or not: data that may not be used."""
    needs = dict.fromkeys([fleet.spine, *(view.dataset for view in _views_of(snapshot, fleet))])
    stopped = [name for name in needs if name in snapshot.blocked]
    if not stopped:
        return None
    return Wait(f"dataset {stopped[0]}", (), "; ".join(f"{name}: {snapshot.blocked[name]}" for name in stopped))


def _uncomputed(snapshot: Snapshot, view: FeatureView) -> str:
    """Why a view has no rows under its present code."""
    if view.dataset not in snapshot.versions:
        return f"{view.dataset} has no rows yet" + _because(snapshot, view.dataset)
    if view.name in snapshot.failed:
        return f"it could not be computed from {view.dataset}: {snapshot.failed[view.name]}"
    changed = "its code or its declaration changed: " if view.name in snapshot.outdated else ""
    return f"{changed}it is computed from {view.dataset} first"


def _because(snapshot: Snapshot, dataset: str) -> str:
    """Why a dataset has no rows, as the end of a sentence; nothing where nobody knows."""
    return f": {snapshot.lacks[dataset]}" if dataset in snapshot.lacks else ""


def lacking(fleet: Fleet, spine: datasets.Version) -> str:
    """Which column the spine lacks of those that hold keys, label and plain features, and what to do; or nothing.

    That by which an A/B test assigns is one of them.

    Without views, which bring columns of their own, also of those that slices are made of.
    """
    known = (fleet.label.known_at,) if fleet.label.known_at else ()
    plain = (feature.name for feature in fleet.features if isinstance(feature, Spine))
    tried = (fleet.rollout.by,) if isinstance(fleet.rollout, ABTest) and fleet.rollout.by else ()
    asked = dict.fromkeys((*fleet.by, fleet.label.column, *known, *plain, *tried, *_sliced(fleet)))
    absent = [name for name in asked if name not in spine.columns]
    named, have = ", ".join(map(repr, absent[:5])), ", ".join(list(spine.columns)[:20])
    step = f"correct {fleet.name} or the source of {fleet.spine}, then argosy apply"
    return f"{fleet.spine} has no column {named}; it has {have} ({step})" if absent else ""


def _sliced(fleet: Fleet) -> Iterator[str]:
    if not any(isinstance(feature, ViewReference) for feature in fleet.features):
        made = {name for f in fleet.features if isinstance(f, RequestFeatures) for name in f.expressions}
        yield from (name for each in fleet.slices for name in each.values.columns() if name not in made)


def due(state: FleetState, now: datetime) -> pl.DataFrame:
    """The members that should be trained, each with its `cause`; those in back-off after a failure have `retry_at`."""
    fleet, table = state.fleet, state.table
    enough = pl.col(signal.ROWS).fill_null(0) >= pl.when("pooled").then(1).otherwise(fleet.minimum_rows)
    if not fleet.pooled:
        enough &= ~pl.col("pooled")
    new = pl.col("trained_at").is_null()
    asked = ~new & pl.col(signal.ASKED).is_not_null()
    changed = ~new & (pl.col(signal.REVISION) != state.revision)
    cause = (
        pl.when(new)
        .then(pl.lit("it has enough labelled rows and was never trained"))
        .when(asked)
        .then(pl.lit("a person asked for it"))
        .when(changed)
        .then(pl.lit("what its training depends on was declared anew"))
        .otherwise(condition.because(fleet.retrain, now))
    )
    wait = RETRY_FIRST.total_seconds() * 2.0 ** (pl.col("failures") - 1).clip(upper_bound=_DOUBLINGS)
    retry = pl.col("execution_at") + pl.duration(
        microseconds=(wait.clip(upper_bound=RETRY_LAST.total_seconds()) * 1e6).cast(pl.Int64)
    )
    wanted = enough & (new | asked | changed | condition.compile(fleet.retrain, now))
    shown = ("key", "pooled", cause.alias("cause"), pl.when(pl.col("failures") > 0).then(retry).alias("retry_at"),
             "failures", "execution_reason")  # fmt: skip
    return table.select(*shown, wanted=wanted).filter("wanted").drop("wanted")


def _training(snapshot: Snapshot, state: FleetState, now: datetime) -> Iterator[Action]:
    fleet = state.fleet
    members = due(state, now)
    yield from _outdated(state, set(members["key"]))
    idle = members.is_empty() and not state.table.is_empty()
    if (wait := barred(snapshot, fleet) if idle else held(snapshot, fleet)) is not None:
        yield _named(wait, state, tuple(members["key"]), everyone=barred(snapshot, fleet) is not None)
        return
    if idle:
        return
    later = pl.col("retry_at").is_not_null() & (pl.col("retry_at") > instant(now))
    backing_off = members.filter(later)
    if not backing_off.is_empty():
        until = backing_off["retry_at"].min()
        assert isinstance(until, datetime)
        yield Wait(
            f"retry of {fleet.name}", tuple(backing_off["key"]), "training failed; it is tried again later", until
        )
    ready = members.filter(~later.fill_null(False))
    if ready.is_empty():
        return
    pooled = bool(ready["pooled"].any())
    own = ready.filter(~pl.col("pooled")).group_by("cause", maintain_order=True).agg("key")
    groups = tuple(Group(cause, tuple(keys)) for cause, keys in own.iter_rows())
    causes = dict.fromkeys(ready["cause"])
    yield Train(fleet.name, groups, pooled, "; ".join(causes), state.revision)


def _named(wait: Wait, state: FleetState, due: tuple[str, ...], *, everyone: bool) -> Wait:
    """The wait with the members that it holds up, due ones first; with `everyone` those that are not due as well."""
    rest = [key for key in state.table["key"] if key not in set(due)] if everyone else []
    told = [f"{plural(len(due), 'model')} due now"] * bool(due)
    told += [f"{plural(len(rest), 'model')} once due"] * bool(rest)
    why = f"{wait.why}; waiting: {', '.join(told)}" if told else wait.why
    return msgspec.structs.replace(wait, members=(*due, *rest), why=why)


def upgraded(state: FleetState) -> dict[str, str]:
    """Members with a version that was trained with other libraries than those installed now, each with what differs."""
    table = state.table.select("key", pl.when(pl.col("version_id").is_not_null()).then(signal.LIBRARIES)).drop_nulls()
    found = {}
    for (fact,), rows in table.group_by(signal.LIBRARIES, maintain_order=True):
        before = state.libraries.get(int(fact))
        changed = changes(before.versions, state.installed.versions) if before and state.installed else ""
        found.update(dict.fromkeys(rows["key"], changed) if changed else {})
    return found


def next_training(fleet: str) -> str:
    """What members wait for whose libraries alone are others."""
    return f"next training of {fleet}"


def approval(fleet: str) -> str:
    """What members wait for whose versions a person is to answer for."""
    return f"approval of {fleet}"


def _outdated(state: FleetState, due: set[str]) -> Iterator[Action]:
    """Other libraries make no member due; who is trained for another reason is trained with them."""
    found = {key: changed for key, changed in upgraded(state).items() if key not in due}
    for changed in dict.fromkeys(found.values()):
        keys = tuple(key for key in found if found[key] == changed)
        why = f"{len(keys)} trained before the libraries changed ({changed}); each is fitted anew when it is next due"
        yield Wait(next_training(state.fleet.name), keys, why)


def _views_of(snapshot: Snapshot, fleet: Fleet) -> list[FeatureView]:
    """The views that a fleet reads; a project was checked when it was applied, so they are there."""
    named = [each.name for each in fleet.features if isinstance(each, ViewReference)]
    found = [snapshot.wanted["feature_view", name].declaration for name in named]
    return [view for view in found if isinstance(view, FeatureView)]


def _gates(state: FleetState) -> Iterator[Action]:
    asked = pl.col("version_id").is_not_null() & (pl.col(signal.JUDGED).fill_null(-1) != pl.col("version_id"))
    fresh = tuple(state.table.select(pl.col("version_id").filter(asked)).to_series())
    undecided = state.undecided
    if fresh or undecided.again:
        why = [f"{plural(len(fresh), 'version')} not judged yet"] * bool(fresh)
        why += ["a person has answered"] * bool(undecided.answered)
        why += ["an approval that was asked for is declared no more"] * bool(undecided.withdrawn)
        yield Gate(state.fleet.name, tuple(sorted({*fresh, *undecided.again})), "; ".join(why))
    if undecided.waiting:
        keys = tuple(dict.fromkeys(each.key for each in undecided.waiting))
        yield Wait(approval(state.fleet.name), keys, verdicts.tell(undecided.waiting))


def _ended(state: FleetState, now: datetime) -> int:
    """How many rollouts have come to where time alone may decide since the last watch."""
    rollout, watched = state.fleet.rollout, state.watched_at
    if isinstance(rollout, Immediate) or watched is None:
        return 0
    over = [
        (pl.col("rollout_kind") == kind)
        & pl.col("rollout_at").is_between(instant(watched - end), instant(now - end), closed="right")
        for kind in NOUNS
        for end in under_way(rollout, kind).deadlines
    ]
    return int(state.table.select((_running() & pl.any_horizontal(over)).sum()).item())


def _rollouts(state: FleetState) -> Iterator[Action]:
    """What the last watch said of the rollouts under way is done; all end where the fleet's is immediate by now.

    A canary that held goes on to the next step, if there is one.
    """
    said = pl.when(pl.col(signal.CANARY_VERSION) == pl.col("rollout_version_id")).then(signal.CANARY).fill_null(0.0)
    table = state.table.filter(_running()).select("rollout_version_id", "rollout_share", "rollout_kind", said=said)
    rollout, immediate = state.fleet.rollout, isinstance(state.fleet.rollout, Immediate)
    steps: dict[int, float] = {}
    if isinstance(rollout, Canary) and rollout.steps:
        canaries = table.filter(pl.col("said") > 0, pl.col("rollout_kind") == "canary")
        nexts = {
            id: rollout.after(share) for id, share in canaries.select("rollout_version_id", "rollout_share").rows()
        }
        steps = {id: share for id, share in nexts.items() if share is not None}
    held = table.filter((pl.col("said") > 0) | (pl.lit(immediate) & (pl.col("said") == 0)))["rollout_version_id"]
    promote = tuple(id for id in held if id not in steps)
    back = tuple(table.filter(pl.col("said") < 0)["rollout_version_id"])
    if not (promote or back or steps):
        return
    reasons = [f"{len(promote)} {'became immediate' if immediate else 'held'}"] * bool(promote)
    reasons += [f"{len(steps)} held so far"] * bool(steps)
    reasons += [f"{len(back)} did not hold"] * bool(back)
    yield Finish(state.fleet.name, promote, back, "; ".join(reasons), tuple(steps.items()))


def _running() -> pl.Expr:
    return (pl.col("rollout_state") == STARTED).fill_null(False)
