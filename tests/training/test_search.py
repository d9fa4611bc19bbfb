from __future__ import annotations

from typing import Any

import numpy as np
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
    found = next(picks(tried, rows, signature, search))
    assert isinstance(found, Pick)
    return found


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


GAINS = ("0,1,1,1", "1,0,1,1")


def halves(rows: int = 4000) -> tuple[Block, list[tuple[Candidate, dict[str, Any]]]]:
    """Rows whose label leans on two features, and candidates that each look at one of them."""
    data = some(0, rows)
    data.labels[:] = data.matrix[:, 0] + data.matrix[:, 1] + np.random.default_rng(3).logistic(size=rows) > 0
    deaf = [boosted(f"deaf-{of}", n_estimators=20, feature_contri=gains) for of, gains in enumerate(GAINS)]
    return data, [(each, {}) for each in deaf]


def test_a_search_that_blends_takes_the_blend_first_and_the_candidates_after_it() -> None:
    data, tried = halves()
    found = list(picks(tried, data, NUMBERS, Search(metric="log_loss", blend=8)))
    assert [each.name for each in found] == ["deaf-0 + deaf-1", found[1].name, found[2].name]
    assert {each.name for each in found[1:]} == {"deaf-0", "deaf-1"}
    scores = [trial.score for trial in found[0].trials]
    assert len(scores) == 3 and None not in scores and scores[2] == min(scores)
    assert [each.name for each in picks(tried, data, NUMBERS, SEARCH)] == [each.name for each in found[1:]]


def test_a_blend_that_loses_is_among_the_trials() -> None:
    tried = [(GOOD, {}), (boosted("twin", n_estimators=41, num_leaves=7, learning_rate=0.1), {})]
    found = pick(tried, some(0, 1200), NUMBERS, Search(metric="log_loss", blend=5))
    assert found.candidate is GOOD and len(found.trials) in (2, 3)
    assert all(trial.score is not None for trial in found.trials)


def test_one_class_in_half_of_the_folds_blends_nothing() -> None:
    data, tried = halves(400)
    data.labels[300:350] = 1.0
    found = pick(tried, data, NUMBERS, Search(metric="log_loss", blend=5))
    assert len(found.trials) == 2
