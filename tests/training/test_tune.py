from __future__ import annotations

from pathlib import Path

import pytest

from argosy.spec.estimator import Estimator
from argosy.spec.search import Candidate, Choice, Float, Int, Search
from argosy.training.fit import Job
from argosy.training.tune import tune
from tests.training.sample import SIGNATURE, Memory, fleet, some

SEARCHED = Candidate(
    Estimator("lightgbm:LGBMClassifier", {"n_estimators": 4, "num_leaves": 7}),
    search={
        "n_estimators": Int(1, 30),
        "learning_rate": Float(0.01, 0.3, log=True),
        "boosting_type": Choice(("gbdt", "dart")),
    },
    name="boosted",
)
REFUSES = Candidate(Estimator("tests.training.bad:Refuses"), search={"num_leaves": Int(3, 9)}, name="refuses")


def job(data: Memory, candidate: Candidate = SEARCHED, **search: object) -> Job:
    declared = fleet(candidates=(candidate,), search=Search(**({"metric": "log_loss", "trials": 8} | search)))  # type: ignore[arg-type]
    return Job(declared, SIGNATURE, data, {}, str(Path.cwd()))


@pytest.fixture(scope="module")
def data() -> Memory:
    return Memory({"x": some(0, 500), "y": some(1, 500)})


def test_the_best_settings_come_first_and_the_declared_one_is_tried_first(data: Memory) -> None:
    found = tune(job(data, member_trials=3), data.members, "boosted")
    assert (len(found.settings), len(found.trials)) == (3, 8)
    scores = {repr(trial.settings): trial.score for trial in found.trials}
    ranked = [scores[repr(setting)] for setting in found.settings]
    assert ranked == sorted(score for score in scores.values() if score is not None)[:3]
    declared = {"n_estimators": 4, "learning_rate": 0.1, "boosting_type": "gbdt"}
    assert found.trials[0].settings == declared


def test_the_same_seed_finds_the_same(data: Memory) -> None:
    one, two, other = (tune(job(data, seed=seed, trials=5), data.members, "boosted") for seed in (0, 0, 1))
    assert one == two
    assert one.trials != other.trials


def test_a_candidate_that_never_fits_raises_what_it_raised(data: Memory) -> None:
    with pytest.raises(RuntimeError, match="no licence"):
        tune(job(data, REFUSES), data.members, "refuses")


def test_labels_of_one_class_leave_the_candidate_as_declared() -> None:
    data = Memory({"x": some(0)})
    data.rows.labels[:] = 1.0
    assert tune(job(data), data.members, "boosted").settings == ({},)
