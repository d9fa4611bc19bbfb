"""The grouped forms equal the single ones, group by group."""

from __future__ import annotations

import numpy as np
import pytest

from argosy.errors import InputError
from argosy.metric import SCORES, compare, compare_by, measure, score_by
from argosy.metric.groups import Floats, Integers


def _fleet(task: str) -> tuple[Integers, Floats, Floats, Floats]:
    random = np.random.default_rng(11)
    codes = random.integers(0, 12, 900)
    codes[codes == 5] = 6
    if task == "binary":
        y = (random.random(900) < 0.3).astype(float)
        y[codes == 3] = 0.0
        return codes, y, random.random(900).round(1), random.random(900)
    y = random.normal(size=900) + 10.0 * codes + 1.0
    return codes, y, y + random.normal(size=900), y + random.normal(size=900)


@pytest.mark.parametrize("name", SCORES)
def test_groups_equal_single_scores(name: str) -> None:
    codes, y, p, _ = _fleet(SCORES[name].task)
    table = score_by([name], codes, y, p, groups=13, level=0.9)
    assert table["rows"].to_list() == [int((codes == group).sum()) for group in range(13)]
    for group in range(13):
        mine = codes == group
        alone = measure(name, y[mine], p[mine], level=0.9)
        row = table.row(group, named=True)
        found = [np.nan if row[key] is None else row[key] for key in (name, f"{name}_low", f"{name}_high")]
        assert found == pytest.approx([alone.value, alone.low, alone.high], nan_ok=True, abs=1e-9)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "log_loss", "rmse"])
def test_grouped_comparison_equals_single(name: str) -> None:
    codes, y, a, b = _fleet(SCORES[name].task)
    table = compare_by(name, codes, y, a, b)
    for group in (0, 7, 11):
        mine = codes == group
        alone = compare(name, y[mine], a[mine], b[mine])
        row = table.row(group, named=True)
        assert (row["difference"], row["low"], row["high"], row["p_value"]) == pytest.approx(
            (alone.difference, alone.low, alone.high, alone.p_value)
        )


def test_undefined_and_empty_groups_are_null() -> None:
    codes, y, p, _ = _fleet("binary")
    table = score_by(["roc_auc", "brier"], codes, y, p)
    assert table["roc_auc"][3] is None
    assert table["brier"][3] is not None
    assert table["brier"][5] is None


def test_no_rows_at_all() -> None:
    table = score_by(["roc_auc", "average_precision"], np.empty(0, dtype=np.int64), [], [], groups=2, level=0.9)
    assert table["rows"].to_list() == [0, 0]
    assert table["roc_auc"].null_count() == 2


def test_wrong_codes_are_refused() -> None:
    with pytest.raises(InputError, match="beyond 0 to 0"):
        score_by(["brier"], [0, 1], [0, 1], [0.1, 0.2], groups=1)
    with pytest.raises(InputError, match="2 integers"):
        score_by(["brier"], [0.5, 1.0], [0, 1], [0.1, 0.2])
