"""`argosy diff`: in what two runs differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from argosy.cli import home, show
from argosy.cli.account import identity
from argosy.cli.course import place, tally, written
from argosy.cli.option import Common
from argosy.cli.section import lines
from argosy.controller import difference
from argosy.controller.clock import SystemClock
from argosy.controller.difference import Difference, Measured, Part
from argosy.errors import UsageError
from argosy.spec.quantity import plural

_MOST, _LONGEST = 30, 60


def diff(kind: str, one: str, two: str, /, *, common: Common | None = None) -> int:
    """Show in what two runs differ: parameters, inputs, code, libraries, steps and their cost, metrics and results.

    Only differences are shown: whether a result has the same content, not what it holds.

    For example:
      argosy diff run 12 13
      argosy diff run 12 13 --json

    Parameters
    ----------
    kind
        What they are: run.
    one
        The id of the one.
    two
        The id of the other.
    """
    given = common or Common()
    if kind not in ("run", "runs"):
        raise UsageError(f"a {kind} cannot be compared, only runs", next="argosy diff run A B")
    first, second = identity("run", one), identity("run", two)
    with home.look(given.home) as (store, conn):
        found = difference.between(conn, store.blobs, first, second, SystemClock().now())
    if given.json:
        show.emit(found)
        return 0
    show.put(*_lines(found))
    return 0


def _lines(found: Difference) -> Iterator[str]:
    for each in found.runs:
        took = f" in {show.span(each.took)}" if each.took is not None else ""
        yield f"run {each.id} of {each.pipeline}: {each.state}{took}, {show.text(each.at)} UTC"
    one, two = found.runs
    if one.pipeline != two.pipeline:
        yield "they are runs of two pipelines: steps are compared by their names"
    if found.none:
        yield "they are alike: parameters, inputs, code, libraries, metrics and results"
    yield from _pairs("parameters", found.parameters)
    yield from _pairs("inputs", found.inputs)
    yield from lines("made of", found.code, _MOST)
    yield from lines("code", found.patch, _MOST)
    yield from lines("steps", [_part(each) for each in found.steps], _MOST)
    yield from lines("metrics", [_measured(each) for each in found.metrics], _MOST)
    yield from lines("results", [f"{name}: {_result(*pair)}" for name, pair in found.results.items()], _MOST)


def _pairs(title: str, pairs: dict[str, tuple[Any, Any]]) -> Iterator[str]:
    yield from lines(
        title, [f"{name}: {written(a, _LONGEST)} -> {written(b, _LONGEST)}" for name, (a, b) in pairs.items()], _MOST
    )


def _part(each: Part) -> str:
    one, two = ("not there" if counts is None else tally(counts) or "nothing" for counts in each.counts)
    counts = f"{one} -> {two}" if one != two else one
    return f"{each.step}: {counts}, {each.cpu_s[0]:.3g} -> {each.cpu_s[1]:.3g} CPU-s"


def _measured(each: Measured) -> str:
    return f"{place(each.step, each.element)} {each.name}: {' -> '.join(map(show.text, each.values))}"


def _result(one: Any, two: Any) -> str:
    if one is None or two is None:
        return "in one of them only"
    if isinstance(one, dict) and isinstance(two, dict):
        same = sum(a == b for a, b in zip(one["items"], two["items"], strict=False))
        lengths = f"{len(one['items']):,} -> {plural(len(two['items']), 'item')}"
        return f"other content: {lengths}, {same:,} alike"
    return f"other content: {_digest(one)} -> {_digest(two)}"


def _digest(written: Any) -> str:
    return "a list" if isinstance(written, dict) else f"{written[0]} {written[1][:12]}"
