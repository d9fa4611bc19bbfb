"""Why a pipeline has started, is about to or does not: what starts it, what it waits for, and how its last run went."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from argosy.controller import course
from argosy.controller.agenda import ahead, due
from argosy.controller.almanac import Almanac, Entry
from argosy.controller.topic import Topic, Why
from argosy.spec import schedule
from argosy.spec.trigger import NewVersion, Trigger
from argosy.store import alerts, runs

_MISSED = {
    "none": "are skipped once they are ten minutes ago", "last": "come down to one run, for the last of them",
    "all": "each get their run, the oldest first",
}  # fmt: skip
_BESIDE = {
    "forbid": "no other starts until it has ended", "allow": "another may start beside it",
    "replace": "it is cancelled for the next one",
}  # fmt: skip


def pipeline(conn: Connection, name: str, now: datetime) -> Why:
    """Explain a declared pipeline, in a constant number of queries. Raises DeclarationError for one that is unread."""
    almanac = Almanac()
    known = {each.pipeline.name: each for each in almanac.read(conn)}
    if name in almanac.unread:
        raise almanac.unread[name]
    entry = known[name]
    next = _next(entry, now)
    topics = [next, _schedule(entry, now), _triggers(entry), _at_work(entry), _last(conn, name, now)]
    topics.append(_alarming(conn, name))
    return Why(name, "pipeline", now, next.says, tuple(each for each in topics if each is not None))


def _next(entry: Entry, now: datetime) -> Topic:
    title, name = "what happens next", entry.pipeline.name
    if (start := due(entry, now)) is not None:
        return Topic(title, f"a run is due: {start.why}", ("it starts while argosy up, or a controller, is at work",))
    wait = ahead(entry, now)
    if wait is None:
        return Topic(title, f"it starts when it is asked to: argosy run {name}", ("it has no schedule and no trigger",))
    return Topic(title, wait.why + (f", next {schedule.moment(wait.until)}" if wait.until is not None else ""))


def _schedule(entry: Entry, now: datetime) -> Topic | None:
    given = entry.pipeline.schedule
    if given is None:
        return None
    last = "none had a run yet"
    if entry.last is not None:
        last = f"the last that a run was for was {schedule.moment(entry.last)}"
    details = (
        f"in force since {schedule.moment(entry.since)}; {last}",
        f"the next time is {schedule.moment(schedule.next(given, now))}",
        f"times that were missed {_MISSED[entry.pipeline.catch_up]}",
    )
    return Topic("its schedule", schedule.show(given), details)


def _triggers(entry: Entry) -> Topic | None:
    asked = entry.pipeline.on
    if not asked:
        return None
    return Topic("what else starts it", " or ".join(map(str, asked)), tuple(_seen(entry, each) for each in asked))


def _seen(entry: Entry, trigger: Trigger) -> str:
    if isinstance(trigger, NewVersion):
        read, newest = (known.get(trigger.dataset, 0) for known in (entry.read, entry.versions))
        latest = f"{trigger.dataset}@{newest} is the latest" if newest else f"{trigger.dataset} has no version yet"
        return f"{latest}, {f'{trigger.dataset}@{read} the last that a run was for' if read else 'no run was for any'}"
    found = entry.happened.get(trigger)
    if found is None:
        return f"{trigger}: nothing of it yet"
    event, run = found
    return f"{trigger}: last {schedule.moment(event.at)}" + (f", run {run}" if run is not None else "")


def _at_work(entry: Entry) -> Topic:
    says = f"while a run is under way, {_BESIDE[entry.pipeline.concurrency]}"
    return Topic("one run and the next", says, tuple(f"run {id} is under way" for id in entry.under_way))


def _last(conn: Connection, name: str, now: datetime) -> Topic:
    ids = [each.id for each in runs.lately(conn) if each.pipeline == name]
    if not ids:
        return Topic("its last run", "it never ran")
    (run,) = course.briefs(conn, [max(ids)], now)
    why = (f"why it {run.state}: {run.reason}",) if run.reason else ()
    return Topic("its last run", f"run {run.id} of {schedule.moment(run.at)}, {run.state} ({run.cause})", why)


def _alarming(conn: Connection, name: str) -> Topic | None:
    """The alert that is raised about it."""
    found = next((each for each in alerts.raised(conn, alerts.NO_FLEET) if each.cause == name), None)
    if found is None:
        return None
    more = f"argosy describe run {found.body['run']} tells what went wrong"
    return Topic("what is alarming", found.message, (more, "the alert ends with the next run that succeeds"))
