"""Candidates whose class takes any keyword: what LightGBM knows passes under each of its names, the rest is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import argosy as ag
from argosy.controller.apply import apply
from argosy.controller.parameter import check
from argosy.errors import DeclarationError
from argosy.spec.estimator import Estimator
from argosy.store import Store, declarations
from argosy.testing.sample import moment

KNOWN = (
    "lambda_l1", "reg_alpha", "min_child_samples", "min_data_in_leaf", "subsample", "bagging_fraction", "num_leaves",
    "n_estimators", "num_iterations", "importance_type", "class_weight", "verbosity", "verbose", "max_bin",
    "linear_tree", "random_state", "early_stopping_rounds", "extra_trees", "n_jobs", "colsample_bytree",
    "monotone_constraints",
)  # fmt: skip


class Ours(LGBMClassifier):
    """One of a project, which takes what LightGBM's does."""


class Wider(LGBMClassifier):
    """One that takes more."""

    def __init__(self, ours: int = 1, **rest: Any) -> None:
        self.ours = ours
        super().__init__(**rest)


def fleet(candidate: Any) -> ag.Fleet:
    return ag.Fleet(
        "late", spine="flights", label="late", features=["distance"], candidates=[candidate],
        search=ag.Search("roc_auc"),
    )  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_every_name_of_lightgbm_passes(name: str) -> None:
    check(fleet(ag.Candidate(LGBMClassifier(**{name: None}), search={name: ag.Int(1, 2)})))
    nested = make_pipeline(StandardScaler(), LGBMRegressor(**{name: None}))
    check(fleet(ag.Candidate(nested, search={f"lgbmregressor__{name}": ag.Int(1, 2)})))


@pytest.mark.parametrize(
    ("candidate", "message", "next"),
    [
        (ag.Candidate(LGBMClassifier(), {"num_leavs": ag.Int(7, 63)}),
         "Candidate('LGBMClassifier').search names 'num_leavs', which is no parameter of LGBMClassifier",
         "write 'num_leaves'"),
        (LGBMClassifier(n_estimator=80),
         "Candidate('LGBMClassifier').estimator names 'n_estimator', which is no parameter of LGBMClassifier",
         "write 'n_estimators'"),
        (ag.Candidate(Ours(min_child_sample=9), name="ours"),
         "Candidate('ours').estimator names 'min_child_sample', which is no parameter of Ours",
         "write 'min_child_samples'"),
        (make_pipeline(StandardScaler(), LGBMRegressor(n_estimator=80)),
         "Candidate('Pipeline').estimator names 'n_estimator', which is no parameter of LGBMRegressor",
         "write 'n_estimators'"),
        (ag.Candidate(make_pipeline(LGBMRegressor()), {"lgbmregressor__num_leavs": ag.Int(7, 63)}),
         "Candidate('Pipeline').search names 'lgbmregressor__num_leavs', which is no parameter of LGBMRegressor",
         "write 'lgbmregressor__num_leaves'"),
        (ag.Candidate(Estimator("lightgbm:LGBMClassifier", {"n_estimator": 80})),
         "Candidate('LGBMClassifier').estimator names 'n_estimator'", "write 'n_estimators'"),
        (ag.Candidate(Estimator("sklearn.linear_model:LogisticRegression"), {"max_itr": ag.Int(7, 63)}),
         "Candidate('LogisticRegression').search names 'max_itr'", "write 'max_iter'"),
        (ag.Candidate(Estimator("sklearn.linear_model:LogisticRegression", {"max_itr": 7})),
         "Candidate('LogisticRegression').estimator cannot be made: TypeError: ", "correct its parameters"),
    ],
)  # fmt: skip
def test_what_it_would_ignore_is_refused(candidate: Any, message: str, next: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        check(fleet(candidate))
    assert caught.value.message.startswith(f"Fleet('late').candidates: {message}")
    assert caught.value.next == next


def test_what_nobody_knows_is_left_alone() -> None:
    check(fleet(ag.Candidate(Wider(ours=2, whatever=3), {"anything": ag.Int(1, 2)})))
    check(fleet(LogisticRegression()))


def test_nothing_of_such_a_project_is_recorded(home: Path, tmp_path: Path) -> None:
    module = tmp_path / "flights.py"
    module.write_text(
        "import argosy as ag\nfrom lightgbm import LGBMClassifier\n"
        "flights = ag.Dataset('flights', time='t', source=ag.Parquet('*.parquet'))\n"
        "late = ag.Fleet('late', spine=flights, label='late', features=['distance'],\n"
        "                candidates=[LGBMClassifier(n_estimator=80)])\n"
    )
    with Store.open(home) as store:
        with pytest.raises(DeclarationError, match="names 'n_estimator'"):
            apply(store, module, moment(), "tester")
        module.write_text(module.read_text().replace("n_estimator=", "n_estimators="))
        with store.read() as conn:
            assert declarations.current(conn) == []
        assert len(apply(store, module, moment(), "tester").differences) == 2
