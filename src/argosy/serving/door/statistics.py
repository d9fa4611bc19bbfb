"""Statistics of fleets, as the Open Inference Protocol's extension names them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from argosy.serving.measure import Measures
from argosy.serving.routing import Endpoint


def statistics(measures: Measures, endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """What one process has answered since it started: rows, batches, and requests that failed.

    Times are not kept by fleet here: `GET /metrics` has them.
    """
    return {"model_stats": [_of(measures, endpoint.fleet) for endpoint in endpoints]}


def _of(measures: Measures, fleet: str) -> dict[str, Any]:
    rows = sum(n for (name, _), n in measures.rows.items() if name == fleet)
    failed = sum(n for (name, status), n in measures.requests.items() if name == fleet and status >= 400)
    batches = measures.batches[fleet]
    return {
        "name": fleet,
        "version": "",
        "inference_count": rows,
        "execution_count": batches,
        "inference_stats": {"success": {"count": batches}, "fail": {"count": failed}},
        "batch_stats": [],
    }
