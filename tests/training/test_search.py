from __future__ import annotations

from typing import Any

import pytest

from argosy.model.signature import Feature, Signature
from argosy.spec.estimator import Estimator
from argosy.spec.search import Candidate, Search
from argosy.training.rows import Block
from argosy.training.search import Pick, options, picks
from tests.training.sample import SIGNATURE, some

NUMBERS = Signature(tuple(Feature(name, "number") for name in "abcd"), "binary", "late")
SEARCH = Search(metric="log_loss")


def boosted(name: str, **parameters: object) -> Candidate:
    return Candidate(Estimator("lightgbm:LGBMClassifier", dict(parameters)), name=name)


WEAK = boosted("weak", n_estimators=1, num_leaves=2)
GOOD = boosted("good", n_estimators=40, num_leaves=7, learning_rate=0.1)
REFUSES = Candidate(Estimator("tests.training.bad:Refuses"), name="refuses")


def pick(
    tried: list[tuple[Candidate, dict[str, Any]]], rows: Block, signature: Signature, search: Search
) -> Pick:  # fmt: skip
    return next(picks(tried, rows, signature, search))


def test_one_option_is_taken_without_a_fit() -> None:
    found = pick([(REFUSES, {})], some(0), SIGNATURE, SEARCH)
    assert (found.candidate, found.settings, found.trials) == (REFUSES, {}, ())


def test_options_come_in_the_order_of_preference() -> None:
    tuned = {"good": [{"num_leaves": 3}, {"num_leaves": 5}, {"num_leaves": 9}]}
    assert options([WEAK, GOOD], tuned, 2) == [(WEAK, {}), (GOOD, {"num_leaves": 3}), (GOOD, {"num_leaves": 5})]


def test_a_clearly_better_candidate_wins() -> None:
    found = pick([(WEAK, {}), (GOOD, {})], some(0, 2000), NUMBERS, SEARCH)
    assert found.candidate is GOOD
    weak, good = (trial.score for trial in found.trials)
    assert weak is not None and good is not None and weak > good


def test_an_earlier_candidate_wins_within_a_standard_error() -> None:
    twin = boosted("twin", n_estimators=41, num_leaves=7, learning_rate=0.1)
    data = some(0, 2000)
    for order in ((GOOD, twin), (twin, GOOD)):
        assert pick([(each, {}) for each in order], data, NUMBERS, SEARCH).candidate is order[0]


@pytest.mark.parametrize("folds", [1, 3])
def test_a_setting_wins_on_the_folds(folds: int) -> None:
    settings = [{"n_estimators": 1}, {"n_estimators": 40}]
    found = pick([(GOOD, each) for each in settings], some(0, 2000), NUMBERS, Search(metric="roc_auc", folds=folds))
    assert found.settings == {"n_estimators": 40}


def test_a_candidate_that_raises_takes_no_part_and_says_why() -> None:
    found = pick([(REFUSES, {}), (GOOD, {})], some(0), NUMBERS, SEARCH)
    assert found.candidate is GOOD
    assert found.trials[0].error == "RuntimeError: no licence"
    with pytest.raises(RuntimeError, match="no licence"):
        pick([(REFUSES, {}), (REFUSES, {"num_leaves": 3})], some(0), NUMBERS, SEARCH)


def test_folds_with_one_class_choose_nothing() -> None:
    data = some(0, 100)
    data.labels[:80] = 0.0
    data.labels[80:] = 1.0
    assert pick([(WEAK, {}), (GOOD, {})], data, NUMBERS, SEARCH).candidate is WEAK
