"""A seeded home with half a year of a fleet in it, written through the store's own functions, for tests of pages."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection

import argosy as ag
from argosy.controller import signal
from argosy.registry import rollout
from argosy.registry.rollout import Chosen
from argosy.spec.document import Declaration, fingerprint, kind
from argosy.spec.estimator import Estimator
from argosy.store import (
    Store,
    alerts,
    artifacts,
    bundles,
    contracts,
    datasets,
    decisions,
    declarations,
    edges,
    events,
    executions,
    findings,
    members,
    signals,
    statistics,
    verdicts,
    versions,
)  # fmt: skip

START = datetime(2013, 4, 1, tzinfo=UTC)
NOW = datetime(2013, 10, 1, 6, tzinfo=UTC)
ORIGINS = ("EWR", "JFK", "LGA")
CARRIERS = ("9E", "AA", "B6", "DL", "EV", "FL", "MQ", "UA", "US", "VX", "WN", "YV")
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

flights = ag.Dataset(
    "flights", time="scheduled_departure", known="recorded_at", key="flight_id",
    source=ag.Parquet("data/flights/*.parquet"), owner="ops-analytics",
    description="Flights out of New York with their outcome, one row each.",
    contract=ag.Contract(columns={"distance": ag.Column(type="Int64", minimum=1, maximum=6000)}, freshness="2d"),
    tags={"tailnum": "sensitive"},
)  # fmt: skip
weather = ag.Dataset(
    "weather", time="observed_at", key=("origin", "observed_at"), source=ag.Parquet("data/weather/*.parquet"),
    owner="met-office", description="Hourly weather at the three airports.",
    contract=ag.Contract(
        columns={"wind_speed": ag.Column(type="Float64", minimum=0, maximum=150, on_failure="quarantine")}
    ),
)  # fmt: skip


def fleet(name: str = "late-arrival", *, approval: bool = True) -> ag.Fleet:
    """The declared fleet."""
    return ag.Fleet(
        name, description="Arrives more than 15 minutes late, asked an hour before it is scheduled to leave.",
        owner="ops-analytics", spine=flights, by=["origin", "carrier"], lead="1h",
        label=ag.Label("late", known_at="arrived_at"), features=["distance"],
        candidates=[ag.Candidate(Estimator("lightgbm.sklearn:LGBMClassifier", {"num_leaves": 7}))],
        search=ag.Search(metric="log_loss", trials=1), pooled=True, minimum_rows=300,
        gates=[ag.Gate("roc_auc", minimum=0.55), ag.Gate("log_loss", beats="champion")]
        + ([ag.Approval(by="operations")] if approval else []),
        rollout=ag.Canary(share=0.2, bake="2d"),
        monitors=[ag.Drift("psi", limit=0.25, window="14d"), ag.Performance("log_loss", drop=0.08)],
        retrain=ag.older_than("28d") | ((ag.drifted() | ag.degraded()) & ag.new_rows(300)),
    )  # fmt: skip


def digest(text: str) -> str:
    """A content address."""
    return hashlib.sha256(text.encode()).hexdigest()


def home(root: Path) -> Store:
    """A store under `root` with the fleet `late-arrival` of 35 members and the pooled model, as of `NOW`."""
    store = Store.open(root)
    made, dice = fleet(), random.Random(7)
    keys = [f"{origin}/{carrier}" for origin in ORIGINS for carrier in CARRIERS][:35]
    with store.write() as tx:
        declare(tx, [flights, weather, made])
        for index in range(9):
            ingest(tx, dice, index)
        ids = members.ensure(tx, made.name, ["*", *keys], START)
    life = {key: _fate(index) for index, key in enumerate(keys)}
    for month in range(6):
        at = START + timedelta(days=30 * month, hours=3)
        chosen = ["*", *(key for key in keys if life[key] not in ("new", "failed") and dice.random() < 0.8)]
        with store.write() as tx:
            train(store, tx, made, {key: ids[key] for key in chosen}, at, dice, life)
        with store.write() as tx:
            finish(tx, made, at + timedelta(days=2), ids, life, dice, last=month == 5)
    with store.write() as tx:
        watch(tx, made, ids, life, dice)
        trouble(tx, made, ids, life)
    return store


def _fate(index: int) -> str:
    fates = {3: "failed", 7: "degraded", 9: "drifting", 14: "drifting", 17: "canary", 20: "new", 21: "new",
             25: "waiting", 28: "rolled back"}  # fmt: skip
    return fates.get(index, "pooled" if index % 5 == 1 else "serving")


def declare(tx: Connection, wanted: Sequence[Declaration]) -> None:
    """Put declarations in force, as applying a project does."""
    at = START - timedelta(days=1)
    libraries = {"lightgbm": "4.7.0", "polars": "2.1.0", "scikit-learn": "1.9.0"}
    bundle = bundles.Bundle(
        digest=digest("bundle"), project="flights", at=at, libraries=libraries,
        modules={"flights": digest("flights.py")}, actor="ada",
        git_commit="3f2a9c1d77aa00bb11cc22dd33ee44ff55667788", dirty=True,
    )  # fmt: skip
    bundles.add(tx, bundle)
    declarations.add(
        tx,
        [
            declarations.NewDeclaration(
                kind=kind(each), name=each.name, fingerprint=fingerprint(each), at=at, actor="ada",
                bundle=bundle.digest,
                body={**msgspec.to_builtins(each), "project": "flights", "code": {}, "training": "t", "revision": 1},
            )
            for each in wanted
        ],
    )  # fmt: skip
    events.add(tx, [events.NewEvent(at=at, kind="applied", subject="flights", actor="ada", message="3 declarations")])


def ingest(tx: Connection, dice: random.Random, index: int) -> None:
    """A version of each dataset with its statistics and findings."""
    at = START + timedelta(days=20 * index)
    for name, size in (("flights", 18_000), ("weather", 1_400)):
        rows = size + dice.randrange(size // 5)
        part = datasets.NewPart(
            digest=digest(f"{name}{index}"), rows=rows, bytes=rows * 30, low=at, high=at + timedelta(days=20)
        )
        columns = {"flight_id": "String", "origin": "String", "distance": "Int64", "tailnum": "String"}
        if name == "weather":
            columns = {"origin": "String", "temp": "Float64", "wind_speed": "Float64", "precip": "Float64"}
        made = datasets.commit(
            tx,
            datasets.NewVersion(
                dataset=name, at=at, parts=[part], columns=columns, sources=[f"{index}.parquet"], cause="1 new file"
            ),
        )
        body = {column: _statistics(column, dtype, made.rows, dice) for column, dtype in columns.items()}
        statistics.add(tx, statistics.NewStatistic(dataset=name, number=made.number, body=body))
        if index == 0:
            wanted = {"flights": flights, "weather": weather}[name].contract
            contracts.add(
                tx,
                contracts.NewContract(
                    dataset=name, body={"contract": msgspec.to_builtins(wanted)}, at=at, actor="controller"
                ),
            )
        events.add(
            tx,
            [events.NewEvent(at=at, kind="ingested", subject=f"dataset:{name}", actor="controller",
                             message=f"version {made.number}: {rows:,} rows")],
        )  # fmt: skip
    if index == 2:
        findings.add(
            tx,
            [findings.NewFinding(dataset="weather", version=3, rule="range", column="wind_speed", severity="quarantine",
                                 outcome="quarantined", rows=1, examples=[1048.36], at=at,
                                 message="wind_speed: 1 value above 150 (1048.36) was set aside")],
        )  # fmt: skip


def _statistics(name: str, dtype: str, rows: int, dice: random.Random) -> dict[str, Any]:
    base: dict[str, Any] = {
        "type": dtype,
        "count": rows,
        "nulls": rows // 50 if name == "tailnum" else 0,
        "distinct": 40,
    }
    if dtype in ("Float64", "Int64"):
        edges = [float(i) for i in range(19)]
        counts = [int(rows * dice.random() * (1 - abs(i - 9) / 11)) for i in range(20)]
        base |= {"minimum": 0.2, "maximum": 18.9, "mean": 9.2, "edges": edges, "histogram": counts}
    else:
        base |= {"counts": {origin: rows // (3 + i) for i, origin in enumerate(ORIGINS)}}
    return {**base, "total": base}


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
                         message=f"train {len(found)} members of {made.name}: {len(found)} new version(s), 0 failed")]
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
        "rivals": {"champion": {"log_loss": rival}}, "uncompared": {},
        "answer": {"own": True, "reason": "better than the pooled model on the same rows"},
        "importance": {name: weight / sum(weights) for name, weight in zip(FEATURES, weights, strict=True)},
        "proof": 2.2e-16, "warnings": ["temp was null in 3 % of the rows"] if dice.random() < 0.3 else [],
        "cost": {"cpu_s": 0.21, "wall_s": 0.25, "peak_bytes": 90_000_000},
    }  # fmt: skip


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
    rollout.roll_back_canary(
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


def watch(tx: Connection, made: ag.Fleet, ids: dict[str, int], life: dict[str, str], dice: random.Random) -> None:
    """Daily signals of half a year."""
    new = []
    for key, id in ids.items():
        fate = life.get(key, "serving")
        if fate in ("new", "failed"):
            new.append(_signal(made, id, signal.ROWS, 140.0 if fate == "new" else 950.0, NOW - timedelta(days=1)))
            continue
        base, rows = 0.42 + 0.06 * dice.random(), 4300.0
        for day in range(0, 182, 2):
            at = START + timedelta(days=day + 1)
            season = 0.05 if 60 < day < 110 else 0.0
            score = base + season + dice.gauss(0, 0.012) + (0.1 if fate == "degraded" and day > 165 else 0)
            drift = abs(dice.gauss(0.3, 0.15)) + (1.1 if fate == "drifting" and day > 160 else 0)
            rows += dice.randrange(20, 60)
            values = {
                signal.SCORE: score, signal.SCORE_ROWS: float(dice.randrange(200, 900)), signal.DRIFT: drift,
                signal.DRIFT_VALUE: drift * 0.25, signal.DEGRADED: float(fate == "degraded" and day > 165),
                signal.SERVED: float(dice.randrange(8, 60)), signal.ROWS: rows,
            }  # fmt: skip
            new += [_signal(made, id, name, value, at) for name, value in values.items()]
    signals.record(tx, new)


def _signal(made: ag.Fleet, id: int, name: str, value: float, at: datetime) -> signals.NewSignal:
    return signals.NewSignal(fleet=made.name, member_id=id, name=name, value=value, at=at)


def trouble(tx: Connection, made: ag.Fleet, ids: dict[str, int], life: dict[str, str]) -> None:
    """A failure, a version that waits for a person, alerts."""
    lost = next(key for key, fate in life.items() if fate == "failed")
    executions.record(
        tx,
        [
            executions.NewExecution(key=digest(f"f{n}"), kind="train", subject=f"{made.name}/{lost}",
                                    started_at=NOW, ended_at=NOW - timedelta(minutes=5 - n), outcome="failed",
                                    reason="raised: ValueError: every label is 0", member_id=ids[lost])
            for n in range(2)
        ],
    )  # fmt: skip
    waiting = next(key for key, fate in life.items() if fate == "waiting")
    (version,) = [v for v in versions.of(tx, [ids[waiting]])][-1:]
    approval = made.gates[-1]
    verdicts.add(
        tx,
        [
            verdicts.NewVerdict(
                version_id=version.id, gate=approval.name, passed=None, at=NOW, message="waits for operations"
            )
        ],
    )
    drifted = [key for key, fate in life.items() if fate == "drifting"]
    at = NOW - timedelta(days=9)
    body = {"severity": "warning", "effect": 1.4, "members": drifted, "kind": "drift", "cause": "temp"}
    worse = {"severity": "critical", "effect": 2.0, "members": [k for k, f in life.items() if f == "degraded"]}
    message = f"{len(drifted)} of 35 members drifted on temp (EWR/VX, JFK/DL)"
    past = NOW - timedelta(days=60)
    visib: dict[str, Any] = {
        "fleet": made.name,
        "name": "drift/visib",
        "message": "3 of 35 members drifted on visib",
        "body": body,
    }
    alerts.add(
        tx,
        [
            alerts.NewAlert(**visib, state="raised", at=past, cause="visib"),
            alerts.NewAlert(**visib, state="resolved", at=past + timedelta(days=5), cause="visib"),
            alerts.NewAlert(fleet=made.name, name="drift/temp", cause="temp", state="raised", at=at, message=message,
                            value=0.34, limit_value=0.25, body=body),
            alerts.NewAlert(fleet=made.name, name="performance/log_loss", cause="log_loss", state="raised", at=at,
                            message="log_loss of 1 of 35 members is beyond its limit (EWR/UA)", value=0.56,
                            limit_value=0.5, body=worse),
        ],
    )  # fmt: skip
    events.add(
        tx, [events.NewEvent(at=at, kind="alert.raised", subject=made.name, actor="controller", message=message)]
    )


def large(root: Path, count: int) -> Store:
    """A store with a fleet `stores` of `count` members, each with a version, a champion and scores."""
    store, dice = Store.open(root), random.Random(3)
    made = msgspec.structs.replace(fleet("stores", approval=False))
    keys = [f"S{index:05d}/K{index % 12:02d}" for index in range(count)]
    with store.write() as tx:
        declare(tx, [flights, weather, made])
        ids = members.ensure(tx, made.name, keys, START)
        train(
            store,
            tx,
            made,
            ids,
            NOW - timedelta(days=20),
            dice,
            {key: "pooled" if n % 7 == 0 else "" for n, key in enumerate(keys)},
        )
        values = [
            _signal(made, id, name, value, NOW - timedelta(days=day))
            for id in ids.values()
            for day in (3, 2, 1)
            for name, value in (
                (signal.SCORE, 0.4 + dice.random() / 10),
                (signal.DRIFT, dice.random() * 1.1),
                (signal.SERVED, 40.0),
            )
        ]
        signals.record(tx, values)
    return store


def statuses(frame: pl.DataFrame) -> dict[str, int]:
    """How many rows have each status."""
    return dict(frame.group_by("status").len().iter_rows())
