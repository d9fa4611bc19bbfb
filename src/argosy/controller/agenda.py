"""The agenda: which runs of pipelines are to be started. Pure: what is known and the time are passed in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from argosy.controller.action import Start, Wait
from argosy.controller.almanac import Entry
from argosy.spec import schedule
from argosy.spec.quantity import plural
from argosy.spec.schedule import GRACE, Cron, Schedule
from argosy.spec.span import Span
from argosy.spec.trigger import After, NewVersion, Trigger

_MINUTE = timedelta(minutes=1)
_SHOWN = 3


def agenda(entries: Iterable[Entry], now: datetime, failed: Callable[[str, Exception], object]) -> list[Start]:
    """The next run of each pipeline of which one is due, those first that were due first.

    One at a time: which comes next is known once this one has begun. `failed` is told the name of a pipeline of which
    it cannot be said, and why; the others go on.
    """
    found = []
    for each in entries:
        try:
            start = due(each, now)
        except Exception as error:
            failed(each.pipeline.name, error)
        else:
            found += [start] if start is not None else []
    return sorted(found, key=lambda start: (start.due_at or now, start.pipeline))


def due(entry: Entry, now: datetime) -> Start | None:
    """The run of a pipeline that is to be started now."""
    pipeline = entry.pipeline
    if entry.paused or (entry.under_way and pipeline.concurrency == "forbid"):
        return None
    return _scheduled(entry, now) or _triggered(entry, now)


def ahead(entry: Entry, now: datetime) -> Wait | None:
    """What a pipeline that is not due waits for; None for one that never runs by itself."""
    pipeline = entry.pipeline
    if not pipeline.by_itself:
        return None
    about = f"pipeline {pipeline.name}"
    if entry.pause is not None and entry.paused:
        why = f"paused by {entry.pause.actor}" + (f": {entry.pause.reason}" if entry.pause.reason else "")
        return Wait(about, (), f"{why} (argosy resume {pipeline.name})")
    if entry.under_way and pipeline.concurrency == "forbid":
        return Wait(about, (), f"run {entry.under_way[0]} has not ended")
    told = [str(each) for each in pipeline.on]
    if pipeline.schedule is None:
        return Wait(about, (), " or ".join(told))
    until = schedule.next(pipeline.schedule, now)
    span = f" for {Span(pipeline.schedule.before(until), until)}" if pipeline.span else ""
    told.insert(0, f"starts{span} {schedule.show(pipeline.schedule)}")
    return Wait(about, (), " or upon ".join(told), until)


def _scheduled(entry: Entry, now: datetime) -> Start | None:
    pipeline = entry.pipeline
    given = pipeline.schedule
    if given is None:
        return None
    since = entry.since
    if entry.pause is not None and pipeline.catch_up == "none":
        since = max(since, entry.pause.at)
    done = since if entry.last is None else max(since, entry.last)
    if pipeline.catch_up == "none":
        done = max(done, now.replace(second=0, microsecond=0) - GRACE - _MINUTE)
    if _next(given, done) > now:
        return None
    spans = schedule.due(given, pipeline.catch_up, entry.last, since, now)
    if not spans:
        return None
    span = spans[-1] if pipeline.concurrency == "replace" else spans[0]
    text = given.text if isinstance(given, Cron) else f"every {given.interval}"
    return _start(entry, f"schedule: {text}", span if pipeline.span else None, span.stop)


def _triggered(entry: Entry, now: datetime) -> Start | None:
    causes = [cause for trigger in entry.pipeline.on if (cause := _cause(entry, trigger)) is not None]
    if not causes:
        return None
    more = [f"{len(causes) - _SHOWN} more"] if len(causes) > _SHOWN else []
    span = None
    if entry.pipeline.span is not None:
        start, stop = entry.stop or entry.since, now.astimezone(UTC).replace(microsecond=0)
        if start >= stop:
            return None
        span = Span(start, stop)
    return _start(entry, "; ".join([*causes[:_SHOWN], *more]), span)


def _cause(entry: Entry, trigger: Trigger) -> str | None:
    """Why a trigger starts a run, if it does."""
    if isinstance(trigger, NewVersion):
        number = entry.versions.get(trigger.dataset, 0)
        return f"new version {trigger.dataset}@{number}" if number > entry.read.get(trigger.dataset, 0) else None
    found = entry.happened.get(trigger)
    if found is None:
        return None
    event, run = found
    if not (event.id > entry.began if entry.began else event.at > entry.since):
        return None
    if isinstance(trigger, After):
        return f"after {trigger.pipeline} run {run}"
    return f"event {event.kind} of {event.subject}"


def _start(entry: Entry, cause: str, span: Span | None, due_at: datetime | None = None) -> Start:
    replaces = entry.under_way if entry.pipeline.concurrency == "replace" else ()
    why = cause + (f"; in place of {plural(len(replaces), 'run')} under way" if replaces else "")
    return Start(entry.pipeline.name, why, due_at, str(span) if span is not None else None, replaces)


@lru_cache(maxsize=10_000)
def _next(given: Schedule, after: datetime) -> datetime:
    """`schedule.next`: while nothing comes of a schedule, it is asked for the same again and again."""
    return schedule.next(given, after)
