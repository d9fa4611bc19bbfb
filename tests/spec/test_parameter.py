"""Names of parameters: those that an estimator takes pass, and a misspelt one is told with the one that was meant."""

from __future__ import annotations

import re
from typing import Any

import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import argosy as ag
from argosy.errors import DeclarationError
from argosy.spec.estimator import Estimator
from argosy.spec.parameter import check, check_given, of_init


class Bare(BaseEstimator):  # type: ignore[misc]
    """An estimator without parameters."""


class Few:
    """One that tells only what it was given, as some libraries' do."""

    def __init__(self, depth: int | None = None, rate: float | None = None) -> None:
        self.given = {"depth": depth} if depth is not None else {}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What it was given."""
        return dict(self.given)


class Open(BaseEstimator):  # type: ignore[misc]
    """One that takes any keyword."""

    def __init__(self, depth: int = 3, **rest: Any) -> None:
        self.depth, self.rest = depth, rest

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """All that it was given."""
        return {"depth": self.depth, **self.rest}


PIPELINE = make_pipeline(StandardScaler(), LogisticRegression())
DEEP = make_pipeline(ColumnTransformer([("a", make_pipeline(StandardScaler()), ["x"])]), DecisionTreeClassifier())


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (LogisticRegression(), "C"),
        (PIPELINE, "logisticregression__C"),
        (PIPELINE, "logisticregression"),
        (PIPELINE, "memory"),
        (DEEP, "columntransformer__a__standardscaler__with_mean"),
        (DEEP, "decisiontreeclassifier__max_depth"),
        (BaggingClassifier(DecisionTreeClassifier()), "estimator__max_depth"),
        (VotingClassifier([("one", LogisticRegression())]), "one__C"),
        (GaussianProcessClassifier(1.5 * RBF(2.0)), "kernel__k2__length_scale"),
        (Few(), "rate"),
        (Few(3), "rate"),
        (Open(), "anything"),
        (make_pipeline(StandardScaler(), Open()), "open__anything"),
        (LGBMClassifier(), "lambda_l1"),
    ],
)
def test_what_is_taken_passes(estimator: Any, name: str) -> None:
    check("search", estimator, [name])


@pytest.mark.parametrize(
    ("estimator", "name", "kind", "next"),
    [
        (LogisticRegression(), "c", "LogisticRegression", "use one of: C, class_weight, dual, "),
        (LogisticRegression(), "max_itr", "LogisticRegression", "write 'max_iter'"),
        (RandomForestClassifier(), "n_estimator", "RandomForestClassifier", "write 'n_estimators'"),
        (PIPELINE, "C", "Pipeline", "use one of: "),
        (PIPELINE, "logisticregression__max_itr", "LogisticRegression", "write 'logisticregression__max_iter'"),
        (PIPELINE, "logisticregresion__C", "Pipeline", "write 'logisticregression__C'"),
        (DEEP, "columntransformer__a__standardscaler__with_men", "StandardScaler",
         "write 'columntransformer__a__standardscaler__with_mean'"),
        (BaggingClassifier(), "estimator__max_depth", "BaggingClassifier", "write "),
        (make_pipeline(StandardScaler(), Open()), "standardscaler__with_men", "StandardScaler", "write "),
        (Few(), "dept", "Few", "write 'depth'"),
        (Bare(), "depth", "Bare", "use one of: it takes none"),
    ],
)  # fmt: skip
def test_what_is_not_is_told_with_what_is_close(estimator: Any, name: str, kind: str, next: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        check("Candidate('x').search", estimator, [name])
    assert caught.value.message == f"Candidate('x').search names {name!r}, which is no parameter of {kind}"
    assert caught.value.next.startswith(next)
    assert len(caught.value.next) < 400


def test_of_a_class_that_takes_any_keyword_only_who_knows_it_can_tell() -> None:
    names = {"depth", "rate"}
    check("f", Open(), ["rate"], lambda kind: names if kind is Open else None)
    with pytest.raises(DeclarationError, match="names 'rat', which is no parameter of Open\n  next: write 'rate'"):
        check("f", Open(), ["rat"], lambda kind: names)
    check_given("f", make_pipeline(StandardScaler(), Open(rate=2)), lambda kind: names)
    with pytest.raises(DeclarationError, match="names 'rat', which is no parameter of Open"):
        check_given("f", make_pipeline(StandardScaler(), Open(rat=2)), lambda kind: names)
    check_given("f", make_pipeline(StandardScaler(), Open(rat=2)), lambda kind: None)
    assert of_init(Open) == {"depth"} and of_init(Bare) == frozenset()


def test_a_candidate_is_checked_when_it_is_declared() -> None:
    message = re.escape("Candidate('forest').search names 'max_dept', which is no parameter of RandomForestClassifier")
    with pytest.raises(DeclarationError, match=message):
        ag.Candidate(RandomForestClassifier(), {"max_dept": ag.Int(2, 9)}, name="forest")
    found = ag.Candidate(PIPELINE, {"logisticregression__C": ag.Float(0.1, 10)})
    assert list(found.search) == ["logisticregression__C"]
    recorded = Estimator("sklearn.linear_model:LogisticRegression")
    assert ag.Candidate(recorded, {"gone": ag.Int(1, 2)}).search  # as an older version of a library took it
