"""Each way in which a manifest may be broken is found, and named by its path."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from argosy.errors import InputError
from argosy.pipelines.export.document import read
from argosy.pipelines.export.kubernetes.check import check
from argosy.pipelines.export.kubernetes.file import write
from argosy.pipelines.export.order import Order
from tests.pipelines.export.night import IMAGE, nightly

JOB = "spec.jobTemplate.spec"
POD = f"{JOB}.template.spec"


def _job(found: dict[str, Any]) -> Any:
    return found["spec"]["jobTemplate"]["spec"]


def _pod(found: dict[str, Any]) -> Any:
    return _job(found)["template"]["spec"]


BREAKS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "version": (lambda d: d.update(apiVersion="batch/v2"), "apiVersion"),
    "kind": (lambda d: d.update(kind="Cronjob"), "kind"),
    "name": (lambda d: d["metadata"].update(name="Night_ly"), "metadata.name"),
    "long name": (lambda d: d["metadata"].update(name="a" * 53), "metadata.name"),
    "cron": (lambda d: d["spec"].update(schedule="0 25 * * *"), "spec.schedule"),
    "zone": (lambda d: d["spec"].update(timeZone="Europe/Bärlin"), "spec.timeZone"),
    "policy": (lambda d: d["spec"].update(concurrencyPolicy="forbid"), "spec.concurrencyPolicy"),
    "index": (lambda d: _job(d).pop("completionMode"), f"{JOB}.backoffLimitPerIndex"),
    "size": (lambda d: _job(d).pop("completions"), f"{JOB}.completions"),
    "restart": (lambda d: _pod(d).update(restartPolicy="Always"), f"{POD}.restartPolicy"),
    "nothing": (lambda d: _pod(d).update(containers=[]), f"{POD}.containers"),
    "image": (lambda d: _pod(d)["containers"][0].update(image="a b"), f"{POD}.containers[0].image"),
    "volume": (lambda d: _pod(d).pop("volumes"), f"{POD}.containers[0].volumeMounts[0].name"),
    "secret": (lambda d: _pod(d)["containers"][0]["env"][0].pop("valueFrom"), f"{POD}.containers[0].env[0]"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_manifest_is_found(name: str) -> None:
    (document,) = read(write(Order(pipeline=nightly, image=IMAGE, shards=2)).text)
    check(document)
    spoil, path = BREAKS[name]
    spoil(document)
    with pytest.raises(InputError, match=f"^{re.escape(path)} "):
        check(document)


def test_what_is_no_manifest_is_none() -> None:
    with pytest.raises(InputError, match=r"^kind is None"):
        check(["CronJob"])
