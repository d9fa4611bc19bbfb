"""Runs side by side: what they are, their parameters and metrics, and how these hang together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from argosy.console import axis, curve, links, matrix, plot, words
from argosy.console.curve import Curve
from argosy.console.experiment import took
from argosy.console.matrix import Matrix, Row, Value
from argosy.console.page import Page
from argosy.console.plot import Dot
from argosy.controller import comparison
from argosy.controller.comparison import Patch
from argosy.store.store import Store
from argosy.store.tracking import column, experiments, identity, inputs, keys, texts
from argosy.store.tracking.clause import Order
from argosy.store.tracking.runs import Run

SOURCE = {
    "source": "mlflow.source.name", "commit": "mlflow.source.git.commit", "branch": "mlflow.source.git.branch",
    "bundle": comparison.BUNDLE,
}  # fmt: skip
"""Tags of runs that tell of their code, by what they are called here."""
_CURVES, _AXES, _DROPPED, _LINES, _NAMED = 2, 5, 10, 300, 4


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the URL asks for: runs by their names, or versions that they made; fields are spelt as columns of tables.

    `only` asks for what differs, `keys` for keys that hold a text, beyond `parameter` and `metric`.
    """

    runs: tuple[str, ...]
    only: bool = False
    keys: str = ""
    parameter: str = ""
    metric: str = ""
    curve: str = ""
    smooth: float = 0.0
    x: str = ""
    y: str = ""
    axes: str = ""


class Compared(msgspec.Struct, frozen=True):
    """A run that is compared: `colour` is its place, `without` the same page without it where they are few."""

    run: str
    name: str
    status: str
    experiment: str
    colour: int
    without: str


class ComparePage(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows. `about` tells what the runs are; `known` are fields to plot by. Of the code of Argosy's own
    runs `patches` tell the first lines that differ.

    `curve`, `x`, `y` and `axes` are what is plotted: asked for, or else the first in which the runs differ. `ways` are
    links: to the page with or without what is alike (`toggle`), to more parameters, to more metrics, to the first keys.
    """

    asked: Asked
    runs: tuple[Compared, ...]
    about: tuple[Row, ...]
    parameters: Matrix
    metrics: Matrix
    patches: tuple[Patch, ...]
    known: tuple[str, ...]
    curve: str
    curves: tuple[Curve, ...]
    x: str
    y: str
    points: tuple[Dot, ...]
    axes: tuple[str, ...]
    lines: tuple[Dot, ...]
    ways: dict[str, str]


def page(conn: Connection, store: Store, asked: Asked, now: datetime) -> Page:
    """The runs side by side. Raises UnknownError for one that is not, UsageError for what cannot be read."""
    data = read(conn, store, asked, now)
    narrow = len(data.curves) > 1
    pictures = {each.key: each.draw(*((560.0, 240.0) if narrow else ())) for each in data.curves}
    title = f"{len(data.runs)} runs compared"
    shown = [each.run for each in data.runs[:_NAMED]]
    shorts = identity.shorts(conn, shown)
    return Page(
        title, "compare.html", data, now, here="experiments",
        trail=(("experiments", links.experiments()), (title, None)),
        command=f"argosy compare {' '.join(shorts[run] for run in shown)}{' …' * (len(data.runs) > _NAMED)}",
        pictures={
            "curves": pictures,
            "scatter": plot.scatter((data.x, data.y), data.points) if data.points else None,
            "parallel": plot.parallel(data.axes, data.lines) if data.lines else None,
        },
    )  # fmt: skip


def read(conn: Connection, store: Store, asked: Asked, now: datetime) -> ComparePage:
    """The snapshot of the page; a constant number of queries."""
    found = comparison.find(conn, asked.runs)
    ids = [each.id for each in found]
    parameters = matrix.parameters(conn, ids, asked.keys, asked.parameter, only=asked.only)
    last = matrix.last(conn, ids, asked.keys, asked.metric, only=asked.only)
    about = _about(conn, found, now)
    steps = keys.stepped(conn, ids, [each.name for each in last.rows])
    drawn = column.parse(asked.curve) or [Order("metric", key) for key in steps[:_CURVES]]
    named = _names(found)
    curves = curve.of(
        conn, list(zip(ids, named, strict=True)), [each.key for each in drawn if each.entity == "metric"],
        asked.smooth,
    )  # fmt: skip
    across, up, axes = _chosen(asked, parameters, last)
    values = _values(conn, ids, [*across, *up, *axes])
    return ComparePage(
        asked=asked, runs=_runs(conn, found, named, asked),
        about=tuple(each for each in about if each.differs or not asked.only),
        parameters=parameters, metrics=last, patches=_patches(conn, store, ids),
        known=_known(parameters, last), curve=column.join(drawn),
        curves=tuple(curves), x=column.join(across), y=column.join(up), axes=tuple(map(column.spell, axes)),
        points=_dots(found, named, values, [*across, *up]) if across and up else (),
        lines=_dots(found, named, values, axes) if len(axes) > 1 else (), ways=_ways(asked, parameters, last),
    )  # fmt: skip


def _ways(asked: Asked, parameters: Matrix, last: Matrix) -> dict[str, str]:
    found = {"toggle": _link(asked, only=not asked.only, parameter="", metric="")}
    if parameters.next:
        found["parameters"] = _link(asked, parameter=parameters.next)
    if last.next:
        found["metrics"] = _link(asked, metric=last.next)
    if asked.parameter or asked.metric:
        found["first"] = _link(asked, parameter="", metric="")
    return found


def _link(asked: Asked, **changed: object) -> str:
    """The page with some of what it is asked for changed."""
    given = {**msgspec.structs.asdict(asked), **changed}
    runs = given.pop("runs")
    only = "differences" if given.pop("only") else ""
    return links.compare(runs, only=only, **given)


def _names(found: Sequence[Run]) -> list[str]:
    """What the runs are called; those of one name are told apart by the first digits of what programs call them."""
    times = Counter(each.name for each in found)
    return [each.name if times[each.name] == 1 else f"{each.name} {each.run[:6]}" for each in found]


def _runs(conn: Connection, found: Sequence[Run], names: Sequence[str], asked: Asked) -> tuple[Compared, ...]:
    known = experiments.some(conn, {each.experiment_id for each in found})
    few = comparison.FEWEST < len(found) <= _DROPPED
    return tuple(
        Compared(
            each.run, names[place], each.status, known[each.experiment_id].name, place,
            _link(asked, runs=[other.run for other in found if other != each]) if few else "",
        )
        for place, each in enumerate(found)
    )  # fmt: skip


def _about(conn: Connection, found: Sequence[Run], now: datetime) -> list[Row]:
    ids = [each.id for each in found]
    tags = texts.of(conn, texts.TAG, ids, list(SOURCE.values()))
    read = inputs.of(conn, ids)
    rows = [
        matrix.row("status", [each.status for each in found]),
        matrix.row("began", [words.moment(each.started_at) for each in found]),
        matrix.row("took", [words.took(took(each, now)) for each in found]),
        matrix.row("who", [each.owner for each in found]),
        *(matrix.row(name, [tags.get(id, {}).get(tag) for id in ids]) for name, tag in SOURCE.items()),
        matrix.row("data", [
            ", ".join(f"{each.dataset.name}@{each.dataset.digest}" for each in read.get(id, ())) or None for id in ids
        ]),
    ]  # fmt: skip
    return [each for each in rows if any(value not in (None, "") for value in each.values)]


def _patches(conn: Connection, store: Store, ids: Sequence[int]) -> tuple[Patch, ...]:
    tags = texts.of(conn, texts.TAG, ids, [comparison.BUNDLE])
    found = comparison.patches(store, conn, [tags.get(id, {}).get(comparison.BUNDLE) for id in ids])
    return tuple(msgspec.structs.replace(each, lines=each.lines[:_LINES]) for each in found)


def _chosen(asked: Asked, parameters: Matrix, last: Matrix) -> tuple[list[Order], list[Order], list[Order]]:
    """What is plotted: across, up, and as parallel axes."""
    given = [Order("parameter", each.name) for each in parameters.rows if _plottable(each)]
    came = [Order("metric", each.name) for each in last.rows if _plottable(each)]
    across, up = column.parse(asked.x)[:1], column.parse(asked.y)[:1]
    across = across or [each for each in [*given, *came] if [each] != up][:1]
    up = up or [each for each in [*came, *given] if [each] != across][:1]
    axes = column.parse(asked.axes) or [*given[: _AXES - 1], *came[: _AXES - min(len(given), _AXES - 1)]]
    return across, up, axes


def _plottable(row: Row) -> bool:
    """Whether runs differ in numbers."""
    return len({axis.number(value) for value in row.values} - {None}) > 1


def _known(parameters: Matrix, last: Matrix) -> tuple[str, ...]:
    given = [Order("parameter", each.name) for each in parameters.rows]
    return tuple(map(column.spell, [*(Order("metric", each.name) for each in last.rows), *given]))


def _values(conn: Connection, ids: Sequence[int], fields: Sequence[Order]) -> Mapping[Order, Sequence[Value]]:
    found: dict[Order, Sequence[Value]] = {}
    for table in ("metric", "parameter", "tag"):
        names = [each.key for each in fields if each.entity == table]
        known = matrix.values(conn, table, ids, names) if names else {}
        found |= {Order(table, name): [known.get(id, {}).get(name) for id in ids] for name in names}
    return found


def _dots(
    found: Sequence[Run], names: Sequence[str], values: Mapping[Order, Sequence[Value]], fields: Sequence[Order]
) -> tuple[Dot, ...]:  # fmt: skip
    """Each run by some fields; attributes are not plotted."""
    columns = [values.get(each, [None] * len(found)) for each in fields]
    return tuple(
        Dot(names[place], place, tuple(each[place] for each in columns), links.tracked(run.run))
        for place, run in enumerate(found)
    )
