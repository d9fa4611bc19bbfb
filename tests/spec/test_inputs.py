"""What becomes of rows that do not fit is declared, and checked when it is."""

from __future__ import annotations

import pytest

import argosy as ag
from argosy.errors import DeclarationError


def test_what_is_imputed_is_of_any_plain_type() -> None:
    rules = ag.Inputs(missing="impute", fill={"distance": 1, "dest": "LAX", "cold": True})
    assert rules.fill == {"distance": 1.0, "dest": "LAX", "cold": True} and rules.domain == "flag"


def test_a_value_to_impute_needs_something_to_impute_it_for() -> None:
    with pytest.raises(DeclarationError, match="left out where nothing is imputed"):
        ag.Inputs(fill={"distance": 1.0})
    with pytest.raises(DeclarationError, match=r"Inputs\.missing"):
        ag.Inputs(missing="ignore")  # type: ignore[arg-type]
