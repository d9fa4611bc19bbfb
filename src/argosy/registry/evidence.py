"""What training recorded of a version, as gates and rollouts read it."""

from __future__ import annotations

from argosy.registry.gate import Evidence
from argosy.spec.metric import greater_is_better
from argosy.store.versions import Version


def evidence(version: Version) -> Evidence:
    """The scores, costs and comparisons of a version on its held-out rows."""
    body = version.body
    rows = int(body.get("held_out", {}).get("rows", 0))
    return Evidence(version.metrics, body.get("rivals", {}), rows, body.get("uncompared", {}))


def choice(version: Version) -> tuple[bool, str]:
    """Whether the version should answer for its member, or the pooled model, and why in words."""
    answer = version.body.get("answer", {})
    return bool(answer.get("own", True)), str(answer.get("reason", ""))


def pooled_instead(version: Version, metric: str) -> str:
    """Why the pooled model should take over from a champion that this version did not replace; empty if it should not.

    Both were scored on the version's held-out rows. The champion stays unless the pooled model is better there by more
    than half the width of the 95 % interval of its difference from this version.
    """
    rivals = version.body.get("rivals", {})
    champion, pooled = rivals.get("champion", {}).get(metric, {}), rivals.get("pooled", {}).get(metric, {})
    ours, theirs = champion.get("rival"), pooled.get("rival")
    low, high = pooled.get("low"), pooled.get("high")
    if ours is None or theirs is None or low is None or high is None:
        return ""
    gain = theirs - ours if greater_is_better(metric) else ours - theirs
    if not gain > (high - low) / 2:
        return ""
    return f"{metric} of the pooled model {theirs:.4g} against {ours:.4g} of the champion"
