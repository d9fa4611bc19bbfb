"""What speaks against canaries beside their answers: how long these take, and what they are made from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import polars as pl
from sqlalchemy import Connection

from argosy.controller.house import House
from argosy.controller.observe import FleetState, Snapshot
from argosy.controller.plan import predictions
from argosy.controller.watching import answered, arms, faulty, reference
from argosy.controller.watching.reference import Answering
from argosy.controller.watching.spans import column
from argosy.data.dtype import parse_all
from argosy.data.part import frame
from argosy.metric.groups import Floats
from argosy.monitoring.count import count_members
from argosy.monitoring.latency import slow
from argosy.spec.fleet import POOLED
from argosy.spec.monitor import Quality
from argosy.spec.rollout import Canary
from argosy.store import datasets
from argosy.store.versions import Version

_NOTHING: Floats = np.empty(0)
_NO_IMPORTANCE = {"member": pl.String, "feature": pl.String, "importance": pl.Float64}
_BAD = {"null": "null", "range": "beyond the range of training", "unseen": "never seen in training"}


def against(
    house: House, conn: Connection, snapshot: Snapshot, state: FleetState, versions: Mapping[int, Version]
) -> dict[str, str]:
    """By key of a member with a canary under way, what speaks against it; nothing where the fleet asks for nothing.

    `versions` holds the new versions by id.
    """
    rollout, recorded = state.fleet.rollout, snapshot.versions.get(predictions(state.fleet.name))
    canaries = state.table.filter((pl.col("rollout_state") == "started") & (pl.col("rollout_kind") == "canary"))
    if not isinstance(rollout, Canary) or recorded is None or canaries.is_empty():
        return {}
    tries = arms.tries(state.fleet.name, canaries, {id: each.number for id, each in versions.items()})
    since = min(tries["rollout_at"])
    found = {}
    if rollout.quality is not None:
        trained = {key: versions[id].at for key, id in canaries.select("key", "rollout_version_id").iter_rows()}
        monitor = Quality(limit=rollout.quality, minimum_rows=rollout.minimum_rows)
        found = _spoilt(house, conn, state, monitor, tries, trained, recorded, since)
    if rollout.latency_p99_ms is not None or rollout.slower is not None:
        rows = answered.requests(
            conn, house.store, state.fleet.name, since, number=recorded.number, kept=house.memory.kept
        )
        found |= _slow(rollout, arms.of(tries.drop("rollout_kind"), rows))
    return found


def _slow(rollout: Canary, rows: pl.DataFrame) -> dict[str, str]:
    timed = rows.filter(~pl.col("shadow"), pl.col("latency_us").is_not_null())
    lists = timed.group_by("key", "mine").agg(pl.col("latency_us").cast(pl.Float64))
    taken = {(key, mine): found.to_numpy() for key, mine, found in zip(*lists.iter_columns(), strict=True)}
    said = {
        key: slow(
            taken[key, True], taken.get((key, False), _NOTHING), limit_ms=rollout.latency_p99_ms,
            slower=rollout.slower, minimum=rollout.minimum_rows,
        )
        for key, mine in taken
        if mine
    }  # fmt: skip
    return {key: why for key, why in said.items() if why}


def _spoilt(
    house: House, conn: Connection, state: FleetState, monitor: Quality, tries: pl.DataFrame,
    trained: Mapping[str, datetime], recorded: datasets.Version, since: datetime,
) -> dict[str, str]:  # fmt: skip
    """Canaries whose rows hold more bad values than those that they were trained on."""
    fleet = state.fleet.name
    frozen = reference.frozen(conn, house.store, fleet, state.revision, house.memory.kept)
    came = datasets.commits(conn, recorded.dataset, since, recorded.number)
    if frozen is None or not came:
        return {}
    parts = datasets.parts(conn, recorded.dataset, recorded.number, since=min(came) - 1)
    types = parse_all(recorded.columns)
    keys = dict(tries.select("address", "key").iter_rows())
    rows = frame(house.store.blobs, parts, types).filter(answered.ANSWERED, pl.col("version").is_in(list(keys)))
    features = [column(feature, types) for feature in frozen.bins.features]
    mine = rows.select("row_key", "at", pl.col("version").replace_strict(keys).alias("member"), "prediction", *features)
    given = answered.once(mine.collect(), ("member", "row_key", "at"))
    if given.is_empty():
        return {}
    answering = {key: Answering(at, key == POOLED) for key, at in trained.items()}
    before = house.memory.challengers.of(conn, fleet, frozen.bins, answering)
    counted = count_members(given, frozen.bins, prediction="prediction")
    worst, _ = faulty.measure(monitor, before, counted, frozen.bins, pl.DataFrame(schema=_NO_IMPORTANCE))
    return {
        row["member"]: (
            f"{row['feature']} is {_BAD[row['check']]} in {row['value']:.1%} of its {row['rows']} rows, "
            f"{row['reference']:.1%} in training; the limit of the rise is {monitor.limit:.1%}"
        )
        for row in worst.filter(pl.col("rise") > monitor.limit).iter_rows(named=True)
    }
