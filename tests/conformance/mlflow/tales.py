"""All tales, by name."""

from __future__ import annotations

from collections.abc import Mapping

from tests.conformance.mlflow.corpus import (
    experiments,
    inputs,
    logged,
    metrics,
    registered,
    runs,
    sought,
    versions,
)
from tests.conformance.mlflow.step import Tale

TALES: Mapping[str, Tale] = {
    **experiments.TALES, **runs.TALES, **metrics.TALES, **inputs.TALES, **sought.TALES, **registered.TALES,
    **versions.TALES, **logged.TALES,
}  # fmt: skip
