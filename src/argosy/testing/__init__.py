"""The suites that every back end must pass, for those who bring their own. They need pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argosy.testing.store import StoreConformance

__all__ = ["StoreConformance"]

_SUITES = (
    "blobs", "datasets", "facts", "leases", "members", "processes", "reading", "runs", "tallies", "transactions",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    # Not before it is asked for: the processes that the suite starts need no pytest.
    if name != "StoreConformance":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pytest

    pytest.register_assert_rewrite(*(f"{__name__}.{suite}" for suite in _SUITES))
    from argosy.testing.store import StoreConformance

    return StoreConformance
