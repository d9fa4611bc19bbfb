"""Counters of the inference server in Prometheus' text format."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from argosy.serving.cache import ModelCache
from argosy.serving.recorder import Recorder
from argosy.serving.routing import VersionRef

_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Latencies(msgspec.Struct):
    """How many requests took up to each bound, and longer than the last, and how long all of them took."""

    buckets: list[int]
    seconds: float = 0.0


class Measures:
    """Requests, rows and latencies of one process. Written by the event loop alone."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.rows: Counter[tuple[str, str]] = Counter()
        self.batches: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self._latencies: dict[str, Latencies] = {}

    def answered(self, fleet: str, status: int, seconds: float) -> None:
        """Count one request of a fleet ("" where it named none)."""
        self.requests[fleet, status] += 1
        found = self._latencies.get(fleet)
        if found is None:
            found = self._latencies[fleet] = Latencies([0] * (len(_BOUNDS) + 1))
        found.buckets[bisect_left(_BOUNDS, seconds)] += 1
        found.seconds += seconds

    def counted(self, fleet: str, routes: Sequence[str]) -> None:
        """Count one answer, and its rows by how they were routed."""
        self.batches[fleet] += 1
        for reason in set(routes):
            self.rows[fleet, reason] += routes.count(reason)

    def failed(self, versions: Iterable[VersionRef]) -> None:
        """Count versions that failed on rows of a request."""
        for ref in versions:
            self.failures[ref.address] += 1

    def text(self, cache: ModelCache, recorder: Recorder | None, version: int) -> str:
        """Every counter, as Prometheus reads it."""
        lines = ["# TYPE argosy_requests_total counter"]
        lines += [
            f'argosy_requests_total{{fleet="{escaped(fleet)}",status="{status}"}} {n}'
            for (fleet, status), n in sorted(self.requests.items())
        ]
        lines.append("# TYPE argosy_rows_total counter")
        lines += [
            f'argosy_rows_total{{fleet="{escaped(fleet)}",route="{route}"}} {n}'
            for (fleet, route), n in sorted(self.rows.items())
        ]
        lines.append("# TYPE argosy_version_failures_total counter")
        lines += [f'argosy_version_failures_total{{version="{escaped(v)}"}} {n}' for v, n in self.failures.items()]
        lines += self._histogram()
        counters = cache.counters
        plain = {
            "argosy_cache_hits_total": counters.hits,
            "argosy_cache_misses_total": counters.misses,
            "argosy_cache_evictions_total": counters.evictions,
            "argosy_cache_failures_total": counters.failures,
            "argosy_cache_load_seconds_total": round(counters.seconds, 6),
            "argosy_cache_models": len(cache),
            "argosy_cache_pinned_models": cache.pinned,
            "argosy_cache_bytes": cache.bytes,
            "argosy_routing_version": version,
            "argosy_recorded_rows_total": recorder.written if recorder else 0,
            "argosy_recorder_dropped_rows_total": recorder.dropped if recorder else 0,
            "argosy_recorder_waiting_rows": recorder.waiting if recorder else 0,
        }
        for name, value in plain.items():
            lines += [f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}", f"{name} {value}"]
        return "\n".join(lines) + "\n"

    def _histogram(self) -> list[str]:
        name, lines = "argosy_request_seconds", ["# TYPE argosy_request_seconds histogram"]
        for fleet, found in sorted(self._latencies.items()):
            label, total = f'fleet="{escaped(fleet)}"', 0
            for bound, n in zip([*map(str, _BOUNDS), "+Inf"], found.buckets, strict=True):
                total += n
                lines.append(f'{name}_bucket{{{label},le="{bound}"}} {total}')
            lines += [f"{name}_sum{{{label}}} {found.seconds:.6f}", f"{name}_count{{{label}}} {total}"]
        return lines


def escaped(text: str) -> str:
    """The value of a label."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
