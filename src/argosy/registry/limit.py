"""Limits of use: what a version must not be used for, and where it is weak."""

from __future__ import annotations

from collections.abc import Iterator

from argosy.spec.fleet import Fleet
from argosy.store.versions import Version

_FEW = 200


def limits(fleet: Fleet | None, version: Version, key: str) -> Iterator[str]:
    """What the version must not be used for, and where it is weak, from what is known of it."""
    held = int(version.body.get("held_out", {}).get("rows", 0))
    if fleet is not None and fleet.by:
        if key == "*":
            yield "Answers for members without a model of their own; it was not fitted to any one of them."
        else:
            asked = ", ".join(f"{name} = {value}" for name, value in zip(fleet.by, key.split("/"), strict=False))
            yield f"Answers only rows with {asked}; it has seen no others."
    if fleet is not None and fleet.lead:
        yield f"Expects to be asked {fleet.lead} before the event; later knowledge is not used, earlier is not tested."
    if version.span_high is not None:
        yield f"Has learned nothing of what happened after {version.span_high:%Y-%m-%d}."
    if held < _FEW:
        yield f"Judged on only {held} held-out rows: mind the intervals."
    yield "Scores are of past rows in the order of time; they promise nothing where the world changes."
    yield "A category that was not seen in training counts as missing."
