"""Optimising by hand: smaller models made from a version, each a new version of its member that gates judge."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from argosy.controller import loop, survey, tenure
from argosy.controller.act import train as act
from argosy.controller.action import Gate, Train
from argosy.controller.house import House
from argosy.controller.loop import OnDone
from argosy.controller.observe import Snapshot
from argosy.controller.proving import busy, training
from argosy.engine.contract import Result, Task
from argosy.errors import InputError, UnknownError
from argosy.registry.address import Address
from argosy.spec import duration
from argosy.spec.fleet import POOLED
from argosy.spec.gate import Gate as Bound
from argosy.spec.metric import greater_is_better
from argosy.store import executions, verdicts, versions
from argosy.store.versions import Version
from argosy.training import rivals
from argosy.training.fit import Job
from argosy.training.fleet import preload
from argosy.training.land import Context, land, metrics
from argosy.training.optimise.work import Lighter, Order
from argosy.training.plan import Fit, everyone
from argosy.training.rows import Member

KIND = "optimise"
"""The kind of the executions that make such versions."""
_SCALE = 10
"""How many times what a fit may take a method may take."""


class Optimised(msgspec.Struct, frozen=True):
    """What a method came to: the address of the new version, and what it and the original have on the same `rows`.

    `before` and `after` have scores by name, `latency_p50_ms`, `latency_p99_ms` and `size_kb`. Without a version,
    `reason` says why there is none; where nothing is to be recorded, that is left out. Of a version that gates refused
    it says which and why. `next` is what to try then.
    """

    method: str
    version: str | None = None
    rows: int = 0
    before: dict[str, float] = {}
    after: dict[str, float] = {}
    settings: dict[str, object] = {}
    reason: str = ""
    next: str = ""


class Report(msgspec.Struct, frozen=True):
    """What came of each method that was asked for; `metric` is that of the fleet's search."""

    version: str
    metric: str
    methods: tuple[Optimised, ...]


class _Given(NamedTuple):
    """The version, its member, the members whose rows count (all for the pooled model), and what executions share."""

    version: Version
    job: Job
    member: Member
    members: tuple[Member, ...]
    context: Context


def optimise(
    house: House, address: Address, orders: Sequence[Order], now: datetime, *, record: bool,
    on_done: OnDone | None = None,
) -> Report:  # fmt: skip
    """Apply methods to a version, the member's latest where the address has no number.

    With `record`, each model that comes of it is a new version of the member; the gates judge one before the next is
    recorded. Without, no fact is written. Raises UnknownError for a version or a fleet that is not there, InputError
    where the rows to judge it by are not, and ConflictError where another process is at work on the fleet.
    """
    snapshot = survey.observe(house, now)
    action = training(snapshot, address, KIND)
    with ExitStack() as stack:
        apart = None if record else Path(stack.enter_context(TemporaryDirectory(prefix="argosy-optimise-")))
        if record:
            lease = stack.enter_context(tenure.hold(house.store, action.subject))
            if lease is None:
                raise busy(address.fleet)
            house.take(lease)
        given = _given(house, snapshot, action, address, now, apart)
        results = list(_measured(house, snapshot, given, orders))
    found = []
    for order, result in results:
        made = _told(order, result)
        if record and made.after:
            made, version = _recorded(house, given, order, result, made, action.subject)
            loop.tick(house, now, only=(Gate,), on_done=on_done)
            made = _judged(house, given, made, version)
        found.append(made)
    original = Address(address.fleet, address.key, given.version.number)
    return Report(str(original), given.job.fleet.search.metric, tuple(found))


def _given(
    house: House, snapshot: Snapshot, action: Train, address: Address, now: datetime, apart: Path | None
) -> _Given:  # fmt: skip
    with house.store.read() as conn:
        version = versions.find(conn, address.fleet, address.key, address.number)
    if version is None:
        raise UnknownError(f"there is no version {address}", next=f"argosy get versions --where fleet:{address.fleet}")
    meant = Address(address.fleet, address.key, version.number)
    state = snapshot.fleets[address.fleet]
    found = act.training_set(house, snapshot, state, action, now, apart=apart)
    lines = () if found is None else found.data.members.select("member", "start", "rows", "digest").rows()
    members = tuple(Member(*line) for line in lines if line[0] != POOLED and (action.pooled or line[0] == address.key))
    if found is None or not members:
        raise InputError(f"{meant} has no labelled rows to be judged by", next=f"argosy why {meant.member}")
    with house.store.read() as conn:
        run = executions.get(conn, [version.execution_id])[version.execution_id]
    pooled = rivals.pooled(house.store, state.fleet) if state.fleet.pooled and not action.pooled else None
    job = Job(state.fleet, found.data.signature, found.data, {}, str(house.store.blobs.root), pooled)
    inputs = (*found.inputs, ("training set", found.data.digest), ("version", str(meant)))
    member = Member(POOLED, 0, sum(each.rows for each in members), everyone(members)) if action.pooled else members[0]
    return _Given(version, job, member, members, Context(meant.fleet, now, run.bundle, inputs, KIND))


def _measured(
    house: House, snapshot: Snapshot, given: _Given, orders: Sequence[Order]
) -> Iterator[tuple[Order, Result]]:  # fmt: skip
    """Each method in a worker, in the order in which they were asked for."""
    version, fleet = given.version, given.job.fleet
    original = rivals.load(house.store, fleet.name, [version.id]).get(version.id)
    if original is None:
        raise InputError(f"how {fleet.name}@{version.number} takes its rows is not on record", next="train it anew")
    key = given.member.key
    champion = rivals.champions(house.store, fleet.name, [key]).get(key)
    engine = house.engine(snapshot.wanted["fleet", fleet.name].bundle, preload([fleet]))
    tasks = [Task(order.method, (given.job, given.members, original, champion, order)) for order in orders]
    limit = duration.parse(fleet.time_limit).total_seconds() * _SCALE
    done = {result.key: result for result in engine.map("argosy.training.optimise.work:optimise", tasks, timeout=limit)}
    for order in orders:
        yield order, done[order.method]


def _told(order: Order, result: Result) -> Optimised:
    if result.failure is not None:
        return Optimised(order.method, reason=f"{result.failure.kind}: {result.failure.message}")
    made: Lighter = result.value
    if made.fitted is None:
        return Optimised(order.method, reason=made.reason, next=made.next)
    return Optimised(
        order.method, None, made.fitted.held_out, made.before, metrics(made.fitted), made.fitted.settings
    )  # fmt: skip


def _recorded(
    house: House, given: _Given, order: Order, result: Result, made: Optimised, subject: str
) -> tuple[Optimised, Version | None]:  # fmt: skip
    """Record the model as a version of the member, unless the same was made of the same rows before."""
    fleet, member = given.context.fleet, given.member
    parts = {**given.version.body.get("parts", {}), "rows": member.digest}
    parts["optimised"] = hashlib.sha256(msgspec.json.encode([given.version.id, order])).hexdigest()
    key = hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()
    with house.store.read() as conn:
        if executions.finished(conn, [key]):
            told = "it was recorded before, from the same rows"
            return msgspec.structs.replace(made, reason=told, next=f"argosy get versions --where fleet:{fleet}"), None
    done = [(Fit(member, key, parts), msgspec.structs.replace(result, value=result.value.fitted))]
    with tenure.hold(house.store, subject) as lease:
        if lease is None:
            raise busy(fleet)
        house.take(lease)
        version = land(house.store, partial(house.write, subject), given.context, done).versions[member.key]
    return msgspec.structs.replace(made, version=str(Address(fleet, member.key, version.number))), version


def _judged(house: House, given: _Given, made: Optimised, version: Version | None) -> Optimised:
    """The same with the first gate that refused the version, if one did."""
    if version is None:
        return made
    with house.store.read() as conn:
        refused = {each.gate: each.message for each in verdicts.of(conn, [version.id]) if each.passed is False}
    gate = next((each for each in given.job.fleet.gates if each.name in refused), None)
    if gate is None:
        return made
    if isinstance(gate, Bound) and gate.beats is not None:
        side = "minimum" if greater_is_better(gate.metric) else "maximum"
        instead = f"ask for a bound in its place, ag.Gate({gate.metric!r}, {side}=...)"
    else:
        instead = "allow less with --tolerance, or more with --trees"
    instead = f"{instead}, or take it as it is: argosy promote {shlex.quote(str(made.version))}"
    return msgspec.structs.replace(made, reason=f"did not pass {gate.name}: {refused[gate.name]}", next=instead)
