"""What can be read through `resources`: each kind is one declaration, a query and its fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Table, and_, case, func, select, union

from argosy.errors import UnknownError
from argosy.store import mask, schema
from argosy.store.alerts import NO_FLEET
from argosy.store.codec import EPOCH
from argosy.store.mask import Tags
from argosy.store.tags import of_artifacts, of_facts

_HUGE = 2**63 - 1


@dataclass(frozen=True)
class Kind:
    """`fields` of `source`, in the unique order `order`; `locate` turns a reference into values of fields.

    Items that hold values of a dataset are shown as `masked` leaves them, given the `tags` of its columns.
    """

    source: FromClause
    fields: dict[str, ColumnElement[Any]]
    locate: Callable[[str], dict[str, Any]]
    order: tuple[str, ...] = ("id",)
    newest_first: bool = True
    where: ColumnElement[bool] | None = None
    masked: Callable[[dict[str, Any], Tags], dict[str, Any]] | None = None
    tags: Callable[[Connection, Sequence[dict[str, Any]]], list[Tags]] = of_facts


def _by_id(reference: str) -> dict[str, Any]:
    if not (reference.isascii() and reference.isdigit() and int(reference) <= _HUGE):
        raise UnknownError(f"{reference!r} is no id", next="pass a whole number")
    return {"id": int(reference)}


def _by(field: str) -> Callable[[str], dict[str, Any]]:
    return lambda reference: {field: reference}


def _by_member(reference: str) -> dict[str, Any]:
    fleet, _, key = reference.partition("/")
    return {"fleet": fleet, "key": key}


def _by_number(reference: str) -> dict[str, Any]:
    name, at, number = reference.rpartition("@")
    if not at:
        raise UnknownError(f"{reference!r} names no version", next="write it as NAME@NUMBER")
    return {"name": name, "number": _by_id(number)["id"]}


def _by_version(reference: str) -> dict[str, Any]:
    if reference.isdigit():
        return _by_id(reference)
    parts = _by_number(reference)
    return {**_by_member(parts["name"]), "number": parts["number"]}


def _by_dataset_version(reference: str) -> dict[str, Any]:
    parts = _by_number(reference)
    return {"dataset": parts["name"], "number": parts["number"]}


def _by_contract(reference: str) -> dict[str, Any]:
    """One contract by its id or as NAME@NUMBER; NAME alone is the one in force, as the newest come first."""
    if reference.isdigit():
        return _by_id(reference)
    return _by_dataset_version(reference) if "@" in reference else {"dataset": reference}


def _address(fleet: ColumnElement[str], key: ColumnElement[str]) -> ColumnElement[str]:
    return case((key == "", fleet), else_=fleet + "/" + key)


def _columns(table: Table, *without: str) -> dict[str, ColumnElement[Any]]:
    return {column.name: column for column in table.c if column.name not in without}


def _facts(table: Table) -> Kind:
    return Kind(table, _columns(table), _by_id)


def _of_members(table: Table) -> Kind:
    """Facts about a member, with its key and address; the member may be absent (a fact about the fleet)."""
    member = schema.member
    source = table.outerjoin(member, member.c.id == table.c.member_id)
    address = case((member.c.id.is_(None), table.c.fleet), else_=_address(table.c.fleet, member.c.key))
    return Kind(source, {**_columns(table), "key": member.c.key, "address": address}, _by_id)


def _alerts() -> Kind:
    """Those of members and of fleets, and those of no fleet: the address of these is the pipeline."""
    c, of = schema.alert.c, _of_members(schema.alert)
    address = case((c.fleet == NO_FLEET, c.cause), else_=of.fields["address"])
    return Kind(of.source, {**of.fields, "address": address}, _by_id)


def _aliases() -> Kind:
    """Moves with the number of the version that an alias came to point at, none for another target."""
    moves, version = _of_members(schema.alias), schema.version
    source = moves.source.outerjoin(version, version.c.id == schema.alias.c.version_id)
    return Kind(source, {**moves.fields, "number": version.c.number}, _by_id)


def _rules() -> Kind:
    """Rules for callers with the number of the version that one names, none for another target."""
    rules, version = _of_members(schema.rule), schema.version
    source = rules.source.outerjoin(version, version.c.id == schema.rule.c.version_id)
    return Kind(source, {**rules.fields, "number": version.c.number}, _by_id)


def _versions() -> Kind:
    table, member = schema.version, schema.member
    fields = {**_columns(table, "key"), "task": table.c.key, "key": member.c.key}
    fields["address"] = _address(table.c.fleet, member.c.key)
    return Kind(table.join(member, member.c.id == table.c.member_id), fields, _by_version)


def _of_versions(table: Table) -> Kind:
    version, member = schema.version, schema.member
    source = table.join(version, version.c.id == table.c.version_id).join(member, member.c.id == version.c.member_id)
    address = _address(version.c.fleet, member.c.key)
    more = {"fleet": version.c.fleet, "key": member.c.key, "number": version.c.number, "address": address}
    return Kind(source, {**_columns(table), **more}, _by_id)


def _members() -> Kind:
    table = schema.current
    fields = {**_columns(table), "address": _address(table.c.fleet, table.c.key)}
    return Kind(table, fields, _by_member, order=("fleet", "key"), newest_first=False)


def _fleets() -> Kind:
    """Those that are declared, whether they have members yet or not, and those that were and have members.

    The pooled model is none of its `members`; its versions, rollouts and failures count.
    """
    c, d = schema.current.c, schema.declaration.c
    member = c.key != "*"
    counts = {
        "members": func.count(case((member, 1))),
        "own": func.count(case((member & (c.target == "own"), 1))),
        "pooled": func.count(case((member & (c.target == "pooled"), 1))),
        "versions": func.coalesce(func.sum(c.version_number), 0),
        "rolling": func.count(case((c.rollout_state == "started", 1))),
        "failing": func.count(case((c.failures > 0, 1))),
    }
    some = select(
        c.fleet.label("name"), *(count.label(name) for name, count in counts.items()),
        func.max(c.version_at).label("version_at"),
    ).group_by(c.fleet)  # fmt: skip
    last = select(func.max(d.id)).where(d.kind == "fleet").group_by(d.name)
    known, wanted = some.cte("known"), select(d.name).where(d.id.in_(last), ~d.removed).cte("wanted")
    names = union(select(known.c.name), select(wanted.c.name)).subquery()
    source = names.outerjoin(known, known.c.name == names.c.name).outerjoin(wanted, wanted.c.name == names.c.name)
    fields: dict[str, ColumnElement[Any]] = {"name": names.c.name, "declared": wanted.c.name.is_not(None)}
    fields |= {name: func.coalesce(known.c[name], 0) for name in counts}
    fields["version_at"] = known.c.version_at
    return Kind(source, fields, _by("name"), order=("name",), newest_first=False)


def _datasets() -> Kind:
    table = schema.dataset_version
    last = select(func.max(table.c.id)).group_by(table.c.dataset)
    fields = {"name": table.c.dataset, **_columns(table, "dataset")}
    where = table.c.id.in_(last)
    return Kind(table, fields, _by("name"), order=("name",), newest_first=False, where=where)


def _declarations() -> Kind:
    table = schema.declaration
    last = select(func.max(table.c.id)).group_by(table.c.kind, table.c.name)
    where = and_(table.c.id.in_(last), ~table.c.removed)
    return Kind(table, _columns(table), _by_id, where=where)


def _pipelines() -> Kind:
    """Those that are declared, each as it is declared."""
    table = schema.declaration
    last = select(func.max(table.c.id)).where(table.c.kind == "pipeline").group_by(table.c.name)
    fields = _columns(table, "id", "kind", "removed", "reason")
    where = and_(table.c.id.in_(last), ~table.c.removed)
    return Kind(table, fields, _by("name"), order=("name",), newest_first=False, where=where)


def _leases() -> Kind:
    """Those that nobody gave back; one that has expired is of a process that died, or of a machine that is cut off."""
    held = schema.lease.c.expires_at > EPOCH
    return Kind(schema.lease, _columns(schema.lease), _by("name"), order=("name",), newest_first=False, where=held)


def _bundles() -> Kind:
    """Each with the commit that it was last applied from."""
    table, applied = schema.bundle, schema.application
    last = applied.c.id.in_(select(func.max(applied.c.id)).group_by(applied.c.bundle))
    source = table.outerjoin(applied, (applied.c.bundle == table.c.digest) & last)
    fields = {**_columns(table), "git_commit": applied.c.git_commit, "dirty": func.coalesce(applied.c.dirty, False)}
    return Kind(source, fields, _by("digest"), order=("at", "digest"))


def _runs() -> Kind:
    """Each with how it ended last; its graph is left to who asks for one."""
    table, ending = schema.run, schema.ending
    last = ending.c.id.in_(select(func.max(ending.c.id)).group_by(ending.c.run_id))
    fields = _columns(table, "body")
    fields |= {"outcome": ending.c.outcome, "reason": ending.c.reason, "ended_at": ending.c.at.label("ended_at")}
    return Kind(table.outerjoin(ending, (ending.c.run_id == table.c.id) & last), fields, _by_id)


def _experiments() -> Kind:
    """Those that are not in the trash, each by its name."""
    table = schema.tracking.experiment
    fields = _columns(table, "deleted_at")
    return Kind(table, fields, _by("name"), where=table.c.deleted_at.is_(None))


def _models() -> Kind:
    """Registered models that are not in the trash, each by its name; members of fleets are kinds of their own."""
    table = schema.models.registered
    return Kind(table, _columns(table, "deleted_at"), _by("name"), where=table.c.deleted_at.is_(None))


def _tracked() -> Kind:
    """Runs that are not in the trash, with their experiments, each by the name that programs call it by."""
    table, experiment = schema.tracking.tracked, schema.tracking.experiment
    source = table.join(experiment, experiment.c.id == table.c.experiment_id)
    fields = {**_columns(table, "deleted_at"), "experiment": experiment.c.name}
    return Kind(source, fields, _by("run"), where=table.c.deleted_at.is_(None))


def _calls() -> Kind:
    """The last word on each call of a run."""
    table, run = schema.call, schema.run
    last = select(func.max(table.c.id)).group_by(table.c.run_id, table.c.node, table.c.element)
    source = table.join(run, run.c.id == table.c.run_id)
    return Kind(source, {**_columns(table), "pipeline": run.c.pipeline}, _by_id, where=table.c.id.in_(last))


def _artifacts() -> Kind:
    table = schema.artifact
    return Kind(
        table, _columns(table, "data"), _by("digest"), order=("at", "digest"), masked=mask.artifact, tags=of_artifacts
    )


KINDS: dict[str, Kind] = {
    "alerts": _alerts(),
    "aliases": _aliases(),
    "applications": _facts(schema.application),
    "approvals": _of_versions(schema.approval),
    "artifacts": _artifacts(),
    "bundles": _bundles(),
    "calls": _calls(),
    "contracts": Kind(schema.contract, _columns(schema.contract), _by_contract, masked=mask.contract),
    "dataset-versions": Kind(schema.dataset_version, _columns(schema.dataset_version), _by_dataset_version),
    "datasets": _datasets(),
    "decisions": _of_members(schema.decision),
    "declarations": _declarations(),
    "events": _facts(schema.event),
    "executions": _facts(schema.execution),
    "experiments": _experiments(),
    "findings": Kind(schema.finding, _columns(schema.finding), _by_id, masked=mask.finding),
    "fleets": _fleets(),
    "leases": _leases(),
    "members": _members(),
    "models": _models(),
    "parts": _facts(schema.part),
    "pauses": _facts(schema.pause),
    "pipelines": _pipelines(),
    "rollouts": _of_members(schema.rollout),
    "rules": _rules(),
    "runs": _runs(),
    "signals": _of_members(schema.signal),
    "statistics": Kind(schema.statistic, _columns(schema.statistic), _by_dataset_version, masked=mask.statistic),
    "tokens": Kind(schema.token, _columns(schema.token), _by("digest"), order=("at", "digest")),
    "tracked": _tracked(),
    "verdicts": _of_versions(schema.verdict),
    "versions": _versions(),
    "windows": _facts(schema.window),
}
