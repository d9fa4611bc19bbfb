"""The stores of what is tracked: traces are of experiments."""

from __future__ import annotations

from tests.store.tracking.conftest import hand, store

__all__ = ["hand", "store"]
