"""What an answer tells of each row, at every door under the same names."""

from __future__ import annotations

from typing import Any

from argosy.serving.batch import Answer

OUTPUTS = {"prediction": "FP64", "version": "BYTES", "route": "BYTES", "stale": "BOOL", "flags": "BYTES"}
"""Every output and its type on the wire."""
EXPLAINED = {"contributions": "FP64", "base": "FP64", "space": "BYTES"}
"""Those of rows that are explained."""


def told(answer: Answer) -> dict[str, list[Any]]:
    """The outputs of an answer, each with one value a row."""
    found: dict[str, list[Any]] = {
        "prediction": answer.predictions,
        "version": answer.versions,
        "route": answer.routes,
    }
    if answer.stale is not None:
        found["stale"] = answer.stale
    if answer.flags is not None:
        found["flags"] = answer.flags
    return found
