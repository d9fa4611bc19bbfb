"""What validators of workflows let through, and GitHub Actions would not, or not as it was meant."""

from __future__ import annotations

import re
from graphlib import CycleError, TopologicalSorter
from typing import Any

from argosy.errors import InputError
from argosy.pipelines.export import cron
from argosy.pipelines.export.actions.file import INPUTS, SOONEST
from argosy.pipelines.export.order import SHARDS

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_TYPES = ("string", "number", "boolean", "choice", "environment")


def check(document: Any) -> None:
    """Raise InputError with the path of what is wrong in a workflow, read as YAML."""
    if not isinstance(document, dict):
        raise _wrong("the document", document, "a mapping")
    if True in document:  # the word `on`, as YAML 1.1 reads it
        raise InputError("on has no quotes, so that some readers take it for true")
    _events(document.get("on") or {})
    jobs = document.get("jobs") or {}
    if not jobs:
        raise _wrong("jobs", jobs, "jobs, at least one")
    home = document.get("env", {}).get("ARGOSY_HOME", "${{ secrets.")
    if not home.startswith("${{ secrets."):
        raise InputError("env.ARGOSY_HOME holds the home itself; it must refer to a secret")
    for name, job in jobs.items():
        _job(name, job, f"jobs.{name}", jobs)
    try:
        TopologicalSorter({name: _needs(job) for name, job in jobs.items()}).prepare()
    except CycleError as error:
        raise _wrong("jobs", " -> ".join(error.args[1]), "free of cycles") from error


def _events(events: dict[str, Any]) -> None:
    if not events:
        raise _wrong("on", events, "events, at least one")
    for place, each in enumerate(events.get("schedule", [])):
        path = f"on.schedule[{place}].cron"
        cron.check(each.get("cron"), path)
        if cron.gap(each["cron"]) < SOONEST:
            raise _wrong(path, each["cron"], f"no more often than every {SOONEST} minutes")
    inputs = (events.get("workflow_dispatch") or {}).get("inputs", {})
    if len(inputs) > INPUTS:
        raise _wrong("on.workflow_dispatch.inputs", len(inputs), f"{INPUTS} at most")
    for name, each in inputs.items():
        if each.get("type") not in _TYPES or not _NAME.fullmatch(name):
            limit = f"a name, with a type of {', '.join(_TYPES)}"
            raise _wrong(f"on.workflow_dispatch.inputs.{name}", each.get("type"), limit)


def _job(name: str, job: dict[str, Any], path: str, jobs: dict[str, Any]) -> None:
    if not _NAME.fullmatch(name):
        raise _wrong(path, name, "letters, digits, '-' and '_'")
    if not job.get("runs-on") or not job.get("steps"):
        raise InputError(f"{path} lacks runs-on or steps")
    for other in _needs(job):
        if other not in jobs:
            raise _wrong(f"{path}.needs", other, f"one of {sorted(jobs)}")
    size = 1
    for axis, values in job.get("strategy", {}).get("matrix", {}).items():
        size *= len(values)
        if not 0 < size <= SHARDS:
            raise _wrong(f"{path}.strategy.matrix.{axis}", len(values), f"1 to {SHARDS} jobs in all")
    for place, step in enumerate(job["steps"]):
        if "${{" in step.get("run", ""):
            raise InputError(f"{path}.steps[{place}].run holds an expression; it must come through env")
        if ("run" in step) == ("uses" in step):
            raise InputError(f"{path}.steps[{place}] must have one of run and uses")


def _needs(job: dict[str, Any]) -> list[str]:
    found = job.get("needs", [])
    return [found] if isinstance(found, str) else found


def _wrong(path: str, value: object, limit: str) -> InputError:
    return InputError(f"{path} is {value!r}; it must be {limit}")
