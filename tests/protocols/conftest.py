"""A real server on a home of its own, for clients that speak its protocols."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from argosy.store import Store
from tests.server.harbour import Harbour, open_harbour


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbour]:
    """A server whose clock is right."""
    home = tmp_path_factory.mktemp("protocols") / "home"
    Store.open(home).close()
    with open_harbour(home, lambda: datetime.now(UTC)) as harbour:
        yield harbour


@pytest.fixture(scope="module")
def server(harbour: Harbour) -> tuple[str, str]:
    """Its address, and a token of an admin."""
    return harbour.url, harbour.token
