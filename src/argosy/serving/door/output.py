"""What an answer tells of each row, at every door under the same names."""

from __future__ import annotations

from typing import Any

from argosy.serving.batch import Answer
from argosy.serving.routing import Endpoint
from argosy.spec.quantile import column

NUMBER = "FP64"

OUTPUTS = {
    "prediction": "FP64", "version": "BYTES", "route": "BYTES", "lower": "FP64", "upper": "FP64", "stale": "BOOL",
    "flags": "BYTES",
}  # fmt: skip
"""Every output and its type on the wire, but for the quantiles of fleets that have some."""
EXPLAINED = {"contributions": "FP64", "base": "FP64", "space": "BYTES"}
"""Those of rows that are explained."""


def outputs(endpoint: Endpoint) -> dict[str, str]:
    """Every output that a fleet's answers may have, with its type on the wire."""
    return OUTPUTS | dict.fromkeys(map(column, endpoint.quantiles), NUMBER)


def told(answer: Answer) -> dict[str, list[Any]]:
    """The outputs of an answer, each with one value a row."""
    found: dict[str, list[Any]] = {
        "prediction": answer.predictions,
        "version": answer.versions,
        "route": answer.routes,
    }
    if answer.margins is not None:
        pairs = list(zip(answer.predictions, answer.margins, strict=True))
        found["lower"] = [None if margin is None else value - margin for value, margin in pairs]
        found["upper"] = [None if margin is None else value + margin for value, margin in pairs]
    if answer.quantiles is not None:
        found |= answer.quantiles
    if answer.stale is not None:
        found["stale"] = answer.stale
    if answer.flags is not None:
        found["flags"] = answer.flags
    return found
