"""A score over time, with its estimate and its reference, and beneath the time axis what happened to the member."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from markupsafe import Markup

from argosy.console import axis, words
from argosy.console.svg import drawing, element, text, title

_WIDTH, _HEIGHT = 760.0, 282.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 8.0, 12.0, 78.0
_ROW, _PITCH = 17.0, 12.0
_MOST, _TOLD = 300, 12


class Point(msgspec.Struct, frozen=True):
    """A value at a time; None where it is not known."""

    at: datetime
    value: float | None


class Happening(msgspec.Struct, frozen=True):
    """Something that happened: `kind` chooses its sign, `words` say it."""

    at: datetime
    kind: str
    words: str


ROWS = {
    "alerts": {"alert": "!"},
    "trained": {"trained": "△"},
    "rollout": {"canary": "◐", "promoted": "●", "pooled": "○", "rolled back": "✕"},
}
"""The rows of signs beneath the time axis: what each tells of, and the sign of each kind, the weightiest last."""


class _Scale(msgspec.Struct, frozen=True):
    start: datetime
    stop: datetime
    low: float
    high: float

    def x(self, at: datetime) -> float:
        share = (at - self.start) / (self.stop - self.start)
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(max(share, 0.0), 1.0)

    def y(self, value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (self.high - value) / (self.high - self.low)


def draw(
    name: str, values: Sequence[Point], estimates: Sequence[Point], reference: Sequence[Point],
    happenings: Sequence[Happening], now: datetime,
) -> Markup:  # fmt: skip
    """`values` as a line, `estimates` as a dashed one that goes on from it, `reference` as steps; all oldest first.

    An estimate of None ends a dashed line. A step holds until the next (None: none holds).
    """
    values = _thin([point for point in values if point.value is not None])
    runs = _runs(values, estimates)
    guessed = [point for run in runs for point in run]
    scale = _scale([*values, *guessed], reference, happenings, now)
    inside = [
        *_axis_y(scale), *_axis_x(scale), *_marks(scale, happenings),
        element("path", d=_steps(reference, scale), class_="reference"),
        element("path", d="".join(_line(run, scale) for run in runs) or "M0 0", class_="estimate"),
        element("path", d=_line(values, scale), class_="live"),
    ]  # fmt: skip
    if values and values[-1].value is not None:
        inside.append(element("circle", cx=scale.x(values[-1].at), cy=scale.y(values[-1].value), r=2.6, class_="last"))
    inside.append(element("line", x1=-9, x2=-9, y1=_TOP, y2=_HEIGHT - _BOTTOM, class_="cross"))
    data = [(round(scale.x(p.at), 1), words.moment(p.at), round(p.value or 0.0, 4)) for p in values]
    data += [
        (round(scale.x(p.at), 1), f"{words.moment(p.at)} estimated", round(p.value or 0.0, 4))
        for p in guessed
        if p not in values
    ]
    return drawing(
        _WIDTH, _HEIGHT, *inside, class_="chart", role="img", aria_label=f"{name} over time",
        data_chart=msgspec.json.encode(data).decode(), data_name=name,
    )  # fmt: skip


def _runs(values: Sequence[Point], estimates: Sequence[Point]) -> list[list[Point]]:
    """Unbroken runs of estimates, each begun at the last value before it, if that is not older than the run before."""
    runs: list[list[Point]] = []
    going_on = False
    for point in estimates:
        if going_on and point.value is not None:
            runs[-1].append(point)
        elif point.value is not None:
            known = [each for each in values if each.at < point.at and (not runs or each.at > runs[-1][-1].at)]
            runs.append([*known[-1:], point])
        going_on = point.value is not None
    return runs


def _thin(values: Sequence[Point]) -> list[Point]:
    """At most some hundred points, evenly taken, the last among them."""
    step = max(-(-len(values) // _MOST), 1)
    return list(values[::-1][::step])[::-1]


def _scale(
    values: Sequence[Point], reference: Sequence[Point], happenings: Sequence[Happening], now: datetime
) -> _Scale:
    times = [each.at for each in (*values, *reference)] + [each.at for each in happenings]
    start = min(times, default=now - timedelta(days=1))
    known = [point.value for point in (*values, *reference) if point.value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    margin = (high - low) * 0.12 or max(abs(high) * 0.05, 0.01)
    return _Scale(min(start, now - timedelta(hours=1)), max([now, *times]), low - margin, high + margin)


def _axis_y(scale: _Scale) -> list[str]:
    found, step = [], axis.step((scale.high - scale.low) / 4)
    digits = max(0, -math.floor(math.log10(step)))
    value = math.ceil(scale.low / step) * step
    while value <= scale.high:
        y = scale.y(value)
        found.append(element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="grid"))
        found.append(text(f"{value:.{digits}f}", _LEFT - 6, y + 3.5, text_anchor="end"))
        value += step
    return found


def _axis_x(scale: _Scale) -> list[str]:
    length = scale.stop - scale.start
    days = max(length / timedelta(days=1), 0.01)
    form = "%Y-%m-%d" if days > 3 else "%H:%M"
    base = _HEIGHT - _BOTTOM
    found = [element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=base, y2=base, class_="axis")]
    for index in range(6):
        at = scale.start + length * index / 5
        anchor = "start" if index == 0 else "end" if index == 5 else "middle"
        found.append(text(at.strftime(form), scale.x(at), _HEIGHT - 4, text_anchor=anchor))
    return found


def _marks(scale: _Scale, happenings: Sequence[Happening]) -> list[str]:
    """A row of signs for each sort of thing, so that none hides another."""
    found = []
    for row, (name, signs) in enumerate(ROWS.items()):
        y = _HEIGHT - _BOTTOM + _ROW * (row + 1)
        found.append(text(name, _LEFT - 9, y, text_anchor="end", class_="row"))
        found += _row(scale, signs, [each for each in happenings if each.kind in signs], y)
    return found


def _row(scale: _Scale, signs: Mapping[str, str], happenings: Sequence[Happening], y: float) -> list[str]:
    """Those that fall together share the sign of the weightiest, and its title lists them."""
    order, places = list(signs), dict[int, list[Happening]]()
    for each in happenings:
        places.setdefault(round(scale.x(each.at) / _PITCH), []).append(each)
    found = []
    for place, group in sorted(places.items()):
        x = min(max(place * _PITCH, _LEFT), _WIDTH - _RIGHT)
        kind = max((each.kind for each in group), key=order.index)
        said = [f"{words.moment(each.at)} {each.words}" for each in group[:_TOLD]]
        said += [f"and {len(group) - _TOLD} more"] * (len(group) > _TOLD)
        found.append(
            element(
                "g", title("\n".join(said)),
                element("line", x1=x, x2=x, y1=_TOP, y2=_HEIGHT - _BOTTOM, class_="when"),
                element("rect", x=x - 6, y=y - 13, width=12, height=_ROW, class_="hit"),
                text(signs[kind], x, y, text_anchor="middle"), class_=f"mark m-{kind.replace(' ', '-')}",
            )
        )  # fmt: skip
    return found


def _line(values: Sequence[Point], scale: _Scale) -> str:
    points = [f"{scale.x(p.at):.1f} {scale.y(p.value):.1f}" for p in values if p.value is not None]
    return "M" + "L".join(points) if points else "M0 0"


def _steps(reference: Sequence[Point], scale: _Scale) -> str:
    parts = []
    for index, point in enumerate(reference):
        if point.value is not None:
            stop = reference[index + 1].at if index + 1 < len(reference) else scale.stop
            parts.append(f"M{scale.x(point.at):.1f} {scale.y(point.value):.1f}H{scale.x(stop):.1f}")
    return "".join(parts) or "M0 0"
