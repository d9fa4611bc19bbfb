from __future__ import annotations

import pytest

import argosy as ag
from argosy.errors import DeclarationError
from argosy.spec.document import decode, encode
from argosy.spec.estimator import Estimator
from argosy.spec.quantile import aimed, column


def fleet(*paths: str, metric: str = "mae", **fields: object) -> ag.Fleet:
    given = [ag.Candidate(Estimator(path), name=f"c{n}") for n, path in enumerate(paths or ("lightgbm:LGBMRegressor",))]
    return ag.Fleet(
        "delay", spine="flights", label="minutes", features=["distance"], search=ag.Search(metric=metric),
        candidates=given, **fields,
    )  # fmt: skip


def test_a_fleet_keeps_its_levels_in_order() -> None:
    made = fleet(quantiles=[0.9, 0.5, 0.025])
    assert made.quantiles == (0.025, 0.5, 0.9) and decode(encode(made)) == made
    assert [column(level) for level in made.quantiles] == ["q2.5", "q50", "q90"]
    assert [column(level) for level in (0.07, 0.29, 0.999)] == ["q7", "q29", "q99.9"]
    assert fleet().quantiles == ()


@pytest.mark.parametrize(
    ("levels", "why"),
    [
        ([0.1, 0.9], "the median among them"), ([0.5], "several levels"), ([0.1, 0.5, 0.5], "levels that differ"),
        ([0.0, 0.5], "between 0.001 and 0.999"), ("0.5", "a list"), ([0.5, "0.9"], "a number"),
    ],
)  # fmt: skip
def test_levels_that_are_none_are_refused(levels: object, why: str) -> None:
    with pytest.raises(DeclarationError, match=why):
        fleet(quantiles=levels)


def test_a_probability_has_no_quantiles() -> None:
    with pytest.raises(DeclarationError, match="where a probability is predicted"):
        fleet(metric="log_loss", quantiles=[0.1, 0.5])


def test_candidates_must_predict_quantiles() -> None:
    with pytest.raises(DeclarationError, match="of a class that predicts quantiles"):
        fleet("lightgbm:LGBMRegressor", "sklearn.linear_model._ridge:Ridge", quantiles=[0.1, 0.5])
    assert fleet("sklearn.linear_model._ridge:Ridge").quantiles == ()


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("lightgbm.sklearn:LGBMRegressor", {"objective": "quantile", "alpha": 0.9}),
        ("xgboost.sklearn:XGBRegressor", {"objective": "reg:quantileerror", "quantile_alpha": 0.9}),
        ("catboost.core:CatBoostRegressor", {"loss_function": "Quantile:alpha=0.9"}),
        ("mine:Net", {"quantile": 0.9}),
        ("lightgbm.sklearn:LGBMRanker", None),
    ],
)
def test_each_library_is_told_in_its_own_words(path: str, wanted: dict[str, object] | None) -> None:
    assert aimed(Estimator(path), 0.9) == wanted


def test_a_gate_on_quantiles_needs_some_and_compares_none() -> None:
    gate = ag.Gate("pinball", maximum=4.0)
    assert fleet(quantiles=[0.5, 0.9], gates=[gate]).gates == (gate,) and gate.name == "pinball <= 4"
    with pytest.raises(DeclarationError, match="of a fleet with quantiles"):
        fleet(gates=[gate])
    with pytest.raises(DeclarationError, match="a score of predictions where beats is set"):
        ag.Gate("pinball", beats="champion")
