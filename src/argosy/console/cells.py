"""The status map: one small cell per member, coloured and shaped by its status; ten thousand are cheap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from argosy.console import links, words
from argosy.console.svg import drawing, element, shape, text, title
from argosy.spec.quantity import plural

NAMED = 120
"""Up to so many members each cell bears its name."""
LINKED = 2000
"""Up to so many each is a link of its own; beyond, one path per status, and the pointer's place tells the member."""
_WIDTH = 1120.0


class Cell(NamedTuple):
    """A member on the map; one that the filter leaves out is dimmed."""

    key: str
    status: str
    chosen: bool = True


def draw(fleet: str, cells: Sequence[Cell]) -> Markup:
    """The map of a fleet's members, in the order given."""
    if len(cells) <= NAMED:
        return _named(fleet, cells)
    side = 12.0 if len(cells) <= 600 else 9.0 if len(cells) <= LINKED else 6.0
    pitch = side + (4.0 if side > 6 else 2.5)
    across = int(_WIDTH // pitch)
    tall = pitch * -(-len(cells) // across)
    places = [(pitch * (index % across), pitch * (index // across)) for index in range(len(cells))]
    inside = _linked(fleet, cells, places, side) if len(cells) <= LINKED else _massed(cells, places, side)
    return drawing(
        across * pitch, tall, *inside, class_="map", role="img", aria_label=f"status of {plural(len(cells), 'member')}",
        data_fleet=fleet, data_pitch=pitch, data_across=across, data_count=len(cells),
    )  # fmt: skip


def _linked(fleet: str, cells: Sequence[Cell], places: Sequence[tuple[float, float]], side: float) -> list[str]:
    return [
        element(
            "a", title(f"{words.name(cell.key)}: {cell.status}"), element("path", d=shape(cell.status, x, y, side)),
            href=links.member(fleet, cell.key), class_=_class(cell),
        )
        for cell, (x, y) in zip(cells, places, strict=True)
    ]  # fmt: skip


def _massed(cells: Sequence[Cell], places: Sequence[tuple[float, float]], side: float) -> list[str]:
    paths: defaultdict[str, list[str]] = defaultdict(list)
    for cell, (x, y) in zip(cells, places, strict=True):
        paths[_class(cell)].append(shape(cell.status, x, y, side))
    return [element("path", d="".join(parts), class_=name) for name, parts in sorted(paths.items())]


def _named(fleet: str, cells: Sequence[Cell]) -> Markup:
    """Rows by the first value of the key, each cell with the rest of the key beneath."""
    groups: defaultdict[str, list[Cell]] = defaultdict(list)
    for cell in sorted(cells, key=lambda cell: cell.key == "*"):
        groups[cell.key.partition("/")[0] if "/" in cell.key else ""].append(cell)
    if len(groups) > 12:
        groups = defaultdict(list, {"": list(cells)})
    longest = max((len(_label(cell, groups)) for cell in cells), default=2)
    pitch, row, left = max(34.0, 7.0 * longest + 8), 40.0, 46.0 if set(groups) != {""} else 0.0
    across = max(int((_WIDTH - left) // pitch), 1)
    found, y = [], 0.0
    for name, members in groups.items():
        found.append(text(name, 0, y + 14, class_="group"))
        for index, cell in enumerate(members):
            x, top = left + pitch * (index % across), y + row * (index // across)
            found.append(
                element(
                    "a", title(f"{words.name(cell.key)}: {cell.status}"),
                    element("rect", x=x - 2, y=top, width=pitch - 4, height=row - 6, rx=4, class_="hit"),
                    element("path", d=shape(cell.status, x + (pitch - 22) / 2, top + 4, 13.0)),
                    text(_label(cell, groups), x + pitch / 2 - 4, top + 30, text_anchor="middle"),
                    href=links.member(fleet, cell.key), class_=_class(cell),
                )
            )  # fmt: skip
        y += row * -(-len(members) // across)
    wide = left + pitch * min(max(map(len, groups.values()), default=1), across)
    label = f"status of {plural(len(cells), 'member')}"
    return drawing(wide, max(y, row), *found, class_="map named", role="img", aria_label=label)


def _label(cell: Cell, groups: dict[str, list[Cell]]) -> str:
    if cell.key in ("", "*"):
        return "pooled" if cell.key else "model"
    return cell.key.partition("/")[2] if "/" in cell.key and set(groups) != {""} else cell.key


def _class(cell: Cell) -> str:
    return f"s-{cell.status}" if cell.chosen else f"s-{cell.status} out"
