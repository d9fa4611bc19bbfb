"""When each step of a run was at work: a row for each, in the order of the graph, over one axis of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import msgspec
from markupsafe import Markup

from argosy.console.svg import drawing, element, text, title
from argosy.spec.quantity import plural
from argosy.store.tallies import Span

FEW = 16
"""Up to so many calls of a step are lines of their own; of more it is drawn how many were at work when."""
SLICES = 100
"""Into how many slices of time the calls of a step are counted."""
_WIDTH, _LEFT, _RIGHT, _TOP = 1120.0, 212.0, 150.0, 22.0
_TALL, _LOW, _CROWD = 24.0, 15.0, 60
_LABEL, _NOTE = 32, 26
_LEAST = 2.0
_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800,
          3600, 7200, 10800, 21600, 43200, 86400)  # fmt: skip
_TICKS = 8


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A step: `state` is the worst of its calls ("failed", "executed", "cached", "skipped"), or "running", or "open".

    `spans` are its calls in time: those of results that were known are marks. It might have begun at `ready`; of calls
    at work the first began at `since`. `note` says in a few words what came of it, `said` in a line.
    """

    name: str
    state: str
    link: str | None = None
    note: str = ""
    said: str = ""
    ready: datetime | None = None
    since: datetime | None = None
    critical: bool = False
    spans: tuple[Span, ...] = ()

    @property
    def worked(self) -> list[Span]:
        """What was executed."""
        return [each for each in self.spans if each.cached < each.count]


class _Axis(msgspec.Struct, frozen=True):
    start: datetime
    seconds: float

    def x(self, at: datetime) -> float:
        share = (at - self.start).total_seconds() / self.seconds
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * min(max(share, 0.0), 1.0), 1)


def draw(rows: Sequence[Row], start: datetime, stop: datetime) -> Markup:
    """The rows from `start` to `stop`, which is now where something is at work; what lies beyond is at the edge."""
    axis = _Axis(start, max((stop - start).total_seconds(), 0.001))
    tall = _TALL if len(rows) <= _CROWD else _LOW
    height = _TOP + tall * len(rows)
    inside = [*_ticks(axis, height)]
    for place, row in enumerate(rows):
        inside.append(_row(row, axis, _TOP + tall * place, tall, stop))
    return drawing(
        _WIDTH, height + 2, *inside, class_="gantt", role="img",
        aria_label=f"when {plural(len(rows), 'step')} of the run was at work",
    )  # fmt: skip


def _ticks(axis: _Axis, height: float) -> Iterator[str]:
    step = next((each for each in _STEPS if axis.seconds / each <= _TICKS), None)
    step = step or 86400.0 * -(-axis.seconds // (86400 * _TICKS))
    for place in range(int(axis.seconds / step) + 1):
        x = axis.x(axis.start + timedelta(seconds=step * place))
        yield element("line", x1=x, x2=x, y1=_TOP - 4, y2=height, class_="grid")
        yield text(_clock(step * place), x + 3, _TOP - 8)


def _clock(seconds: float) -> str:
    """A distance from the beginning, in the one or two units that say it exactly."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds else "0"
    if seconds < 60:
        return f"{round(seconds, 1):g} s"
    days, left = divmod(round(seconds), 86400)
    hours, left = divmod(left, 3600)
    minutes, left = divmod(left, 60)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (left, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def _row(row: Row, axis: _Axis, y: float, tall: float, stop: datetime) -> str:
    inside = [
        title(f"{row.name}: {row.said or row.note}"),
        element("rect", x=0, y=y, width=_WIDTH, height=tall, class_="hit"),
        text(_cut(row.name, _LABEL), 2, y + tall / 2 + 3.5, class_="name"),
        *_work(row, axis, y + 3, tall - 6, stop),
        text(_cut(row.note, _NOTE), _WIDTH - _RIGHT + 20, y + tall / 2 + 3.5, class_="note"),
    ]
    kind = f"row r-{row.state}" + (" critical" if row.critical else "")
    return element("a", *inside, href=row.link, class_=kind) if row.link else element("g", *inside, class_=kind)


def _work(row: Row, axis: _Axis, y: float, tall: float, stop: datetime) -> Iterator[str]:
    """What a row shows: how long it waited, when it was at work, and the sign of what was known or failed."""
    worked, middle = row.worked, y + tall / 2
    since = row.since or (row.ready if row.state == "running" else None)
    if since is not None:
        left = axis.x(since)
        yield element("rect", x=left, y=y, width=max(axis.x(stop) - left, _LEAST), height=tall, rx=2, class_="going")
    if worked:
        begun = min(each.started_at for each in worked)
        if row.ready is not None and begun > row.ready:
            yield element("line", x1=axis.x(row.ready), x2=axis.x(begun), y1=middle, y2=middle, class_="wait")
        left = axis.x(begun)
        wide = max(axis.x(max(each.ended_at for each in worked)) - left, _LEAST)
        if len(worked) == 1 and worked[0].count == 1:
            yield element("rect", x=left, y=y, width=wide, height=tall, rx=2,
                          class_="bar lost" if worked[0].failed else "bar")  # fmt: skip
        else:
            yield element("rect", x=left, y=y, width=wide, height=tall, rx=2, class_="bed")
            many = len(worked) > FEW or any(each.count > 1 for each in worked)
            yield from _crowd(worked, left, wide, axis, y, tall) if many else _stack(worked, axis, y, tall)
        if row.state == "failed":
            yield text("✕", left + wide + 3, middle + 3.5, class_="sign")
    known = next((each for each in row.spans if each.cached), None)
    if known is not None:
        yield element("path", d=f"M{axis.x(known.started_at):g} {middle - 5:g}l5 5 -5 5 -5 -5z", class_="known")


def _stack(spans: Sequence[Span], axis: _Axis, y: float, tall: float) -> Iterator[str]:
    """A line for each call."""
    pitch = tall / len(spans)
    for place, span in enumerate(spans):
        left = axis.x(span.started_at)
        yield element(
            "rect", x=left, y=y + pitch * place, width=max(axis.x(span.ended_at) - left, _LEAST),
            height=max(pitch - 0.5, 0.8), class_="bar lost" if span.failed else "bar",
        )  # fmt: skip


def _crowd(spans: Sequence[Span], left: float, wide: float, axis: _Axis, y: float, tall: float) -> Iterator[str]:
    """How many were at work, as steps over a base line, the highest as tall as the row; under it where some failed."""
    counts, lost, width = [0] * SLICES, set[int](), wide / SLICES
    for span in spans:
        first, last = (
            min(max(int((axis.x(at) - left) / width), 0), SLICES - 1) for at in (span.started_at, span.ended_at)
        )
        for place in range(first, last + 1):
            counts[place] += span.count
        if span.failed:
            lost.add(first)
    most, height = max(counts), 0.0
    parts = [f"M{left:g} {y + tall:g}"]
    for place, count in enumerate(counts):
        if (up := round(tall * count / most, 1)) != height:
            parts.append(f"H{left + width * place:.1f}V{y + tall - up:g}")
            height = up
    yield element("path", d="".join([*parts, f"H{left + wide:.1f}V{y + tall:g}z"]), class_="bar")
    for place in sorted(lost):
        x = round(left + width * place, 1)
        yield element("rect", x=x, y=y + tall - 3, width=max(width, _LEAST), height=3, class_="bar lost")


def _cut(content: str, most: int) -> str:
    return content if len(content) <= most else content[: most - 1] + "…"
