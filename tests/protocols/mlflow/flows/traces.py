"""Traces: what a program did in spans, told, found again, tagged, judged and deleted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import mlflow
from flow import RELEASE, Flow
from mlflow.entities import Trace

MISSING, INVALID = "RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"
OLD = RELEASE[0] < 3


@mlflow.trace(span_type="CHAIN", attributes={"kind": "sum"})
def add(a: int, b: int) -> dict[str, int]:
    with mlflow.start_span("inner", span_type="TOOL") as span:
        span.set_inputs({"a": a, "text": "größe ✓"})
        span.set_attribute("list", [1, 2.5, "x", {"deep": None}])
        span.set_outputs([a, b])
    mlflow.update_current_trace(tags={"size": "small" if a < 5 else "large"})
    return {"sum": a + b}


@mlflow.trace
def fail() -> None:
    raise ValueError("no")


def _name(trace: Trace) -> str:
    return trace.info.request_id if OLD else trace.info.trace_id


def _flush() -> None:
    flush: Callable[..., None] = mlflow.flush_trace_async_logging
    flush()


def _search(
    flow: Flow, experiment: str, text: str | None = None, order: Sequence[str] = ("timestamp_ms ASC",)
) -> list[Trace]:
    given: dict[str, Any] = {"filter_string": text, "order_by": list(order), "max_results": 2}
    given |= {"experiment_ids": [experiment]} if OLD else {"locations": [experiment]}
    found, token = [], None
    while True:  # by pages of two
        page = flow.client().search_traces(**given, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def _made(flow: Flow, what: str) -> tuple[str, list[str]]:
    """An experiment with three traces, of which the second and the third are of a run, and the third failed."""
    experiment = mlflow.set_experiment(f"{flow.title} {what}").experiment_id
    add(1, 2)
    time.sleep(0.01)  # they are ordered by milliseconds
    with mlflow.start_run():
        add(7, 8)
        time.sleep(0.01)
        with contextlib.suppress(ValueError):
            fail()
    _flush()
    return experiment, [_name(each) for each in _search(flow, experiment)]


def spans(flow: Flow) -> None:
    experiment, (first, _, third) = _made(flow, "spans")
    back = flow.client().get_trace(first)
    outer, inner = sorted(back.data.spans, key=lambda each: each.name)
    flow.same("names", (outer.name, inner.name), ("add", "inner"))
    flow.same("types", (outer.span_type, inner.span_type), ("CHAIN", "TOOL"))
    flow.same("parents", (outer.parent_id, inner.parent_id), (None, outer.span_id))
    flow.same("given", (outer.inputs, inner.inputs), ({"a": 1, "b": 2}, {"a": 1, "text": "größe ✓"}))
    flow.same("came out", (outer.outputs, inner.outputs), ({"sum": 3}, [1, 2]))
    flow.same(
        "attributes", (outer.attributes["kind"], inner.attributes["list"]), ("sum", [1, 2.5, "x", {"deep": None}])
    )
    inside = outer.start_time_ns <= inner.start_time_ns <= inner.end_time_ns <= outer.end_time_ns
    flow.same("times", inside, True)
    flow.same("status", str(outer.status.status_code.value), "OK")
    flow.same(
        "tags",
        {key: back.info.tags[key] for key in ("size", "mlflow.traceName")},
        {"size": "small", "mlflow.traceName": "add"},
    )
    flow.same("state", (back.info.status.value, back.info.experiment_id), ("OK", experiment))
    where = f"mlflow-artifacts:/{experiment}/traces/{first}/artifacts"
    flow.same("where its files lie", back.info.tags["mlflow.artifactLocation"], where)
    broken = flow.client().get_trace(third)
    (event,) = broken.data.spans[0].events
    flow.same(
        "a failure",
        (broken.info.status.value, event.name, event.attributes["exception.message"]),
        ("ERROR", "exception", "no"),
    )
    if not OLD:
        flow.same(
            "previews", (back.info.request_preview, back.info.response_preview), ('{"a": 1, "b": 2}', '{"sum": 3}')
        )
    flow.refused("no such trace", MISSING, lambda: flow.client().get_trace("tr-" + "0" * 32))


def manual(flow: Flow) -> None:
    client = flow.client()
    experiment = client.create_experiment(f"{flow.title} manual")
    root = client.start_trace("root", inputs={"q": 1}, tags={"by": "hand"}, experiment_id=experiment)
    name = root.request_id if OLD else root.trace_id
    child = client.start_span("child", name, root.span_id)
    client.end_span(name, child.span_id, outputs="done", status="OK")
    client.end_trace(name, outputs={"z": [1]}, status="ERROR")
    _flush()
    back = flow.client().get_trace(name)
    flow.same(
        "by hand",
        sorted((each.name, each.outputs) for each in back.data.spans),
        [("child", "done"), ("root", {"z": [1]})],
    )
    flow.same("by hand: state and tag", (back.info.status.value, back.info.tags["by"]), ("ERROR", "hand"))


def search(flow: Flow) -> None:
    experiment, names = _made(flow, "search")
    run = flow.client().search_runs([experiment])[0].info.run_id
    letters = dict(zip(names, "abc", strict=True))

    def found(text: str | None = None, *order: str) -> str:
        return "".join(letters[_name(each)] for each in _search(flow, experiment, text, order or ("timestamp_ms ASC",)))

    for text, wanted in {
        "status = 'OK'": "ab", "attributes.status != 'OK'": "c", "trace.status IN ('ERROR', 'IN_PROGRESS')": "c",
        "name = 'add'": "ab", "tags.`mlflow.traceName` LIKE 'fa%'": "c", "tags.size = 'large'": "b",
        "tag.size != 'large'": "a", "timestamp_ms > 0": "abc", "execution_time_ms > 1000000": "",
        f"run_id = '{run}'": "bc", f"request_id = '{names[1]}'": "b",
        f"request_metadata.`mlflow.sourceRun` = '{run}'": "bc", "metadata.nothing = 'x'": "",
        "tags.size ILIKE 'SM%' AND status = 'OK'": "a",
    }.items():  # fmt: skip
        flow.same(text.replace(run, "R").replace(names[1], "B"), found(text), wanted)
    flow.same("newest first", found(None, "timestamp_ms DESC"), "cba")
    flow.same("by name, then time", found(None, "name", "timestamp_ms DESC"), "bac")
    flow.same("by a tag", found(None, "tag.size")[:2], "ba")
    for text in ("nothing = 'x'", "status > 'OK'", "name = 'a' OR name = 'b'"):
        flow.refused(text, INVALID, lambda text=text: found(text))
    if OLD:
        flow.skip("search by spans")
        return
    for text, wanted in {
        "span.name = 'inner'": "ab", "span.type = 'TOOL'": "ab", "span.status = 'ERROR'": "c", "tags.size IS NULL": "c",
        "tags.size IS NOT NULL": "ab", "metadata.`mlflow.sourceRun` IS NULL": "a", "trace.text LIKE '%größe%'": "ab",
    }.items():  # fmt: skip
        flow.same(text, found(text), wanted)


def tags(flow: Flow) -> None:
    experiment, (first, second, _) = _made(flow, "tags")
    client = flow.client()
    client.set_trace_tag(first, "note", "größe ✓")
    client.set_trace_tag(first, "size", "other")
    client.set_trace_tag(second, "gone", "x")
    client.delete_trace_tag(second, "gone")
    back = flow.client().get_trace(first).info.tags
    flow.same("set", (back["note"], back["size"]), ("größe ✓", "other"))
    flow.same("removed", "gone" in flow.client().get_trace(second).info.tags, False)
    flow.same("found by it", [_name(each) for each in _search(flow, experiment, "tags.note = 'größe ✓'")], [first])
    flow.refused("no such tag", MISSING, lambda: client.delete_trace_tag(second, "gone"))


def deletion(flow: Flow) -> None:
    experiment, (first, _, third) = _made(flow, "deletion")
    client = flow.client()
    given = {"request_ids": [first]} if OLD else {"trace_ids": [first]}
    flow.same("one", client.delete_traces(experiment, **given), 1)
    flow.refused("it is gone", MISSING, lambda: flow.client().get_trace(first))
    flow.same(
        "the oldest",
        client.delete_traces(experiment, max_timestamp_millis=int(time.time() * 1000) + 5, max_traces=1),
        1,
    )
    flow.same("one is left", [_name(each) for each in _search(flow, experiment)], [third])
    flow.same(
        "none of another", client.delete_traces("0", **({"request_ids": [third]} if OLD else {"trace_ids": [third]})), 0
    )


def judged(flow: Flow) -> None:
    if OLD:
        flow.skip("assessments")
        return
    experiment, (first, second, third) = _made(flow, "judged")
    made = mlflow.log_feedback(trace_id=first, name="good", value=True, rationale="größe ✓", metadata={"by": "me"})
    mlflow.log_expectation(trace_id=first, name="wanted", value={"sum": [3]})
    mlflow.log_feedback(trace_id=second, name="good", value="meh")

    def seen(trace: str) -> list[tuple[Any, ...]]:
        found = flow.client().get_trace(trace).info.assessments
        return [(each.name, each.value, each.rationale, each.valid is not False) for each in found]

    flow.same("judged", seen(first), [("good", True, "größe ✓", True), ("wanted", {"sum": [3]}, None, True)])
    flow.same("read alone", mlflow.get_assessment(first, made.assessment_id).metadata, {"by": "me"})
    mlflow.update_assessment(first, made.assessment_id, mlflow.entities.Feedback(name="good", value=False))
    flow.same("changed", seen(first)[0], ("good", False, "größe ✓", True))
    over = mlflow.override_feedback(trace_id=first, assessment_id=made.assessment_id, value=5.0)
    flow.same("overridden", [each[3] for each in seen(first) if each[0] == "good"], [False, True])
    mlflow.delete_assessment(trace_id=first, assessment_id=over.assessment_id)
    flow.same("valid again", [each[1:] for each in seen(first) if each[0] == "good"], [(False, "größe ✓", True)])
    by = [_name(each) for each in _search(flow, experiment, "feedback.good = 'meh'")]
    flow.same("found by feedback", by, [second])
    flow.refused(
        "no such trace to judge", MISSING, lambda: mlflow.log_feedback(trace_id="tr-" + "0" * 32, name="x", value=1)
    )
    run = flow.client().create_run(experiment).info.run_id
    flow.client().link_traces_to_run([first, third], run)
    flow.same(
        "linked", sorted(_name(each) for each in _search(flow, experiment, f"run_id = '{run}'")), sorted([first, third])
    )


if __name__ == "__main__":
    Flow().run(spans, manual, search, tags, deletion, judged)
