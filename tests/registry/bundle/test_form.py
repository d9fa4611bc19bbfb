"""Ensembles as graphs and rules: a bundle of one answers as the server does, with all its columns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from xgboost import XGBRegressor

from argosy.errors import InputError
from argosy.model import ensemble
from argosy.model.ensemble import Blend, Cascade, Ensemble, Quantiles, Rule
from argosy.model.format import load
from argosy.model.signature import encode_rows
from argosy.registry.address import parse
from argosy.registry.bundle.content import Source, Trial, pack, pack_fleet
from argosy.registry.bundle.form import form
from argosy.registry.bundle.inside import Fleet, Model, check
from tests.registry.bundle.conftest import Made
from tests.registry.bundle.test_content import lay

PARTS = ("lightgbm", "onnx", "lightgbm")
LEVELS = (0.025, 0.5, 0.9)


def joined(made: Callable[[str], Made], rule: Rule, *formats: str) -> Made:
    """A version that is an ensemble of those of some formats, and what it is tried on."""
    parts = [made(each) for each in formats]
    source, trial = parts[0]
    data = ensemble.pack(rule, [(each.format, each.model) for each, _ in parts])
    return msgspec.structs.replace(source, format=ensemble.FORMAT, model=data), trial


def edge(made: Callable[[str], Made]) -> Cascade:
    """A cascade of which one bound is the small model's very answer to a row."""
    source, trial = made("lightgbm")
    answers = load("lightgbm", source.model).predict(trial.matrix)
    return Cascade(float(np.quantile(answers, 0.3, method="nearest")), float(np.quantile(answers, 0.7, method="lower")))


@pytest.mark.parametrize("rule", ["blend", "cascade", "nested"])
def test_what_answers_as_one_does_so_without_argosy(rule: str, made: Callable[[str], Made], tmp_path: Path) -> None:
    if rule == "blend":
        source, trial = joined(made, Blend((0.3, 0.7)), "lightgbm", "onnx")
    elif rule == "cascade":
        source, trial = joined(made, edge(made), "lightgbm", "onnx")
    else:
        source, trial = joined(made, edge(made), "lightgbm", "onnx")
        whole = ensemble.pack(Blend((0.5, 0.5)), [(source.format, source.model), ("onnx", made("onnx")[0].model)])
        source = msgspec.structs.replace(source, model=whole)
    found = pack(source, trial)
    assert found.difference < 1e-11
    folder = lay(tmp_path / "b", found.files)
    wanted = load(source.format, source.model).predict(encode_rows(trial.rows, source.signature))
    assert np.allclose(Model(folder).predict(trial.rows), wanted, rtol=1e-11, atol=0) and wanted.std() > 0.01
    assert check(folder).startswith("30 predictions are as packed")
    assert Model(folder).answer(trial.rows[:2]) == [
        {"prediction": each} for each in Model(folder).predict(trial.rows[:2])
    ]


def test_quantiles_and_bounds_are_columns_and_never_cross(made: Callable[[str], Made], tmp_path: Path) -> None:
    source, trial = joined(made, Quantiles(LEVELS), *PARTS)
    source = msgspec.structs.replace(source, margin=0.125)
    folder = lay(tmp_path / "b", pack(source, trial).files)
    version = load(source.format, source.model)
    assert isinstance(version, Ensemble)
    matrix = encode_rows(trial.rows, source.signature)
    wanted = version.quantiles(matrix)
    found = pl.DataFrame(Model(folder).answer(trial.rows))
    assert found.columns == ["prediction", "lower", "upper", "q2.5", "q50", "q90"]
    assert np.allclose(found.select("q2.5", "q50", "q90").to_numpy(), wanted, rtol=1e-12, atol=0)
    assert (
        version.crossed(matrix) > 0 and (found["q2.5"] <= found["q50"]).all() and (found["q50"] <= found["q90"]).all()
    )
    assert found["prediction"].to_list() == found["q50"].to_list() == Model(folder).predict(trial.rows)
    assert found["lower"].to_list() == (found["prediction"] - 0.125).to_list()
    assert found["upper"].to_list() == (found["prediction"] + 0.125).to_list()
    assert Model(folder).answer([]) == [] and check(folder).startswith("30 predictions")


def test_a_changed_quantile_fails_the_self_test(made: Callable[[str], Made], tmp_path: Path) -> None:
    folder = lay(tmp_path / "b", pack(*joined(made, Quantiles(LEVELS), *PARTS)).files)
    test = json.loads((folder / "selftest.json").read_text())
    test["answers"]["q90"][7] += 1e-3
    (folder / "selftest.json").write_text(json.dumps(test))
    with pytest.raises(ValueError, match=r"predictions of late/JFK@3 differ by 0\.001"):
        Model(folder).check()


def test_in_a_fleet_what_a_model_does_not_have_is_missing(made: Callable[[str], Made], tmp_path: Path) -> None:
    def at(address: str, packed: Made) -> tuple[Source, Trial]:
        return msgspec.structs.replace(packed[0], address=parse(address)), packed[1]

    some = [at("late/JFK@3", joined(made, Quantiles(LEVELS), *PARTS)), at("late/*@1", made("onnx"))]
    folder = lay(tmp_path / "f", pack_fleet("late", ("origin",), some).files)
    rows = [{**some[0][1].rows[0], "origin": origin} for origin in ("LGA", "JFK")]
    pooled, own = Fleet(folder).answer(rows)
    assert list(pooled) == list(own) == ["prediction", "q2.5", "q50", "q90"]
    assert pooled["q50"] is None and own["q50"] == own["prediction"] and check(folder).startswith("60 predictions")


def test_a_part_that_onnxruntime_does_not_run_is_named(made: Callable[[str], Made]) -> None:
    data = ensemble.pack(Blend((0.5, 0.5)), [("onnx", made("onnx")[0].model), ("skops", b"")])
    with pytest.raises(InputError, match="part 2 of late/JFK@3 is in the format 'skops'"):
        form("late/JFK@3", "ensemble", data)


@pytest.mark.parametrize(("trees", "slack"), [(20, 1e-5), (400, 4e-5)])
def test_sums_of_many_trees_in_float32_may_be_further_from_ours(trees: int, slack: float) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(800, 4))
    estimator = XGBRegressor(n_estimators=trees, max_depth=3, learning_rate=0.05, n_jobs=1)
    data = bytes(estimator.fit(rows, 1e6 + rows[:, 0]).get_booster().save_raw("ubj"))
    found = form("v", "xgboost", data)
    assert found.proven == pytest.approx(slack) and found.tested == found.proven
    rule = ensemble.pack(Blend((0.5, 0.5)), [("xgboost", data)] * 2)
    assert form("v", ensemble.FORMAT, rule).proven == pytest.approx(10 * slack)
