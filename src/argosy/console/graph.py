"""A layered drawing of a lineage neighbourhood: causes left, effects right, the thing asked about in its column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec
from markupsafe import Markup

from argosy.console.svg import drawing, element, text, title

_WIDE, _TALL, _GAP_X, _GAP_Y = 190.0, 34.0, 56.0, 12.0


class Box(msgspec.Struct, frozen=True):
    """A node to draw: its name, a second line, where it leads, and how it looks (`kind` is a CSS class)."""

    id: str
    name: str
    note: str
    kind: str
    link: str | None = None
    full: str = ""


def draw(boxes: Sequence[Box], arrows: Sequence[tuple[str, str]]) -> Markup:
    """The graph; every arrow's ends must be among the boxes."""
    columns = _columns(boxes, arrows)
    tallest = max((len(column) for column in columns), default=1)
    height = tallest * (_TALL + _GAP_Y) - _GAP_Y
    places: dict[str, tuple[float, float]] = {}
    for index, column in enumerate(columns):
        top = (height - (len(column) * (_TALL + _GAP_Y) - _GAP_Y)) / 2
        for row, name in enumerate(column):
            places[name] = (1 + index * (_WIDE + _GAP_X), 1 + top + row * (_TALL + _GAP_Y))
    lines = [_arrow(places[source], places[target]) for source, target in arrows]
    drawn = [_box(box, *places[box.id]) for box in boxes]
    wide = len(columns) * (_WIDE + _GAP_X) - _GAP_X
    return drawing(max(wide, _WIDE) + 2, height + 2, *lines, *drawn, class_="graph", role="img", aria_label="lineage")


def _columns(boxes: Sequence[Box], arrows: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Longest path from a source decides the column; within one, nodes lie near the mean of what they join."""
    into: defaultdict[str, list[str]] = defaultdict(list)
    out: defaultdict[str, list[str]] = defaultdict(list)
    for source, target in arrows:
        into[target].append(source)
        out[source].append(target)
    depth = dict.fromkeys((box.id for box in boxes), 0)
    for _ in range(len(boxes)):  # a cycle, which facts cannot make, would stop here
        moved = False
        for source, target in arrows:
            if depth[target] <= depth[source] < len(boxes):
                depth[target], moved = depth[source] + 1, True
        if not moved:
            break
    for box in boxes:  # a source stands right before what it feeds, not far left
        if not into[box.id] and out[box.id]:
            depth[box.id] = min(depth[target] for target in out[box.id]) - 1
    least = min(depth.values(), default=0)
    columns: list[list[str]] = [[] for _ in range(max(depth.values(), default=0) - least + 1)]
    for box in boxes:
        columns[depth[box.id] - least].append(box.id)
    order = {name: float(row) for column in columns for row, name in enumerate(column)}
    for near in (into, out, into):
        for column in columns:
            mean = {n: sum(order[m] for m in near[n]) / len(near[n]) if near[n] else order[n] for n in column}
            column.sort(key=lambda name: mean[name])
            order.update({name: float(row) for row, name in enumerate(column)})
    return [column for column in columns if column]


def _arrow(source: tuple[float, float], target: tuple[float, float]) -> str:
    x1, y1 = source[0] + _WIDE, source[1] + _TALL / 2
    x2, y2 = target[0], target[1] + _TALL / 2
    middle = (x1 + x2) / 2
    return element(
        "path", d=f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}", class_="arrow"
    )


def _box(box: Box, x: float, y: float) -> str:
    inside = [
        title(box.full or f"{box.note} {box.name}"),
        element("rect", x=x, y=y, width=_WIDE, height=_TALL, rx=5),
        text(_cut(box.name, 27), x + 10, y + 14.5, class_="name"),
        text(_cut(box.note, 34), x + 10, y + 27, class_="note"),
    ]
    kind = f"box k-{box.kind}"
    return element("a", *inside, href=box.link, class_=kind) if box.link else element("g", *inside, class_=kind)


def _cut(content: str, most: int) -> str:
    return content if len(content) <= most else content[: most - 1] + "…"
