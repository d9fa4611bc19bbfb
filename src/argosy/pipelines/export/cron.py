"""Schedules in the cron of other schedulers, where that means the same times; and what such a text must hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from argosy.errors import InputError, UsageError
from argosy.pipelines.export.order import Order
from argosy.spec import duration
from argosy.spec.schedule import Every, Schedule

_RANGES = (range(60), range(24), range(1, 32), range(1, 13), range(7))
_FIELDS = ("minute", "hour", "day of the month", "month", "day of the week")
_DAYS, _WEEK = 2, 4
_HOUR, _DAY = 60, 24 * 60
_YEARS = range(2025, 2038)

Sets = tuple[frozenset[int], ...]


def standard(order: Order) -> tuple[str, str] | None:
    """The schedule as a cron text of five fields of numbers, and its zone; None where there is none to export.

    The text means the same for whoever reads cron: where both days are named, either is enough. Raises UsageError for
    a schedule that such a text cannot say.
    """
    schedule = order.pipeline.schedule if order.scheduled else None
    if schedule is None:
        return None
    sets, zone = _sets(order, schedule)
    return _written(sets), zone


def universal(order: Order) -> str | None:
    """The same in UTC. Raises UsageError also where the times of a zone are not the same in UTC all year."""
    schedule = order.pipeline.schedule if order.scheduled else None
    if schedule is None:
        return None
    sets, zone = _sets(order, schedule)
    found = {_moved(sets, offset) for offset in _offsets(zone)}
    (moved,) = found if len(found) == 1 else (None,)
    if moved is None:
        _refuse(order, f"has no times in UTC that are the same all year ({zone})", "declare it with zone='UTC'")
    return _written(moved)


def check(text: Any, path: str) -> None:
    """A cron text of five fields: numbers, ranges, steps and lists. Raises InputError that names `path`."""
    parts = text.split() if isinstance(text, str) else []
    if len(parts) != len(_FIELDS):
        raise InputError(f"{path} is {text!r}; it must be a cron text of five fields")
    for part, name, allowed in zip(parts, _FIELDS, _RANGES, strict=True):
        if not all(_fits(each, allowed) for each in part.split(",")):
            raise InputError(f"{path} is {text!r}; its {name}, {part!r}, must be within {allowed[0]} to {allowed[-1]}")


def gap(text: str) -> int:
    """The least minutes between two times of a text that `check` passes, days aside."""
    minutes, hours = (_expand(part, allowed) for part, allowed in zip(text.split(), _RANGES[:2], strict=False))
    times = sorted(60 * hour + minute for hour, minute in product(hours, minutes))
    return min(later - sooner for sooner, later in zip(times, [*times[1:], times[0] + _DAY], strict=True))


def _sets(order: Order, schedule: Schedule) -> tuple[Sets, str]:
    """The numbers of each field; a day that does not matter has all."""
    if isinstance(schedule, Every):
        return _interval(order, schedule), "UTC"
    from cronsim import CronSim  # only where a schedule is a cron text

    found = CronSim(schedule.text, datetime(2000, 1, 1, tzinfo=UTC))
    days, week = set(found.days), {day % 7 if isinstance(day, int) else -1 for day in found.weekdays}
    if not days <= set(_RANGES[_DAYS]) or not week <= set(_RANGES[_WEEK]):
        _refuse(order, "names a last or an nth day, which no cron but Argosy's reads", "name days by number")
    full = [days == set(_RANGES[_DAYS]), week == set(_RANGES[_WEEK])]
    if found.day_and and not any(full):
        _refuse(order, "asks for both of two days, where other crons take either", "name one of them")
    if not found.day_and and any(full):
        days, week = set(_RANGES[_DAYS]), set(_RANGES[_WEEK])
    return tuple(map(frozenset, (found.minutes, found.hours, days, found.months, week))), schedule.zone


def _interval(order: Order, every: Every) -> Sets:
    minutes, rest = divmod(duration.parse(every.interval), timedelta(minutes=1))
    whole = tuple(map(frozenset, _RANGES))
    if not rest and _HOUR % minutes == 0:
        return (frozenset(range(0, 60, minutes)), *whole[1:])
    if not rest and minutes % _HOUR == 0 and _DAY % minutes == 0:
        return (frozenset({0}), frozenset(range(0, 24, minutes // _HOUR)), *whole[2:])
    if not rest and minutes == 7 * _DAY:
        thursday = frozenset({4})
        return (frozenset({0}), frozenset({0}), *whole[2:4], thursday)
    _refuse(order, "is no part of an hour, a day or a week that repeats in each", "declare it with a cron text")


def _refuse(order: Order, why: str, next: str) -> NoReturn:
    schedule = order.pipeline.schedule
    shown = repr(schedule.interval if isinstance(schedule, Every) else schedule.text if schedule else None)
    raise UsageError(
        f"schedule {shown} of pipeline {order.pipeline.name} {why}", next=f"{next}, or export it with --unscheduled"
    )


def _offsets(zone: str) -> set[int]:
    """How many minutes the clocks of a zone are ahead of UTC, over the year; seconds count as a zone of its own."""
    clock = ZoneInfo(zone)
    moments = (datetime(year, month, day, tzinfo=UTC) for year in _YEARS for month in range(1, 13) for day in (1, 15))
    found = {moment.astimezone(clock).utcoffset() or timedelta() for moment in moments}
    return {int(each.total_seconds()) // 60 for each in found}


def _moved(sets: Sets, ahead: int) -> Sets | None:
    """The fields of the same times on a clock that is `ahead` minutes behind; None where no text has them."""
    minutes, hours, days, months, week = sets
    times = {divmod(60 * hour + minute - ahead, _DAY) for hour, minute in product(hours, minutes)}
    moved = frozenset(time // 60 for _, time in times), frozenset(time % 60 for _, time in times)
    if {60 * hour + minute for hour, minute in product(*moved)} != {time for _, time in times}:
        return None
    shifts = {shift for shift, _ in times}
    calendar = days == set(_RANGES[_DAYS]) and months == set(_RANGES[3])
    if calendar and week != set(_RANGES[_WEEK]) and len(shifts) == 1:
        (shift,) = shifts
        week = frozenset((day + shift) % 7 for day in week)
    elif shifts != {0} and not (calendar and week == set(_RANGES[_WEEK])):
        return None
    return moved[1], moved[0], days, months, week


def _written(sets: Sets) -> str:
    return " ".join(_field(sorted(values), allowed) for values, allowed in zip(sets, _RANGES, strict=True))


def _field(values: list[int], allowed: range) -> str:
    """Numbers as a field that begins with a star only where it has all, or where it is a time of the day."""
    if values == list(allowed):
        return "*"
    step = values[1] - values[0] if len(values) > 2 else 0
    if step > 1 and allowed[0] == 0 and len(allowed) > 7 and values == list(allowed[::step]):
        return f"*/{step}"
    if step == 1 and values == list(range(values[0], values[-1] + 1)):
        return f"{values[0]}-{values[-1]}"
    return ",".join(map(str, values))


def _fits(term: str, allowed: range) -> bool:
    bounds, _, step = term.partition("/")
    first, dash, last = bounds.partition("-")
    if "/" in term and not (_number(step) and int(step) and (bounds == "*" or dash)):
        return False
    if bounds == "*":
        return True
    ends = [first, last] if dash else [first]
    return all(_number(each) and int(each) in allowed for each in ends) and int(ends[0]) <= int(ends[-1])


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _expand(part: str, allowed: range) -> set[int]:
    return {value for term in part.split(",") for value in _values(term, allowed)}


def _values(term: str, allowed: range) -> Iterator[int]:
    bounds, _, step = term.partition("/")
    first, dash, last = bounds.partition("-")
    low, high = (allowed[0], allowed[-1]) if bounds == "*" else (int(first), int(last if dash else first))
    yield from range(low, high + 1, int(step or 1))
