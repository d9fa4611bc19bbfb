"""Marks for what the shipped suite leaves to its user to mark."""

from __future__ import annotations

import pytest

_SLOW = ("test_processes_that_append_lose_nothing", "test_processes_never_share_a_lease")
_FAULTS = ("killed", "flipped")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.name.startswith(_SLOW):
            item.add_marker(pytest.mark.slow)
        if any(word in item.name for word in _FAULTS):
            item.add_marker(pytest.mark.fault)
