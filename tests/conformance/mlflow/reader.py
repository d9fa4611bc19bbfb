"""What stock MLflow makes of filters and orders, run by the Python of its environment: JSON in, JSON out.

A server of its own kind answers each search over an empty database: what it refuses, or fails at, is refused. What it
takes is told clause by clause, as its parser read it.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from typing import Any

from mlflow.entities import ViewType
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking
from mlflow.utils.search_logged_model_utils import parse_filter_string
from mlflow.utils.search_utils import (
    SearchExperimentsUtils,
    SearchModelUtils,
    SearchModelVersionUtils,
    SearchUtils,
)

PARSERS: dict[str, Any] = {
    "runs": SearchUtils,
    "experiments": SearchExperimentsUtils,
    "registered models": SearchModelUtils,
    "model versions": SearchModelVersionUtils,
}
ORDERS: dict[str, Any] = {
    "runs": SearchUtils.parse_order_by_for_search_runs,
    "experiments": SearchExperimentsUtils.parse_order_by_for_search_experiments,
    "registered models": lambda text: ("attribute", *SearchUtils.parse_order_by_for_search_registered_models(text)),
    "model versions": SearchModelVersionUtils.parse_order_by_for_search_model_versions,
}
OTHER = {"params": "parameter", "metrics": "metric", "tags": "tag", "attributes": "attribute"}


def search(tracking: Any, registry: Any, kind: str, text: str, order: list[str]) -> None:
    """Raise what the server would answer with."""
    if kind == "runs":
        tracking.search_runs(["0"], text, ViewType.ACTIVE_ONLY, 1, order)
    elif kind == "experiments":
        tracking.search_experiments(ViewType.ACTIVE_ONLY, 1, text, order)
    elif kind == "logged models":
        tracking.search_logged_models(["0"], text, max_results=1)
    elif kind == "registered models":
        registry.search_registered_models(text, 1, order)
    else:
        registry.search_model_versions(text, 1, order)


def clauses(kind: str, text: str) -> list[tuple[Any, ...]]:
    if kind == "logged models":
        found = [
            (OTHER[each.entity.type.value], each.entity.key, each.op, each.value) for each in parse_filter_string(text)
        ]
    else:
        parsed = PARSERS[kind].parse_search_filter(text)
        found = [(each["type"], each["key"], each["comparator"].upper(), each["value"]) for each in parsed]
    return [(entity, named(kind, entity, key), operator, value) for entity, key, operator, value in found]


def named(kind: str, entity: str, key: str) -> str:
    """The name that a key has in the end."""
    if kind == "runs" and entity == "attribute":
        return SearchUtils.translate_key_alias(key)
    return "last_updated_timestamp" if key == "timestamp" else key


def answers() -> list[Any]:
    """Of each (kind, text, order) the clauses and the order, else why it is refused."""
    with tempfile.TemporaryDirectory() as place:
        tracking = Tracking(f"sqlite:///{place}/it.db", f"{place}/artifacts")
        registry = Registry(f"sqlite:///{place}/it.db")
        found: list[Any] = []
        for kind, text, order in json.load(sys.stdin):
            try:
                search(tracking, registry, kind, text, order)
                ordered = [ORDERS[kind](each) for each in order]
                found.append([clauses(kind, text), [(a, named(kind, a, b), c) for a, b, c in ordered]])
            except Exception as error:  # whatever it is, the client has no answer
                found.append(f"{type(error).__name__}: {error}"[:200])
        return found


logging.disable(logging.CRITICAL)
json.dump(answers(), sys.stdout)
