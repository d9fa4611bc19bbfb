"""One version against a rival on the same rows, as a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from argosy.spec.metric import greater_is_better

_RIVALS = {"champion": "the champion", "pooled": "the pooled model"}
_VERDICTS = {"better": "Better than", "worse": "Worse than", "even": "Not clearly different from"}


class Duel(msgspec.Struct, frozen=True):
    """A paired comparison; `low`..`high` is the 95 % interval of `own` minus `theirs`, `words` say what it means."""

    rival: str
    score: str
    own: float
    theirs: float
    low: float
    high: float
    verdict: str
    words: str


def duels(body: dict[str, Any]) -> Iterator[Duel]:
    """Every comparison in the body of a version: better, worse, or even, where the interval holds zero."""
    for rival, scores in body.get("rivals", {}).items():
        for name, seen in scores.items():
            verdict = _verdict(name, seen)
            words = (
                f"{_VERDICTS[verdict]} {_RIVALS.get(rival, rival)}: {name} {seen['own']:.4g} against "
                f"{seen['rival']:.4g}, difference {seen['difference']:+.4g} "
                f"(95 % interval {seen['low']:+.4g} to {seen['high']:+.4g}) on {int(seen.get('rows', 0)):,} rows"
            )
            yield Duel(rival, name, seen["own"], seen["rival"], seen["low"], seen["high"], verdict, words)


def _verdict(name: str, seen: dict[str, float]) -> str:
    if seen["low"] <= 0 <= seen["high"]:
        return "even"
    return "better" if (seen["low"] > 0) == greater_is_better(name) else "worse"
