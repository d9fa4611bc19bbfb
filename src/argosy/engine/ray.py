"""The engine of a cluster: each worker under a supervisor beside it, on whichever machine Ray has room."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from random import Random

from argosy.engine.backlog import Backlog
from argosy.engine.cluster import Cluster
from argosy.engine.exclusive import Exclusive
from argosy.engine.ledger import Ledger
from argosy.engine.network import Network
from argosy.engine.relay import Relay
from argosy.engine.stepped import Stepped


class Ray(Exclusive):
    """Workers on the machines of a cluster, one for each of `workers` processors (default: all that it has).

    A worker is a process of its own beneath the actor that Ray places: what `Local` promises is kept where it runs.
    `preload`, `paths`, `backoff` and `random` are as for `Local`. `paths` are read on every machine of the cluster, and
    tasks have the environment of the one that they run on.
    """

    def __init__(
        self,
        cluster: Cluster,
        workers: int | None = None,
        *,
        preload: Sequence[str] = (),
        paths: Sequence[str | Path] = (),
        backoff: float = 0.1,
        random: Random | None = None,
    ) -> None:
        super().__init__(cluster.cpus if workers is None else workers, backoff, random)
        self._network = Network(cluster, self.workers, preload, [str(path) for path in paths])
        self._stop = weakref.finalize(self, self._network.stop)

    def close(self) -> None:
        """See `Engine.close`. The cluster stays."""
        self._stop()

    def _open(self, backlog: Backlog, ledger: Ledger, *, logs: bool, strict: bool) -> Stepped:
        closed = self._running.release
        return Relay(self._network, backlog, ledger, self._cancelled, closed, logs=logs, strict=strict)
