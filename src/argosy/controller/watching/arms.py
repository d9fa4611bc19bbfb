"""The two sides of each rollout under way: the rows of the new version and those of the champion."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
import numpy as np
import polars as pl

from argosy.controller.watching.answered import once, tried
from argosy.monitoring.abtest import Units, loss
from argosy.monitoring.arm import Arm

_SAME = ("key", "row_key", "at")


class Sides(msgspec.Struct, frozen=True):
    """What the new version (`ours`) and the champion did.

    Of a shadow the labelled rows are those that both scored, in one order; `paired` rows were, labelled or not, and
    their predictions are `apart` on average.
    """

    ours: Arm
    theirs: Arm
    paired: int = 0
    apart: float = math.nan


NOTHING = Sides(Arm(np.empty(0), np.empty(0), 0), Arm(np.empty(0), np.empty(0), 0))


def tries(fleet: str, running: pl.DataFrame, numbers: Mapping[int, int]) -> pl.DataFrame:
    """Of members with a rollout under way, `numbers` of whose new versions are given by id: see `of`."""
    addresses = [
        f"{fleet}/{key}@{numbers[id]}" if key else f"{fleet}@{numbers[id]}"
        for key, id in running.select("key", "rollout_version_id").iter_rows()
    ]
    address = pl.Series(addresses, dtype=pl.String)
    return running.select("key", "pooled", "rollout_at", "rollout_kind", address=address)


def of(tries: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of each member of `tries` since its rollout started, each once, `mine` if they are the new version's.

    `tries` has `key`, `pooled`, `rollout_at` and `address`, that of the new version; the rows get the `key`. They count
    by arrival, not by decision time: a nightly batch states those of the day, a replay those of last year. The pooled
    model's rows are those of any of its versions, whosever they are. What shadows of other times scored is left out,
    and rows that a rule sent where they went: who asked for them was not drawn by lot.
    """
    of_members = rows.join(tries.filter(~pl.col("pooled")), left_on="member", right_on="key", how="inner")
    prefix = pl.col("address").str.replace(r"[0-9]+$", "")
    of_pooled = rows.join(tries.filter("pooled"), how="cross").filter(pl.col("version").str.starts_with(prefix))
    found = pl.concat([of_members.with_columns(key="member"), of_pooled.select(*of_members.columns, "key")])
    mine = pl.col("version") == pl.col("address")
    found = found.filter(pl.col("arrived") >= pl.col("rollout_at"), ~pl.col("ruled")).with_columns(mine=mine)
    return tried(found.filter(pl.col("mine") | ~pl.col("shadow")), ["key", "shadow"])


def answering(rows: pl.DataFrame) -> dict[str, Sides]:
    """Per key both sides, of rows that each version answered alone."""
    scored = ~pl.col("failed") & pl.col("label").is_not_null()
    found = _asked(rows.filter(~pl.col("shadow")), pl.col("label", "prediction").filter(scored))
    return {key: _both(found, key) for key in {key for key, _ in found}}


def shadowing(rows: pl.DataFrame) -> dict[str, Sides]:
    """Per key both sides, of rows that a shadow scored beside the champion."""
    none = pl.lit([], pl.List(pl.Float64))
    asked = _asked(rows.filter(pl.col("mine") == pl.col("shadow")), none.alias("label"), none.alias("prediction"))
    answers = rows.filter(~pl.col("failed"))
    shadows, others = (once(answers.filter(pl.col("shadow") == which), _SAME) for which in (True, False))
    pairs = shadows.join(others.select(*_SAME, theirs="prediction"), on=_SAME, how="inner", maintain_order="left")
    told = pl.col("label").is_not_null()
    found = pairs.group_by("key").agg(
        pl.col("label", "prediction", "theirs").filter(told), paired=pl.len(),
        apart=(pl.col("prediction") - pl.col("theirs")).abs().mean(),
    )  # fmt: skip
    sides = {key: _both(asked, key) for key in {key for key, _ in asked}}
    for key, y, own, theirs, paired, apart in zip(*found.iter_columns(), strict=True):
        ours, other, labels = sides[key].ours, sides[key].theirs, y.to_numpy()
        sides[key] = Sides(
            Arm(labels, own.to_numpy(), ours.answered, ours.failed),
            Arm(labels, theirs.to_numpy(), other.answered, other.failed), paired, apart,
        )  # fmt: skip
    return sides


def units(rows: pl.DataFrame, metric: str) -> dict[tuple[str, bool], Units]:
    """The labelled losses of the new version (true) and of the champion (false) of each key, by unit.

    Rows with the same `unit` are one observation; a row without one is an observation of its own.
    """
    told = rows.filter(~pl.col("shadow"), ~pl.col("failed"), pl.col("label").is_not_null())
    y, p = told["label"].to_numpy(), told["prediction"].to_numpy()
    own = pl.coalesce(pl.lit("unit ") + pl.col("unit"), pl.lit("row ") + pl.col("row_key"))
    each = told.with_columns(own.alias("unit"), loss=pl.Series(loss(metric, y, p), dtype=pl.Float64))
    sums = each.group_by("key", "mine", "unit").agg(pl.col("loss").sum(), pl.len().cast(pl.Float64).alias("rows"))
    found = sums.group_by("key", "mine").agg("loss", "rows")
    columns = found.select("key", "mine", "loss", "rows").iter_columns()
    return {
        (key, mine): Units(losses.to_numpy(), rows.to_numpy()) for key, mine, losses, rows in zip(*columns, strict=True)
    }


def _asked(rows: pl.DataFrame, *labelled: pl.Expr) -> dict[tuple[str, bool], Arm]:
    found = rows.group_by("key", "mine").agg(
        *labelled, answered=(~pl.col("failed")).sum(), failed=pl.col("failed").sum()
    )
    columns = found.select("key", "mine", "label", "prediction", "answered", "failed").iter_columns()
    return {
        (key, mine): Arm(y.to_numpy(), p.to_numpy(), answered, failed)
        for key, mine, y, p, answered, failed in zip(*columns, strict=True)
    }


def _both(arms: Mapping[tuple[str, bool], Arm], key: str) -> Sides:
    return Sides(arms.get((key, True), NOTHING.ours), arms.get((key, False), NOTHING.theirs))
