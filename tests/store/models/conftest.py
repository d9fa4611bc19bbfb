"""The stores of what is tracked: models are of runs."""

from __future__ import annotations

from tests.store.tracking.conftest import hand, store

__all__ = ["hand", "store"]
