from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import argosy as ag
from argosy.controller import observe, signal
from argosy.controller.status import ORDER, counts, rank, status
from argosy.data.dtype import INSTANT
from argosy.spec.estimator import Estimator

NOW = datetime(2013, 10, 1, tzinfo=UTC)
FLEET = ag.Fleet(
    "late-arrival", spine="flights", by=["origin", "carrier"], label="late", features=["distance"], pooled=True,
    candidates=[ag.Candidate(Estimator("lightgbm.sklearn:LGBMClassifier"))], minimum_rows=300,
    search=ag.Search(metric="log_loss"), gates=[ag.Approval(by="operations")],
)  # fmt: skip
SERVING: dict[str, Any] = {
    "key": "JFK/AA", "version_id": 7, "version_number": 3, "target": "own", "champion_id": 7, "champion_number": 3,
    "champion_since": NOW - timedelta(days=5), "failures": 0, signal.JUDGED: 7.0, signal.ROWS: 900.0,
}  # fmt: skip


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    """A table of members with these values, the rest of each absent."""
    instants = {"version_at", "champion_since", "rollout_at", "execution_at"}
    types = {name: INSTANT if name in instants else kind for name, kind in observe._TYPES.items()}
    types |= dict.fromkeys(signal.ALL, pl.Float64)
    return pl.DataFrame([{name: row.get(name) for name in types} for row in rows], schema=types)


POOLED: dict[str, Any] = {"key": "*", "version_id": 1, "version_number": 1, "target": "own", "champion_id": 1}


def told(row: dict[str, Any], pooled: dict[str, Any] = POOLED, **options: Any) -> tuple[str, str]:
    found = status(frame(row, pooled), options.pop("fleet", FLEET), NOW, **options).row(0)
    return found[1], found[2]


@pytest.mark.parametrize(
    ("change", "word", "reason"),
    [
        ({}, "serving", "version 3 has answered for 5d"),
        ({"failures": 1, "execution_reason": "hung\nat 5m"}, "failed", "training failed: hung"),
        ({"failures": 3, "execution_reason": "hung"}, "failed", "training failed: hung (3 times in a row)"),
        ({"failures": 1}, "failed", ""),
        ({signal.DEGRADED: 1.0, signal.SCORE: 0.5, signal.SCORE_ROWS: 340.0}, "degraded",
         "live log_loss 0.5 on 340 rows, beyond its limit"),
        ({signal.DEGRADED: 1.0}, "degraded", "a limit of live performance is broken"),
        ({signal.DRIFT: 1.24, signal.DRIFT_VALUE: 0.31}, "drifting",
         "distance 0.31 from training, 1.24 times its limit of 0.25"),
        ({signal.DRIFT: 1.004, signal.DRIFT_VALUE: 0.251}, "drifting",
         "distance 0.251 from training, 1.00 times its limit of 0.25"),
        ({signal.DRIFT: 1.0, signal.DRIFT_VALUE: 0.25}, "serving", "version 3 has answered for 5d"),
        ({"rollout_state": "started", "rollout_version_id": 8, "version_id": 8, "version_number": 4,
         "rollout_share": 0.2,
          "rollout_at": NOW - timedelta(hours=3)}, "canary",
           "version 4 answers 20 % of rows for 3h: nothing speaks against it so far"),
        ({"rollout_state": "started", "rollout_version_id": 8, "version_id": 8, "version_number": 4,
         "rollout_share": 0.2,
          "rollout_at": NOW - timedelta(minutes=3), signal.CANARY: -1.0, signal.CANARY_VERSION: 8.0}, "canary",
         "version 4 answers 20 % of rows for 3m: worse than the champion"),
        ({"rollout_state": "started", "rollout_version_id": 8, "version_id": 8, "version_number": 4,
         "rollout_kind": "shadow", "rollout_share": 1.0, "rollout_at": NOW - timedelta(hours=3)}, "canary",
         "version 4 scores, unseen, 100 % of rows for 3h: nothing speaks against it so far"),
        ({"rollout_state": "started", "rollout_version_id": 8, "version_id": 8, "version_number": 4,
         "rollout_kind": "ab_test", "rollout_share": 0.5, "rollout_at": NOW - timedelta(hours=3)}, "canary",
         "version 4 answers 50 % of keys in an A/B test for 3h: nothing speaks against it so far"),
        ({"target": "pooled", "champion_id": None}, "pooled", "the pooled model does better on its held-out rows"),
        ({"target": "pooled", "version_id": None, signal.ROWS: 35.0}, "pooled",
         "35 labelled rows, 300 are needed for its own model"),
        ({"target": None, "champion_id": None, "version_id": None, "execution_outcome": "fallback",
          "execution_reason": "one class of labels only"}, "pooled", "one class of labels only"),
        ({"target": None, "champion_id": None, "version_id": None, signal.ROWS: 35.0}, "new",
         "35 of 300 labelled rows so far; the pooled model answers"),
        ({"target": None, "champion_id": None, "version_id": None, signal.ROWS: None}, "new",
         "no labelled rows counted yet; the pooled model answers"),
        ({"target": None, "champion_id": None}, "new", "version 3 did not pass its gates; the pooled model answers"),
        ({"version_id": 8, "version_number": 4, signal.JUDGED: 8.0}, "serving",
         "version 3 has answered for 5d; version 4 did not pass its gates"),
        ({"version_id": 8, "version_number": 4, signal.JUDGED: 8.0, "rollout_version_id": 8,
         "rollout_state": "rolled_back"},
         "serving", "version 3 has answered for 5d; version 4 was rolled back"),
    ],
)  # fmt: skip
def test_a_status_and_its_reason(change: dict[str, Any], word: str, reason: str) -> None:
    assert told({**SERVING, **change}) == (word, reason)


@pytest.mark.parametrize(
    ("monitors", "reason"),
    [
        ([ag.Drift("js", limit=0.25, on="prediction")], "distance 0.31 of the prediction from training"),
        ([ag.Drift("js", limit=0.25), ag.Drift(limit=0.2, on="prediction")], "distance 0.31 of the features from"),
        ([ag.Drift("js", limit=0.25), ag.Drift(limit=0.25, on="prediction")], "of the features or prediction from"),
        ([ag.Drift("js", limit=0.3, on="prediction")], "distance 0.31 from training"),
    ],
)
def test_a_drift_is_of_something(monitors: list[Any], reason: str) -> None:
    fleet = msgspec.structs.replace(FLEET, monitors=tuple(monitors))
    drifted = {**SERVING, signal.DRIFT: 0.31 / 0.25, signal.DRIFT_VALUE: 0.31}
    word, said = told(drifted, fleet=fleet)
    assert word == "drifting" and reason in said and said.endswith("1.24 times its limit of 0.25")


@pytest.mark.parametrize(
    ("monitors", "reason"),
    [
        ([ag.Performance("log_loss", maximum=0.6)], "live log_loss 0.629 on 340 rows, beyond its limit: at most 0.6"),
        ([ag.Performance("log_loss", drop=0.05)],
         "live log_loss 0.629 on 340 rows, beyond its limit: at most 0.05 worse than held-out rows at training"),
        ([ag.Performance("log_loss", maximum=0.6), ag.Performance("roc_auc", minimum=0.58)],
         "live log_loss 0.629 on 340 rows; a limit of live performance is broken: log_loss at most 0.6, "
         "roc_auc at least 0.58"),
    ],
)  # fmt: skip
def test_a_broken_limit_is_told(monitors: list[Any], reason: str) -> None:
    fleet = msgspec.structs.replace(FLEET, monitors=tuple(monitors))
    bad = {**SERVING, signal.DEGRADED: 1.0, signal.SCORE: 0.629, signal.SCORE_ROWS: 340.0}
    assert told(bad, fleet=fleet) == ("degraded", reason)
    assert told({**SERVING, signal.DEGRADED: 1.0}, fleet=fleet)[1].startswith("a limit of live performance is broken: ")


def test_what_waits_says_for_whom() -> None:
    waits = "version 3 waits for approval by operations (argosy approve late-arrival/JFK/AA@3)"
    assert told(SERVING, approvals={7: waits}) == ("waiting", waits)
    assert told(SERVING, approvals={6: waits})[0] == "serving"
    assert told(SERVING, blocked="weather: rejected") == ("waiting", "waits for data: weather: rejected")


@pytest.mark.parametrize("target", [None, "own"])
def test_gates_that_are_to_be_asked_again_refused_nothing(target: str | None) -> None:
    asked = {**SERVING, "version_id": 8, "version_number": 4, signal.JUDGED: 8.0, "target": target}
    if target is None:
        asked |= {"champion_id": None}
    assert "version 4 did not pass its gates" in told(asked)[1]
    again = told(asked, again=(8,))
    assert "did not pass" not in again[1]
    assert again[0] == ("serving" if target else "new")
    if target is None:
        assert again[1] == "version 4 waits for its gates; the pooled model answers"


@pytest.mark.parametrize("answers", [True, False])
def test_what_a_person_answered_is_told_before_the_gates_hear_of_it(answers: bool) -> None:
    row = {**SERVING, "version_id": 8, "version_number": 4, signal.JUDGED: 8.0}
    if not answers:
        row |= {"champion_id": None, "target": None}
    word, reason = told(row, again=(8,), answers={8: "refused by ann: too old"})
    then = f"it takes effect with the next pass (argosy up, or argosy train {FLEET.name})"
    said = f"version 4 was refused by ann: too old; {then}"
    assert word == ("serving" if answers else "new")
    assert reason == (f"version 3 has answered for 5d; {said}" if answers else f"{said}; the pooled model answers")
    assert told(row, again=(8,), answers={9: "approved by ann"}) == told(row, again=(8,))


def test_a_pooled_model_that_waits_answers_nothing() -> None:
    waiting = {**POOLED, "target": None, "champion_id": None}
    waits = "version 1 waits for approval by operations (argosy approve 'late-arrival/*@1')"
    fallback = {"execution_outcome": "fallback", "execution_reason": "few"}
    few = {"key": "JFK/AA", "failures": 0, signal.ROWS: 35.0, **fallback}
    behind = f"nothing answers yet: of the pooled model, {waits}"
    assert told(few, waiting, approvals={1: waits}) == ("new", f"35 of 300 labelled rows so far; {behind}")
    one = few | {signal.ROWS: 900.0, "execution_reason": "one class of labels only"}
    assert told(one, waiting, approvals={1: waits}) == ("new", f"one class of labels only; {behind}")
    better = {**SERVING, "target": "pooled", "champion_id": None}
    assert told(better, waiting) == ("new", "the pooled model does better on its held-out rows; nothing answers yet")
    assert told(better)[0] == "pooled"


def test_without_a_pooled_model_nothing_answers_for_a_new_member() -> None:
    alone = msgspec.structs.replace(FLEET, pooled=False)
    new = {
        "key": "JFK/AA",
        "failures": 0,
        signal.ROWS: 12.0,
        "execution_outcome": "fallback",
        "execution_reason": "few",
    }
    assert told(new, fleet=alone) == ("new", "12 of 300 labelled rows so far; nothing answers yet")
    former = {**SERVING, "target": "pooled", "champion_id": None}
    said = "the pooled model, which the fleet had, answered for it; nothing answers yet"
    assert told(former, fleet=alone) == ("new", said)


values = st.fixed_dictionaries(
    {},
    optional={
        "failures": st.integers(0, 5), "execution_reason": st.text(max_size=300), "target": st.sampled_from(["own",
        "pooled", "none"]),
        "version_id": st.integers(1, 9), "version_number": st.integers(1, 9), "champion_id": st.integers(1, 9),
        "rollout_state": st.sampled_from(["started", "finished", "rolled_back"]),
         "rollout_version_id": st.integers(1, 9),
        "execution_outcome": st.sampled_from(["succeeded", "failed", "fallback"]), signal.DRIFT: st.floats(0, 9),
        signal.DEGRADED: st.sampled_from([0.0, 1.0]), signal.ROWS: st.floats(0, 1e6), signal.JUDGED: st.integers(1,
        9).map(float),
    },
)  # fmt: skip


@given(st.lists(values, max_size=8))
def test_every_member_has_one_known_status_in_its_place(rows: list[dict[str, Any]]) -> None:
    table = frame(*({"key": f"m{index}", **row} for index, row in enumerate(rows)))
    found = status(table, FLEET, NOW)
    assert found["key"].to_list() == table["key"].to_list()
    assert set(found["status"]) <= set(ORDER) and found["reason"].null_count() == 0
    assert sum(counts(found).values()) == len(rows)
    order = [ORDER.index(word) for word in found.sort(rank())["status"]]
    assert order == sorted(order)
