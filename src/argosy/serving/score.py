"""From checked rows to answers: features, versions, predictions, one pass a batch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from secrets import token_hex
from time import perf_counter
from typing import Any, Protocol

from argosy.errors import ArgosyError, InputError
from argosy.serving import explanation
from argosy.serving.answered import Answered
from argosy.serving.batch import Answer, Batch, Columns
from argosy.serving.cache import ModelCache
from argosy.serving.contribution import explain
from argosy.serving.derive import Derivation, Lost
from argosy.serving.explainer import drawn
from argosy.serving.explanation import Explanation
from argosy.serving.failure import Failed, Failure, Unanswered
from argosy.serving.flag import examine
from argosy.serving.ledger import Ledger
from argosy.serving.plan import Plan
from argosy.serving.prediction import Given, predict
from argosy.serving.recorder import Recorder
from argosy.serving.routing import (
    Assignment,
    Endpoint,
    VersionRef,
    assign,
    assigned,
    choose,
    drawn_by,
    member_key,
    stand_in,
)
from argosy.serving.shadow import Shadows
from argosy.serving.spread import Spread
from argosy.serving.version import only

_LOG = logging.getLogger("argosy.serving")
_PAUSE = timedelta(seconds=5)
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"


class OnlineReader(Protocol):
    """Reads the values of an endpoint's views, in the order of its bindings and their columns.

    A value that does not count at the moment asked for is None. Per view comes the age of the value
    found, None where there is none; a view has expired where its age is above its time to live.
    """

    def one(self, entity: Mapping[str, Any], at: datetime) -> tuple[list[Any], Sequence[timedelta | None]]:
        """For one row, by the names of the entity columns."""
        ...

    def rows(
        self, entities: Mapping[str, Sequence[Any]], at: datetime | Sequence[datetime]
    ) -> tuple[Sequence[Sequence[Any]], Sequence[Sequence[timedelta | None]]]:
        """For many, at one moment or at one a row."""
        ...

    def forgotten(self, place: int, at: datetime, now: datetime) -> datetime | None:
        """The moment before which the view at `place` may have dropped its rows, if `at` is before it; else None."""
        ...


class Scorer:
    """Answers batches of one routing picture after another. Threads share it.

    `clock` gives the arrival time, `readers` the online reader of an endpoint with views, and `shadows` get what is
    answered.
    """

    def __init__(
        self,
        cache: ModelCache,
        clock: Callable[[], datetime],
        readers: Callable[[Endpoint], OnlineReader] | None = None,
        recorder: Recorder | None = None,
        shadows: Shadows | None = None,
    ) -> None:
        self.shadows = shadows
        self._cache = cache
        self._clock = clock
        self._readers = readers
        self._ledger = Ledger(recorder) if recorder is not None else None
        self._derivations: dict[int, tuple[Endpoint, Derivation]] = {}
        self._online: dict[int, tuple[Endpoint, OnlineReader]] = {}
        self._told: set[int] = set()
        self._broken: dict[VersionRef, tuple[datetime, Exception]] = {}
        self._prefix = token_hex(6)
        self._numbers = count()

    def plan(self, batch: Batch) -> Plan:
        """Choose the version of each row; raises UnknownError where there is none, InputError for many to explain."""
        if batch.explain:
            explanation.check(batch.count)
        began, endpoint, columns = perf_counter(), batch.endpoint, batch.columns
        if endpoint.examines:
            examine(batch)
        id = batch.id if batch.id is not None else f"{self._prefix}-{next(self._numbers):x}"
        own = columns.get(endpoint.row_key) if endpoint.row_key else None
        rows = batch.names or _names(id, own, batch.count)
        at = batch.at if batch.at is not None else self._clock()
        if batch.count == 1:
            keys = [member_key([columns[name][0] for name in endpoint.by])]
        else:
            parts = list(zip(*(columns[name] for name in endpoint.by), strict=True)) or [()] * batch.count
            known = {values: member_key(values) for values in set(parts)}
            keys = [known[values] for values in parts] if len(known) > 1 else [*known.values()] * batch.count
        drawn = rows if endpoint.sticky is None else drawn_by(endpoint, columns, rows)
        if batch.version is not None:
            assignment = only(endpoint, batch.version, keys)
        elif batch.count == 1:
            version, reason = choose(endpoint, keys[0], drawn[0], batch.caller)
            assignment = Assignment([version], [reason], {version: [0]})
        else:
            assignment = assign(endpoint, keys, drawn, batch.caller)
        return Plan(batch, id, keys, rows, assignment, at, began)

    def is_warm(self, plan: Plan) -> bool:
        """Whether every version of a plan is loaded here: else `warm` it off the event loop before `answer`."""
        found = {}
        for ref in plan.assignment.groups:
            loaded = self._cache.peek(ref)
            if loaded is None or loaded.apart:
                plan.apart = loaded is not None
                return False
            found[ref] = loaded
        plan.models = found
        return True

    def warm(self, plan: Plan) -> None:
        """Load the versions of a plan. Rows of those that cannot be loaded fall to others, as in `answer`."""
        while not plan.models:
            models, failures = {}, []
            for ref, rows in plan.assignment.groups.items():
                if self._broken and (known := self._pausing(ref)) is not None:
                    failures.append(Failure(ref, rows, known, unread=True))
                    continue
                try:
                    models[ref] = self._cache.get(ref)
                except Exception as error:  # whatever keeps a version from loading is a failure of that version
                    failures.append(Failure(ref, rows, error, unread=True))
                    key, reason = plan.keys[rows[0]], plan.assignment.reasons[rows[0]]
                    if stand_in(plan.batch.endpoint, key, ref, reason, unread=True)[0]:  # else it is all that they have
                        self._broken[ref] = (self._clock(), error)
            if failures:
                self._replace(plan, failures)
            else:
                plan.models = models

    def _pausing(self, ref: VersionRef) -> Exception | None:
        """What kept a version from loading in the last seconds: a try for every request would cost all of them."""
        known = self._broken.get(ref)
        if known is None:
            return None
        if timedelta(0) <= self._clock() - known[0] < _PAUSE:
            return known[1]
        self._broken.pop(ref, None)
        return None

    def answer(self, plan: Plan) -> Answer:
        """Read, derive, encode, predict and record; supplied values win over what views and expressions give.

        A row that a canary fails on is answered by the champion, one of a champion that cannot be read by the pooled
        model. Raises Unanswered where others fail; each failure is recorded, as a row without a prediction. Raises
        InputError for rows that do not fit their version, or of which a request feature that it takes cannot be made;
        what a canary alone does not take is its failure.
        """
        batch = plan.batch
        columns, lost, stale = self._features(plan)
        given = Given(columns, batch.count, lost)
        levels = batch.endpoint.quantiles
        spread = Spread(levels, batch.count) if levels else None
        predictions = self._predict(plan, given, spread)
        why = explain(plan.models, plan.assignment, given) if batch.explain else None
        if self._ledger is not None:
            self._record(plan, given, predictions, stale)
        if self.shadows is not None:
            self._offer(self.shadows, plan, given, stale, predictions, why)
        versions = [ref.address for ref in plan.assignment.versions]
        margins = [ref.margin for ref in plan.assignment.versions] if batch.endpoint.bounded else None
        quantiles = spread.lists() if spread is not None else None
        routed: list[str] = list(plan.assignment.reasons)
        return Answer(plan.id, predictions, versions, routed, stale, why, batch.flags, margins, quantiles)

    def _offer(
        self, shadows: Shadows, plan: Plan, given: Given, stale: list[bool] | None, predictions: list[float],
        why: Explanation | None,
    ) -> None:  # fmt: skip
        """Hand over what is scored by shadows, or explained, once it is answered."""
        batch, endpoint, chosen = plan.batch, plan.batch.endpoint, plan.assignment
        some = drawn(endpoint, batch.count) if endpoint.explained else ()
        beside = endpoint.shadows and batch.version is None
        if beside or some or why is not None:
            named = (plan.id, plan.keys, plan.rows, plan.at)
            got = (stale, chosen.reasons, chosen.versions, predictions)
            shadows.offer(Answered(endpoint, *named, given.columns, given.lost, *got, some, why, bool(beside)))

    def _features(self, plan: Plan) -> tuple[Columns, Mapping[str, Lost], list[bool] | None]:
        """The columns with what views and expressions add, what those could not make, and which rows are stale."""
        batch = plan.batch
        columns, stale = dict(batch.columns), None
        if batch.endpoint.views:
            stale = self._read_views(batch.endpoint, columns, batch.count, plan.at)
        lost: Mapping[str, Lost] = {}
        if batch.endpoint.request_features:
            lost = self._derivation(batch.endpoint).add(columns, batch.count)
        return columns, lost, stale

    def _record(self, plan: Plan, given: Given, predictions: list[float], stale: list[bool] | None) -> None:
        if self._ledger is not None:
            self._ledger.answered(plan, given, predictions, stale)

    def _predict(self, plan: Plan, given: Given, spread: Spread | None) -> list[float]:
        """One number a row and its quantiles, once rows of canaries that failed are assigned anew."""
        while True:
            self.warm(plan)
            try:
                return predict(plan.models, plan.assignment, given, spread)
            except Failed as failed:
                self._refuse(plan, failed.failures, given)
                self._replace(plan, failed.failures)

    def _refuse(self, plan: Plan, failures: Sequence[Failure], given: Given) -> None:
        """Raise InputError for rows that are the caller's fault: all that were refused, but not by a canary alone."""
        for failure in failures:
            if not failure.refused:
                continue
            others: dict[VersionRef, list[int]] = {}
            for row in failure.rows:
                found, _ = stand_in(plan.batch.endpoint, plan.keys[row], failure.ref, plan.assignment.reasons[row])
                if found is None:
                    raise failure.error
                others.setdefault(found, []).append(row)
            for ref, rows in others.items():
                try:
                    signature = self._cache.get(ref).signature
                except Exception:  # what cannot be loaded fails on these rows in its turn
                    continue
                _, why = given.refused(rows, signature)
                if why is not None:
                    raise why

    def _replace(self, plan: Plan, failures: Sequence[Failure]) -> None:
        """Record what versions failed on, and assign the rows to who stands in; raises Unanswered where nobody does."""
        endpoint, old = plan.batch.endpoint, plan.assignment
        versions, reasons = list(old.versions), list(old.reasons)
        lost: list[Failure] = []
        for failure in failures:
            plan.failed.add(failure.ref)
            self._report(plan, failure)
            for row in failure.rows:
                key, unread = plan.keys[row], failure.unread
                found, reason = stand_in(endpoint, key, failure.ref, old.reasons[row], unread=unread)
                if found is None:
                    lost.append(failure)
                    break
                versions[row], reasons[row] = found, reason
        if lost:
            raise Unanswered(lost[0]) from lost[0].error
        plan.assignment, plan.models = assigned(versions, reasons), {}

    def _report(self, plan: Plan, failure: Failure) -> None:
        """Record rows without a prediction, and log what a version says the first time that it fails."""
        if failure.ref.id not in self._told:
            self._told.add(failure.ref.id)
            trace = None if isinstance(failure.error, ArgosyError) else failure.error
            _LOG.error("version %s fails: %s", failure.ref.address, failure.error, exc_info=trace)
        if self._ledger is not None:
            self._ledger.failed(plan, failure.ref, failure.rows)

    def _read_views(self, endpoint: Endpoint, columns: Columns, rows: int, at: datetime | list[datetime]) -> list[bool]:
        """Add what the views hold for the rows; whether what one of them holds has expired, for each row.

        Values that are supplied win, and a view of which all are is not asked for.
        """
        asked = [any(name not in columns for name in view.columns) for view in endpoint.views]
        if not any(asked):
            return [False] * rows
        nothing = [None] * rows
        entities = {name: columns.get(name, nothing) for view in endpoint.views for name in view.entity}
        if not entities.keys() <= columns.keys():  # what only a canary's view is keyed by may be left out
            keyed = [columns.keys() >= {*view.entity} for view in endpoint.views]
            asked = [each and found for each, found in zip(asked, keyed, strict=True)]
        reader = self._reader(endpoint)
        if rows == 1:
            one, age = reader.one({k: v[0] for k, v in entities.items()}, at[0] if isinstance(at, list) else at)
            found: Sequence[Sequence[Any]] = [one]
            ages: Sequence[Sequence[timedelta | None]] = [age]
        else:
            found, ages = reader.rows(entities, at)
        names = [(name, each) for view, each in zip(endpoint.views, asked, strict=True) for name in view.columns]
        for (name, each), values in zip(names, zip(*found, strict=True), strict=True):
            if each:
                columns.setdefault(name, list(values))
        places = [place for place, each in enumerate(asked) if each]
        if any(age[place] is None for age in ages for place in places):
            self._refuse_forgotten(endpoint, places, ages, at)
        limits = [(place, endpoint.views[place].ttl) for place in places]
        return [any(_expired(row[place], ttl) for place, ttl in limits) for row in ages]

    def _refuse_forgotten(
        self, endpoint: Endpoint, places: Sequence[int], ages: Sequence[Sequence[timedelta | None]],
        at: datetime | list[datetime],
    ) -> None:  # fmt: skip
        """Raise InputError where a view holds nothing for a row and may have dropped what it held at that time."""
        now, reader = self._clock(), self._reader(endpoint)
        for place in places:
            moments = at if isinstance(at, list) else [at] * len(ages)
            empty = [moment for moment, age in zip(moments, ages, strict=True) if age[place] is None]
            since = reader.forgotten(place, min(empty), now) if empty else None
            if since is not None:
                view = endpoint.views[place]
                raise InputError(
                    f"the decision time {min(empty):{_INSTANT}} is too long ago: "
                    f"feature view {view.name!r} keeps its rows from {since:{_INSTANT}} on",
                    next=f"ask for that time or a later one, or send {', '.join(view.columns)}",
                )

    def _reader(self, endpoint: Endpoint) -> OnlineReader:
        known = self._online.get(id(endpoint))
        if known is None or known[0] is not endpoint:
            if self._readers is None:
                raise InputError(
                    f"fleet {endpoint.fleet!r} reads feature views and this server has no online store",
                    next="send the views' columns in the request, or start the server with the home's online store",
                )
            self._forget(endpoint)
            known = self._online[id(endpoint)] = (endpoint, self._readers(endpoint))
        return known[1]

    def _derivation(self, endpoint: Endpoint) -> Derivation:
        known = self._derivations.get(id(endpoint))
        if known is None or known[0] is not endpoint:
            self._forget(endpoint)
            known = self._derivations[id(endpoint)] = (endpoint, Derivation(endpoint))
        return known[1]

    def _forget(self, endpoint: Endpoint) -> None:
        """Drop what belongs to earlier pictures of the same fleet."""
        for table in (self._derivations, self._online):
            for key in [key for key, (old, _) in table.items() if old.fleet == endpoint.fleet and old is not endpoint]:
                table.pop(key, None)


def _names(id: str, own: Sequence[Any] | None, count: int) -> list[str]:
    """The names of the rows of a request: their own keys, or that of the request and their places."""
    if own is None:
        return [f"{id}:{i}" for i in range(count)]
    return [f"{id}:{i}" if value is None else str(value) for i, value in enumerate(own)]


def _expired(age: timedelta | None, ttl: timedelta | None) -> bool:
    return age is not None and ttl is not None and age > ttl
