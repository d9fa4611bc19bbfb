"""Gates: rulings from what training recorded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import argosy as ag
from argosy.registry.evidence import choice, evidence, pooled_instead
from argosy.registry.gate import Evidence, Ruling, judge, refusal, verdict
from argosy.store import artifacts, executions, members, versions
from argosy.store.store import Store
from argosy.testing.sample import attempt, digest, moment

NAN = float("nan")


def ruling(gate: ag.Gate | ag.Approval, given: Evidence, granted: bool | None = None) -> Ruling:
    (found,) = judge((gate,), given, granted)
    assert found.gate == gate.name
    return found


@pytest.mark.parametrize(
    ("gate", "value", "passed"),
    [
        (ag.Gate("roc_auc", minimum=0.6), 0.6, True),
        (ag.Gate("roc_auc", minimum=0.6), 0.5999, False),
        (ag.Gate("latency_p99_ms", maximum=5), 5.0, True),
        (ag.Gate("latency_p99_ms", maximum=5), 5.1, False),
        (ag.Gate("accuracy", minimum=0.5, maximum=0.9), 0.7, True),
        (ag.Gate("accuracy", minimum=0.5, maximum=0.9), 0.95, False),
        (ag.Gate("accuracy", minimum=0.5, maximum=0.9), 0.45, False),
    ],
)
def test_bounds(gate: ag.Gate, value: float, passed: bool) -> None:
    found = ruling(gate, Evidence({gate.metric: value}, rows=50))
    assert found.passed is passed
    assert found.evidence == {"value": value, "minimum": gate.minimum, "maximum": gate.maximum}
    assert found.message == f"{gate.metric} is {value:.4g}"


@pytest.mark.parametrize("metrics", [{}, {"roc_auc": NAN}, {"roc_auc": None}, {"f1": 1.0}])
def test_what_is_not_known_does_not_pass(metrics: dict[str, float | None]) -> None:
    found = ruling(ag.Gate("roc_auc", minimum=0.6), Evidence(metrics, rows=7))
    assert (found.passed, found.message) == (False, "roc_auc is not known on 7 held-out rows")


def against(metric: str, own: float | None, other: float | None, rows: int = 50) -> Evidence:
    difference = None if own is None or other is None else own - other
    seen = {"own": own, "rival": other, "difference": difference, "low": -0.1, "high": 0.1}
    return Evidence({}, {"champion": {metric: seen}}, rows)


@pytest.mark.parametrize(
    ("metric", "own", "other", "by", "passed"),
    [
        ("roc_auc", 0.75, 0.5, 0.0, True),
        ("roc_auc", 0.5, 0.5, 0.0, False),
        ("roc_auc", 0.5, 0.75, 0.0, False),
        ("roc_auc", 0.75, 0.5, 0.25, True),
        ("roc_auc", 0.75, 0.5, 0.26, False),
        ("log_loss", 0.5, 0.75, 0.0, True),
        ("log_loss", 0.5, 0.5, 0.0, False),
        ("log_loss", 0.75, 0.5, 0.0, False),
        ("log_loss", 0.5, 0.75, 0.25, True),
        ("log_loss", 0.5, 0.75, 0.26, False),
    ],
)
def test_beats(metric: str, own: float, other: float, by: float, passed: bool) -> None:
    found = ruling(ag.Gate(metric, beats="champion", by=by), against(metric, own, other))
    assert found.passed is passed
    assert found.message == f"{metric} {own:.4g} against {other:.4g} of the champion on 50 rows"
    assert (found.evidence["by"], found.evidence["difference"]) == (by, own - other)


@given(st.sampled_from(["roc_auc", "log_loss"]), st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.5))
def test_two_versions_never_beat_each_other(metric: str, own: float, other: float, by: float) -> None:
    gate = ag.Gate(metric, beats="champion", by=by)
    forth = ruling(gate, against(metric, own, other)).passed
    back = ruling(gate, against(metric, other, own)).passed
    assert not (forth and back)
    if by == 0.0 and own != other:
        assert forth or back


@pytest.mark.parametrize(("own", "other"), [(NAN, 0.5), (0.5, NAN), (None, 0.5), (0.5, None), (NAN, NAN)])
def test_a_comparison_that_could_not_be_had(own: float | None, other: float | None) -> None:
    found = ruling(ag.Gate("f1", beats="champion"), against("f1", own, other))
    assert (found.passed, found.message) == (False, "f1 cannot be compared with the champion")
    assert ruling(ag.Gate("roc_auc", beats="champion"), against("f1", 0.5, 0.4)).passed is False


def test_without_a_rival_it_passes_and_says_so() -> None:
    gate = ag.Gate("f1", beats="pooled")
    assert ruling(gate, against("f1", 0.1, 0.9)) == Ruling(gate.name, True, "there is no pooled to beat", {})
    gone = Evidence({}, uncompared={"pooled": "it needs 'seats', which the rows no longer have"})
    found = ruling(gate, gone)
    assert found.passed is True
    assert found.message == "not held against the pooled: it needs 'seats', which the rows no longer have"


@pytest.mark.parametrize(
    ("granted", "passed", "message"),
    [(None, None, "waits for approval by ann"), (True, True, "granted"), (False, False, "refused")],
)
def test_approval(granted: bool | None, passed: bool | None, message: str) -> None:
    found = ruling(ag.Approval("ann"), Evidence({}), granted)
    assert (found.passed, found.message) == (passed, message)


def test_an_answer_says_whose_it_is_and_why() -> None:
    (found,) = judge((ag.Approval("ops"),), Evidence({}), False, "by ann: too old")
    assert (found.passed, found.message) == (False, "refused by ann: too old")


def test_nobody_is_asked_about_what_another_gate_refused() -> None:
    gates = (ag.Approval("ann"), ag.Gate("f1", minimum=0.5))
    asked, refused = judge(gates, Evidence({"f1": 0.2}))
    assert (asked.passed, asked.message) == (False, "not asked for, since another gate refused it")
    assert (asked.asked, refused.asked) == (False, True) and refusal([asked, refused]) == refused
    told = Ruling("approval by ann", False, asked.message, {})  # a person's words are no sign that nobody was asked
    assert refusal([told, refused]) == told
    assert judge(gates, Evidence({"f1": 0.7}))[0].passed is None
    answered = judge(gates, Evidence({"f1": 0.2}), True)[0]
    assert (answered.passed, answered.message) == (True, "granted")
    said_no = judge(gates, Evidence({"f1": 0.7}), False)
    assert refusal(said_no) == said_no[0]


@pytest.mark.parametrize(
    ("passed", "whole"),
    [
        ([], True), ([True, True], True), ([True, False], False), ([None, True], None), ([None, False], False),
        ([None, None], None),
    ],
)  # fmt: skip
def test_verdict(passed: list[bool | None], whole: bool | None) -> None:
    assert verdict([Ruling("g", each, "", {}) for each in passed]) is whole


def test_rulings_keep_the_order_of_gates() -> None:
    gates = (ag.Gate("f1", minimum=0.5), ag.Approval(), ag.Gate("f1", maximum=0.9))
    assert [each.gate for each in judge(gates, Evidence({"f1": 0.7}))] == [gate.name for gate in gates]


def version(store: Store, metrics: dict[str, Any], body: dict[str, Any]) -> versions.Version:
    """A version that was written to a store and read again: NaN comes back as None."""
    with store.write() as tx:
        member = members.ensure(tx, "late", ["a"], moment())["a"]
        (run,) = executions.record(tx, [attempt(member, "x")])
        artifacts.add(tx, [artifacts.Artifact(digest=digest("a"), kind="model", bytes=5, at=moment())])
        new = versions.NewVersion(
            fleet="late", member_id=member, key=digest("k"), artifact=digest("a"), format="lightgbm", execution_id=run,
            at=moment(), rows=10, metrics=metrics, body=body,
        )  # fmt: skip
        (made,) = versions.add(tx, [new])
    with store.read() as conn:
        return versions.get(conn, [made.id])[made.id]


def test_evidence_of_a_recorded_version(store: Store) -> None:
    compared = {"own": 0.7, "rival": NAN, "difference": NAN, "low": NAN, "high": NAN}
    found = version(
        store,
        {"roc_auc": 0.7, "f1": NAN},
        {"rivals": {"champion": {"roc_auc": compared}}, "held_out": {"rows": 40}, "uncompared": {"pooled": "why"}},
    )
    seen = evidence(found)
    assert (seen.rows, seen.uncompared) == (40, {"pooled": "why"})
    gates = (ag.Gate("roc_auc", minimum=0.6), ag.Gate("f1", minimum=0.1), ag.Gate("roc_auc", beats="champion"))
    assert [each.passed for each in judge(gates, seen)] == [True, False, False]
    assert pooled_instead(found, "roc_auc") == ""


@pytest.mark.parametrize(
    ("metric", "champion", "pooled", "instead"),
    [
        ("roc_auc", 0.6, 0.7, True), ("roc_auc", 0.6, 0.64, False), ("roc_auc", 0.7, 0.6, False),
        ("log_loss", 0.7, 0.6, True), ("log_loss", 0.6, 0.7, False), ("log_loss", 0.64, 0.6, False),
    ],
)  # fmt: skip
def test_the_pooled_model_takes_over_where_it_is_clearly_better(
    store: Store, metric: str, champion: float, pooled: float, instead: bool
) -> None:
    rivals = {
        name: {metric: {"own": 0.5, "rival": value, "difference": 0.5 - value, "low": -0.05, "high": 0.05}}
        for name, value in (("champion", champion), ("pooled", pooled))
    }
    said = pooled_instead(version(store, {}, {"rivals": rivals}), metric)
    assert bool(said) is instead
    if instead:
        assert said == f"{metric} of the pooled model {pooled:.4g} against {champion:.4g} of the champion"


def test_choice(store: Store) -> None:
    assert choice(version(store, {}, {"answer": {"own": False, "reason": "better"}})) == (False, "better")
    assert choice(version(store, {}, {})) == (True, "")
