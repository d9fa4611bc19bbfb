"""Whether one version takes longer than it may."""

from __future__ import annotations

import numpy as np

from argosy.metric.groups import Floats
from argosy.metric.tail import poisson_tail

_SHARE, _ALPHA = 0.01, 0.01


def slow(ours: Floats, theirs: Floats, *, limit_ms: float | None, slower: float | None, minimum: int) -> str:
    """Why a version is too slow, in words; empty where it is not, or fewer than `minimum` requests tell.

    `ours` and `theirs` are microseconds a request of the version and of the champion. It is too slow where more than 1
    % of its requests took longer than `limit_ms`, or than `slower` times the champion's 99th percentile, and so many
    that chance does not explain it (Poisson tail below 0.01; it bounds that of the binomial above its mean).
    """
    limits = []
    if limit_ms is not None:
        limits.append((limit_ms * 1000.0, f"the limit is {limit_ms:g} ms"))
    if slower is not None and len(theirs) >= minimum:
        base = float(np.quantile(theirs, 1.0 - _SHARE))
        limits.append((slower * base, f"the limit is {slower:g} times the champion's {base / 1000.0:.3g} ms"))
    for limit, said in limits:
        over = int((ours > limit).sum())
        expected = _SHARE * len(ours)
        if len(ours) >= minimum and over > expected and float(poisson_tail(over, expected)) < _ALPHA:
            took = float(np.quantile(ours, 1.0 - _SHARE)) / 1000.0
            return f"its latency is {took:.3g} ms (p99 of {len(ours)} requests), {said}"
    return ""
