"""Versions of members of the seeded home: trained, gated, rolled out, and how that ended."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

import argosy as ag
from argosy.controller import signal
from argosy.registry import rollout
from argosy.registry.rollout import Chosen
from argosy.store import (
    Store,
    artifacts,
    datasets,
    decisions,
    edges,
    events,
    executions,
    members,
    signals,
    verdicts,
    versions,
)  # fmt: skip
from tests.console.declared import digest

FEATURES = (
    "airport_delay_3h",
    "carrier_delay_3h",
    "hour",
    "visib",
    "precip",
    "distance",
    "temp",
    "wind_speed",
    "seats",
)


def train(
    store: Store,
    tx: Connection,
    made: ag.Fleet,
    ids: dict[str, int],
    at: datetime,
    dice: random.Random,
    life: dict[str, str],
) -> list[versions.Version]:
    """A version for each member, gated, and its rollout started."""
    names = {key: f"{made.name}/{key}@{at:%j}" for key in ids}
    slots = store.blobs.pack([name.encode() for name in names.values()])
    artifacts.add(tx, artifacts.of_slots(slots, "model", at))
    dataset = datasets.version(tx, "flights")
    number = dataset.number if dataset else 0
    runs = executions.record(
        tx,
        [
            executions.NewExecution(
                key=digest(name), kind="train", subject=f"{made.name}/{key}", started_at=at,
                ended_at=at + timedelta(seconds=1), member_id=ids[key], cpu_s=0.21, wall_s=0.25, peak_bytes=90_000_000,
                bundle=digest("bundle"),
            )
            for key, name in names.items()
        ],
    )  # fmt: skip
    new = []
    for (key, name), run, slot in zip(names.items(), runs, slots, strict=True):
        auc, loss = 0.62 + 0.1 * dice.random(), 0.44 + 0.06 * dice.random()
        new.append(
            versions.NewVersion(
                fleet=made.name, member_id=ids[key], key=digest(name), artifact=slot.digest, format="lightgbm",
                execution_id=run, at=at, rows=900 + dice.randrange(4000), span_low=at - timedelta(days=90),
                span_high=at - timedelta(days=14), metrics={"roc_auc": auc, "log_loss": loss, "latency_p99_ms": 0.09},
                body=_body(auc, loss, at, dice),
            )
        )  # fmt: skip
    found = versions.add(tx, new)
    keys = {id: key for key, id in ids.items()}
    edges.add(
        tx,
        [
            edge
            for version, run in zip(found, runs, strict=True)
            for edge in (
                edges.Edge(execution_id=run, direction="in", kind="dataset", reference=f"flights@{number}"),
                edges.Edge(execution_id=run, direction="in", kind="dataset", reference=f"weather@{number}"),
                edges.Edge(execution_id=run, direction="in", kind="rows", reference=digest(str(version.id))),
                edges.Edge(
                    execution_id=run, direction="out", kind="version",
                    reference=f"{made.name}/{keys[version.member_id]}@{version.number}",
                ),
            )
        ],
    )  # fmt: skip
    verdicts.add(
        tx,
        [
            verdicts.NewVerdict(version_id=v.id, gate=gate.name, passed=True, at=at, message="roc_auc is 0.66")
            for v in found
            for gate in made.gates[:2]
        ],
    )
    chosen = [
        Chosen(v, life.get(keys[v.member_id]) != "pooled", "better than the pooled model on the same rows")
        if life.get(keys[v.member_id]) != "pooled"
        else Chosen(v, False, "the pooled model does better on 812 held-out rows: log_loss 0.43 against 0.46")
        for v in found
    ]
    rollout.start(tx, made.name, made.rollout, chosen, at, "controller")
    _decide(tx, made, {key: ids[key] for key in ids}, at, dice)
    signals.record(
        tx,
        [
            signals.NewSignal(fleet=made.name, member_id=v.member_id, name=name, value=value, at=at)
            for v in found
            for name, value in (
                (signal.TRAINED, at.timestamp()), (signal.TRAINED_ROWS, float(v.rows)), (signal.REVISION, 1.0),
                (signal.JUDGED, float(v.id)), (signal.ROWS, float(v.rows)),
            )
        ],
    )  # fmt: skip
    events.add(
        tx,
        [events.NewEvent(at=at, kind="trained", subject=made.name, actor="controller",
                         message=f"train {len(found)} members of {made.name}: {len(found)} new versions, 0 failed")]
        + [events.NewEvent(at=at, kind="gated", subject=f"{made.name}/{keys[v.member_id]}", actor="controller",
                           message=f"version {v.number}: canary on 20% of the rows") for v in found],
    )  # fmt: skip
    return found


def _body(auc: float, loss: float, at: datetime, dice: random.Random) -> dict[str, Any]:
    weights = sorted((dice.random() ** 2 for _ in FEATURES), reverse=True)
    gain = dice.uniform(-0.02, 0.02)
    rival = {"own": loss, "rival": loss - gain, "difference": gain, "low": gain - 0.008, "high": gain + 0.008,
             "p_value": 0.02, "rows": 812}  # fmt: skip
    return {
        "candidate": "LGBMClassifier", "settings": {"num_leaves": 7, "learning_rate": 0.08}, "trials": [{}, {}],
        "held_out": {"rows": 812, "low": at - timedelta(days=14), "high": at},
        "scores": {
            name: {"name": name, "value": value, "low": value - 0.03, "high": value + 0.03, "rows": 812, "reason": ""}
            for name, value in (("roc_auc", auc), ("log_loss", loss))
        },
        "rivals": {"champion": {"log_loss": rival}}, "uncompared": {}, "slices": {"weekday": _shares(loss)},
        "answer": {"own": True, "reason": "better than the pooled model on the same rows"},
        "importance": {name: weight / sum(weights) for name, weight in zip(FEATURES, weights, strict=True)},
        "proof": 2.2e-16, "warnings": ["temp was null in 3 % of the rows"] if dice.random() < 0.3 else [],
        "cost": {"cpu_s": 0.21, "wall_s": 0.25, "peak_bytes": 90_000_000},
    }  # fmt: skip


def _shares(loss: float) -> list[dict[str, Any]]:
    """Two weekdays of the held-out rows, one of them with too few for a score."""
    scores = {"log_loss": (loss + 0.02, loss - 0.05, loss + 0.09)}
    return [
        {"value": "5", "rows": 809, "label": 0.21, "prediction": 0.19, "scores": scores},
        {"value": "6|7", "rows": 3, "label": 0.0, "prediction": 0.11, "scores": {}},
    ]


def _decide(tx: Connection, made: ag.Fleet, ids: dict[str, int], at: datetime, dice: random.Random) -> None:
    saw = {
        "rule": "any of", "saw": "", "holds": True, "parts": [
            {"rule": "older_than('28d')", "saw": "trained 30d ago", "holds": True, "parts": []},
            {"rule": "all of", "saw": "", "holds": False, "parts": [
                {"rule": "drifted()", "saw": "worst distance 0.112, 0.45 of its limit", "holds": False, "parts": []},
                {"rule": "new_rows(300)", "saw": "512 new labelled rows", "holds": True, "parts": []}]}],
    }  # fmt: skip
    decisions.add(
        tx,
        [
            decisions.NewDecision(fleet=made.name, member_id=id, action="train", at=at, reason="older_than('28d')",
                                  body={"outcome": "a new version", "saw": saw})
            for id in ids.values()
        ],
    )  # fmt: skip


def finish(
    tx: Connection,
    made: ag.Fleet,
    at: datetime,
    ids: dict[str, int],
    life: dict[str, str],
    dice: random.Random,
    *,
    last: bool,
) -> None:
    """End the canaries: most are promoted, some rolled back; the last ones of some members still run."""
    states = members.states(tx, ids.values())
    keys = {id: key for key, id in ids.items()}
    running = [s for s in states.values() if s.rollout_state == "started" and s.rollout_version_id is not None]
    found = versions.get(tx, [s.rollout_version_id for s in running if s.rollout_version_id])
    held: list[versions.Version] = []
    worse: list[versions.Version] = []
    for version in found.values():
        fate = life.get(keys[version.member_id], "serving")
        if last and fate == "canary":
            continue
        (worse if dice.random() < 0.1 or (last and fate == "rolled back") else held).append(version)
    evidence = {v.id: {"metric": "log_loss", "canary": 0.47, "champion": 0.44, "rows": 212} for v in found.values()}
    rollout.promote(
        tx, made.name, held, at, "controller", "held for 2d: log_loss 0.43 against 0.44 on 212 rows", evidence
    )
    rollout.reject(
        tx,
        made.name,
        worse,
        at,
        "controller",
        "worse than the champion: log_loss 0.47 against 0.44 on 212 rows",
        evidence,
    )
    events.add(
        tx,
        [
            events.NewEvent(at=at, kind=kind, subject=f"{made.name}/{keys[v.member_id]}", actor="controller",
                            message=f"version {v.number}: {said}")
            for kind, group, said in (("promoted", held, "held for 2d"), ("rolled_back", worse, "did worse"))
            for v in group
        ],
    )  # fmt: skip
