"""What reads the feature views of an endpoint for rows that lie somewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from argosy.controller.house import Places
from argosy.controller.inference import readers
from argosy.controller.scoring.history import History
from argosy.serving.bulk.online import OnlineViews
from argosy.serving.bulk.view import Views
from argosy.serving.routing import Endpoint
from argosy.serving.score import OnlineReader
from argosy.store import Store


def opened(store: Store, endpoint: Endpoint) -> Views | None:
    """The history of the views; where their rows are computed no longer, or not yet, as requests read them.

    None for an endpoint without views.
    """
    if not endpoint.views:
        return None
    with store.read() as conn:
        history = History.of(conn, store, endpoint)
    if history is not None:
        return history
    # The controller states what it asks of an endpoint in words of its own; the shapes are the same.
    opening = cast(Callable[[Endpoint], OnlineReader], readers(str(Places.of(store).root)))
    return OnlineViews(endpoint, opening(endpoint))
