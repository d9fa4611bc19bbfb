"""Plots of runs: curves over steps, points of two values, and parallel coordinates of several."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
from markupsafe import Markup

from argosy.console import axis, words
from argosy.console.axis import Axis
from argosy.console.svg import drawing, element, text, title

COLOURS = 10
"""Colours of runs; the next ones are dashed."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 10.0, 10.0, 22.0
_HEATS = 6
_ENDS = 16.0


class Line(msgspec.Struct, frozen=True):
    """A curve: who it is of, the place of its colour, and (step, value) in the order of steps.

    A `faint` one lies behind the others. Values that are no numbers break it.
    """

    name: str
    colour: int
    points: tuple[tuple[float, float], ...]
    faint: bool = False


class Dot(msgspec.Struct, frozen=True):
    """A run by some of its values; one that is None, or no value of an axis, is not drawn there."""

    name: str
    colour: int
    values: tuple[float | str | None, ...]
    link: str = ""


def curves(name: str, lines: Sequence[Line], width: float = 760.0, height: float = 260.0) -> Markup:
    """Curves over steps. One curve alone bears its points for the pointer."""
    across = axis.of([step for line in lines for step, _ in line.points], 6 if width > 400 else 4)
    up = axis.of([value for line in lines for _, value in line.points], margin=0.06)
    frame = _Frame(across, up, width, height)
    inside = [*frame.grid(), *(_path(line, frame) for line in sorted(lines, key=lambda line: not line.faint))]
    strong = [line for line in lines if not line.faint]
    if len(strong) != 1:
        return drawing(width, height, *inside, class_="plot", role="img", aria_label=f"{name} over steps")
    inside.append(element("line", x1=-9, x2=-9, y1=_TOP, y2=height - _BOTTOM, class_="cross"))
    told = [(round(frame.x(step), 1), f"step {step:g}", words.measure(value)) for step, value in strong[0].points]
    return drawing(
        width, height, *inside, class_="chart plot", role="img", aria_label=f"{name} over steps",
        data_chart=msgspec.json.encode(told).decode(), data_name=name,
    )  # fmt: skip


def scatter(names: tuple[str, str], dots: Sequence[Dot], width: float = 560.0, height: float = 320.0) -> Markup:
    """Each run at its two values."""
    across, up = (axis.of([dot.values[place] for dot in dots], margin=0.06, log=True) for place in (0, 1))
    frame = _Frame(across, up, width, height - 16)
    found = [*frame.grid(), text(names[0], width - _RIGHT, height - 4, text_anchor="end", class_="name")]
    found.append(text(names[1], 2, _TOP - 1, class_="name"))
    for dot in dots:
        x, y = frame.place(*dot.values)
        if x is not None and y is not None:
            told = f"{dot.name}\n{names[0]} {_told(dot.values[0])}\n{names[1]} {_told(dot.values[1])}"
            mark = element("circle", cx=x, cy=y, r=4, class_=f"dot {colour(dot.colour)}")
            found.append(element("a", title(told), mark, href=dot.link))
    return drawing(width, height, *found, class_="plot scatter", role="img", aria_label=f"{names[1]} by {names[0]}")


def parallel(names: Sequence[str], dots: Sequence[Dot], width: float = 1160.0, height: float = 300.0) -> Markup:
    """Each run as a line across axes of its values, coloured by its place on the last of them."""
    axes = [axis.of([dot.values[place] for dot in dots], log=True) for place in range(len(names))]
    pitch = (width - 200.0) / max(len(names) - 1, 1)
    top, bottom = 38.0, height - _ENDS
    found = []
    for dot in dots:
        places = [each.place(value) for each, value in zip(axes, dot.values, strict=True)]
        path = "".join(
            f"{'L' if index and places[index - 1] is not None else 'M'}{100 + pitch * index:.0f} "
            f"{bottom - (bottom - top) * place:.1f}"
            for index, place in enumerate(places)
            if place is not None
        )
        heat = "none" if places[-1] is None else f"h{min(int(places[-1] * _HEATS), _HEATS - 1)}"
        values = "\n".join(f"{name} {_told(value)}" for name, value in zip(names, dot.values, strict=True))
        line = element("path", d=path or "M0 0", class_=f"line {heat}")
        found.append(element("a", title(f"{dot.name}\n{values}"), line, href=dot.link))
    for index, (name, each) in enumerate(zip(names, axes, strict=True)):
        x = 100 + pitch * index
        found.append(element("line", x1=x, x2=x, y1=top, y2=bottom, class_="axis"))
        found.append(text(name, x, 14 if index % 2 == 0 else 26, text_anchor="middle", class_="name"))
        found += [text(told, x - 5, bottom - (bottom - top) * place + 3.5, text_anchor="end")
                  for place, told in each.ticks]  # fmt: skip
    return drawing(width, height, *found, class_="plot parallel", role="img", aria_label="parallel coordinates")


def colour(place: int) -> str:
    """The CSS classes of a run's colour, by its place among those that are compared."""
    return f"c{place % COLOURS}" + (" dashed" if place // COLOURS % 2 else "")


class _Frame:
    """The area of a plot between its two axes."""

    def __init__(self, across: Axis, up: Axis, width: float, height: float) -> None:
        self.across, self.up, self.width, self.height = across, up, width, height

    def x(self, value: float | str | None) -> float:
        """Where a value of the axis across lies."""
        return _LEFT + (self.width - _LEFT - _RIGHT) * (self.across.place(value) or 0.0)

    def place(self, across: float | str | None, up: float | str | None) -> tuple[float | None, float | None]:
        """Where a point lies; None for what has no place."""
        high = self.up.place(up)
        y = None if high is None else _TOP + (self.height - _TOP - _BOTTOM) * (1 - high)
        return (None if self.across.place(across) is None else self.x(across)), y

    def grid(self) -> list[str]:
        """Lines and their names."""
        base, found = self.height - _BOTTOM, []
        for place, told in self.up.ticks:
            y = _TOP + (base - _TOP) * (1 - place)
            found.append(element("line", x1=_LEFT, x2=self.width - _RIGHT, y1=y, y2=y, class_="grid"))
            found.append(text(told, _LEFT - 6, y + 3.5, text_anchor="end"))
        found.append(element("line", x1=_LEFT, x2=self.width - _RIGHT, y1=base, y2=base, class_="axis"))
        for place, told in self.across.ticks:
            x = _LEFT + (self.width - _LEFT - _RIGHT) * place
            anchor = "end" if place > 0.97 else "middle"
            found.append(text(told, x, base + 14, text_anchor=anchor))
        return found


def _path(line: Line, frame: _Frame) -> str:
    parts, drawn = [], False
    x = y = None
    for step, value in line.points:
        x, y = frame.place(step, value)
        if x is not None and y is not None:
            parts.append(f"{'L' if drawn else 'M'}{x:.0f} {y:.1f}")
        drawn = y is not None
    named = [title(line.name)] if not line.faint else []
    if len(line.points) == 1 and parts:
        return element("circle", *named, cx=x, cy=y, r=3, class_=f"dot {colour(line.colour)}")
    shape = "line faint" if line.faint else "line"
    return element("path", *named, d="".join(parts) or "M0 0", class_=f"{shape} {colour(line.colour)}")


def _told(value: float | str | None) -> str:
    if isinstance(value, str):
        return value[:80]
    return words.NONE if value is None or math.isnan(value) else words.measure(value)
