"""In what two runs differ: what they were asked for, what they were made of, what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.controller import course, patch
from argosy.controller.course import Brief, Step, Summary
from argosy.pipelines.why import changes
from argosy.store import bundles, tallies
from argosy.store.blobs import Blobs

_SHARE, _LEAST = 0.2, 0.1
"""Costs differ where they do by a fifth and by a tenth of a second: less is noise."""

Pair = tuple[Any, Any]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A node of which the two runs have other counts, or which cost them otherwise; None where a run has it not."""

    step: str
    counts: tuple[dict[str, int] | None, dict[str, int] | None]
    cpu_s: tuple[float, float]
    wall_s: tuple[float, float]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A metric that a call logged otherwise, or in one of the two only."""

    step: str
    element: int
    name: str
    values: tuple[float | None, float | None]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Only what differs, each time the first run's and the second's.

    `code` tells of code, libraries and variables in words, `patch` of its modules line by line. `results` are the
    digests of what the pipeline gave, by name, or a list's digests.
    """

    runs: tuple[Brief, Brief]
    parameters: dict[str, Pair]
    inputs: dict[str, Pair]
    code: list[str]
    patch: list[str]
    steps: list[Part]
    metrics: list[Measured]
    results: dict[str, Pair]

    @property
    def none(self) -> bool:
        """Whether the runs were asked for the same, of the same, and came to the same at about the same cost."""
        return not any((self.parameters, self.inputs, self.code, self.steps, self.metrics, self.results))


def between(conn: Connection, blobs: Blobs, first: int, second: int, now: datetime) -> Difference:
    """In what the runs of two ids differ; a constant number of queries. Raises UnknownError."""
    one, two = course.summary(conn, first, now), course.summary(conn, second, now)
    code = _code(one.run.body.get("recipes", {}), two.run.body.get("recipes", {}))
    return Difference(
        runs=(one.brief, two.brief),
        parameters=_pairs(one.run.parameters, two.run.parameters),
        inputs=_pairs(one.run.inputs, two.run.inputs),
        code=code,
        patch=_patch(conn, blobs, one.run.bundle, two.run.bundle) if code else [],
        steps=_parts(one, two),
        metrics=_metrics(tallies.metrics(conn, first), tallies.metrics(conn, second)),
        results=_pairs(_results(one), _results(two)),
    )


def _pairs(one: Mapping[str, Any], two: Mapping[str, Any]) -> dict[str, Pair]:
    names = list(dict.fromkeys([*one, *two]))
    return {name: (one.get(name), two.get(name)) for name in names if one.get(name) != two.get(name)}


def _code(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[str]:
    """What the steps that both have are made of otherwise, each part once: steps share code."""
    found = (line for name in one if name in two for line in changes(one[name], two[name], {}, {}))
    return list(dict.fromkeys(found))


def _patch(conn: Connection, blobs: Blobs, one: str | None, two: str | None) -> list[str]:
    known = bundles.some(conn, {digest for digest in (one, two) if digest})
    return patch.between(blobs, known[one], known[two]) if one in known and two in known and one != two else []


def _parts(one: Summary, two: Summary) -> list[Part]:
    steps = ({step.name: step for step in each.steps if step.kind != "either"} for each in (one, two))
    mine, yours = steps
    none = Step(name="", kind="call", needs=[])
    found = []
    for name in dict.fromkeys([*mine, *yours]):
        a, b = mine.get(name, none), yours.get(name, none)
        if a.counts != b.counts or (name in mine) is not (name in yours) or _other(a.cpu_s, b.cpu_s):
            counts = a.counts if name in mine else None, b.counts if name in yours else None
            found.append(Part(step=name, counts=counts, cpu_s=(a.cpu_s, b.cpu_s), wall_s=(a.wall_s, b.wall_s)))
    return found


def _other(one: float, two: float) -> bool:
    return abs(one - two) > max(_LEAST, _SHARE * max(one, two))


def _metrics(
    one: Mapping[tuple[str, int], Mapping[str, float]], two: Mapping[tuple[str, int], Mapping[str, float]]
) -> list[Measured]:
    return [
        Measured(step=place[0], element=place[1], name=name, values=values)
        for place in dict.fromkeys([*one, *two])
        for name, values in _pairs(one.get(place, {}), two.get(place, {})).items()
    ]


def _results(summary: Summary) -> dict[str, Any]:
    return summary.endings[-1].body.get("results", {}) if summary.endings else {}
