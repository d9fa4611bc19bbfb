"""A pipeline as a CronJob, or as a Job where it has no schedule."""

from __future__ import annotations

import re
from typing import Any

from argosy.errors import UsageError
from argosy.pipelines.export import cron, document, place
from argosy.pipelines.export.order import Order
from argosy.pipelines.export.written import Written, head, left_out
from argosy.spec.schedule import GRACE

TITLE = "Kubernetes"

_LONGEST = 52
_POLICIES = {"forbid": "Forbid", "allow": "Allow", "replace": "Replace"}
_SHARDS = (
    "Each index runs its shard. Index 0 then runs the whole: it takes what is left, waits for what others are at, and",
    "its end is that of the Job.",
)


def write(order: Order) -> Written:
    """The manifest. Raises UsageError for what it lacks: an image, a value of a parameter, a schedule that cron has."""
    _complete(order)
    times = cron.standard(order)
    notes = (*left_out(order, TITLE, asks=False), *_policies(order, times is not None))
    needs = (*place.needs("in its namespace"), *(_SHARDS if order.shards > 1 else ()))
    text = document.write([_scheduled(order, *times) if times else _job(order)])
    return Written(head(order, TITLE, needs, notes) + text, notes)


def _complete(order: Order) -> None:
    name = order.pipeline.name
    if order.image is None:
        raise UsageError(f"{TITLE} runs images, and none is given", next="--image registry.example/team/project:1")
    for each in order.pipeline.parameters:
        if each.required and each.name not in order.given:
            what = f"parameter {each.name!r} of pipeline {name}, which has no default"
            raise UsageError(f"{TITLE} asks nobody for {what}", next=f"--set {each.name}=…")


def _policies(order: Order, scheduled: bool) -> tuple[str, ...]:
    if scheduled and order.pipeline.catch_up == "all":
        return (f"catch_up='all'; {TITLE} makes up for the last time that it missed alone",)
    return ()


def _scheduled(order: Order, text: str, zone: str) -> dict[str, Any]:
    missed = {"startingDeadlineSeconds": int(GRACE.total_seconds())} if order.pipeline.catch_up == "none" else {}
    return {
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": _metadata(order),
        "spec": {
            "schedule": text, "timeZone": "Etc/UTC" if zone == "UTC" else zone,
            "concurrencyPolicy": _POLICIES[order.pipeline.concurrency], **missed,
            "jobTemplate": {"spec": _task(order)},
        },
    }  # fmt: skip


def _job(order: Order) -> dict[str, Any]:
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": _metadata(order), "spec": _task(order)}


def _metadata(order: Order) -> dict[str, Any]:
    name = re.sub("[^a-z0-9-]+", "-", order.pipeline.name)[:_LONGEST].strip("-")
    return {"name": name, "labels": {"app.kubernetes.io/name": "argosy", "argosy/pipeline": name}}


def _task(order: Order) -> dict[str, Any]:
    sets = [f"--set={name}={text}" for name, text in order.given.items()]
    words = [each.replace("$", "$$") for each in order.words(*sets)]  # Kubernetes reads $(NAME), and $$ as $
    retries: dict[str, Any] = {"backoffLimit": 1}
    command: dict[str, Any] = {"command": ["argosy"], "args": words}
    if order.shards > 1:
        retries = {
            "completionMode": "Indexed", "completions": order.shards, "parallelism": order.shards,
            "backoffLimitPerIndex": 1, "successPolicy": {"rules": [{"succeededIndexes": "0"}]},
        }  # fmt: skip
        command = {"command": ["sh", "-c", _script(order.shards), "argosy"], "args": words}
    container = {
        "name": "argosy", "image": order.image, **command, "env": place.variables(),
        "volumeMounts": [{"name": "blobs", "mountPath": place.MOUNT}],
    }  # fmt: skip
    volumes = [{"name": "blobs", "persistentVolumeClaim": {"claimName": place.CLAIM}}]
    pod = {"restartPolicy": "Never", "containers": [container], "volumes": volumes}
    return {**retries, "template": {"spec": pod}}


def _script(shards: int) -> str:
    """What each index runs, with the words of the run as its arguments."""
    return (
        'if [ "$JOB_COMPLETION_INDEX" = 0 ]; then\n'
        f'  argosy "$@" --shard=1/{shards}\n'
        '  exec argosy "$@"\n'
        "fi\n"
        f'exec argosy "$@" --shard="$((JOB_COMPLETION_INDEX + 1))/{shards}"\n'
    )
