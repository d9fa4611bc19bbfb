from __future__ import annotations

import numpy as np
import pytest

from argosy.errors import DeclarationError
from argosy.model.format import load
from argosy.model.signature import Feature, Signature
from argosy.spec.estimator import Estimator
from argosy.spec.fleet import TimeSplit
from argosy.spec.interval import Interval
from argosy.spec.search import Candidate, Search
from argosy.store.blobs import Blobs
from argosy.training.fit import Job, Rival, fit
from argosy.training.land import metrics
from argosy.training.outcome import Fitted, NoModel
from argosy.training.rows import Block
from tests.training.sample import BOOSTED, DAY, SIGNATURE, Memory, fleet, some


def job(data: Memory, blobs: Blobs, pooled: Rival | None = None, **fields: object) -> Job:
    return Job(fleet(**fields), SIGNATURE, data, {}, str(blobs.root), pooled)


@pytest.fixture
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Blobs:
    return Blobs(tmp_path_factory.mktemp("blobs"))


def rival(fitted: Fitted, blobs: Blobs, name: str, signature: Signature = SIGNATURE) -> Rival:
    (slot,) = blobs.pack([fitted.data])
    return Rival(name, fitted.format, slot, signature)


def fitted(found: Fitted | NoModel) -> Fitted:
    assert isinstance(found, Fitted)
    return found


def test_a_member_is_scored_on_the_tail_that_its_fit_never_saw(blobs: Blobs) -> None:
    data = Memory({"x": some(0, 400, 60)})
    found = fitted(fit(job(data, blobs), data.members[0], None))
    assert (found.train_rows, found.held_out) == (306, 94)
    assert found.held_out_span[1] - found.held_out_span[0] < 14 * DAY < found.held_out_span[1] - found.span[1]
    model = load(found.format, found.data)
    held = data.rows.take(slice(306, None))
    assert found.evaluation.scores[0].rows == 94
    assert np.isfinite(model.predict(held.matrix)).all()
    shuffled = Memory({"x": Block(data.rows.matrix, np.r_[data.rows.labels[:306], 1 - held.labels], data.rows.times)})
    other = fitted(fit(job(shuffled, blobs), shuffled.members[0], None))
    assert other.data == found.data  # the labels of the held-out rows change no bit of the model
    assert other.evaluation.scores[0].value > found.evaluation.scores[0].value


@pytest.mark.slow
def test_a_blend_of_candidates_is_one_model_with_all_evidence(blobs: Blobs) -> None:
    linear = some(0, 4000)
    labels = linear.matrix[:, 0] + linear.matrix[:, 1] + np.random.default_rng(3).logistic(size=4000) > 0
    data = Memory({"x": linear._replace(labels=labels.astype(np.float64))})
    halves = [
        Candidate(Estimator("lightgbm:LGBMClassifier", {"n_estimators": 20, "feature_contri": gains}), name=name)
        for name, gains in (("left", "0,1,1,1"), ("right", "1,0,1,1"))
    ]
    search = Search(metric="log_loss", blend=8)
    found = fitted(fit(job(data, blobs, candidates=tuple(halves), search=search), data.members[0], None))
    assert (found.format, found.candidate) == ("ensemble", "left + right") and set(found.settings) == {"left", "right"}
    assert [trial.candidate for trial in found.trials] == ["left", "right", "left + right"]
    alone = [fitted(fit(job(data, blobs, candidates=(each,), search=search), data.members[0], None)) for each in halves]
    assert found.evaluation.scores[0].value < min(each.evaluation.scores[0].value for each in alone)
    assert found.proof == 0.0 and sum(found.importance) == pytest.approx(1) and sum(found.trained.counts) > 2000
    again = fitted(fit(job(data, blobs, candidates=tuple(halves), search=search), data.members[0], None))
    assert again.data == found.data


def test_the_evidence_is_complete(blobs: Blobs) -> None:
    data = Memory({"x": some(0)})
    found = fitted(fit(job(data, blobs), data.members[0], None))
    assert [score.name for score in found.evaluation.scores] == ["log_loss", "brier", "roc_auc"]
    assert all(score.low <= score.value <= score.high for score in found.evaluation.scores)
    assert sum(found.importance) == pytest.approx(1.0) and found.importance[0] == max(found.importance)
    assert (sum(found.trained.counts), sum(found.evaluation.predictions.counts)) == (found.train_rows, found.held_out)
    assert (found.candidate, found.settings, found.trials, found.proof) == ("boosted", {}, (), 0.0)
    assert set(found.cost) == {"search", "fit", "export", "evaluate"}
    assert found.choice.own and "no pooled model" in found.choice.reason
    assert Signature.from_json(found.signature) == SIGNATURE


def test_champion_and_pooled_answer_for_the_same_rows(blobs: Blobs) -> None:
    data = Memory({"x": some(0, 2000), "y": some(9, 2000, slope=0.0)})
    mine, theirs = (fitted(fit(job(data, blobs), member, None)) for member in data.members)
    champion = rival(mine, blobs, "late-arrival/x@1")
    found = fitted(fit(job(data, blobs, rival(theirs, blobs, "late-arrival/*@1")), data.members[0], champion))
    same, worse = found.evaluation.comparisons["champion"][0], found.evaluation.comparisons["pooled"][0]
    assert (same.difference, same.rows) == (0.0, found.held_out)
    assert worse.a == same.a < worse.b
    assert found.choice.own and f"on {found.held_out} rows" in found.choice.reason
    gone = Rival("late-arrival/x@1", "lightgbm", champion.slot, Signature((Feature("z", "number"),), "binary", "late"))
    old = fitted(fit(job(data, blobs), data.members[0], gone))
    assert old.evaluation.comparisons == {}
    assert old.evaluation.uncompared == {"champion": "late-arrival/x@1 needs 'z', which the rows no longer have"}


def test_a_champion_of_an_older_encoding_answers_as_it_would_have(blobs: Blobs) -> None:
    data = Memory({"x": some(0, 1000)})
    mine = fitted(fit(job(data, blobs), data.members[0], None))
    new = Signature((*SIGNATURE.features[:3], Feature("place", "category", ("east", "north", "south", "west"))),
                    "binary", "late")  # fmt: skip
    moved = Memory({"x": data.rows._replace(matrix=data.rows.matrix + np.array([0, 0, 0, 1.0]))})
    again = Job(fleet(), new, moved, {}, str(blobs.root), None)
    found = fitted(fit(again, moved.members[0], rival(mine, blobs, "late-arrival/x@1")))
    (loss, *_) = found.evaluation.comparisons["champion"]
    assert loss.b == mine.evaluation.scores[0].value


def test_a_candidate_without_a_portable_form_gives_way_to_the_next(blobs: Blobs) -> None:
    data = Memory({"x": some(0)})
    odd = Candidate(Estimator("sklearn.semi_supervised:LabelSpreading"), name="odd")
    worse = Candidate(BOOSTED.estimator, name="worse")
    given = {"candidates": (odd, BOOSTED, worse), "search": Search("log_loss")}
    noise = Memory({"x": data.rows._replace(matrix=np.zeros_like(data.rows.matrix))})  # all tie: the first wins
    found = fitted(fit(job(noise, blobs, **given), noise.members[0], None))
    assert found.candidate == "boosted"
    assert [trial.candidate for trial in found.trials] == ["odd", "boosted", "worse"]
    refused, *others = found.trials
    assert refused.error.startswith("DeclarationError: ") and "LabelSpreading" in refused.error
    assert refused.score is not None and not any(trial.error for trial in others)
    with pytest.raises(DeclarationError, match="LabelSpreading"):
        fit(job(noise, blobs, **(given | {"candidates": (odd,)})), noise.members[0], None)
    both = (odd, Candidate(odd.estimator, name="odder"))
    with pytest.raises(DeclarationError, match="LabelSpreading"):
        fit(job(noise, blobs, **(given | {"candidates": both})), noise.members[0], None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: s._replace(labels=np.zeros(400)), "all 306 labels before the held-out rows are 0: "),
        (lambda s: s._replace(matrix=np.full((400, 4), np.nan)), "all 4 features are null in all 306 rows"),
        (lambda s: s._replace(times=s.times // 6), "0 of 400 labelled rows are older than the held-out 14d, fewer"),
    ],
)
def test_rows_that_leave_nothing_to_learn_make_no_model_and_say_why(change: object, reason: str, blobs: Blobs) -> None:
    data = Memory({"x": change(some(0))})  # type: ignore[operator]
    found = fit(job(data, blobs), data.members[0], None)
    assert isinstance(found, NoModel) and found.reason.startswith(reason)


def test_one_class_in_the_held_out_rows_leaves_scores_undefined_with_their_reason(blobs: Blobs) -> None:
    data = Memory({"x": some(0)})
    data.rows.labels[306:] = 0.0
    area = fitted(fit(job(data, blobs), data.members[0], None)).evaluation.scores[2]
    assert np.isnan(area.value) and "both classes" in area.reason


def test_settings_of_the_parent_are_tried_on_the_member_s_own_rows(blobs: Blobs) -> None:
    data = Memory({"x": some(0, 2000)})
    tuned: dict[str, tuple[dict[str, object], ...]] = {
        "boosted": ({"n_estimators": 1}, {"n_estimators": 40}, {"n_estimators": 2})
    }
    work = Job(fleet(search=Search(member_trials=2)), SIGNATURE, data, tuned, str(blobs.root), None)
    found = fitted(fit(work, data.members[0], None))
    assert (found.candidate, found.settings) == ("boosted", {"n_estimators": 40})
    assert [trial.settings for trial in found.trials] == list(tuned["boosted"][:2])


def test_the_split_is_the_declared_one(blobs: Blobs) -> None:
    data = Memory({"x": some(0, 400, 60)})
    found = fitted(fit(job(data, blobs, split=TimeSplit("6d"), candidates=(BOOSTED,)), data.members[0], None))
    assert found.held_out == 40


def test_an_interval_is_as_wide_as_the_held_out_errors_say(blobs: Blobs) -> None:
    rows = some(0, 400, 60)
    data = Memory({"x": rows._replace(labels=3 * np.nan_to_num(rows.matrix[:, 0]))})
    signature = Signature(SIGNATURE.features, "regression", "late")
    candidates = (Candidate(Estimator("lightgbm:LGBMRegressor", {"n_estimators": 20}), name="boosted"),)
    wanted = fleet(candidates=candidates, search=Search(metric="mae"), interval=Interval(0.8))
    found = fitted(fit(Job(wanted, signature, data, {}, str(blobs.root)), data.members[0], None))
    held = data.rows.take(slice(306, None))
    errors = np.abs(held.labels - load(found.format, found.data).predict(held.matrix))
    assert found.interval is not None and found.interval.rows == 94
    assert found.interval.margin == np.sort(errors)[75]  # the 76th: 0.8 * 95
    assert metrics(found)["margin_80"] == found.interval.margin
    without = fitted(fit(Job(fleet(candidates=candidates, search=Search(metric="mae")), signature, data, {},
                             str(blobs.root)), data.members[0], None))  # fmt: skip
    assert without.interval is None and "margin_80" not in metrics(without)
