"""Numbers, times and names as people read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from markupsafe import Markup, escape

from argosy.spec import duration, schedule
from argosy.spec import size as sizes

NONE = "—"
_STATES = {"executed": "done", "cached": "cached", "failed": "failed", "skipped": "skipped"}


def number(value: float | None, digits: int = 3) -> str:
    """A score or a distance with `digits` decimals; a count with its thousands apart."""
    if value is None or value != value:
        return NONE
    return f"{value:,.0f}" if isinstance(value, int) else f"{value:.{digits}f}"


def count(value: float | None) -> str:
    """A whole number with its thousands apart."""
    return NONE if value is None or value != value else f"{value:,.0f}"


def short(value: float | None) -> str:
    """A number in at most about five characters: `1.2k`, `0.034`, `12`."""
    if value is None or value != value:
        return NONE
    size = abs(value)
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"


def exact(value: float | None) -> str:
    """Every digit of a number, its thousands apart: `1,100`, `0.05`."""
    if value is None or value != value:
        return NONE
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,}"


def measure(value: float | None) -> str:
    """A measured number with five digits, or as many as it has before the point: `1,017.4`, `0.034512`."""
    if value is None or value != value:
        return NONE
    return f"{value:,.0f}" if 1e5 <= abs(value) < 1e12 else f"{value:,.5g}"


def size(value: float | None) -> str:
    """A count of bytes in its largest unit, as the command line has it: `1.5 MiB`."""
    return NONE if value is None else sizes.show(value)


def percent(value: float | None, digits: int = 0) -> str:
    """A share of one."""
    return NONE if value is None else f"{100 * value:.{digits}f} %"


def moment(at: datetime | None) -> str:
    """A time to the minute, UTC, in the form that messages and the command line have too: `2013-05-23 14:05`."""
    return NONE if at is None else f"{at:%Y-%m-%d %H:%M}"


def due(at: datetime) -> str:
    """A time of a schedule, UTC, to the second where it has any."""
    return schedule.moment(at)


def day(at: datetime | None) -> str:
    """A date: `2013-05-23`."""
    return NONE if at is None else f"{at:%Y-%m-%d}"


def instant(at: datetime | None) -> str:
    """A time to the second, with its zone."""
    return NONE if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def stamp(at: datetime | None) -> str:
    """A time for programs, as `<time datetime>` takes it."""
    return "" if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"


def ago(at: datetime | None, now: datetime) -> str:
    """How long before `now`, in the largest unit: `5m`, `7h`, `12d`; `in 3d` for what is to come."""
    if at is None:
        return NONE
    if at > now:
        return f"in {_largest(at - now)}"
    return _largest(now - at)


def _largest(span: timedelta) -> str:
    seconds = span.total_seconds()
    if seconds < 60:
        return "now" if seconds < 1 else f"{int(seconds)}s"
    if seconds < 3600:
        return f"{int(seconds // 60)}m"
    return f"{int(seconds // 3600)}h" if seconds < 172_800 else f"{int(seconds // 86_400):,}d"


def span(length: timedelta) -> str:
    """A length of time in its two largest units."""
    return duration.show(length)


def took(seconds: float | None) -> str:
    """How long something took, to three digits: `0.2 s`, `3 min 20 s`."""
    return NONE if seconds is None else duration.took(seconds)


def came(counts: Mapping[str, int]) -> str:
    """What calls came to, by state: `9,997 done, 3 failed`; of one call, `done`."""
    words = {state: word for state, word in _STATES.items() if counts.get(state)}
    if sum(counts.values()) == 1:
        return "".join(words.values())
    return ", ".join(f"{counts[state]:,} {word}" for state, word in words.items())


def unnamed(message: str) -> str:
    """An alert's message without the members that it names at its end, for where they are listed beneath it."""
    return re.sub(r" \([^()]*\)$", "", message)


def coded(text: str) -> Markup:
    """A message as HTML: what stands between backticks is set as code."""
    parts = re.split(r"`([^`\n]+)`", text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def name(key: str) -> str:
    """A member's key for people: the pooled model and the only member of a fleet have no key to show."""
    return {"*": "pooled model", "": "the model"}.get(key, key)
