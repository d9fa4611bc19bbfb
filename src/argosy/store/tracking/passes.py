"""Trainings of whole fleets as runs: what the members came to that one pass of training was for, summed up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from argosy.store.codec import EPOCH, from_json, from_micros
from argosy.store.executions import FAILED, FALLBACK
from argosy.store.rows import execute, within
from argosy.store.tracking import flat, metrics, naming, runs
from argosy.store.tracking.draft import Draft
from argosy.store.tracking.executed import USER, Ran, Span
from argosy.store.tracking.metrics import Last

MEAN = "mean."
"""What a metric begins with that is the mean of one of the members' versions."""
_MEMBERS, _FAILED, _FALLBACKS, _VERSIONS, _PEAK = "members", "failed", "fallbacks", "versions", "peak_bytes"


def drafts(conn: Connection, found: Span) -> list[Draft]:
    """The trainings that executions are part of, with what was known of each added up: two statements.

    A training may land in several spans. The step of a metric is how many members, or versions, it sums up, so that
    its history shows how the training went on.
    """
    parts: dict[tuple[str, int], list[Ran]] = {}
    for ran in found.ran:
        if ran.trains is not None:
            parts.setdefault((ran.trains, ran.started), []).append(ran)
    there = _there(conn, [naming.of_training(*each) for each in parts])
    return [_draft(found, *each, rans, there.get(naming.of_training(*each))) for each, rans in parts.items()]


_There = tuple[int, Mapping[str, Last]]


def _there(conn: Connection, names: Iterable[str]) -> dict[str, _There]:
    """When each of the runs that are there ended so far, and its metrics."""
    clause, bound = within(conn, "run", names)
    known = execute(conn, f"SELECT run, id, ended_at FROM tracked WHERE {clause}", (bound,)).fetchall()
    last = metrics.last(conn, [id for _, id, _ in known]) if known else {}
    return {run: (ended, last.get(id, {})) for run, id, ended in known}


def _draft(found: Span, fleet: str, started: int, rans: Sequence[Ran], there: _There | None) -> Draft:
    ended, before = there or (started, {})
    members = [ran for ran in rans if ran.fleet is not None]
    sums, means = _sums(found, rans, members, before), _means(found, members, before)
    count, bundle = int(sums[_MEMBERS]), rans[0].bundle
    owner = found.code.actor(bundle)
    return Draft(
        naming.of_training(fleet, started), fleet, f"training {from_micros(started) or EPOCH:%Y-%m-%d %H:%M:%S}",
        runs.FAILED if count and sums[_FAILED] == count else runs.SUCCEEDED,
        started, max(ended, *(ran.ended for ran in rans)), owner,
        metrics=sums | {key: mean for key, (mean, _) in means.items()},
        steps=dict.fromkeys(sums, count) | {key: many for key, (_, many) in means.items()},
        tags={"argosy.kind": "training", "argosy.subject": fleet, USER: owner, **found.code.tags(bundle, started)},
        inputs=sorted({read for ran in rans for read in found.inputs(ran.id)}),
    )  # fmt: skip


def _sums(found: Span, rans: Sequence[Ran], members: Sequence[Ran], before: Mapping[str, Last]) -> dict[str, float]:
    """Counts and costs, added to those from before."""
    values = {
        _MEMBERS: len(members), _FAILED: sum(ran.outcome == FAILED for ran in members),
        _FALLBACKS: sum(ran.outcome == FALLBACK for ran in members),
        _VERSIONS: sum(ran.id in found.made for ran in members),
        "cpu_s": math.fsum(ran.cpu_s or 0.0 for ran in rans), "wall_s": math.fsum(ran.wall_s or 0.0 for ran in rans),
    }  # fmt: skip
    sums = {key: value + (before[key].value if key in before else 0.0) for key, value in values.items()}
    peaks = [float(ran.peak_bytes or 0) for ran in rans]
    return {**sums, _PEAK: max([*peaks, before[_PEAK].value] if _PEAK in before else peaks)}


def _means(found: Span, members: Sequence[Ran], before: Mapping[str, Last]) -> dict[str, tuple[float, int]]:
    """The mean of each score, and of how many versions: one that has no value of it does not count."""
    scores: dict[str, list[float]] = {}
    for ran in members:
        if ran.id in found.made:
            for key, value in flat.numbers(from_json(found.made[ran.id].metrics)).items():
                scores.setdefault(f"{MEAN}{key}", []).append(value)
    means = {}
    for key, each in scores.items():
        last = before.get(key, Last(0.0, 0, 0))
        many = last.step + len(each)
        means[key] = ((last.value * last.step + math.fsum(each)) / many, many)
    return means
