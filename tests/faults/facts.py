"""The facts of a home without what two runs of the same story may differ in: ids, costs, and where bytes lie."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import Connection, Table, select

from argosy.data.read import scan
from argosy.store import datasets, schema
from argosy.store.store import Store

FLEET = "late-arrival"
PREDICTIONS = f"{FLEET}.predictions"
LATENCY = ("latency_p50_ms", "latency_p99_ms")
_IDS = {"judged": "version_id", "canary_version": "version_id", "libraries": "event_id"}

Facts = dict[str, list[Any]]


def gather(home: Path) -> Facts:
    """Every kind of fact that must come out the same, sorted."""
    with Store.open(home, create=False) as store, store.read() as conn:
        names = _names(conn)
        found = {
            "versions": _versions(conn, names),
            "trainings": _trainings(conn, names),
            "verdicts": _verdicts(conn, names),
            "aliases": _rows(conn, schema.alias, names, ("alias", "target", "at", "actor", "reason")),
            "rollouts": _rows(conn, schema.rollout, names, ("kind", "state", "share", "at", "reason", "evidence")),
            "decisions": _rows(conn, schema.decision, names, ("action", "at", "reason", "body")),
            "alerts": _rows(conn, schema.alert, names, ("name", "cause", "state", "value", "limit_value", "at",
                                                        "message", "body")),
            "windows": _windows(conn),
            "signals": _signals(conn, names),
            "standing": _standing(conn, names),
            "datasets": _datasets(conn),
            "findings": _plain(conn, schema.finding, ("dataset", "version", "rule", "column", "outcome", "rows")),
            "answers": _answers(conn, store),
        }  # fmt: skip
    return {kind: sorted(map(_clean, rows), key=repr) for kind, rows in found.items()}


def doubles(home: Path) -> list[tuple[Any, ...]]:
    """Keys of tasks that came to a good end more than once."""
    e = schema.execution.c
    with Store.open(home, create=False) as store, store.read() as conn:
        keys = [tuple(row) for row in conn.execute(select(e.kind, e.key).where(e.outcome != "failed"))]
    return sorted({key for key in keys if keys.count(key) > 1})


def acknowledged(home: Path) -> set[tuple[str, str]]:
    """Every recorded answer as (request id, row key), those in segments that nobody has taken in yet among them."""
    with Store.open(home, create=False) as store, store.read() as conn:
        frame = scan(conn, store, PREDICTIONS).select("request_id", "row_key").collect()
    rows = set(frame.iter_rows())
    for segment in (home / "segments" / FLEET).glob("[!.]*.arrow"):
        rows |= set(pl.read_ipc(segment).select("request_id", "row_key").iter_rows())
    return rows


def _names(conn: Connection) -> dict[str, dict[int, str]]:
    members = {id: key for id, key in conn.execute(select(schema.member.c.id, schema.member.c.key))}
    v = schema.version.c
    versions = {id: f"{members[m]}@{n}" for id, m, n in conn.execute(select(v.id, v.member_id, v.number))}
    e = schema.event.c
    told = {id: body["digest"] for id, body in conn.execute(select(e.id, e.body).where(e.kind == "libraries"))}
    return {"member_id": members, "version_id": versions, "event_id": told}


def _plain(conn: Connection, table: Table, columns: Iterable[str]) -> list[dict[str, Any]]:
    return [dict(row) for row in conn.execute(select(*(table.c[name] for name in columns))).mappings()]


def _rows(
    conn: Connection, table: Table, names: dict[str, dict[int, str]], columns: Iterable[str]
) -> list[dict[str, Any]]:
    ids = [name for name in names if name in table.c]
    rows = _plain(conn, table, (*ids, *columns))
    return [row | {name: names[name].get(row[name]) for name in ids} for row in rows]


def _versions(conn: Connection, names: dict[str, dict[int, str]]) -> list[dict[str, Any]]:
    rows = _rows(conn, schema.version, names, ("number", "key", "artifact", "format", "signature", "at", "rows",
                                               "span_low", "span_high", "metrics", "body"))  # fmt: skip
    for row in rows:
        row["metrics"] = {name: value for name, value in row["metrics"].items() if name not in LATENCY}
        row["body"] = {name: value for name, value in row["body"].items() if name != "cost"}
    return rows


def _trainings(conn: Connection, names: dict[str, dict[int, str]]) -> list[dict[str, Any]]:
    rows = _rows(conn, schema.execution, names, ("kind", "key", "outcome", "reason", "started_at"))
    return [row for row in rows if row["kind"] in ("train", "tune", "materialise")]


def _verdicts(conn: Connection, names: dict[str, dict[int, str]]) -> list[dict[str, Any]]:
    """Verdicts; how many milliseconds a latency gate saw is a measurement of the machine, not of the story."""
    rows = _rows(conn, schema.verdict, names, ("gate", "passed", "at", "message", "evidence"))
    return [row | ({"message": "", "evidence": {}} if "latency" in row["gate"] else {}) for row in rows]


def _signals(conn: Connection, names: dict[str, dict[int, str]]) -> list[dict[str, Any]]:
    return [_named(row, row["name"], names) for row in _rows(conn, schema.signal, names, ("name", "value", "at"))]


def _named(row: dict[str, Any], name: str, names: dict[str, dict[int, str]]) -> dict[str, Any]:
    known = name in _IDS and row["value"] is not None
    return row | {"value": names[_IDS[name]][int(row["value"])]} if known else row


def _standing(conn: Connection, names: dict[str, dict[int, str]]) -> list[dict[str, Any]]:
    """What is true of each member at the end."""
    found = []
    for row in _plain(conn, schema.current, ("key", "version_number", "target", "champion_number", "champion_since",
                                             "rollout_state", "rollout_at", "failures", "signals")):  # fmt: skip
        values = row.pop("signals")
        signals = {name: _named({"value": value}, name, names)["value"] for name, value in values.items()}
        found.append(row | {"signals": sorted(signals.items())})
    return found


def _windows(conn: Connection) -> list[dict[str, Any]]:
    """The windows that count: of each span the one over the latest version of its dataset."""
    rows = _plain(conn, schema.window, ("fleet", "kind", "start", "stop", "digest", "rows", "dataset_version"))
    last: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row["dataset_version"]):
        last[row["kind"], row["start"], row["stop"]] = row
    return [{name: value for name, value in row.items() if name != "dataset_version"} for row in last.values()]


def _datasets(conn: Connection) -> list[dict[str, Any]]:
    """Versions of every dataset but the answers, which a client may have asked for twice."""
    rows = _plain(conn, schema.dataset_version, ("dataset", "number", "at", "rows", "added", "digest", "columns"))
    return [row for row in rows if row["dataset"] != PREDICTIONS]


def _answers(conn: Connection, store: Store) -> list[tuple[Any, ...]]:
    """Each answered row once; the same row must always have been given the same answer."""
    if datasets.version(conn, PREDICTIONS) is None:
        return []
    frame = scan(conn, store, PREDICTIONS).collect().drop("request_id", "latency_us").unique()
    assert not frame.select("row_key", "at").is_duplicated().any()
    return list(frame.select(sorted(frame.columns)).iter_rows())


def _clean(value: Any) -> Any:
    """Floats to nine digits: sums over the same rows in another order differ in the last ones."""
    if isinstance(value, float):
        return value if not math.isfinite(value) else float(f"{value:.9g}")
    if isinstance(value, dict):
        return {name: _clean(each) for name, each in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [_clean(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value
