"""The status of every member, in one place: a word, a reason in words, for all of them at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

import polars as pl

from argosy.controller import signal
from argosy.spec.fleet import Fleet
from argosy.spec.monitor import Drift, Performance
from argosy.store.rollouts import ROLLED_BACK, STARTED

ORDER = ("failed", "degraded", "waiting", "drifting", "canary", "new", "pooled", "serving")
"""Every status, the one that needs a person most first."""

_HOUR, _DAY = 3600.0, 86400.0
_LONGEST = 160
_NEAR = 1e-9


def status(
    frame: pl.DataFrame,
    fleet: Fleet,
    now: datetime,
    *,
    approvals: Mapping[int, str] | None = None,
    again: Collection[int] = (),
    answers: Mapping[int, str] | None = None,
    blocked: str | None = None,
) -> pl.DataFrame:
    """A row per row of `frame` (see `observe.table`) in its order, with the columns `key`, `status` and `reason`.

    `frame` holds the whole fleet. `approvals` maps the ids of versions that wait for a person to what they wait for;
    `again` are those whose gates are to be asked again, `answers` what a person said of those that one answered for;
    `blocked` says why the fleet's data may not be used, None while it may. The first status of `ORDER` that applies is
    a member's.
    """
    waits = approvals or {}
    asked = pl.col("version_id").replace_strict(waits, default=None, return_dtype=pl.String)
    asking = pl.col("version_id").is_in(list(again)) if again else pl.lit(False)
    table = frame.with_columns(
        _asked=asked if waits else pl.lit(None, pl.String), _again=asking, _answer=_answer(fleet, answers or {})
    )
    stands, behind = _behind(frame, fleet, waits)
    cases = [
        ("failed", pl.col("failures") > 0, _failed()),
        ("degraded", pl.col(signal.DEGRADED) > 0, _degraded(fleet)),
        ("waiting", pl.col("_asked").is_not_null(), pl.col("_asked")),
        ("waiting", pl.lit(blocked is not None), pl.lit(f"waits for data: {blocked}")),
        ("drifting", pl.col(signal.DRIFT) > 1, _drifting(fleet)),
        ("canary", pl.col("rollout_state") == STARTED, _canary(now)),
        ("pooled", pl.lit(stands) & ((pl.col("target") == "pooled") | _fell_back()), _pooled(fleet)),
        ("new", pl.col("champion_id").is_null(), _new(fleet, behind)),
    ]
    word, reason = pl.lit("serving"), _serving(now)
    for name, holds, why in reversed(cases):
        found = holds.fill_null(False)
        word, reason = pl.when(found).then(pl.lit(name)).otherwise(word), pl.when(found).then(why).otherwise(reason)
    reason = (
        pl.when(word != "new")
        .then(pl.concat_str(reason, "_answer", separator="; ", ignore_nulls=True))
        .otherwise(reason)
    )
    return table.select("key", word.alias("status"), reason.fill_null("").alias("reason"))


def _answer(fleet: Fleet, answers: Mapping[int, str]) -> pl.Expr:
    """What a person said of the latest version, which no gate has heard yet."""
    if not answers:
        return pl.lit(None, pl.String)
    said = pl.col("version_id").replace_strict(answers, default=None, return_dtype=pl.String)
    then = f"; it takes effect with the next pass (argosy up, or argosy train {fleet.name})"
    return pl.format("version {} was {}{}", "version_number", said, pl.lit(then))


def counts(statuses: pl.DataFrame) -> dict[str, int]:
    """How many members have each status, in the order of `ORDER`, those without any left out."""
    found = dict(statuses.group_by("status").len().iter_rows())
    return {name: found[name] for name in ORDER if name in found}


def rank() -> pl.Expr:
    """The place of the column `status` in `ORDER`: sort by it for worst first."""
    return pl.col("status").replace_strict(dict(zip(ORDER, range(len(ORDER)), strict=True)), return_dtype=pl.Int64)


def ago(at: pl.Expr, now: datetime) -> pl.Expr:
    """How long ago, for people: `5m`, `7h`, `12d`."""
    seconds = (pl.lit(now) - at).dt.total_seconds().clip(lower_bound=0)
    return (
        pl.when(seconds < _HOUR)
        .then(pl.format("{}m", (seconds / 60).floor().cast(pl.Int64)))
        .when(seconds < 2 * _DAY)
        .then(pl.format("{}h", (seconds / _HOUR).floor().cast(pl.Int64)))
        .otherwise(pl.format("{}d", (seconds / _DAY).floor().cast(pl.Int64)))
    )


def _failed() -> pl.Expr:
    text = pl.col("execution_reason").str.split("\n").list.first().str.slice(0, _LONGEST)
    again = pl.when(pl.col("failures") > 1).then(pl.format(" ({} times in a row)", "failures")).otherwise(pl.lit(""))
    return pl.format("training failed: {}{}", text, again)


def _degraded(fleet: Fleet) -> pl.Expr:
    known = pl.format(
        f"live {fleet.search.metric} {{}} on {{}} rows", _number(signal.SCORE, 3), _number(signal.SCORE_ROWS, 0)
    )
    limits = list(_limits(fleet))
    if not limits:
        return pl.coalesce(known + ", beyond its limit", pl.lit("a limit of live performance is broken"))
    alone = {metric for metric, _ in limits} == {fleet.search.metric}
    told = ", ".join(limit if alone else f"{metric} {limit}" for metric, limit in limits)
    broken = "a limit of live performance is broken"
    return pl.coalesce(
        known + (f", beyond its limit: {told}" if alone else f"; {broken}: {told}"), pl.lit(f"{broken}: {told}")
    )


def _limits(fleet: Fleet) -> Iterator[tuple[str, str]]:
    """Each limit of live performance: of which score, and in words."""
    for each in fleet.monitors:
        if isinstance(each, Performance):
            if each.minimum is not None:
                yield each.metric, f"at least {each.minimum:g}"
            if each.maximum is not None:
                yield each.metric, f"at most {each.maximum:g}"
            if each.drop is not None:
                yield each.metric, f"at most {each.drop:g} worse than held-out rows at training"


def _drifting(fleet: Fleet) -> pl.Expr:
    """Which monitor it was follows from its limit, the distance over the signal."""
    limit = pl.col(signal.DRIFT_VALUE) / pl.col(signal.DRIFT)
    watched: dict[float, dict[str, None]] = {}
    for each in fleet.monitors:
        if isinstance(each, Drift):
            watched.setdefault(each.limit, {})[each.on] = None
    what = [
        pl.when((limit - value).abs() <= value * _NEAR).then(pl.lit(f" of the {' or '.join(names)}"))
        for value, names in watched.items()
    ]
    known = pl.format(
        "distance {}{} from training, {} times its limit of {}",
        _number(signal.DRIFT_VALUE, 3),
        pl.coalesce(*what, pl.lit("")),
        _hundredths(signal.DRIFT),
        limit.round(4).cast(pl.String),
    )
    return pl.coalesce(known, pl.lit("beyond the limit of a drift monitor"))


def _canary(now: datetime) -> pl.Expr:
    said = pl.col(signal.CANARY_VERSION) == pl.col("rollout_version_id")
    verdict = (
        pl.when(said & (pl.col(signal.CANARY) < 0))
        .then(pl.lit("worse than the champion"))
        .when(said & (pl.col(signal.CANARY) > 0))
        .then(pl.lit("not worse than the champion"))
        .otherwise(pl.lit("nothing speaks against it so far"))
    )
    does = pl.when(pl.col("rollout_kind") == "shadow").then(pl.lit("scores, unseen,")).otherwise(pl.lit("answers"))
    return pl.format(
        "version {} {} {} % of {} for {}: {}",
        pl.col("version_number"),
        does,
        (pl.col("rollout_share") * 100).round(0).cast(pl.Int64),
        pl.when(pl.col("rollout_kind") == "ab_test").then(pl.lit("keys in an A/B test")).otherwise(pl.lit("rows")),
        ago(pl.col("rollout_at"), now),
        verdict,
    )


def _behind(frame: pl.DataFrame, fleet: Fleet, waits: Mapping[int, str]) -> tuple[bool, str]:
    """Whether a pooled model stands behind the members, and in words who answers where a member has nobody."""
    pooled = frame.filter(pl.col("key") == "*").select("champion_id", "version_id").rows() if fleet.pooled else []
    for champion, version in pooled:
        if champion is not None:
            return True, "the pooled model answers"
        if version in waits:
            return False, f"nothing answers yet: of the pooled model, {waits[version]}"
    return False, "nothing answers yet"


def _fell_back() -> pl.Expr:
    """Nobody was put in charge, and training said that there is no model of its own."""
    return pl.col("target").is_null() & (pl.col("execution_outcome") == "fallback") & (pl.col("key") != "*")


def _pooled(fleet: Fleet) -> pl.Expr:
    few = pl.format(f"{{}} labelled rows, {fleet.minimum_rows} are needed for its own model", _number(signal.ROWS, 0))
    return (
        pl.when(pl.col("version_id").is_not_null())
        .then(pl.lit("the pooled model does better on its held-out rows"))
        .when(pl.col(signal.ROWS) < fleet.minimum_rows)
        .then(few)
        .when(pl.col("execution_reason") != "")
        .then(pl.col("execution_reason").str.slice(0, _LONGEST))
        .otherwise(pl.lit("it has no model of its own"))
    )


def _new(fleet: Fleet, behind: str) -> pl.Expr:
    rows = _number(signal.ROWS, 0)
    own = (
        pl.when(pl.col("target") == "pooled")
        .then(_pooled(fleet) if fleet.pooled else pl.lit("the pooled model, which the fleet had, answered for it"))
        .when(pl.col("_answer").is_not_null())
        .then("_answer")
        .when(_refused())
        .then(pl.format("version {} did not pass its gates", "version_number"))
        .when(pl.col("version_id").is_not_null())
        .then(pl.format("version {} waits for its gates", "version_number"))
        .when(pl.col(signal.ROWS) < fleet.minimum_rows)
        .then(pl.format(f"{{}} of {fleet.minimum_rows} labelled rows so far", rows))
        .when(_fell_back() & (pl.col("execution_reason") != ""))
        .then(pl.col("execution_reason").str.slice(0, _LONGEST))
        .when(pl.col(signal.ROWS).is_not_null())
        .then(pl.format("{} labelled rows, not trained yet", rows))
        .otherwise(pl.lit("no labelled rows counted yet"))
    )
    return pl.format("{}; {}", own, pl.lit(behind))


def _serving(now: datetime) -> pl.Expr:
    held = (
        pl.when((pl.col("rollout_state") == ROLLED_BACK) & (pl.col("rollout_version_id") == pl.col("version_id")))
        .then(pl.format("; version {} was rolled back", "version_number"))
        .when(_refused() & (pl.col("version_id") != pl.col("champion_id")))
        .then(pl.format("; version {} did not pass its gates", "version_number"))
        .otherwise(pl.lit(""))
    )
    return pl.format("version {} has answered for {}{}", "champion_number", ago(pl.col("champion_since"), now), held)


def _refused() -> pl.Expr:
    """Gates were asked about the latest version, are not to be asked again, and it never reached traffic."""
    never = pl.col("rollout_version_id").is_null() | (pl.col("rollout_version_id") != pl.col("version_id"))
    return ((pl.col(signal.JUDGED) == pl.col("version_id")) & never & ~pl.col("_again")).fill_null(False)


def _hundredths(name: str) -> pl.Expr:
    """With two digits whatever they are: 1.00."""
    whole = (pl.col(name) * 100).round(0).cast(pl.Int64)
    return pl.format("{}.{}", whole // 100, (whole % 100).cast(pl.String).str.zfill(2))


def _number(name: str, digits: int) -> pl.Expr:
    rounded = pl.col(name).round(digits)
    return (rounded.cast(pl.Int64) if digits == 0 else rounded).cast(pl.String)
