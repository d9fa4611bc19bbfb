"""Alerts: what a fleet's signals say together, ranked by effect, kept from crying wolf.

Pure: signals and the active alerts go in, changes come out. The caller records them as facts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from argosy.errors import InputError
from argosy.metric.tail import normal_quantile, normal_tails, poisson_tail
from argosy.spec.quantity import plural

Severity = Literal["critical", "warning", "info"]
KINDS = ("failure", "performance", "prediction", "attribution", "skew", "quality", "drift")
FEATURES = ("skew", "quality", "drift")
UNITS = {"failure": "share of rows ", "skew": "share of rows ", "quality": "median rise of their share "}
SHOWN = 3

SIGNALS = {
    "kind": pl.String,
    "member": pl.String,
    "cause": pl.String,
    "value": pl.Float64,
    "limit": pl.Float64,
    "below": pl.Boolean,
    "p_value": pl.Float64,
    "weight": pl.Float64,
}
_FAR = 0.25


class Alert(msgspec.Struct, frozen=True):
    """One cause that stands out in some members of a fleet.

    `name` is `{kind}/{cause}`, and tells alerts apart. `value` is the median of the members' values, `effect` the
    sum over members of weight times how far the value is beyond its limit (0 to 1 each). `since` is when it was
    first raised.
    """

    name: str
    kind: str
    cause: str
    members: tuple[str, ...]
    value: float
    limit: float
    severity: Severity
    effect: float
    since: datetime
    message: str


class Changes(msgspec.Struct, frozen=True):
    """What one look changed: newly raised, still there (with members and values of now), and over.

    `changed` are those that persist with other members, another severity, or a value by a quarter of the limit away.
    """

    raised: tuple[Alert, ...]
    persisting: tuple[Alert, ...]
    changed: tuple[Alert, ...]
    resolved: tuple[Alert, ...]


def watch(
    signals: pl.DataFrame,
    active: Sequence[Alert],
    *,
    at: datetime,
    fdr: float = 0.05,
    release: float = 0.05,
    watched: int | None = None,
) -> Changes:
    """Turn signals into alerts, ranked by kind in the order of `KINDS`, and by effect within.

    `signals` has the columns of `SIGNALS`, made by the functions below: of a kind, member and cause the row furthest
    beyond its limit counts. `cause` is a metric, a feature, or for quality `feature/check`; `below` says that values
    under the limit are bad; `p_value` is null where chance plays no part; `weight` is how much the member leans on the
    cause (0 to 1: the feature's share of importance; 1 for outcomes).

    A member enters an alert when its value is beyond the limit and, within its kind across the whole fleet, survives
    Benjamini and Hochberg's control of the false discovery rate `fdr` (J. R. Statist. Soc. B 57 (1995) 289-300). It
    leaves when its value is back inside the limit by the share `release`; a null value leaves it where it was, and
    a member without any signal is watched no longer. So an alert that persists is not raised again; one whose members
    are all within the limit again says so, and is no more than `info`. `watched` is the
    size of the fleet, for the message (default: the members in `signals`). Raises `InputError` for a wrong table.
    """
    table = _checked(signals)
    size = watched if watched is not None else table["member"].n_unique()
    before = {alert.name: alert for alert in active}
    inside = [(alert.name, member) for alert in active for member in alert.members]
    held = pl.DataFrame(inside, schema={"name": pl.String, "member": pl.String}, orient="row")
    table = table.with_columns(name=pl.format("{}/{}", "kind", "cause"))
    table = table.join(held.with_columns(active=pl.lit(True)), on=["name", "member"], how="left")
    table = table.with_columns(pl.col("active").fill_null(False), significant=_significant(table, fdr))
    bad = table.filter(_breach(0.0) & pl.col("significant") | pl.col("active") & _breach(release))
    grouped = _grouped(bad.with_columns(within=~_breach(0.0) & pl.col("value").is_not_null()))
    now = [_alert(row, before.get(row["name"]), size, at, release) for row in grouped.iter_rows(named=True)]
    now.sort(key=lambda alert: (KINDS.index(alert.kind), -alert.effect, alert.name))
    names = {alert.name for alert in now}
    return Changes(
        raised=tuple(alert for alert in now if alert.name not in before),
        persisting=tuple(alert for alert in now if alert.name in before),
        changed=tuple(alert for alert in now if alert.name in before and _moved(before[alert.name], alert)),
        resolved=tuple(alert for alert in active if alert.name not in names),
    )


def _moved(before: Alert, after: Alert) -> bool:
    far = abs(after.value - before.value) > abs(after.limit) * _FAR
    return far or (before.members, before.severity) != (after.members, after.severity)


def discoveries(p_values: npt.ArrayLike, fdr: float) -> npt.NDArray[np.bool_]:
    """Which of the tests stand when at most the share `fdr` of them may be false (Benjamini and Hochberg, 1995)."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    passed = np.flatnonzero(p[order] <= fdr * np.arange(1, len(p) + 1) / max(len(p), 1))
    stands = np.zeros(len(p), dtype=np.bool_)
    if len(passed):
        stands[order[: passed[-1] + 1]] = True
    return stands


def failure_signals(asked: pl.DataFrame, limit: float) -> pl.DataFrame:
    """Signals of a table of `member`, `rows` and those `failed` among them, against a limit on their share."""
    return asked.select(
        kind=pl.lit("failure"),
        member="member",
        cause=pl.lit("rows"),
        value=pl.col("failed") / pl.col("rows"),
        limit=pl.lit(float(limit)),
        below=pl.lit(False),
        p_value=pl.lit(None, pl.Float64),
        weight=pl.lit(1.0),
    )


def drift_signals(drift: pl.DataFrame, limit: float, statistic: str = "psi_excess") -> pl.DataFrame:
    """Signals of a `drift` or `prediction_drift` table against a limit on one statistic.

    Its column `importance` (0 to 1) weighs features; null weighs 0, and all weigh 1 where there is no such column. The
    feature `prediction` becomes the kind `prediction`.
    """
    outcome = pl.col("feature") == "prediction"
    weight = pl.col("importance").fill_null(0.0) if "importance" in drift.columns else pl.lit(1.0)
    return drift.select(
        kind=pl.when(outcome).then(pl.lit("prediction")).otherwise(pl.lit("drift")),
        member="member",
        cause="feature",
        value=pl.col(statistic),
        limit=pl.lit(float(limit)),
        below=pl.lit(False),
        p_value="p_value",
        weight=pl.when(outcome).then(1.0).otherwise(weight),
    )


def attribution_signals(leaning: pl.DataFrame, limit: float) -> pl.DataFrame:
    """Signals of a table of `member`, `value` (how far from training) and `feature`, against a limit on the value."""
    return leaning.select(
        kind=pl.lit("attribution"),
        member="member",
        cause="feature",
        value="value",
        limit=pl.lit(float(limit)),
        below=pl.lit(False),
        p_value=pl.lit(None, pl.Float64),
        weight=pl.lit(1.0),
    )


def quality_signals(quality: pl.DataFrame, limit: float, importance: pl.DataFrame) -> pl.DataFrame:
    """Signals of a `quality` table against a limit on how much more often values are bad than in the reference."""
    weighed = quality.join(importance, on=["member", "feature"], how="left", maintain_order="left")
    return weighed.select(
        kind=pl.lit("quality"),
        member="member",
        cause=pl.format("{}/{}", "feature", "check"),
        value=pl.col("value") - pl.col("reference"),
        limit=pl.lit(float(limit)),
        below=pl.lit(False),
        p_value="p_value",
        weight=pl.col("importance").fill_null(0.0),
    )


def skew_signals(skew: pl.DataFrame, limit: float, importance: pl.DataFrame) -> pl.DataFrame:
    """Signals of a `skew` table, one for each feature and member that was served another value.

    The value is the share of all rows, as few of each member are looked at; `p_value` is the Poisson probability of so
    many rows, were it at the limit.
    """
    rates = (skew["rows"].cast(pl.Float64) * limit).to_numpy()
    chance = pl.Series("p_value", poisson_tail(skew["differing"].to_numpy(), rates), dtype=pl.Float64)
    each = skew.with_columns(chance).explode("members").rename({"members": "member"}).drop_nulls("member")
    weighed = each.join(importance, on=["member", "feature"], how="left", maintain_order="left")
    return weighed.select(
        kind=pl.lit("skew"),
        member="member",
        cause="feature",
        value="share",
        limit=pl.lit(float(limit)),
        below=pl.lit(False),
        p_value="p_value",
        weight=pl.col("importance").fill_null(0.0),
    )


def score_signals(
    scores: pl.DataFrame, name: str, limits: pl.Series, *, below: bool, level: float = 0.95
) -> pl.DataFrame:
    """Signals of a table of `performance` by member against a limit on one score for each row.

    `below` says that scores under the limit are bad. `p_value`: the one-sided normal probability of such a score if the
    true one were at the limit, from the interval `{name}_low` to `{name}_high` made at `level`; null where there is no
    interval, so that the limit alone counts.
    """
    value, limit = (each.cast(pl.Float64).to_numpy() for each in (scores[name], limits))
    error = (scores[f"{name}_high"] - scores[f"{name}_low"]).cast(pl.Float64).to_numpy() / (
        2.0 * normal_quantile(level)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (limit - value if below else value - limit) / error
    half = normal_tails(z) / 2.0
    return scores.select(
        kind=pl.lit("performance"),
        member="member",
        cause=pl.lit(name),
        value=name,
        limit=pl.Series(limit),
        below=pl.lit(below),
        p_value=pl.Series(np.where(z > 0.0, half, 1.0 - half), dtype=pl.Float64).fill_nan(None),
        weight=pl.lit(1.0),
    )


def _checked(signals: pl.DataFrame) -> pl.DataFrame:
    missing = [name for name in SIGNALS if name not in signals.columns]
    if missing:
        raise InputError(f"signals lack the columns {missing}", next=f"give {', '.join(SIGNALS)}")
    table = signals.select(pl.col(name).cast(dtype) for name, dtype in SIGNALS.items()).with_columns(
        pl.col("value", "p_value").fill_nan(None)
    )
    foreign = set(table["kind"].unique()) - set(KINDS)
    if foreign:
        raise InputError(f"signal kind {min(foreign, key=str)!r} is not known", next=f"use one of {', '.join(KINDS)}")
    return table


def _significant(table: pl.DataFrame, fdr: float) -> pl.Series:
    """Per signal, whether chance is ruled out; each kind is a family of its own."""
    stands = table["p_value"].is_null().to_numpy().copy()
    for kind in KINDS:
        rows = np.flatnonzero((table["kind"] == kind).to_numpy() & table["p_value"].is_not_null().to_numpy())
        stands[rows] = discoveries(table["p_value"].gather(rows).to_numpy(), fdr)
    return pl.Series(stands)


def _breach(release: float) -> pl.Expr:
    """Beyond the limit; for a release above 0, not yet back inside it by that share, or not known."""
    slack = pl.col("limit").abs() * release
    low = pl.col("value") < pl.col("limit") + slack
    high = pl.col("value") > pl.col("limit") - slack
    return pl.when(pl.col("below")).then(low).otherwise(high).fill_null(release > 0.0)


def _grouped(bad: pl.DataFrame) -> pl.DataFrame:
    """A row per alert; a member that is in it for several limits counts for the one it is furthest beyond."""
    ranked = bad.with_columns(strength=_strength()).sort("strength", descending=True, nulls_last=True)
    each = ranked.unique(["name", "member"], keep="first", maintain_order=True)
    return each.group_by("name").agg(
        pl.col("kind", "cause", "below").first(),
        pl.col("member").sort().alias("members"),
        pl.col("value", "limit").median(),
        (pl.col("strength") * pl.col("weight")).fill_null(0.0).sum().alias("effect"),
        pl.col("weight").mean(),
        pl.col("within").sum(),
    )


def _alert(row: dict[str, Any], before: Alert | None, size: int, at: datetime, release: float) -> Alert:
    members = tuple(row["members"])
    since = before.since if before else at
    value = row["value"] if row["value"] is not None else (before.value if before else math.nan)
    over = row["within"] == len(members)
    severity = "info" if over else _severity(row["kind"], row["effect"] / len(members))
    message = _message(row, members, size, value, since, release)
    return Alert(
        row["name"], row["kind"], row["cause"], members, value, row["limit"], severity, row["effect"], since, message
    )


def _strength() -> pl.Expr:
    """How far beyond its limit a value is: 0 at the limit, towards 1 far beyond it, so that one huge PSI (a season
    changed) does not outweigh a feature that matters.
    """
    gap = pl.when(pl.col("below")).then(pl.col("limit") - pl.col("value")).otherwise(pl.col("value") - pl.col("limit"))
    gap = gap.clip(lower_bound=0.0)
    return (gap / (gap + pl.col("limit").abs())).fill_nan(0.0)


def _severity(kind: str, strength: float) -> Severity:
    if kind in ("failure", "performance"):
        return "critical"
    if kind in ("prediction", "skew"):
        return "warning"
    return "warning" if strength >= 0.1 else "info"


_SAYS = {
    "failure": ("fails on", "fail on", "rows"),
    "performance": ("has", "have", "a poor `{}`"),
    "prediction": ("answers", "answer", "differently (`{}`)"),
    "attribution": ("leans", "lean", "otherwise on `{}` than in training"),
    "skew": ("is", "are", "served another `{}` than training would join"),
    "drift": ("drifted", "drifted", "on `{}`"),
    "null": ("sees", "see", "more nulls in `{}` than in training"),
    "range": ("sees", "see", "`{}` beyond the range of training more often"),
    "unseen": ("sees", "see", "values of `{}` that training never held"),
}
"""By kind or check: the verb of one member, that of several, and the rest."""


def _message(
    row: dict[str, Any], members: tuple[str, ...], size: int, value: float, since: datetime, release: float
) -> str:  # fmt: skip
    kind, cause, check = row["kind"], row["cause"], row["kind"]
    if kind == "quality":
        cause, _, check = cause.rpartition("/")
    one, several, rest = _SAYS[check]
    shown = ", ".join(member or "the only member" for member in members[:SHOWN])
    more = f" and {len(members) - SHOWN} more" if len(members) > SHOWN else ""
    unit = UNITS.get(kind, "median ").removeprefix("median " if len(members) == 1 else "")
    lean = f"; the models lean {row['weight']:.0%} on it" if kind in FEATURES and row["weight"] is not None else ""
    return (
        f"{len(members)} of {plural(size, 'member')} {one if len(members) == 1 else several} {rest.format(cause)} "
        f"since {since:%Y-%m-%d}: {unit}{value:.3g} {_against(row, len(members), value, release)}{lean} ({shown}{more})"
    )


def _against(row: dict[str, Any], members: int, value: float, release: float) -> str:
    """How a value stands to its limit; within it again, what ends the alert, or how many are beyond it still."""
    limit, below = float(row["limit"]), bool(row["below"])
    said = f"the limit {limit:.3g}"
    if row["within"] == members:
        end = limit + abs(limit) * release * (1 if below else -1)
        return f"is within {said} again; the alert ends {'over' if below else 'under'} {end:.3g}"
    if row["within"] and (value >= limit if below else value <= limit):
        return f"is within {said} again, {members - row['within']} of them not"
    return f"{'under' if below else 'over'} {said}"
