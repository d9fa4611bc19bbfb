"""Argosy: keep fleets of models trained, gated, served, watched and explained.

This module is the vocabulary of a user's project: declarations, conditions and steps, nothing else.
"""

from typing import TYPE_CHECKING, Any

from argosy.spec.annotation import Model, Table
from argosy.spec.condition import degraded, drifted, never, new_rows, older_than
from argosy.spec.contract import Column, Contract, Reference, Rule
from argosy.spec.dataset import Dataset
from argosy.spec.failed import Failed
from argosy.spec.feature import feature_view
from argosy.spec.feature import request_features as RequestFeatures
from argosy.spec.fleet import Fleet, Label, TimeSplit
from argosy.spec.format import Format, format
from argosy.spec.gate import Approval, Gate
from argosy.spec.inputs import Inputs
from argosy.spec.interval import Interval
from argosy.spec.log import log
from argosy.spec.monitor import Attribution, Drift, Performance, Quality, Skew
from argosy.spec.pipeline import Pipeline, pipeline
from argosy.spec.report import Report
from argosy.spec.rollout import ABTest, Canary, Immediate, Shadow
from argosy.spec.schedule import Cron, Every
from argosy.spec.scratch import scratch
from argosy.spec.search import Candidate, Choice, Float, Int, Search
from argosy.spec.slice import Slice
from argosy.spec.source import Csv, Function, Parquet, Sql
from argosy.spec.span import Span
from argosy.spec.step import Limit, Step, step, trained, when, whole
from argosy.spec.trigger import after, event, new_version

if TYPE_CHECKING:
    from argosy.cli.frame import runs
    from argosy.cli.results import results
    from argosy.pipelines.notebook.execution import notebook

__version__ = "0.1.0"

__all__ = [
    "ABTest",
    "Approval",
    "Attribution",
    "Canary",
    "Candidate",
    "Choice",
    "Column",
    "Contract",
    "Cron",
    "Csv",
    "Dataset",
    "Drift",
    "Every",
    "Failed",
    "Fleet",
    "Float",
    "Format",
    "Function",
    "Gate",
    "Immediate",
    "Inputs",
    "Int",
    "Interval",
    "Label",
    "Limit",
    "Model",
    "Parquet",
    "Performance",
    "Pipeline",
    "Quality",
    "Reference",
    "Report",
    "RequestFeatures",
    "Rule",
    "Search",
    "Shadow",
    "Skew",
    "Slice",
    "Span",
    "Sql",
    "Step",
    "Table",
    "TimeSplit",
    "after",
    "degraded",
    "drifted",
    "event",
    "feature_view",
    "format",
    "log",
    "never",
    "new_rows",
    "new_version",
    "notebook",
    "older_than",
    "pipeline",
    "results",
    "runs",
    "scratch",
    "step",
    "trained",
    "when",
    "whole",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """What few projects use, and more than declares."""
    if name == "notebook":
        from argosy.pipelines.notebook.execution import notebook

        return notebook
    if name == "results":
        from argosy.cli.results import results

        return results
    if name == "runs":
        from argosy.cli.frame import runs

        return runs
    raise AttributeError(f"module 'argosy' has no attribute {name!r}")
