"""How much is asked of the servers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Counts: small calls of a kind, batches of 1,000 metrics, points of a metric, versions of a model,
    runs to search in (ours; the peer is asked about the first alone), searches of a kind (of ours, and of the peer's,
    which take up to a minute each), bytes of an artifact, seconds of eight writers.
    """

    calls: int = 800
    batches: int = 40
    points: int = 10_000
    versions: int = 1_000
    runs: tuple[int, ...] = (20_000, 200_000)
    searches: int = 40
    searches_of_peer: int = 1
    artifact: int = 1 << 30
    soak: float = 60.0


QUICK = Size(calls=80, batches=3, points=2_000, versions=40, runs=(300, 900), searches=3, artifact=1 << 25, soak=2.0)
