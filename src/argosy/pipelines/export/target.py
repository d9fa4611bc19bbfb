"""The schedulers that a pipeline is exported to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from argosy.pipelines.export import document
from argosy.pipelines.export.actions import check as actions_check
from argosy.pipelines.export.actions import file as actions
from argosy.pipelines.export.airflow import check as airflow_check
from argosy.pipelines.export.airflow import file as airflow
from argosy.pipelines.export.kubeflow import check as kubeflow_check
from argosy.pipelines.export.kubeflow import file as kubeflow
from argosy.pipelines.export.kubernetes import check as kubernetes_check
from argosy.pipelines.export.kubernetes import file as kubernetes
from argosy.pipelines.export.order import Order
from argosy.pipelines.export.written import Written

Name = Literal["airflow", "github-actions", "kubeflow", "kubernetes"]

YAML, PYTHON = (".yaml", ".yml"), (".py",)


class Target(msgspec.Struct, frozen=True):
    """How a file is written, what it must hold, read as its scheduler would, and how its name ends."""

    write: Callable[[Order], Written]
    check: Callable[[Any], None]
    endings: tuple[str, ...] = YAML


TARGETS: dict[Name, Target] = {
    "airflow": Target(airflow.write, airflow_check.check, PYTHON),
    "github-actions": Target(actions.write, actions_check.check),
    "kubeflow": Target(kubeflow.write, kubeflow_check.check),
    "kubernetes": Target(kubernetes.write, kubernetes_check.check),
}


def export(order: Order, name: Name) -> Written:
    """The file of a target, checked. Raises UsageError for what it cannot do and a run would miss."""
    target = TARGETS[name]
    written = target.write(order)
    target.check(written.text if target.endings is PYTHON else document.read(written.text)[0])
    return written
