"""Schedules: the times at which a pipeline runs by itself. All of it is pure: what the time is, is passed in.

Times come and go in UTC, to the second, and strictly ascend. Whoever asks gets the same ones.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from argosy.spec import check, duration
from argosy.spec.declared import Declared
from argosy.spec.duration import Duration
from argosy.spec.span import Span

if TYPE_CHECKING:
    from cronsim import CronSim

CatchUp = Literal["none", "last", "all"]
"""What becomes of times that passed without a run, because nothing looked or another run was under way.

- `none`: they are skipped; a time counts as missed once it is `GRACE` ago.
- `last`: the latest of them gets its run, the ones before it none.
- `all`: each gets its run, the oldest first, at most `MOST` at once; the next look finds those that follow.
"""

Concurrency = Literal["forbid", "allow", "replace"]
"""What becomes of a run that is due while another of the pipeline is under way.

- `forbid`: it does not start; when the other has ended, `CatchUp` says whether it is made up for.
- `allow`: it starts beside the other.
- `replace`: the other is cancelled, and it starts.
"""

MOST = 100
"""How many missed times one look makes up for."""

GRACE = timedelta(minutes=10)
"""How late a run may start where missed times are skipped."""

_SECOND, _MINUTE, _DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SETTLED = datetime(2037, 1, 1, tzinfo=UTC)
"""From here on, the clocks of every zone follow a rule that repeats: before it, they may follow another each year."""

_YEARS, _LONGEST = 50, 256
_SHORT = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip
_FIELDS = (
    ("minute", "0", "59", ""), ("hour", "0", "23", ""), ("day of the month", "1", "31", ", L or LW for the last"),
    ("month", "JAN", "DEC", ", or 1 to 12"), ("day of the week", "SUN", "SAT", ", or 0 to 7, MON#1 or 5L"),
)  # fmt: skip
_ADVICE = "write '0 6 * * *' for 06:00 every day, or '6h' for every six hours"


class Cron(Declared, frozen=True, tag="cron", tag_field="kind"):
    """The times that a cron text names on the clocks of `zone`.

    Five fields: minute, hour, day of the month, month, day of the week; or `@hourly`, `@daily`, `@weekly`, `@monthly`,
    `@yearly`. Where neither day begins with `*`, one of the two is enough. Where clocks change it is as with Debian's
    cron: of a text whose minute and hour both begin with no `*`, a time that they skip comes right after the gap, and
    one that they show twice comes once, the first time; any other text comes whenever they show one of its times.
    """

    text: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.zone("Cron.zone", self.zone)
        check.put(self, "text", _canonical(self.text))
        walls = takewhile(lambda wall: wall.year - _SETTLED.year < _YEARS, _walk(self.text, _SETTLED))
        if not any(self._moments(wall) for wall in walls):
            limit = f"a time that the clocks of {self.zone} show within {_YEARS} years: they skip it each time"
            raise check.fail("Cron.text", self.text, limit, "name an hour and a minute of which neither begins with *")

    def after(self, at: datetime) -> Iterator[datetime]:
        """The times after a moment, without an end."""
        for time in self._ascend(at):
            if time > at:
                at = time
                yield time

    def before(self, at: datetime) -> datetime:
        """The latest time before a moment."""
        back = _walk(self.text, at.astimezone(_clock(self.zone)), reverse=True)
        (start,) = islice((time for wall in back for time in self._moments(wall) if time < at), 1)
        # Where clocks go back, a time that they show earlier may be the later one.
        *_, latest = start, *takewhile(lambda time: time < at, self.after(start))
        return latest

    def _ascend(self, at: datetime) -> Iterator[datetime]:
        """Times in order, some of them twice or before the moment, none after it left out."""
        shown, day_on = (each.astimezone(_clock(self.zone)) for each in (at, at + _DAY))
        ahead, behind = (each.utcoffset() or timedelta() for each in (shown, day_on))
        again = deque[datetime]()
        for wall in _walk(self.text, shown - max(ahead - behind, timedelta())):
            for first, *second in filter(None, [self._moments(wall)]):
                while again and again[0] < first:
                    yield again.popleft()
                yield first
                again += second

    def _moments(self, wall: datetime) -> list[datetime]:
        """When the clocks show one of the text's times, ascending: none, one or two moments that count."""
        minute, hour, *_ = self.text.split()
        named = not minute.startswith("*") and not hour.startswith("*")
        first, second = _either(wall, _clock(self.zone))
        if first <= second:
            return [first] if named or first == second else [first, second]
        while named and first > second:  # in a gap, what a fold of 1 stands for is the earlier
            wall += _MINUTE
            first, second = _either(wall, _clock(self.zone))
        return [first] if named else []


class Every(Declared, frozen=True, tag="every", tag_field="kind"):
    """Every `interval`, counted from 1970-01-01 00:00 UTC, so that all who count agree: `6h` is 00:00, 06:00, ... UTC.

    An interval of a week comes on Thursdays, as that day was one. At least a second.
    """

    interval: Duration

    def __post_init__(self) -> None:
        check.put(self, "interval", duration.canonical(self.interval, "Every.interval"))
        super().__post_init__()
        if self._length < _SECOND:
            raise check.fail("Every.interval", self.interval, "at least a second", "write '1s', or a longer one")

    def after(self, at: datetime) -> Iterator[datetime]:
        """The times after a moment, without an end."""
        time = self.before(at + datetime.resolution)
        while True:
            time += self._length
            yield time

    def before(self, at: datetime) -> datetime:
        """The latest time before a moment."""
        return _EPOCH + (at - _EPOCH - datetime.resolution) // self._length * self._length

    @property
    def _length(self) -> timedelta:
        return duration.parse(self.interval)


Schedule = Cron | Every


def of(given: object, zone: str | None = None, field: str = "schedule") -> Schedule | None:
    """A schedule from itself, a cron text (on the clocks of `zone`, or UTC) or an interval such as `"6h"`.

    Raises DeclarationError; also for a zone beside anything but a cron text, which has one or needs none.
    """
    if isinstance(given, str) and not re.fullmatch(r"\s*[0-9.]+\s*[A-Za-z]+\s*", given):
        return Cron(given, zone or "UTC")
    found = Every(given) if isinstance(given, str) else given
    if found is not None:
        check.instance(field, found, (Cron, Every), "a cron text, an interval such as '6h', ag.Cron or ag.Every")
    if zone is not None:
        raise check.fail("zone", zone, f"left out where {field} is no cron text", "write ag.Cron(text, zone=...)")
    return found  # type: ignore[return-value]


def times(schedule: Schedule, after: datetime, until: datetime, limit: int) -> list[datetime]:
    """The first `limit` times with after < time <= until, ascending."""
    return [*islice(takewhile(lambda time: time <= until, schedule.after(after)), limit)]


def next(schedule: Schedule, after: datetime) -> datetime:
    """The first time after a moment."""
    (found,) = islice(schedule.after(after), 1)
    return found


def show(schedule: Schedule) -> str:
    """For people: `at 06:00 every day (Europe/Berlin)`, `every 6h`."""
    if isinstance(schedule, Every):
        return f"every {schedule.interval}"
    said = _walk(schedule.text, _EPOCH).explain()
    return f"{said[:1].lower()}{said[1:]} ({schedule.zone})"


def moment(at: datetime) -> str:
    """A time in UTC for people, with its seconds where it has any: `2013-05-23 14:05`, `2013-05-23 14:05:30`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}".removesuffix(":00")


def due(
    schedule: Schedule, catch_up: CatchUp, last: datetime | None, since: datetime, now: datetime,
    grace: timedelta = GRACE,
) -> list[Span]:  # fmt: skip
    """The runs that must be started, the oldest first: each from the time before its own up to its own.

    `last` is the time of the last run that was started, the stop of its span; `since` is when the schedule came into
    force or was resumed. Times up to the later of the two are done with. So asking again gives the same until a run is
    recorded as started, and then no time a second run.
    """
    done = since if last is None else max(last, since)
    if catch_up == "all":
        found = times(schedule, done, now, MOST)
    else:
        latest = schedule.before(now + datetime.resolution)
        found = [latest] if latest > done and (catch_up == "last" or now - latest <= grace) else []
    starts = [schedule.before(found[0]), *found] if found else []
    return [Span(start, stop) for start, stop in zip(starts, found, strict=False)]


def _clock(zone: str) -> tzinfo:
    return UTC if zone == "UTC" else ZoneInfo(zone)


def _either(wall: datetime, clock: tzinfo) -> tuple[datetime, datetime]:
    """The moments that a time on the clocks stands for, with a fold of 0 and of 1."""
    return wall.replace(tzinfo=clock, fold=0).astimezone(UTC), wall.replace(tzinfo=clock, fold=1).astimezone(UTC)


def _walk(text: str, wall: datetime, reverse: bool = False) -> CronSim:
    """The times that a text names after one on the clocks, or before it; on clocks that never change."""
    from cronsim import CronSim  # only where a schedule is a cron text: a project without one starts as fast as ever

    return CronSim(text, wall.replace(tzinfo=None), reverse)


def _canonical(text: str) -> str:
    """The one spelling of a cron text. Raises DeclarationError that says which field is wrong, and what was meant."""
    if text.strip().startswith("@"):
        check.member("Cron.text", text.strip().lower(), _SHORT)
        return _SHORT[text.strip().lower()]
    parts = text.upper().split()
    if len(parts) != len(_FIELDS) or len(text) > _LONGEST:
        limit = f"five fields in {_LONGEST} characters: minute, hour, day of the month, month, day of the week"
        next = "leave out the seconds" if len(parts) == len(_FIELDS) + 1 else _ADVICE
        raise check.fail("Cron.text", text, limit, next)
    for index, (name, first, last, more) in enumerate(_FIELDS):
        if not _comes(["*" if place != index else part for place, part in enumerate(parts)]):
            wholes = ([*parts[:index], meant, *parts[index + 1 :]] for meant in _meant(index, parts[index]))
            (next,) = (*(f"write {' '.join(whole)!r}" for whole in wholes if _comes(whole)), _ADVICE)[:1]
            raise check.fail(
                "Cron.text", text, f"with its {name}, {parts[index]!r}, from {first} to {last}{more}", next
            )
    if not _comes(parts):
        raise check.fail("Cron.text", text, f"a time that comes within {_YEARS} years", "correct the days or the month")
    return " ".join(parts)


def _comes(parts: list[str]) -> bool:
    """Whether fields can be read, and name a time that ever comes."""
    from cronsim import CronSimError

    try:
        return any(True for _ in _walk(" ".join(parts), datetime(2000, 1, 1, tzinfo=UTC)))
    except CronSimError:
        return False


def _meant(index: int, part: str) -> Iterator[str]:
    """What may have been meant by a field that is wrong: hour 24, `MONDAY`, `22-2`."""
    _, first, last, _ = _FIELDS[index]
    if (index, part) in ((0, "60"), (1, "24")):
        yield first
    yield re.sub("[A-Z]{4,}", lambda word: word[0][:3], part)
    start, _, stop = part.partition("-")
    yield f"{start}-{last},{first}-{stop}"
