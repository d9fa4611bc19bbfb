"""Which members need a fit: pure, from the index of the training set and the keys of what was done before."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from argosy.engine.key import task_key
from argosy.model.signature import Signature
from argosy.spec.fleet import Fleet
from argosy.spec.quantity import plural
from argosy.training.rows import Member

_ELSEWHERE = (
    *("gates", "rollout", "monitors", "retrain", "owner", "description"),  # what is done with a version, and by whom
    "inputs",  # what is asked of a version
    *("time_limit", "memory_mb"),  # what a fit may cost, not what it gives
    "slices",  # what is told of a version; those that are declared later are told of the next one
)


class Basis(msgspec.Struct, frozen=True):
    """What every member of a fleet shares in its key, each part as a digest.

    `code` is what the project's code reaches, `environment` the installed libraries, `settings` what tuning chose.
    """

    code: str
    environment: str
    declaration: str
    features: str
    settings: str

    @classmethod
    def of(
        cls, fleet: Fleet, signature: Signature, settings: Mapping[str, Any], *, code: str, environment: str
    ) -> Basis:
        """The basis of a fleet's training.

        Of the declaration only what changes a model counts. Of the signature the names and kinds of the features: a
        category that is new to the fleet is no reason to train every member again.
        """
        columns = [(feature.name, feature.kind) for feature in signature.features]
        return cls(code, environment, relevant(fleet), _digest(columns), _digest(settings))


class Fit(msgspec.Struct, frozen=True):
    """A member to be fitted: the key of the task, and what the key was made of."""

    member: Member
    key: str
    parts: dict[str, str]


class Fallback(msgspec.Struct, frozen=True):
    """A member that has no model of its own, and why; the key says for which rows and code that holds."""

    member: Member
    key: str
    parts: dict[str, str]
    reason: str


class Plan(msgspec.Struct, frozen=True):
    """What training would do: `unchanged` maps each member that was done before to its task key."""

    fits: tuple[Fit, ...]
    fallbacks: tuple[Fallback, ...]
    unchanged: dict[str, str]


def relevant(fleet: Fleet) -> str:
    """The digest of the part of a declaration that changes the models: not gates, rollout, monitors or owner."""
    tree = msgspec.to_builtins(fleet)
    return _digest({name: value for name, value in tree.items() if name not in _ELSEWHERE})


def parts(basis: Basis, member: Member) -> dict[str, str]:
    """What a member's key is made of, by name: two keys differ because one of these does."""
    return {**msgspec.structs.asdict(basis), "member": member.key, "rows": member.digest}


def key(parts: Mapping[str, str]) -> str:
    """The key of a task from its parts."""
    named = {name: part for name, part in parts.items() if name not in ("code", "rows", "environment")}
    return task_key(parts["code"], named, [parts["rows"]], parts["environment"])


def tuning(code: str, declaration: str, environment: str) -> str:
    """The key of the tuning whose settings a fleet's members are trained with, from these parts of theirs."""
    return task_key(code, {"tune": declaration, "code": code}, [], environment)


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The names of the parts that differ between two keys, sorted."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def plan(members: Sequence[Member], basis: Basis, minimum_rows: int, done: Collection[str]) -> Plan:
    """Which members to fit.

    `done` are the task keys that ended without failure; `keys` says which to ask the store for. Members with fewer
    than `minimum_rows` rows fall back. Whether labels or features leave nothing to learn shows in the worker.
    """
    fits, fallbacks, unchanged = [], [], {}
    for member, task, made_of in keys(members, basis):
        if task in done:
            unchanged[member.key] = task
        elif member.rows < minimum_rows:
            reason = f"{plural(member.rows, 'labelled row')}, fewer than minimum_rows={minimum_rows}"
            fallbacks.append(Fallback(member, task, made_of, reason))
        else:
            fits.append(Fit(member, task, made_of))
    return Plan(tuple(fits), tuple(fallbacks), unchanged)


def keys(members: Sequence[Member], basis: Basis) -> list[tuple[Member, str, dict[str, str]]]:
    """Each member with its task key and the parts of the key."""
    made_of = [parts(basis, member) for member in members]
    return [(member, key(each), each) for member, each in zip(members, made_of, strict=True)]


def everyone(members: Sequence[Member]) -> str:
    """The digest of the rows of all members together: what the pooled model learns from."""
    return _digest([(member.key, member.digest) for member in sorted(members, key=lambda member: member.key)])


def _digest(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()
