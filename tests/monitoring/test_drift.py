"""Drift statistics against their definitions; silence where nothing drifted, noise where something did."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from argosy.errors import ConflictError
from argosy.monitoring.bins import Bins
from argosy.monitoring.count import count
from argosy.monitoring.drift import drift, prediction_drift
from argosy.monitoring.window import Windows
from tests.monitoring.fleet import FEATURES, MEMBERS, bins, rows, windows


def _one(before: Windows, after: Windows, on: Bins, member: str, feature: str) -> dict[str, float]:
    table = drift(before, after, on)
    return table.row(by_predicate=(pl.col("member") == member) & (pl.col("feature") == feature), named=True)


@pytest.mark.parametrize("feature", FEATURES)
def test_statistics_equal_their_definitions(feature: str) -> None:
    frame = rows(10)
    on = bins(frame)
    before, after = windows(frame, on), windows(rows(11, 6000, shift=0.4), on)
    found = _one(before, after, on, "JFK/AA", feature)
    place = FEATURES.index(feature)
    cells = slice(on.offsets[place], on.offsets[place + 1])
    q, p = before.counts[1, cells].astype(float), after.counts[1, cells].astype(float)
    assert found["jensen_shannon"] == pytest.approx(jensenshannon(q, p, base=2))
    both = (q + p) > 0
    if (np.minimum(q.sum(), p.sum()) * (q + p)[both] / (q + p).sum()).min() >= 5:
        test = stats.chi2_contingency([q[both], p[both]], correction=False)
        assert found["chi_square"] == pytest.approx(test.statistic)
        assert found["p_value"] == pytest.approx(test.pvalue, rel=1e-6)
        plain = stats.contingency.association(np.array([q[both], p[both]], dtype=int), method="cramer")
        assert 0 <= found["cramers_v"] <= plain + 1e-3
    base = (q + 0.5) / (q.sum() + 0.5 * len(q))
    mixed = (p / p.sum() + 0.5 / q.sum()) / (1 + 0.5 * len(q) / q.sum())
    share = (p.sum() * mixed + base) / (p.sum() + 1)
    assert found["psi"] == pytest.approx(((share - base) * np.log(share / base)).sum())
    if feature in ("plane", "night"):
        assert found["wasserstein"] is None
        return
    q, p = q[:-1] / q[:-1].sum(), p[:-1] / p[:-1].sum()
    assert found["kolmogorov_smirnov"] == pytest.approx(np.abs(np.cumsum(p - q)).max())
    centres = on.features[place].positions  # type: ignore[union-attr]
    deviation = np.sqrt(q @ centres**2 - (q @ centres) ** 2)
    assert found["wasserstein"] == pytest.approx(stats.wasserstein_distance(centres, centres, q, p) / deviation)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_a_window_never_drifts_from_itself(seed: int) -> None:
    frame = rows(seed, 400)
    on = bins(frame)
    table = drift(windows(frame, on), windows(frame, on), on)
    for name in ("jensen_shannon", "kolmogorov_smirnov", "wasserstein", "psi_excess", "chi_square"):
        assert (table[name].fill_null(0.0) < 1e-6).all()
    assert (table["p_value"] == 1.0).all()


@pytest.mark.parametrize(("before", "after"), [(20_000, 40), (1000, 100), (2000, 2000)])
def test_chance_alone_is_seldom_significant(before: int, after: int) -> None:
    fleet, random = 200, np.random.default_rng(12)

    def draw(size: int) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "x": random.lognormal(size=size),
                "c": random.choice(list("abcdefg"), size, p=[0.5, 0.2, 0.2, 0.05, 0.03, 0.01, 0.01]),
                "rare": random.random(size) < 0.004,
            }
        )

    members = [f"{place:03}" for place in range(fleet)]
    reference, current = draw(before * 10), draw(after * fleet)
    on = Bins.fit(reference)
    codes = np.repeat(np.arange(10), before)
    one = count(reference, members[:10], codes, on)
    tables = []
    two = count(current, members, np.repeat(np.arange(fleet), after), on)
    for start in range(0, fleet, 10):
        part = two.slice(members[start : start + 10])
        renamed = Windows(
            one.digest, part.members, one.counts, one.predictions, one.positives, one.negatives, one.rows, one.sums
        )
        tables.append(drift(renamed, part, on))
    share = (
        pl.concat(tables).group_by("feature").agg((pl.col("p_value") < 0.05).mean(), freedom=pl.col("freedom").max())
    )
    assert (share["p_value"] <= 0.13).all(), share
    assert share.filter(pl.col("feature") == "x")["freedom"].item() >= 4


@pytest.mark.parametrize("size", [1_000, 100_000])
def test_the_effect_of_chi_square_does_not_grow_with_the_rows(size: int) -> None:
    def of(random: np.random.Generator, share: float) -> pl.DataFrame:
        return pl.DataFrame({"night": random.random(size) < share})

    frames = [of(np.random.default_rng(seed), share) for seed, share in ((1, 0.5), (2, 0.5), (3, 0.8))]
    on = Bins.fit(frames[0])
    members, codes = ["a"], np.zeros(size, dtype=np.int64)
    before, same, moved = (count(frame, members, codes, on) for frame in frames)
    assert drift(before, same, on)["cramers_v"].item() < 0.05
    found = drift(before, moved, on).row(0, named=True)
    assert found["cramers_v"] == pytest.approx(0.3145, abs=0.03)
    assert found["p_value"] < 1e-6
    assert found["chi_square"] > 100


def test_expected_psi_is_that_of_no_drift() -> None:
    frame = rows(13, 40_000)
    on = bins(frame)
    before = windows(frame, on)
    tables = [drift(before, windows(rows(100 + seed, 2000), on), on) for seed in range(20)]
    mean = pl.concat(tables).group_by("feature").agg(pl.col("psi", "psi_expected").mean())
    np.testing.assert_allclose(mean["psi"], mean["psi_expected"], rtol=0.35, atol=0.002)


def test_a_shift_is_found_in_its_feature_only() -> None:
    frame = rows(14)
    on = bins(frame)
    table = drift(windows(frame, on), windows(rows(15, 1200, shift=1.0), on), on)
    moved = table.filter(pl.col("feature") == "temp")
    assert (moved["psi_excess"] > 0.2).all()
    assert (moved["p_value"] < 1e-6).all()
    assert (table.filter(pl.col("feature") != "temp")["p_value"] > 1e-4).all()


def test_an_empty_feature_spoils_no_neighbour() -> None:
    frame = rows(16)
    on = bins(frame)
    gone = rows(17).with_columns(rain=pl.lit(None, dtype=pl.Float64))
    table = drift(windows(frame, on), windows(gone, on), on)
    assert table.filter(pl.col("feature") == "rain")["kolmogorov_smirnov"].null_count() == len(MEMBERS)
    assert (table.filter(pl.col("feature") == "rain")["p_value"] < 1e-6).all()
    assert table.filter(pl.col("feature").is_in(["temp", "hour"]))["kolmogorov_smirnov"].max() < 0.1  # type: ignore[operator]


def test_only_members_with_rows_in_both_windows_are_compared() -> None:
    frame = rows(18)
    on = bins(frame)
    before = windows(frame.filter(pl.col("code") != 2), on)
    after = windows(rows(19), on).slice(MEMBERS[1:])
    assert drift(before, after, on)["member"].unique(maintain_order=True).to_list() == ["JFK/AA", "LGA/DL"]
    assert drift(Windows.empty(on), after, on).is_empty()
    assert drift(Windows.empty(on), after, on).columns == drift(before, after, on).columns


def test_prediction_drift_sees_the_output_move() -> None:
    frame = rows(20)
    on = bins(frame)
    before = windows(frame, on)
    still = prediction_drift(before, windows(rows(21, 2000), on), on)
    moved = prediction_drift(before, windows(rows(22, 2000, shift=0.7), on), on)
    assert still["member"].to_list() == list(MEMBERS)
    assert (still["p_value"] > 1e-4).all()
    assert (moved["p_value"] < 1e-4).all()
    assert (moved["kolmogorov_smirnov"] > still["kolmogorov_smirnov"]).all()
    assert (still["freedom"] == 9).all()
    assert prediction_drift(Windows.empty(on), before, on).is_empty()


def test_windows_on_other_bins_are_refused() -> None:
    frame = rows(23)
    on = bins(frame)
    with pytest.raises(ConflictError, match="reference window"):
        drift(windows(frame, bins(rows(24))), windows(frame, on), on)


def test_windows_without_a_common_member_give_an_empty_table_of_the_same_types() -> None:
    frame = rows(12)
    on = bins(frame)
    full, empty = windows(frame, on), Windows.empty(on)
    assert drift(full, empty, on).schema == drift(full, full, on).schema
    assert prediction_drift(full, empty, on).schema == prediction_drift(full, full, on).schema


def test_a_reference_without_predictions_says_nothing_of_them_and_warns_of_nothing() -> None:
    frame = rows(13)
    on = bins(frame)
    full = windows(frame, on)
    silent = Windows(
        full.digest, full.members, full.counts, np.zeros_like(full.predictions), full.positives, full.negatives,
        full.rows, full.sums,
    )  # fmt: skip
    table = prediction_drift(silent, full, on)
    assert table["reference_rows"].to_list() == [0] * len(full.members)
    assert table["p_value"].to_list() == [1.0] * len(full.members)


def test_rows_drawn_as_one_in_sixteen_are_no_drift_and_tell_as_much_as_they_are() -> None:
    """Half of the rows came while one in sixteen was kept: taken for as many, chance would look like drift."""
    reference, fleet = rows(21, 8000), 60
    on = bins(reference)
    before = count(reference.with_columns(code=0), [MEMBERS[0]], np.zeros(8000, dtype=int), on)
    random, wrong, shares = np.random.default_rng(22), 0, []
    for seed in range(fleet):
        day = rows(100 + seed, 4000, shift=0.0).with_columns(warm=pl.col("temp").fill_null(0.0) > 0)
        kept = day.filter(~pl.col("warm") | pl.Series(random.random(day.height) < 1 / 16))
        kept = kept.with_columns(stands=pl.when("warm").then(16).otherwise(1))
        now = count(kept, [MEMBERS[0]], np.zeros(kept.height, dtype=int), on, weight="stands")
        found = drift(before, now, on).filter(pl.col("feature") == "rain")
        wrong += int((found["p_value"] < 0.05).item())
        shares.append(float(now.counts[0, on.offsets[0] : on.offsets[1]].sum()) / day.height)
        assert found["rows"].item() < kept.height
    assert wrong / fleet <= 0.15
    assert np.mean(shares) == pytest.approx(1.0, abs=0.05)
