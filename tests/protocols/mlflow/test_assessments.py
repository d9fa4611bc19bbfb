"""Assessments over the protocol: every part that a client says comes back, and parts change alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocols.mlflow.conftest import Asker

PLACE = "/api/3.0/mlflow/traces/tr-1/assessments"
FEEDBACK = {
    "assessment_name": "good", "source": {"source_type": "HUMAN", "source_id": "ann"}, "span_id": "s1",
    "create_time": "2026-01-01T00:00:00Z", "last_update_time": "2026-01-01T00:00:00Z",
    "feedback": {"value": True}, "rationale": "ü", "metadata": {"m": "1"},
}  # fmt: skip


@pytest.fixture
def traced(ask: Asker) -> Asker:
    info = {
        "trace_id": "tr-1", "trace_location": {"mlflow_experiment": {"experiment_id": "0"}},
        "request_time": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    ask.good("POST", "/api/3.0/mlflow/traces", {"trace": {"trace_info": info}})
    return ask


def _add(ask: Asker, **more: Any) -> dict[str, Any]:
    return dict(ask.good("POST", PLACE, {"assessment": {**FEEDBACK, **more}})["assessment"])


def _all(ask: Asker) -> list[dict[str, Any]]:
    found = ask.good("GET", "/api/3.0/mlflow/traces/tr-1")["trace"]["trace_info"]
    return list(found.get("assessments", []))


def test_an_assessment_comes_back_as_it_was_said(traced: Asker) -> None:
    made = _add(traced)
    assert made == {**FEEDBACK, "assessment_id": made["assessment_id"], "trace_id": "tr-1", "valid": True}
    assert traced.good("GET", f"{PLACE}/{made['assessment_id']}") == {"assessment": made}
    assert _all(traced) == [made]


def test_parts_of_one_change_alone(traced: Asker) -> None:
    made = _add(traced)
    body = {
        "assessment": {"assessment_name": "fine", "feedback": {"value": 3}},
        "update_mask": "assessmentName,feedback",
    }
    new = traced.good("PATCH", f"{PLACE}/{made['assessment_id']}", body)["assessment"]
    later = new["last_update_time"]
    assert later > made["last_update_time"]
    assert new == {**made, "assessment_name": "fine", "feedback": {"value": 3}, "last_update_time": later}
    gone = {"assessment": {"valid": False}, "update_mask": "rationale,valid"}
    last = traced.good("PATCH", f"{PLACE}/{made['assessment_id']}", gone)["assessment"]
    assert ("rationale" in last, last["valid"], last["feedback"]) == (False, False, {"value": 3})
    assert _all(traced) == [last]


def test_one_overrides_another(traced: Asker) -> None:
    first = _add(traced)
    second = _add(traced, feedback={"value": "bad"}, overrides=first["assessment_id"])
    assert [each["valid"] for each in _all(traced)] == [False, True]
    traced.good("DELETE", f"{PLACE}/{second['assessment_id']}")
    assert _all(traced) == [first]


def test_what_was_said_with_the_trace_is_kept(ask: Asker) -> None:
    info = {
        "trace_id": "tr-1", "trace_location": {"mlflow_experiment": {"experiment_id": "0"}},
        "request_time": "2026-01-01T00:00:00Z", "assessments": [FEEDBACK],
    }  # fmt: skip
    told = ask.good("POST", "/api/3.0/mlflow/traces", {"trace": {"trace_info": info}})["trace"]["trace_info"]
    assert [each["assessment_name"] for each in told["assessments"]] == ["good"]


def test_traces_are_found_by_what_is_thought_of_them(traced: Asker) -> None:
    said = {"serialization_format": "JSON_FORMAT", "value": '{"x": [1]}'}
    _add(traced, assessment_name="wanted", feedback=None, expectation={"serialized_value": said})
    _add(traced, feedback={"value": 0.5})

    def count(text: str) -> int:
        here = [{"mlflow_experiment": {"experiment_id": "0"}}]
        found = traced.good("POST", "/api/3.0/mlflow/traces/search", {"locations": here, "filter": text})
        return len(found.get("traces", []))

    assert count("feedback.good = '0.5'") == count("expectation.wanted LIKE '%x%'") == 1
    assert count("feedback.good = '0.6'") == count("feedback.wanted IS NOT NULL") == 0


@pytest.mark.parametrize(("more", "word"), [
    ({"assessment_name": None}, "assessment_name"), ({"feedback": None}, "either a feedback"),
    ({"expectation": {"value": 1}}, "either a feedback"), ({"rationale": "x" * (1 << 20)}, "larger than"),
    ({"assessment_name": "x" * 251}, "assessment_name"), ({"feedback": {"value": "\0"}}, "zero byte"),
])  # fmt: skip
def test_what_cannot_be_said_is_refused(traced: Asker, more: dict[str, Any], word: str) -> None:
    answer = traced.refused("POST", PLACE, {"assessment": {**FEEDBACK, **more}})
    assert answer.startswith("INVALID_PARAMETER_VALUE") and word in answer


def test_what_is_not_there_is_named(traced: Asker) -> None:
    assert "Assessment with ID 'a-0'" in traced.refused("GET", f"{PLACE}/a-0")
    assert "Assessment with ID 'a-0'" in traced.refused("POST", PLACE, {"assessment": {**FEEDBACK, "overrides": "a-0"}})
    elsewhere = PLACE.replace("tr-1", "tr-9")
    assert "Trace with ID 'tr-9'" in traced.refused("POST", elsewhere, {"assessment": FEEDBACK})
