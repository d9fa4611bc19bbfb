"""What the schemas of Kubernetes let through, and a cluster or a run would not."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import available_timezones

from argosy.errors import InputError
from argosy.pipelines.export import cron

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_KINDS = {"CronJob": 52, "Job": 63}
_POLICIES = ("Allow", "Forbid", "Replace")


def check(document: Any) -> None:
    """Raise InputError with the path of what is wrong in a CronJob or Job."""
    kind = document.get("kind") if isinstance(document, dict) else None
    if kind not in _KINDS:
        raise _wrong("kind", kind, f"one of {', '.join(_KINDS)}")
    if document.get("apiVersion") != "batch/v1":
        raise _wrong("apiVersion", document.get("apiVersion"), "batch/v1")
    name = document.get("metadata", {}).get("name", "")
    if not _NAME.fullmatch(name) or len(name) > _KINDS[kind]:
        limit = f"lower-case letters, digits and '-', at most {_KINDS[kind]}"
        raise _wrong("metadata.name", name, limit)
    spec = document.get("spec", {})
    if kind == "Job":
        _job(spec, "spec")
        return
    cron.check(spec.get("schedule"), "spec.schedule")
    if spec.get("timeZone") not in available_timezones():
        raise _wrong("spec.timeZone", spec.get("timeZone"), "the IANA name of a time zone")
    if spec.get("concurrencyPolicy") not in _POLICIES:
        raise _wrong("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), f"one of {', '.join(_POLICIES)}")
    _job(spec.get("jobTemplate", {}).get("spec", {}), "spec.jobTemplate.spec")


def _job(spec: dict[str, Any], path: str) -> None:
    indexed = spec.get("completionMode") == "Indexed"
    for field in ("backoffLimitPerIndex", "successPolicy"):
        if field in spec and not indexed:
            raise _wrong(f"{path}.{field}", spec[field], "left out, or beside completionMode: Indexed")
    if indexed and not spec.get("completions"):
        raise _wrong(f"{path}.completions", spec.get("completions"), "the number of shards")
    pod, path = spec.get("template", {}).get("spec", {}), f"{path}.template.spec"
    if pod.get("restartPolicy") != "Never":
        raise _wrong(f"{path}.restartPolicy", pod.get("restartPolicy"), "Never")
    if not pod.get("containers"):
        raise _wrong(f"{path}.containers", pod.get("containers"), "a list of one container")
    volumes = {each.get("name") for each in pod.get("volumes", [])}
    for place, container in enumerate(pod["containers"]):
        _container(container, f"{path}.containers[{place}]", volumes)


def _container(container: dict[str, Any], path: str, volumes: set[Any]) -> None:
    if not container.get("image") or re.search(r"\s", container["image"]):
        raise _wrong(f"{path}.image", container.get("image"), "the name of an image")
    for place, each in enumerate(container.get("volumeMounts", [])):
        if each.get("name") not in volumes:
            raise _wrong(f"{path}.volumeMounts[{place}].name", each.get("name"), f"one of {sorted(volumes)}")
    for place, each in enumerate(container.get("env", [])):
        if each.get("name") == "ARGOSY_HOME" and "secretKeyRef" not in each.get("valueFrom", {}):
            raise InputError(f"{path}.env[{place}] holds the home itself; it must refer to a Secret")


def _wrong(path: str, value: object, limit: str) -> InputError:
    return InputError(f"{path} is {value!r}; it must be {limit}")
