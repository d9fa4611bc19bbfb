"""What happened to a member, and which held-out score it was to keep up, over time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from argosy.console.chart import Happening, Point
from argosy.spec.fleet import Fleet
from argosy.spec.quantity import plural
from argosy.spec.rollout import NOUNS
from argosy.store import alerts, aliases, rollouts, schema, versions

_ALERTS = 1_000


def reference(fleet: Fleet, moves: Sequence[aliases.Alias], models: Sequence[versions.Version]) -> list[Point]:
    """The held-out score of whoever answered from each time on, oldest first; None where that is not known.

    That of the pooled model is on the member's own held-out rows, as it was measured beside the version of the time.
    """
    metric = fleet.search.metric
    scores = {version.id: version.metrics.get(metric) for version in models}
    beside = [Point(v.at, v.body.get("rivals", {}).get("pooled", {}).get(metric, {}).get("rival")) for v in models]
    pooled = sorted((point for point in beside if point.value is not None), key=lambda point: point.at)
    found: list[Point] = []
    past = list(reversed(moves))
    for index, move in enumerate(past):
        if move.target == aliases.POOLED:
            stop = past[index + 1].at if index + 1 < len(past) else None
            before = [point for point in pooled if point.at <= move.at]
            found.append(Point(move.at, before[-1].value if before else None))
            found += [point for point in pooled if point.at > move.at and (stop is None or point.at < stop)]
        else:
            found.append(Point(move.at, scores.get(move.version_id or 0)))
    return found


def happenings(
    conn: Connection, fleet: Fleet, key: str, member: int, moves: Sequence[aliases.Alias],
    models: Sequence[versions.Version],
) -> list[Happening]:  # fmt: skip
    """Everything that stands on the time axis, oldest first."""
    numbers = {version.id: version.number for version in models}
    found = [Happening(v.at, "trained", f"version {v.number} trained on {plural(v.rows, 'row')}") for v in models]
    found += _moves(moves, numbers)
    for each in rollouts.history(conn, member, 200):
        number = numbers.get(each.version_id, 0)
        if each.kind in NOUNS and each.state == rollouts.STARTED:
            noun = "" if each.kind == "canary" else f", {NOUNS[each.kind]}"
            found.append(Happening(each.at, "canary", f"version {number} on {each.share or 0:.0%} of the rows{noun}"))
        elif each.state == rollouts.ROLLED_BACK:
            found.append(Happening(each.at, "rolled back", f"version {number} rolled back: {each.reason}"))
    found += _alerts(conn, fleet.name, key)
    return sorted(found, key=lambda each: each.at)


def _moves(moves: Sequence[aliases.Alias], numbers: dict[int, int]) -> Iterator[Happening]:
    for move in moves:
        if move.target == aliases.POOLED:
            yield Happening(move.at, "pooled", f"the pooled model answers: {move.reason}")
        elif move.version_id is not None:
            yield Happening(move.at, "promoted", f"version {numbers.get(move.version_id, 0)} answers: {move.reason}")


def _alerts(conn: Connection, fleet: str, key: str) -> Iterator[Happening]:
    """When alerts came to name this member, of the latest of all that became of the fleet's alerts."""
    c, named = schema.alert.c, set[str]()
    query = select(c.at, c.name, c.state, c.message, c.body).where(c.fleet == fleet)
    for at, name, state, message, body in reversed(conn.execute(query.order_by(c.id.desc()).limit(_ALERTS)).all()):
        concerned = state != alerts.RESOLVED and key in (body or {}).get("members", ())
        if concerned and name not in named:
            yield Happening(at, "alert", f"{name}: {message}")
        named = named | {name} if concerned else named - {name}
