"""A real server on a home of its own, for clients that speak its protocols."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from argosy.store import Store
from tests.server.harbour import open_harbour


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a server whose clock is right, and a token of an admin."""
    home = tmp_path_factory.mktemp("protocols") / "home"
    Store.open(home).close()
    with open_harbour(home, lambda: datetime.now(UTC)) as harbour:
        yield harbour.url, harbour.token
