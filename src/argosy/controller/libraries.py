"""Libraries: the versions that members were trained with, and whether those that are installed now are others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from argosy.engine.key import environment, versions
from argosy.store import events

_KIND = "libraries"


class Libraries(msgspec.Struct, frozen=True):
    """Versions by distribution; `digest` is what the keys of tasks hold of them."""

    digest: str
    versions: dict[str, str]


def installed(packages: Iterable[str]) -> Libraries:
    """What is installed in this process: Python, the libraries that every training may use, and these packages."""
    named = sorted({*packages} - {"sklearn"})  # it counts always, and to look it up by this name costs 0.2 s
    return Libraries(environment(named), versions(named))


def known(conn: Connection, fleet: str) -> dict[int, Libraries]:
    """What a fleet was ever trained with, by the id of the fact that says so; one query."""
    facts = events.of_kind(conn, _subject(fleet), _KIND)
    return {event.id: msgspec.convert(event.body, Libraries) for event in facts}


def record(tx: Connection, fleet: str, found: Libraries, now: datetime, actor: str) -> int:
    """The id of the fact that a fleet is trained with these versions, which is recorded where it is new."""
    there = known(tx, fleet)
    for id, each in there.items():
        if each.digest == found.digest:
            return id
    changed = changes(there[max(there)].versions, found.versions) if there else ""
    message = f"{fleet} is trained with " + (f"other libraries: {changed}" if changed else _listed(found.versions))
    event = events.NewEvent(
        at=now, kind=_KIND, subject=_subject(fleet), actor=actor, message=message, body=msgspec.to_builtins(found)
    )
    return events.add(tx, [event])[0]


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """What differs, in words: `lightgbm 4.6.0 -> 4.7.0, xgboost none -> 3.0.1`; empty where nothing does."""
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return ", ".join(f"{name} {before.get(name, 'none')} -> {after.get(name, 'none')}" for name in names)


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def _subject(fleet: str) -> str:
    return f"libraries:{fleet}"
