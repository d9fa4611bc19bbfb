"""Three fleets on the same rows: as it was managed, as it stood at its first training, and one model for all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import unquote

import msgspec
import numpy as np
import polars as pl
from sqlalchemy import Connection

from argosy.cli.replay.days import FLEET
from argosy.controller.plan import predictions
from argosy.controller.watching.answered import ANSWERED, once
from argosy.data.read import scan
from argosy.metric import score
from argosy.model.format import load
from argosy.model.signature import Signature, encode
from argosy.spec.fleet import POOLED
from argosy.store import artifacts, datasets, members, resources, versions
from argosy.store.store import Store

_DAY = timedelta(days=1)
BY = ("origin", "carrier")
"""The key columns of the fleet."""


class Figures(msgspec.Struct, frozen=True):
    """Scores of a month's rows whose outcome is known; `rows` counts all that were scored."""

    month: str
    rows: int
    auc_managed: float
    auc_frozen: float
    auc_pooled: float
    logloss_managed: float
    logloss_frozen: float
    logloss_pooled: float


class Comparison(msgspec.Struct, frozen=True):
    """Every month, and all of them together.

    `stale` rows were answered with features past their time to live, `planeless` ones without a plane in the register.
    """

    months: list[Figures]
    total: Figures
    stale: int
    planeless: int


def compare(store: Store, frozen_at: datetime, until: datetime) -> Comparison | None:
    """Score every recorded row by the versions that answered at `frozen_at`; None where no row was recorded."""
    with store.read() as conn:
        if datasets.version(conn, predictions(FLEET)) is None:
            return None
        rows = once(
            scan(conn, store, predictions(FLEET), low=frozen_at, high=until + _DAY)
            .filter(pl.col("at") < until + _DAY, ANSWERED)
            .collect()
        )
        told = scan(conn, store, "flights", latest=True).select(row_key="flight_id", label="late").collect()
        champions = _champions(conn, frozen_at)
        rows = _keyed(rows.join(told, on="row_key", how="left", maintain_order="left"))
        pooled = champions[POOLED]
        by_member = {key: version if version is not None else pooled for key, version in champions.items()}
        version = rows["member"].replace_strict(by_member, default=pooled, return_dtype=pl.Int64)
        rows = rows.with_columns(
            frozen=_predict(conn, store, rows, version),
            pooled=_predict(conn, store, rows, pl.repeat(pooled, rows.height, dtype=pl.Int64, eager=True)),
            month=pl.col("at").dt.strftime("%Y-%m"),
        )
    parts = rows.sort("month").partition_by("month", maintain_order=True)
    stale, planeless = int(rows["stale"].sum()), rows["seats"].null_count()
    return Comparison([_figures(part["month"][0], part) for part in parts], _figures("all", rows), stale, planeless)


def _keyed(rows: pl.DataFrame) -> pl.DataFrame:
    """With the key columns of every row's member: only rows that the pooled model answered were recorded with them."""
    named = rows["member"].unique().to_list()
    keys = [tuple(unquote(part) for part in member.split("/")) for member in named]
    found = {name: dict(zip(named, (key[place] for key in keys), strict=True)) for place, name in enumerate(BY)}
    return rows.with_columns(
        pl.col("member").replace_strict(values, return_dtype=pl.String).alias(name) for name, values in found.items()
    )


def _champions(conn: Connection, at: datetime) -> dict[str, int | None]:
    """The version that answered for each member at a time, None where the pooled model did."""
    where = f'fleet:{FLEET} alias:champion at<="{at.isoformat()}"'
    found: dict[int, int | None] = {}
    for item in resources.every(conn, "aliases", where):  # newest first
        found.setdefault(item["member_id"], item["version_id"])
    keys = members.get(conn, found)
    return {keys[id].key: version for id, version in found.items()}


def _predict(conn: Connection, store: Store, rows: pl.DataFrame, version: pl.Series) -> pl.Series:
    """Predictions of recorded rows, each by the version that `version` [rows] names; batched by version."""
    found = versions.get(conn, version.unique().to_list())
    slots = artifacts.get(conn, {each.artifact for each in found.values()})
    signatures = {digest: Signature.from_json(store.blobs.get(digest)) for digest in _signatures(found)}
    matrices = {digest: encode(rows, signature) for digest, signature in signatures.items()}
    chosen, out = version.to_numpy(), np.empty(rows.height)
    for id, each in found.items():
        model = load(each.format, store.blobs.read(slots[each.artifact].slot), known=True)
        mine = np.flatnonzero(chosen == id)
        assert each.signature is not None
        out[mine] = model.predict(matrices[each.signature][mine])
    return pl.Series(out)


def _signatures(found: Mapping[int, versions.Version]) -> set[str]:
    return {each.signature for each in found.values() if each.signature is not None}


def _figures(month: str, rows: pl.DataFrame) -> Figures:
    known = rows.drop_nulls("label")
    y = known["label"].cast(pl.Float64).to_numpy()
    scores = [
        score(metric, y, known[column].to_numpy())
        for metric in ("roc_auc", "log_loss")
        for column in ("prediction", "frozen", "pooled")
    ]
    return Figures(month, rows.height, *scores)
