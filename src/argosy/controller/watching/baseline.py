"""What is known of the versions that answer: their held-out scores, what they lean on, and what they predicted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.store import versions

Histogram = tuple[float, float, tuple[int, ...]]

_KEPT = 50_000


class Baseline(msgspec.Struct, frozen=True):
    """Of one version: when it was trained, its held-out scores, each feature's share of importance, its predictions.

    `beside` are the scores of the pooled model on the same held-out rows, which are the member's own.
    `predictions` is (low, high, counts in equal bins) of what it predicted on the rows it was trained on, `pooled` of
    what the pooled model predicted on its held-out rows: to be expected where that answers for the member.
    """

    at: datetime
    metrics: dict[str, float]
    importance: dict[str, float]
    predictions: Histogram | None
    pooled: Histogram | None = None
    beside: dict[str, float] = {}


class Baselines:
    """Baselines by version id, each read once: versions never change."""

    def __init__(self) -> None:
        self._known: dict[int, Baseline] = {}

    def of(self, conn: Connection, ids: Iterable[int]) -> dict[int, Baseline]:
        """The baselines of some versions, in at most one query."""
        wanted = set(ids)
        missing = wanted - self._known.keys()
        if missing:
            if len(self._known) > _KEPT:
                self._known.clear()
                missing = wanted
            self._known |= {id: _baseline(version) for id, version in versions.get(conn, missing).items()}
        return {id: self._known[id] for id in wanted if id in self._known}


def _baseline(version: versions.Version) -> Baseline:
    seen = version.body.get("predictions", {})
    return Baseline(
        version.at,
        version.metrics,
        version.body.get("importance", {}),
        _histogram(seen.get("trained")),
        _histogram(seen.get("pooled")),
        {name: found["rival"] for name, found in version.body.get("rivals", {}).get("pooled", {}).items()},
    )


def judged_by(
    answering: Mapping[str, tuple[int | None, int | None]], known: Mapping[int, Baseline]
) -> dict[str, Baseline]:
    """Per member the baseline of who answers, from the versions (who answers, its own latest) and what is known.

    Where the pooled model answers for a member, its scores are those on the held-out rows of that member, as far as
    they were measured beside its own model: over all members it may be far better, or far worse.
    """
    found = {}
    for key, (answers, own) in answering.items():
        base, mine = known.get(answers or 0), known.get(own or 0)
        if base is not None:
            scores = mine.beside if mine is not None and own != answers else {}
            found[key] = msgspec.structs.replace(base, metrics=base.metrics | scores)
    return found


def _histogram(body: Mapping[str, Any] | None) -> Histogram | None:
    return (float(body["low"]), float(body["high"]), tuple(body["counts"])) if body else None


def importance(members: dict[str, Baseline]) -> pl.DataFrame:
    """The table that drift is weighed by: member, feature, importance."""
    rows = [(member, name, share) for member, base in members.items() for name, share in base.importance.items()]
    types = {"member": pl.String, "feature": pl.String, "importance": pl.Float64}
    return pl.DataFrame(rows, schema=types, orient="row")
