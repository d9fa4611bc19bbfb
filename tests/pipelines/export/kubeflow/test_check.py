"""Each way in which a pipeline may be broken is found, and named by its path."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from argosy.errors import InputError
from argosy.pipelines.export.document import read
from argosy.pipelines.export.kubeflow.check import check
from argosy.pipelines.export.kubeflow.file import write
from argosy.pipelines.export.order import Order
from tests.pipelines.export.night import IMAGE, nightly


def _tasks(found: dict[str, Any]) -> Any:
    return found["root"]["dag"]["tasks"]


def _container(found: dict[str, Any]) -> Any:
    return found["deploymentSpec"]["executors"]["exec-run"]["container"]


def _given(found: dict[str, Any]) -> Any:
    return found["root"]["inputDefinitions"]["parameters"]


RUN, INPUTS = "root.dag.tasks.run", "root.inputDefinitions.parameters"
EXECUTOR = "deploymentSpec.executors.exec-run.container"

BREAKS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "version": (lambda d: d.pop("schemaVersion"), "schemaVersion"),
    "name": (lambda d: d["pipelineInfo"].update(name="Night_ly"), "pipelineInfo.name"),
    "tasks": (lambda d: _tasks(d).clear(), "root.dag.tasks"),
    "component": (lambda d: _tasks(d)["run"]["componentRef"].update(name="x"), f"{RUN}.componentRef.name"),
    "executor": (lambda d: d["deploymentSpec"]["executors"].pop("exec-run"), "components.comp-run.executorLabel"),
    "cycle": (lambda d: _tasks(d)["shards"].update(dependentTasks=["run"]), "root.dag.tasks"),
    "dependence": (lambda d: _tasks(d)["run"].update(dependentTasks=["ran"]), f"{RUN}.dependentTasks"),
    "root input": (lambda d: _given(d).pop("depth"), "root.dag.tasks.shards.inputs.parameters.depth"),
    "missing input": (lambda d: _tasks(d)["run"]["inputs"]["parameters"].pop("depth"), f"{RUN}.inputs.parameters"),
    "more input": (lambda d: _tasks(d)["run"]["inputs"]["parameters"].update(x={}), f"{RUN}.inputs.parameters"),
    "no item": (lambda d: _tasks(d)["shards"]["parameterIterator"].update(itemInput="x"),
                "root.dag.tasks.shards.inputs.parameters"),
    "type": (lambda d: _given(d)["depth"].update(parameterType="INT"), f"{INPUTS}.depth.parameterType"),
    "image": (lambda d: _container(d).pop("image"), f"{EXECUTOR}.image"),
    "placeholder": (lambda d: _container(d)["args"].append("{{$.inputs.parameters['x']}}"), f"{EXECUTOR}.args"),
    "secret": (lambda d: _container(d)["env"].append({"name": "ARGOSY_HOME", "value": "x"}), f"{EXECUTOR}.env"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_pipeline_is_found(name: str) -> None:
    document, _ = read(write(Order(pipeline=nightly, image=IMAGE, shards=2)).text)
    check(document)
    spoil, path = BREAKS[name]
    spoil(document)
    with pytest.raises(InputError, match=f"^{re.escape(path)} "):
        check(document)


def test_what_is_no_pipeline_is_none() -> None:
    with pytest.raises(InputError, match="it must be a mapping"):
        check(None)
