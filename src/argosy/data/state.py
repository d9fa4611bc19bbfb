"""What is true of datasets: before rows are added, which are blocked, which have gone stale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from argosy.data import reference
from argosy.data.problem import FAILED
from argosy.data.reference import Target
from argosy.data.terms import Terms
from argosy.spec import duration
from argosy.spec.dataset import Dataset
from argosy.store import contracts, datasets, findings, schema, statistics
from argosy.store.datasets import QUARANTINE, ROWS, Part, Version
from argosy.store.rows import among

REJECTED = "rejected"
"""Purpose of parts whose rows broke a rule that blocks."""

_SHOWN = 3


class Refused(msgspec.Struct, frozen=True):
    """Which rows were kept out, by the digests of their parts, and why."""

    digests: frozenset[str]
    messages: frozenset[str]


class Before(msgspec.Struct, frozen=True):
    """What is true of a dataset before rows are added: its latest version, its terms, its parts, its statistics.

    `targets` are what its contract's references are checked against; `refused` is what its latest version was to add,
    where that was rejected.
    """

    version: Version | None
    contract: contracts.Contract | None
    terms: Terms
    parts: list[Part]
    aside: list[Part]
    statistics: dict[str, Any] | None
    targets: tuple[Target, ...] = ()
    refused: Refused | None = None

    @property
    def number(self) -> int:
        """The number of the latest version, 0 where there is none."""
        return self.version.number if self.version else 0


class Staleness(msgspec.Struct, frozen=True):
    """How old a dataset's newest event is, against the most that its contract allows."""

    newest: datetime
    age: timedelta
    limit: timedelta

    @property
    def says(self) -> str:
        """The two in words."""
        return f"the newest event is {duration.show(self.age)} old, more than {duration.show(self.limit)}"

    def __str__(self) -> str:
        return f"stale since {self.newest + self.limit:%Y-%m-%d %H:%M}: {self.says}"


def before(conn: Connection, dataset: Dataset) -> Before:
    """The state of a dataset in this snapshot."""
    version = datasets.version(conn, dataset.name)
    contract = contracts.current(conn, dataset.name)
    terms = Terms.read(contract.body if contract else None, dataset)
    targets = reference.targets(conn, terms.contract)
    if version is None:
        return Before(None, contract, terms, [], [], None, targets)
    parts = datasets.cover(conn, dataset.name, version.number)
    aside = datasets.parts(conn, dataset.name, version.number, purpose=QUARANTINE)
    body = statistics.get(conn, dataset.name, version.number)
    return Before(version, contract, terms, parts, aside, body, targets, _refused(conn, version))


def _refused(conn: Connection, version: Version) -> Refused | None:
    name, number = version.dataset, version.number
    parts = datasets.parts(conn, name, number, purpose=REJECTED, since=number - 1)
    if not parts:
        return None
    why = frozenset(each.message for each in findings.of(conn, name, number) if each.outcome == FAILED)
    return Refused(frozenset(each.digest for each in parts), why)


def blocked(conn: Connection, names: Iterable[str]) -> dict[str, str]:
    """The datasets among `names` whose latest version was rejected and not accepted since, each with why."""
    version, finding = schema.dataset_version.c, schema.finding.c
    last = (
        select(version.dataset, func.max(version.number).label("number"))
        .where(among(version.dataset, names))
        .group_by(version.dataset)
        .subquery()
    )
    query = (
        select(finding.dataset, finding.version, finding.message)
        .join(last, (last.c.dataset == finding.dataset) & (last.c.number == finding.version))
        .where(finding.outcome == FAILED)
        .order_by(finding.dataset, finding.id)
    )
    found: dict[str, list[str]] = {}
    numbers: dict[str, int] = {}
    for dataset, number, message in conn.execute(query):
        found.setdefault(dataset, []).append(message)
        numbers[dataset] = number
    return {
        name: f"version {numbers[name]} was rejected: {'; '.join(messages[:_SHOWN])}"
        + (f"; and {len(messages) - _SHOWN} more" if len(messages) > _SHOWN else "")
        + f" ({remedy(name, numbers[name])})"
        for name, messages in found.items()
    }


def remedy(dataset: str, number: int) -> str:
    """What to do about a version that its contract rejected."""
    return f"mend the source, or correct the contract and argosy apply, then argosy approve {dataset}@{number}"


def stale(conn: Connection, given: Sequence[Dataset], now: datetime) -> dict[str, Staleness]:
    """Of these datasets, those whose newest event is older at `now` than their contract's freshness allows."""
    limits = {
        each.name: duration.parse(each.contract.freshness)
        for each in given
        if each.contract and each.contract.freshness
    }
    c = schema.part.c
    query = select(c.dataset, func.max(c.high)).where(among(c.dataset, limits), c.purpose == ROWS)
    found = {}
    for name, newest in conn.execute(query.group_by(c.dataset)):
        if newest is not None and now - newest > limits[name]:
            found[name] = Staleness(newest, now - newest, limits[name])
    return found
