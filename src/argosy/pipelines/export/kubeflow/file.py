"""A pipeline as a pipeline of Kubeflow Pipelines 2."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from argosy.errors import UsageError
from argosy.pipelines.export import document, place
from argosy.pipelines.export.order import Entry, Order
from argosy.pipelines.export.written import Written, head, left_out
from argosy.spec.schedule import show

TITLE = "Kubeflow Pipelines"

_TYPES = {"string": "STRING", "integer": "NUMBER_INTEGER", "number": "NUMBER_DOUBLE", "boolean": "BOOLEAN"}
_SHARD = "shard-of-this-run"  # no parameter of a pipeline has a dash
_MARK = "{{$"


def write(order: Order) -> Written:
    """The file, whose second document says where Kubernetes finds the home. Raises UsageError where it has no image.

    A `{{$` in a text is refused: Kubeflow would read it as its own.
    """
    _readable(order)
    notes = (*left_out(order, TITLE), *_policies(order))
    needs = place.needs("in its namespace")
    names = ["run", "shard"] if order.shards > 1 else ["run"]
    text = document.write([_pipeline(order), _platform(names)])
    return Written(head(order, TITLE, needs, notes) + text, notes)


def _readable(order: Order) -> None:
    if order.image is None:
        raise UsageError(f"{TITLE} runs images, and none is given", next="--image registry.example/team/project:1")
    known = {each.name for each in order.entries()}
    for name in order.given:
        if name not in known:
            raise UsageError(f"{TITLE} has no parameter {name!r}: its names are ASCII", next=f"leave out --set {name}")
    texts = {f"parameter {each.name}": each.text or "" for each in order.entries()}
    for what, text in {**texts, "--project": order.project or "", "--image": order.image}.items():
        if _MARK in text:
            raise UsageError(f"{what} holds {_MARK!r}, which {TITLE} reads as its own", next="write it otherwise")


def _policies(order: Order) -> tuple[str, ...]:
    pipeline = order.pipeline
    if pipeline.schedule is None or not order.scheduled:
        return ()
    return (
        f"schedule {show(pipeline.schedule)}; {TITLE} keeps it in a recurring run, not in a file",
        f"concurrency={pipeline.concurrency!r} and catch_up={pipeline.catch_up!r}; they are settings of that, too",
    )


def _pipeline(order: Order) -> dict[str, Any]:
    entries = order.entries()
    tasks: dict[str, Any] = {}
    components = {"comp-run": _component("run", entries)}
    executors = {"exec-run": _executor(order, entries)}
    last: dict[str, Any] = {}
    if order.shards > 1:
        shard = Entry(_SHARD, "string", None)
        shards = [f"{number}/{order.shards}" for number in range(1, order.shards + 1)]
        components["comp-shard"] = _component("shard", [*entries, shard])
        components["comp-shards"] = _loop([*entries, shard])
        executors["exec-shard"] = _executor(order, entries, f"--shard={_value(_SHARD)}")
        tasks["shards"] = _task("comp-shards", "shards", entries) | {
            "parameterIterator": {"itemInput": _SHARD, "items": {"raw": msgspec.json.encode(shards).decode()}}
        }
        last = {"dependentTasks": ["shards"], "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}}
    tasks["run"] = _task("comp-run", "run", entries) | last | _RETRY
    return {
        "pipelineInfo": _info(order), "schemaVersion": "2.1.0", "sdkVersion": "kfp-2.17.0",
        "root": {"dag": {"tasks": tasks}, **_inputs(entries, defaults=True)},
        "components": components, "deploymentSpec": {"executors": executors},
    }  # fmt: skip


_RETRY = {"retryPolicy": {"maxRetryCount": 1, "backoffDuration": "60s"}}


def _info(order: Order) -> dict[str, str]:
    name = re.sub("[^a-z0-9]+", "-", order.pipeline.name).strip("-")
    about = {"description": order.pipeline.description} if order.pipeline.description else {}
    return {"name": name, **about}


def _inputs(entries: list[Entry], *, defaults: bool = False) -> dict[str, Any]:
    if not entries:
        return {}
    return {"inputDefinitions": {"parameters": {each.name: _input(each, defaults) for each in entries}}}


def _input(entry: Entry, default: bool) -> dict[str, Any]:
    given = {"defaultValue": entry.value, "isOptional": True} if default and entry.text is not None else {}
    return {"parameterType": _TYPES[entry.type], **given}


def _component(name: str, entries: list[Entry]) -> dict[str, Any]:
    return {"executorLabel": f"exec-{name}", **_inputs(entries)}


def _loop(entries: list[Entry]) -> dict[str, Any]:
    """The component that is there for each shard."""
    return {"dag": {"tasks": {"shard": _task("comp-shard", "shard", entries) | _RETRY}}, **_inputs(entries)}


def _task(component: str, name: str, entries: list[Entry]) -> dict[str, Any]:
    """A task that takes inputs of these names from around it, and is never cached: what is done, Argosy knows."""
    given = {each.name: {"componentInputParameter": each.name} for each in entries}
    return {
        "taskInfo": {"name": name}, "componentRef": {"name": component},
        **({"inputs": {"parameters": given}} if given else {}), "cachingOptions": {},
    }  # fmt: skip


def _executor(order: Order, entries: list[Entry], *options: str) -> dict[str, Any]:
    sets = [f"--set={each.name}={_value(each.name)}" for each in entries]
    blobs = {"name": "ARGOSY_BLOBS", "value": place.BLOBS}
    words = order.words(*options, *sets)
    return {"container": {"image": order.image, "command": ["argosy"], "args": words, "env": [blobs]}}


def _value(name: str) -> str:
    return f"{_MARK}.inputs.parameters['{name}']}}}}"


def _platform(names: list[str]) -> dict[str, Any]:
    secret = {
        "secretName": place.SECRET, "secretNameParameter": {"runtimeValue": {"constant": place.SECRET}},
        "keyToEnv": [{"secretKey": place.KEY, "envVar": "ARGOSY_HOME"}],
    }  # fmt: skip
    volume = {
        "constant": place.CLAIM, "pvcNameParameter": {"runtimeValue": {"constant": place.CLAIM}},
        "mountPath": place.MOUNT,
    }  # fmt: skip
    executors = {f"exec-{name}": {"secretAsEnv": [secret], "pvcMount": [volume]} for name in names}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}
