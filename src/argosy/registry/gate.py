"""Gates: pure verdicts on a version from what its training recorded."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from argosy.spec.gate import Approval, Gate
from argosy.spec.metric import greater_is_better


class Evidence(msgspec.Struct, frozen=True):
    """What gates look at: scores and costs by name, and comparisons on the same held-out rows by rival and score.

    A comparison has `own`, `rival`, `difference` (own minus rival), `low` and `high` (its 95 % interval). A number that
    could not be had is NaN or, read back from the store, None. `uncompared` says why a rival that exists could not be
    scored on these rows, such as one that needs a feature which is no longer declared.
    """

    metrics: dict[str, float | None]
    rivals: dict[str, dict[str, dict[str, float | None]]] = {}
    rows: int = 0
    uncompared: dict[str, str] = {}


class Ruling(msgspec.Struct, frozen=True):
    """What one gate says: `passed` is None while it waits for a person; `asked` is false where it had no need to."""

    gate: str
    passed: bool | None
    message: str
    evidence: dict[str, Any]
    asked: bool = True


def judge(
    gates: tuple[Gate | Approval, ...], evidence: Evidence, granted: bool | None = None, by: str = ""
) -> list[Ruling]:  # fmt: skip
    """Every gate's ruling, in order; `granted` is a person's answer, None while there is none, `by` whose and why.

    Nobody is asked about a version that another gate refused.
    """
    ruled = {gate.name: _gate(gate, evidence) for gate in gates if isinstance(gate, Gate)}
    refused = any(ruling.passed is False for ruling in ruled.values())
    return [
        _approval(gate, granted, by, refused=refused) if isinstance(gate, Approval) else ruled[gate.name]
        for gate in gates
    ]


def verdict(rulings: list[Ruling]) -> bool | None:
    """True when all passed, False when one failed, None when all others passed and one waits for a person."""
    if any(ruling.passed is False for ruling in rulings):
        return False
    return None if any(ruling.passed is None for ruling in rulings) else True


def refusal(rulings: list[Ruling]) -> Ruling:
    """The first ruling that refused the version, of rulings whose verdict is false."""
    return next(ruling for ruling in rulings if ruling.passed is False and ruling.asked)


def _approval(gate: Approval, granted: bool | None, by: str, *, refused: bool) -> Ruling:
    if granted is None and refused:
        return Ruling(gate.name, False, "not asked for, since another gate refused it", {}, asked=False)
    if granted is None:
        return Ruling(gate.name, None, f"waits for {gate.name}", {})
    said = "granted" if granted else "refused"
    return Ruling(gate.name, granted, f"{said} {by}" if by else said, {"granted": granted})


def _gate(gate: Gate, evidence: Evidence) -> Ruling:
    if gate.beats is not None:
        return _against(gate, gate.beats, evidence)
    value = _known(evidence.metrics.get(gate.metric))
    if value is None:
        return Ruling(gate.name, False, f"{gate.metric} is not known on {evidence.rows} held-out rows", {})
    passed = (gate.minimum is None or value >= gate.minimum) and (gate.maximum is None or value <= gate.maximum)
    message = f"{gate.metric} is {value:.4g}"
    return Ruling(gate.name, passed, message, {"value": value, "minimum": gate.minimum, "maximum": gate.maximum})


def _against(gate: Gate, rival: str, evidence: Evidence) -> Ruling:
    scores = evidence.rivals.get(rival)
    if scores is None:
        why = evidence.uncompared.get(rival)
        return Ruling(
            gate.name, True, f"not held against the {rival}: {why}" if why else f"there is no {rival} to beat", {}
        )
    seen = scores.get(gate.metric, {})
    own, other, difference = (_known(seen.get(name)) for name in ("own", "rival", "difference"))
    if own is None or other is None or difference is None:
        return Ruling(gate.name, False, f"{gate.metric} cannot be compared with the {rival}", {})
    gain = difference if greater_is_better(gate.metric) else -difference
    message = f"{gate.metric} {own:.4g} against {other:.4g} of the {rival} on {evidence.rows} rows"
    return Ruling(gate.name, gain > gate.by or (gate.by > 0 and gain == gate.by), message, {**seen, "by": gate.by})


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value
