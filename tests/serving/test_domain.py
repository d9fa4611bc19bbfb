"""Domains: what a contract says of a column, and what versions have seen."""

from __future__ import annotations

from argosy.serving.domain import Domain
from argosy.spec.contract import Column


def test_each_bound_names_itself() -> None:
    domain = Domain.of(Column(nullable=False, minimum=0, maximum=10), None)
    assert domain is not None
    assert domain.faults([5.0, -1.0, 11.0, None]) == {1: "minimum", 2: "maximum", 3: "null"}


def test_texts_are_allowed_match_and_were_seen() -> None:
    allowed = Domain.of(Column(allowed=("BOS", "LAX"), pattern="^[A-Z]+$"), frozenset({"BOS"}))
    assert allowed is not None
    assert allowed.faults(["BOS", "LAX", "SFO", "lax", None]) == {1: "unseen", 2: "allowed", 3: "allowed"}
    pattern = Domain.of(Column(pattern="^(a+)+$"), None)
    assert pattern is not None and pattern.faults(["aaa", "a" * 60_000 + "b", None]) == {1: "pattern"}


def test_a_column_that_may_hold_anything_has_no_domain() -> None:
    assert Domain.of(None, None) is None and Domain.of(Column(type="Float64", on_failure="warn"), None) is None
    assert Domain.of(None, frozenset({"a"})) == Domain(seen=frozenset({"a"}))
