from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argosy.metric import measure
from argosy.spec.gate import Gate
from argosy.training.fit import Job, fit
from argosy.training.outcome import Fitted
from argosy.training.rows import Block
from argosy.training.slicing import VALUES, score
from tests.training.sample import SIGNATURE, Memory, fleet, some

NAMES = ("log_loss", "roc_auc")


def rows(codes: list[list[int]], seed: int = 0) -> tuple[Block, np.ndarray]:
    random = np.random.default_rng(seed)
    count = len(codes)
    labels = (random.random(count) < 0.4).astype(np.float64)
    groups = np.asarray(codes, dtype=np.int32).reshape(count, -1)
    return Block(np.zeros((count, 1)), labels, np.arange(count), groups), random.random(count)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(-1, 2), st.integers(-1, 40)), min_size=1, max_size=120), st.integers(0, 9))
def test_a_value_has_the_scores_of_its_rows_alone(codes: list[tuple[int, int]], seed: int) -> None:
    slices = {"place": ("north", "south", "west"), "hour": tuple(f"{hour:02}" for hour in range(41))}
    held, answers = rows([list(each) for each in codes], seed)
    found = score(NAMES, held, answers, slices)
    assert held.groups is not None
    for place, (name, values) in enumerate(slices.items()):
        mine = held.groups[:, place]
        shares = found.get(name, ())
        assert len(shares) == min(VALUES, len(set(mine.tolist()) - {-1}))
        assert [share.rows for share in shares] == sorted((share.rows for share in shares), reverse=True)
        left_out = {values[code] for code in mine if code >= 0} - {share.value for share in shares}
        assert all((mine == values.index(value)).sum() <= shares[-1].rows for value in left_out)
        for share in shares:
            own = mine == values.index(share.value)
            assert share.rows == own.sum()
            assert share.label == pytest.approx(held.labels[own].mean())
            assert share.prediction == pytest.approx(answers[own].mean())
            for metric in NAMES:
                alone = measure(metric, held.labels[own], answers[own])
                if alone.reason or not np.isfinite([alone.low, alone.high]).all():
                    assert metric not in share.scores
                else:
                    assert share.scores[metric] == pytest.approx((alone.value, alone.low, alone.high))


def test_rows_without_slices_are_told_of_in_none() -> None:
    held = some(0)
    assert score(NAMES, held, held.labels, {}) == {}


def test_a_version_tells_of_the_slices_of_its_held_out_rows() -> None:
    data = some(3)
    codes = np.nan_to_num(data.matrix[:, 3], nan=-1).astype(np.int32)[:, None]
    source = Memory({"x": data._replace(groups=codes)}, {"place": ("north", "south", "west")})
    declared = fleet(gates=(Gate("brier", maximum=1),))
    found = fit(Job(declared, SIGNATURE, source, {}, ""), source.members[0], None)
    assert isinstance(found, Fitted)
    shares = found.evaluation.slices["place"]
    assert {share.value for share in shares} == {"north", "south", "west"}
    held = codes[-found.held_out :]
    assert sum(share.rows for share in shares) == (held >= 0).sum()
    assert all(set(share.scores) == {"log_loss", "brier"} for share in shares)
