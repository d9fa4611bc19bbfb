"""Problems: what a contract finds wrong with rows that arrived, and what is done about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from argosy.store import mask
from argosy.store.findings import NewFinding

BLOCK, QUARANTINE, WARN = "block", "quarantine", "warn"
FAILED = "failed"
"""Outcome of a finding that keeps a version's rows out until somebody accepts them."""

RECORDED = "recorded"
"""Outcome of a change of the schema that was let in."""

ACCEPTED = "accepted"
"""Outcome of a finding that kept rows out until somebody accepted them."""

MISSING = "missing-column"
"""Rule that a column which was met before, or which the contract names, is there."""

EVOLUTION = "evolution"
"""Rule about columns that are new, wider, or back."""

OUTCOMES = {BLOCK: FAILED, QUARANTINE: "quarantined", WARN: "warned"}


_LONGEST = 80


class Problem(msgspec.Struct, frozen=True):
    """`rows` rows break `rule`; `examples` shows at most five. `severity` is the rule's `on_failure`."""

    rule: str
    severity: str
    message: str
    column: str | None = None
    rows: int = 0
    examples: tuple[Any, ...] = ()
    outcome: str | None = None

    def finding(self, dataset: str, version: int, at: datetime, tags: Mapping[str, str]) -> NewFinding:
        """The fact of this problem; values of columns that bear one of `tags` are left out of it."""
        return NewFinding(
            dataset=dataset,
            version=version,
            rule=self.rule,
            severity=self.severity,
            outcome=self.outcome or OUTCOMES[self.severity],
            rows=self.rows,
            message=self.message,
            at=at,
            column=self.column,
            examples=[_short(each) for each in mask.rows(self.examples, tags)],
        )


def _short(example: Any) -> Any:
    """A row to be shown: of a long text the beginning."""
    if isinstance(example, dict):
        return {name: _short(value) for name, value in example.items()}
    return f"{example[:_LONGEST]}…" if isinstance(example, str) and len(example) > _LONGEST + 1 else example


def blocks(problems: Iterable[Problem]) -> bool:
    """Whether any of the problems keeps the rows out."""
    return any(problem.outcome in (None, FAILED) and problem.severity == BLOCK for problem in problems)


def evolves(problem: Problem) -> bool:
    """Whether the problem is a change of the terms, let in by them or by somebody."""
    return problem.outcome == RECORDED or (problem.outcome == ACCEPTED and problem.rule in (EVOLUTION, MISSING))


def accepted(problems: Iterable[Problem], actor: str) -> list[Problem]:
    """The same problems after `actor` took the rows in all the same."""
    return [
        msgspec.structs.replace(problem, outcome=ACCEPTED, message=f"{problem.message} (accepted by {actor})")
        if blocks([problem])
        else problem
        for problem in problems
    ]
