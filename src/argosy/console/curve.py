"""Curves of metrics for pages: the histories of runs, smoothed as the URL says, thinned to what a picture can show."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
from markupsafe import Markup
from sqlalchemy import Connection

from argosy.console import plot, smooth
from argosy.console.plot import Line
from argosy.store.tracking import curves, metrics
from argosy.store.tracking.curves import Place

_READ, _DRAWN, _LEAST = 20_000, 300, 80
"""Points of a run's curve that are smoothed, and that are drawn of one curve and of one among many."""


class Curve(msgspec.Struct, frozen=True):
    """A metric over steps: of each run its name, the place of its colour, and (step, value) as it is drawn."""

    key: str
    lines: tuple[Line, ...]

    def draw(self, width: float = 760.0, height: float = 260.0) -> Markup:
        """As a picture."""
        return plot.curves(self.key, self.lines, width, height)


def of(conn: Connection, runs: Sequence[tuple[int, str]], names: Sequence[str], weight: float = 0.0) -> list[Curve]:
    """The curves of some metrics of runs, given as (id, name) in the order of their colours; one query.

    What never was a finite number is no curve. With a `weight` each is smoothed by `smooth.ema`, and of one run what it
    was before lies faint behind it. Raises UsageError for a weight out of bounds.
    """
    smooth.check(weight)
    found = curves.of(conn, [id for id, _ in runs], names) if names else {}
    most = max(_DRAWN // max(len(runs) // 8, 1), _LEAST)
    made = []
    for key in names:
        lines: list[Line] = []
        for place, (id, name) in enumerate(runs):
            points = metrics.sampled(found.get(key, {}).get(id, ()), _READ)
            if any(math.isfinite(value) for _, value in points):
                lines += _lines(name, place, points, weight, most, alone=len(runs) == 1)
        if lines:
            made.append(Curve(key, tuple(lines)))
    return made


def _lines(name: str, place: int, points: Sequence[Place], weight: float, most: int, *, alone: bool) -> list[Line]:
    told = [Line(name, place, _thin(points, most), faint=True)] if weight and alone else []
    if weight:
        values = smooth.ema([value for _, value in points], weight)
        points = [(step, value) for (step, _), value in zip(points, values, strict=True)]
    return [*told, Line(name, place, _thin(points, most))]


def _thin(points: Sequence[Place], most: int) -> tuple[tuple[float, float], ...]:
    return tuple((float(step), value) for step, value in metrics.sampled(points, most))
