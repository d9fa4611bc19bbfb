from __future__ import annotations

import pytest

import argosy as ag
from argosy.errors import DeclarationError
from argosy.spec.document import decode, encode
from argosy.spec.estimator import Estimator


def fleet(metric: str, **fields: object) -> ag.Fleet:
    return ag.Fleet(
        "delay", spine="flights", label="minutes", features=["distance"], search=ag.Search(metric=metric),
        candidates=[ag.Candidate(Estimator("lightgbm:LGBMRegressor"))], **fields,
    )  # fmt: skip


def test_its_metric_is_named_by_its_coverage() -> None:
    assert [ag.Interval(each).metric for each in (0.5, 0.9, 0.995)] == ["margin_50", "margin_90", "margin_99.5"]
    assert ag.Interval().coverage == 0.9


@pytest.mark.parametrize("coverage", [0.4, 1.0, -1])
def test_a_coverage_that_is_none_is_refused(coverage: float) -> None:
    with pytest.raises(DeclarationError, match="coverage"):
        ag.Interval(coverage)


def test_a_probability_has_no_interval() -> None:
    with pytest.raises(DeclarationError, match="where a probability is predicted"):
        fleet("log_loss", interval=ag.Interval())


def test_a_fleet_keeps_it() -> None:
    made = fleet("mae", interval=ag.Interval(0.8))
    assert decode(encode(made)) == made
    assert fleet("mae").interval is None
