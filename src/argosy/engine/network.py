"""The outposts of one engine: started as they are needed, asked, and stopped together."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from typing import Any

from argosy.engine.branch import Branch
from argosy.engine.cluster import Cluster
from argosy.errors import ArgosyError

_STOP = 10.0  # seconds that an outpost may take to end its processes; one that does not is killed with them


class Network:
    """So many branches at a time, where the cluster has room for them."""

    def __init__(self, cluster: Cluster, workers: int, preload: Sequence[str], paths: Sequence[str]) -> None:
        self._cluster, self._workers = cluster, workers
        self._preload, self._paths = list(preload), list(paths)
        self._owner = os.getpid()
        self._stopped = False
        self._ray: Any = None
        self.branches: list[Branch] = []

    @property
    def lost(self) -> type[Exception]:
        """What `answer` raises where the outpost is gone."""
        error: type[Exception] = self._ray.exceptions.RayError
        return error

    def fill(self) -> list[Branch]:
        """Start what is missing; the branches that were not asked to begin a session. ArgosyError once stopped."""
        if self._stopped:
            raise ArgosyError("this engine is closed", next="make a new one")
        if self._ray is None:
            self._ray = self._cluster.connect()
        while len(self.branches) < self._workers:
            self.branches.append(Branch(self._ray, self._preload, self._paths))
        return [each for each in self.branches if not each.ready and each.call is None]

    def wait(self, seconds: float) -> list[Branch]:
        """Branches that have answered; waits for the first."""
        asked = {each.call: each for each in self.branches if each.call is not None}
        if not asked:
            time.sleep(seconds)
            return []
        calls = list(asked)
        ready, _ = self._ray.wait(calls, num_returns=1, timeout=seconds)
        if ready and len(calls) > 1:
            ready, _ = self._ray.wait(calls, num_returns=len(calls), timeout=0)
        return [asked[each] for each in ready]

    def answer(self, branch: Branch) -> Any:
        """What a branch has answered."""
        call, branch.call = branch.call, None
        return self._ray.get(call)

    def bury(self, branch: Branch) -> None:
        """Forget a branch that is gone."""
        self.branches.remove(branch)
        with contextlib.suppress(Exception):
            branch.kill()

    def free(self) -> None:
        """End the session on all branches; those that do not answer are killed."""
        if self._stopped:
            return
        began = [each for each in self.branches if each.ready or each.call is not None]
        for branch in self._unheard([(each, each.end()) for each in began]):
            self.bury(branch)

    def stop(self) -> None:
        """End all, for good. Does nothing in a process that was forked from the owner."""
        if os.getpid() != self._owner or self._stopped:
            return
        self._stopped = True
        if self._ray is None or not self._ray.is_initialized():
            return
        self._unheard([(each, each.stop()) for each in self.branches])
        for branch in list(self.branches):
            self.bury(branch)

    def _unheard(self, calls: list[tuple[Branch, Any]]) -> list[Branch]:
        """Those of some branches whose call has failed or came to no end in time."""
        if not calls:
            return []
        self._ray.wait([call for _, call in calls], num_returns=len(calls), timeout=_STOP)
        found = []
        for branch, call in calls:
            try:
                self._ray.get(call, timeout=0)
            except self.lost:
                found.append(branch)
        return found
