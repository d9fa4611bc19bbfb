"""The member page: wanted against true, score live against held out, versions, conditions, and what happens next."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.console import chart, facts, links, svg, trail, words
from argosy.console.ahead import Ahead, ahead, nearest
from argosy.console.chart import Happening, Point
from argosy.console.page import Page
from argosy.console.past import happenings, reference
from argosy.console.since import Held, conditions, run
from argosy.controller import signal
from argosy.controller.condition import rule
from argosy.controller.standing import Standing
from argosy.registry.duel import Duel, duels
from argosy.spec.quantity import plural
from argosy.spec.rollout import NOUNS, ABTest, Canary, Shadow
from argosy.store import aliases, approvals, signals, verdicts, versions

_VERSIONS = 12
_POINTS = 600


class Wish(msgspec.Struct, frozen=True):
    """One thing that is wanted of a member, what is true, and whether they agree (None: not known), and since when."""

    about: str
    wanted: str
    true: str
    holds: bool | None
    since: datetime | None = None


class Ruling(msgspec.Struct, frozen=True):
    """What a gate said of a version."""

    gate: str
    passed: bool | None
    message: str


class Model(msgspec.Struct, frozen=True):
    """A version in the table: its held-out score, its gates, its comparisons, what it is now, and its `execution`."""

    number: int
    at: datetime
    role: str
    candidate: str
    rows: int
    score: float | None
    gates: tuple[Ruling, ...]
    duels: tuple[Duel, ...]
    answer: str
    warnings: tuple[str, ...]
    execution: int


class MemberPage(msgspec.Struct, frozen=True):
    """What the member page shows: `versions` are the latest of `count`."""

    fleet: str
    key: str
    status: str
    reason: str
    chosen: str
    metric: str
    rule: str
    wishes: tuple[Wish, ...]
    live: tuple[Point, ...]
    estimated: tuple[Point, ...]
    held_out: tuple[Point, ...]
    happenings: tuple[Happening, ...]
    versions: tuple[Model, ...]
    count: int
    conditions: Held | None
    served: tuple[Point, ...]
    ahead: tuple[Ahead, ...]
    values: dict[str, float | None]
    waits: bool
    canary: bool


def page(conn: Connection, address: str, now: datetime) -> Page:
    """The page of a member, named by its address. Raises `UnknownError` if there is none."""
    data = read(conn, address, now)
    pictures = {
        "score": chart.draw(data.metric, data.live, data.estimated, data.held_out, data.happenings, now),
        "served": svg.bars(
            [point.value or 0.0 for point in data.served], 760.0, 60.0,
            [f"{words.day(point.at)}: {words.count(point.value)} rows" for point in data.served],
        ),
    }  # fmt: skip
    return Page(
        f"{data.fleet} {words.name(data.key)}", "member.html", data, now,
        trail=(("fleets", "/"), (data.fleet, links.fleet(data.fleet)), (words.name(data.key), None)), here="fleets",
        command=f"argosy why {address}", pictures=pictures,
    )  # fmt: skip


def read(conn: Connection, address: str, now: datetime) -> MemberPage:
    """The snapshot of a member's page."""
    name, key, state = facts.split(conn, address)
    found = facts.state(conn, name, now)
    fleet = found.fleet
    row = found.table.row(by_predicate=pl.col("key") == key, named=True)
    models = versions.of(conn, [state.member_id])
    moves = aliases.history(conn, state.member_id, aliases.CHAMPION)
    scores = signals.history(conn, state.member_id, signal.SCORE, _POINTS)
    estimates = signals.history(conn, state.member_id, signal.ESTIMATE, _POINTS)
    guessed = any(each.value is not None for each in estimates)
    served = signals.history(conn, state.member_id, signal.SERVED, 120)
    numbers = {version.id: version.number for version in models}
    chosen = next((_chosen(move, numbers) for move in moves if move.reason), "")
    return MemberPage(
        fleet=name, key=key, status=row["status"], reason=row["reason"], chosen=chosen, metric=fleet.search.metric,
        rule=rule(fleet.retrain), wishes=tuple(_wishes(conn, found, row, moves, now)),
        live=tuple(Point(each.at, each.value) for each in reversed(scores)),
        estimated=tuple(Point(each.at, each.value) for each in reversed(estimates)) if guessed else (),
        held_out=tuple(reference(fleet, moves, models)),
        happenings=tuple(happenings(conn, fleet, key, state.member_id, moves, models)),
        versions=tuple(_models(conn, models, row, fleet.search.metric)), count=len(models),
        conditions=conditions(conn, fleet.retrain, row, now) if key != "*" or fleet.pooled else None,
        served=tuple(Point(day, value) for day, value in trail.daily(served, now)),
        ahead=nearest(ahead(found, row, now)), values={each: row[each] for each in signal.ALL},
        waits=state.version_id in found.waiting, canary=row["rollout_state"] == "started",
    )  # fmt: skip


def _chosen(move: aliases.Alias, numbers: dict[int, int]) -> str:
    """Who answers, and why that was decided."""
    who = f"version {numbers.get(move.version_id)}" if move.version_id is not None else f"the {move.target} model"
    return f"{who} answers: {move.reason}"


def _wishes(
    conn: Connection, found: Standing, row: dict[str, Any], moves: list[aliases.Alias], now: datetime
) -> list[Wish]:
    """Wanted against true, in the words of the declaration."""
    fleet, trained = found.fleet, row["trained_at"]
    drift, score, on = row[signal.DRIFT], row[signal.SCORE], row[signal.SCORE_ROWS]
    worse = row[signal.DEGRADED]
    measured = "not measured yet" if drift is None else f"{drift:.2f} times its limit"
    scored = "no labels yet" if score is None else f"{score:.3f} on {words.count(on)} rows"
    return [
        _answers(found, row, moves),
        Wish(
            "trained", f"again when {rule(fleet.retrain)}", f"{words.ago(trained, now)} ago" if trained else "never",
            None if trained is None else row["failures"] == 0,
        ),
        _gated(found, row),
        _rolled(found, row),
        Wish(
            "drift", "at most its limit", measured, None if drift is None else drift <= 1,
            _since(conn, row, signal.DRIFT, 1.0),
        ),
        _sound(conn, row),
        Wish(
            f"live {fleet.search.metric}", "within its limits", scored + _estimated(conn, row),
            None if worse is None else not worse, _since(conn, row, signal.DEGRADED, 0.0),
        ),
    ]  # fmt: skip


def _since(conn: Connection, row: dict[str, Any], name: str, limit: float) -> datetime | None:
    """Since when a signal is on the side of its limit where it is now."""
    value = row[name]
    return None if value is None else run(conn, row["member_id"], name, lambda then: (then > limit) == (value > limit))


def _sound(conn: Connection, row: dict[str, Any]) -> Wish:
    """Bad values: the check that is furthest beyond its limit."""
    ratio, wanted = row[signal.QUALITY], "hardly more bad values than in training"
    if ratio is None:
        return Wish("data quality", wanted, "not measured yet", None)
    since = _since(conn, row, signal.QUALITY, 1.0)
    body = signals.bodies(conn, signal.QUALITY, [row["member_id"]]).get(row["member_id"], {})
    if not ratio or not body:
        return Wish("data quality", wanted, "as in training", True, since)
    what = {"null": "null", "range": "beyond the range of training", "unseen": "never seen in training"}[body["check"]]
    share, before = words.percent(body["value"]), words.percent(body["reference"])
    said = f"{body['feature']} is {what} in {share} of rows, {before} before"
    return Wish("data quality", wanted, said, ratio <= 1, since)


def _estimated(conn: Connection, row: dict[str, Any]) -> str:
    """What the score is expected to be with the rows that wait for their labels; empty where few do."""
    if row[signal.ESTIMATE] is None:
        return ""
    body = signals.bodies(conn, signal.ESTIMATE, [row["member_id"]]).get(row["member_id"], {})
    waiting = f" with {words.count(body['waiting'])} rows that have no label yet" if body else ""
    return f"; estimated {row[signal.ESTIMATE]:.3f}{waiting}"


def _answers(found: Standing, row: dict[str, Any], moves: list[aliases.Alias]) -> Wish:
    said = {"own": f"version {row['champion_number']} answers"}
    if found.pooled:
        said["pooled"] = "the pooled model answers"
    wanted = "a version that passed its gates" + (", or the pooled model" if found.fleet.pooled else "")
    waits = found.waiting.get(row["version_id"])
    none = "no model of its own yet" + (f": {waits.told}" if waits is not None else "")
    if row["target"] not in said:
        return Wish("answers", wanted, none, None)
    return Wish("answers", wanted, said[row["target"]], True, moves[0].at if moves else None)


def _rolled(found: Standing, row: dict[str, Any]) -> Wish:
    wanted, state = "all rows at once", row["rollout_state"]
    match found.fleet.rollout:
        case Canary(steps=steps, share=share, bake=bake):
            shares = ", ".join(f"{each:.0%}" for each in steps or (share,))
            wanted = f"canary on {shares} for {bake}" + (" each" if steps else "")
        case Shadow(share=share, bake=bake):
            wanted = f"shadow of {share:.0%} for {bake}"
        case ABTest(share=share, longest=longest):
            wanted = f"A/B test on {share:.0%} for {longest} at most"
    on = f" on {row['rollout_share']:.0%}" if row["rollout_share"] else ""
    true = f"under way{on} since {words.moment(row['rollout_at'])}" if state == "started" else str(state or "none yet")
    since = None if state == "started" else row["rollout_at"]
    return Wish("rollout", wanted, true.replace("_", " "), None if state is None else state != "rolled_back", since)


def _gated(found: Standing, row: dict[str, Any]) -> Wish:
    wanted = plural(len(found.fleet.gates), "gate")
    if row["version_id"] is None:
        return Wish("gates", wanted, "no version yet", None)
    waits = found.waiting.get(row["version_id"])
    if waits is not None:
        return Wish("gates", wanted, waits.told, None)
    asked = bool(row[signal.JUDGED] == row["version_id"])
    return Wish(
        "gates", wanted, f"version {row['version_number']} was {'judged' if asked else 'not judged yet'}", asked
    )


def _models(conn: Connection, models: list[versions.Version], row: dict[str, Any], metric: str) -> list[Model]:
    """The newest versions with what gates and rivals said of them."""
    shown = models[::-1][:_VERSIONS]
    said: dict[int, list[Ruling]] = {}
    for verdict in verdicts.of(conn, [version.id for version in shown]):
        said.setdefault(verdict.version_id, []).append(Ruling(verdict.gate, verdict.passed, verdict.message))
    for version, answer in approvals.of(conn, [version.id for version in shown]).items():
        said.setdefault(version, []).append(Ruling(f"answer of {answer.actor}", answer.granted, answer.reason))
    return [
        Model(
            version.number, version.at, _role(version.id, row), version.body.get("candidate", ""), version.rows,
            version.metrics.get(metric), tuple(said.get(version.id, ())),
            tuple(duel for duel in duels(version.body) if duel.score == metric),
            version.body.get("answer", {}).get("reason", ""), tuple(version.body.get("warnings", ())),
            version.execution_id,
        )
        for version in shown
    ]  # fmt: skip


def _role(version: int, row: dict[str, Any]) -> str:
    if version == row["champion_id"]:
        return "champion"
    if version == row["rollout_version_id"] and row["rollout_state"] == "started":
        return NOUNS[row["rollout_kind"]]
    return "rolled back" if version == row["rollout_version_id"] and row["rollout_state"] == "rolled_back" else ""
