"""Sessions on local workers: the shared suite, and what is its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from argosy.engine.contract import Engine
from argosy.engine.local import Local
from argosy.testing.session import LogConformance, SessionConformance


class TestRun(SessionConformance):
    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        with Local(2, backoff=0.01) as engine:
            yield engine


class TestLogs(LogConformance):
    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        with Local(2, backoff=0.01) as engine:
            yield engine
