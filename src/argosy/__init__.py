"""Argosy: keep fleets of models trained, gated, served, watched and explained.

This module is the vocabulary of a user's project: declarations and conditions, nothing else.
"""

from argosy.spec.condition import degraded, drifted, never, new_rows, older_than
from argosy.spec.contract import Column, Contract, Reference, Rule
from argosy.spec.dataset import Dataset
from argosy.spec.feature import feature_view
from argosy.spec.feature import request_features as RequestFeatures
from argosy.spec.fleet import Fleet, Label, TimeSplit
from argosy.spec.gate import Approval, Gate
from argosy.spec.monitor import Drift, Performance, Quality, Skew
from argosy.spec.rollout import Canary, Immediate
from argosy.spec.search import Candidate, Choice, Float, Int, Search
from argosy.spec.slice import Slice
from argosy.spec.source import Csv, Function, Parquet, Sql

__version__ = "0.1.0"

__all__ = [
    "Approval",
    "Canary",
    "Candidate",
    "Choice",
    "Column",
    "Contract",
    "Csv",
    "Dataset",
    "Drift",
    "Fleet",
    "Float",
    "Function",
    "Gate",
    "Immediate",
    "Int",
    "Label",
    "Parquet",
    "Performance",
    "Quality",
    "Reference",
    "RequestFeatures",
    "Rule",
    "Search",
    "Skew",
    "Slice",
    "Sql",
    "TimeSplit",
    "degraded",
    "drifted",
    "feature_view",
    "never",
    "new_rows",
    "older_than",
]  # fmt: skip
