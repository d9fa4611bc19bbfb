"""Libraries: the versions that members were trained with, and whether those that are installed now are others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from argosy.engine.key import versions
from argosy.spec.fleet import Fleet
from argosy.store import events

_COUNTED = {"lightgbm", "sklearn"}
"""Import names that every key counts; to look up what is installed under any other name costs a fifth of a second."""


class Libraries(msgspec.Struct, frozen=True):
    """Versions by distribution, as training met them; `digest` is what the keys of its tasks hold of them."""

    digest: str
    versions: dict[str, str]


def packages(fleet: Fleet, code: Collection[str]) -> tuple[str, ...]:
    """The packages that a fleet's candidates come from, by import name; not the project's own modules, of `code`."""
    named = [reference for each in fleet.candidates for reference in each.estimator.references()]
    return tuple(sorted(_roots(named) - _roots(code) - _COUNTED))


def installed(fleet: Fleet, code: Collection[str]) -> dict[str, str]:
    """Versions by distribution, of Python and of what a fleet's models depend on, in this process."""
    return versions(packages(fleet, code))


def known(conn: Connection, fleet: str) -> dict[int, Libraries]:
    """What a fleet was ever trained with, by the id of the fact that says so; one query."""
    return {event.id: msgspec.convert(event.body, Libraries) for event in events.of_subject(conn, _subject(fleet))}


def record(tx: Connection, fleet: str, found: Libraries, now: datetime, actor: str) -> int:
    """The id of the fact that a fleet is trained with these versions, which is recorded where it is new."""
    there = known(tx, fleet)
    for id, each in there.items():
        if each.digest == found.digest:
            return id
    changed = changes(there[max(there)].versions, found.versions) if there else ""
    message = f"{fleet} is trained with " + (f"other libraries: {changed}" if changed else _listed(found.versions))
    event = events.NewEvent(
        at=now, kind="libraries", subject=_subject(fleet), actor=actor, message=message, body=msgspec.to_builtins(found)
    )
    return events.add(tx, [event])[0]


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """What differs, in words: `lightgbm 4.6.0 -> 4.7.0, xgboost none -> 3.0.1`; empty where nothing does."""
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return ", ".join(f"{name} {before.get(name, 'none')} -> {after.get(name, 'none')}" for name in names)


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def _roots(references: Collection[str]) -> set[str]:
    """`sklearn` for `sklearn.linear_model:LogisticRegression`."""
    return {reference.partition(":")[0].partition(".")[0] for reference in references}


def _subject(fleet: str) -> str:
    return f"libraries:{fleet}"
