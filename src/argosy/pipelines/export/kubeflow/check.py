"""What the protocol buffers and the SDK of Kubeflow Pipelines let through, and a run would not."""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from typing import Any

from argosy.errors import InputError

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_TYPES = ("STRING", "NUMBER_INTEGER", "NUMBER_DOUBLE", "BOOLEAN", "LIST", "STRUCT")
_USED = re.compile(r"\{\{\$\.inputs\.parameters\['([^']*)'\]\}\}")


def check(document: Any) -> None:
    """Raise InputError with the path of what is wrong in a pipeline."""
    if not isinstance(document, dict):
        raise _wrong("the document", document, "a mapping")
    if document.get("schemaVersion") != "2.1.0":
        raise _wrong("schemaVersion", document.get("schemaVersion"), "2.1.0")
    name = document.get("pipelineInfo", {}).get("name", "")
    if not _NAME.fullmatch(name) or len(name) > 128:
        raise _wrong("pipelineInfo.name", name, "lower-case letters, digits and '-', at most 128")
    components = document.get("components", {})
    executors = document.get("deploymentSpec", {}).get("executors", {})
    _dag(document.get("root", {}), "root", components)
    for each, component in components.items():
        path = f"components.{each}"
        if "dag" in component:
            _dag(component, path, components)
        elif component.get("executorLabel") not in executors:
            raise _wrong(f"{path}.executorLabel", component.get("executorLabel"), f"one of {sorted(executors)}")
        else:
            _executor(executors[component["executorLabel"]], f"deploymentSpec.executors.{component['executorLabel']}",
                      _inputs(component, path))  # fmt: skip


def _dag(component: dict[str, Any], path: str, components: dict[str, Any]) -> None:
    tasks, given = component.get("dag", {}).get("tasks", {}), _inputs(component, path)
    if not tasks:
        raise _wrong(f"{path}.dag.tasks", tasks, "tasks, at least one")
    for name, task in tasks.items():
        place = f"{path}.dag.tasks.{name}"
        called = task.get("componentRef", {}).get("name")
        if called not in components:
            raise _wrong(f"{place}.componentRef.name", called, f"one of {sorted(components)}")
        for other in task.get("dependentTasks", []):
            if other not in tasks:
                raise _wrong(f"{place}.dependentTasks", other, f"one of {sorted(tasks)}")
        _task(task, place, given, _inputs(components[called], f"components.{called}"))
    try:
        TopologicalSorter({name: task.get("dependentTasks", []) for name, task in tasks.items()}).prepare()
    except CycleError as error:
        raise _wrong(f"{path}.dag.tasks", " -> ".join(error.args[1]), "free of cycles") from error


def _task(task: dict[str, Any], path: str, given: dict[str, Any], wanted: dict[str, Any]) -> None:
    passed = task.get("inputs", {}).get("parameters", {})
    item = task.get("parameterIterator", {}).get("itemInput")
    for name, source in passed.items():
        outer = source.get("componentInputParameter")
        if outer is not None and outer not in given:
            raise _wrong(f"{path}.inputs.parameters.{name}", outer, f"one of {sorted(given)}")
    for name in sorted({*passed, item} - {None} - set(wanted)):
        raise _wrong(f"{path}.inputs.parameters", name, f"one of {sorted(wanted)}")
    for name, each in wanted.items():
        if name not in passed and name != item and not each.get("isOptional"):
            raise InputError(f"{path}.inputs.parameters lacks {name!r}, which its component needs")


def _executor(executor: dict[str, Any], path: str, given: dict[str, Any]) -> None:
    container = executor.get("container", {})
    for field in ("image", "command"):
        if not container.get(field):
            raise _wrong(f"{path}.container.{field}", container.get(field), "given")
    for used in _USED.findall(" ".join(container.get("args", []))):
        if used not in given:
            raise _wrong(f"{path}.container.args", used, f"one of {sorted(given)}")
    for each in container.get("env", []):
        if each.get("name") == "ARGOSY_HOME":
            raise InputError(f"{path}.container.env holds the home itself; it must come from a Secret")


def _inputs(component: dict[str, Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = component.get("inputDefinitions", {}).get("parameters", {})
    for name, each in found.items():
        if each.get("parameterType") not in _TYPES:
            limit = f"one of {', '.join(_TYPES)}"
            raise _wrong(f"{path}.inputDefinitions.parameters.{name}.parameterType", each.get("parameterType"), limit)
    return found


def _wrong(path: str, value: object, limit: str) -> InputError:
    return InputError(f"{path} is {value!r}; it must be {limit}")
