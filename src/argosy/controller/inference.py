"""What the inference server reads online features with: no part of the loop, and no model library."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from argosy.features.online import Online
from argosy.features.reader import Reader
from argosy.features.source import Source


class View(Protocol):
    """What is asked of one view of an endpoint."""

    name: str
    entity: tuple[str, ...]
    columns: tuple[str, ...]
    ttl: timedelta | None


class Endpoint(Protocol):
    """What is asked of an endpoint: the views that its models read."""

    @property
    def views(self) -> tuple[View, ...]:
        """The views in the order of their bindings."""
        ...


def readers(root: str) -> Callable[[Endpoint], Reader]:
    """The readers of a home whose directory is `root`, by endpoint; called once in each worker process."""
    online = Online(Path(root) / "online")

    def reader(endpoint: Endpoint) -> Reader:
        views = endpoint.views
        return online.reader([Source(v.name, v.entity, "event time", None, v.columns, v.ttl) for v in views])

    return reader
