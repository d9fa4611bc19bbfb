"""What one process keeps from watch to watch, so that it looks only at what is new."""

from __future__ import annotations

from argosy.controller.watching.baseline import Baselines
from argosy.controller.watching.counts import Counts
from argosy.controller.watching.kept import Kept
from argosy.controller.watching.reference import References
from argosy.store.store import Store


class Memory:
    """For one thread: the controller's. All of it can be made again from the store."""

    def __init__(self, store: Store) -> None:
        self.counts = Counts(store)
        self.references = References(store)
        self.challengers = References(store)
        self.baselines = Baselines()
        self.kept = Kept()
