"""The suites that every back end must pass, for those who bring their own. They need pytest."""

import pytest

_SUITES = ("blobs", "facts", "leases", "members", "processes", "reading")
pytest.register_assert_rewrite(*(f"{__name__}.{suite}" for suite in _SUITES))

from argosy.testing.store import StoreConformance  # noqa: E402  (after the rewrite is registered)

__all__ = ["StoreConformance"]
