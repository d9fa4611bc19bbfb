"""Which cluster the environment means. That it is one is tried in `test_ray`."""

from __future__ import annotations

import socket

import pytest

from argosy.engine.cluster import Cluster
from argosy.errors import ArgosyError, UsageError


@pytest.mark.parametrize("environment", [{}, {"ARGOSY_ENGINE": "local"}, {"ARGOSY_ENGINE": ""}])
def test_work_is_done_on_this_machine_unless_asked_otherwise(environment: dict[str, str]) -> None:
    assert Cluster.of(environment | {"ARGOSY_RAY_ADDRESS": "10.0.0.1:6379"}) is None


def test_a_cluster_is_asked_for() -> None:
    assert Cluster.of({"ARGOSY_ENGINE": "ray"}) is not None


def test_an_engine_that_there_is_not() -> None:
    with pytest.raises(UsageError, match="the engine is 'spark'"):
        Cluster.of({"ARGOSY_ENGINE": "spark"})


@pytest.mark.slow
def test_no_cluster_at_an_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ArgosyError, match=f"the cluster at {address} cannot be used: .*refused"):
        Cluster(address).connect()
