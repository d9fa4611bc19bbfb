"""Columns of tables of runs, as a URL or a command line spells them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import UsageError
from argosy.store.tracking import column
from argosy.store.tracking.clause import Order

keys = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12).filter(
    lambda key: not ("`" in key and '"' in key)
)
columns = st.lists(st.builds(Order, st.sampled_from(["metric", "parameter", "tag"]), keys), unique=True, max_size=6)


def test_a_column_is_spelt_as_in_a_search() -> None:
    found = column.parse('metrics.auc, params.`max, depth`,tags."a`b",status,metrics.auc')
    assert found == [
        Order("metric", "auc"), Order("parameter", "max, depth"), Order("tag", "a`b"), Order("attribute", "status"),
    ]  # fmt: skip
    assert column.join(found) == 'metrics.auc,params.`max, depth`,tags."a`b",status'
    assert column.parse("") == column.parse(" , ") == []


@given(columns)
def test_what_is_spelt_is_read_back(given: list[Order]) -> None:
    assert column.parse(column.join(given)) == given


def test_a_sort_goes_down_behind_a_dash() -> None:
    assert column.order("metrics.auc") == Order("metric", "auc")
    assert column.order("-metrics.auc") == Order("metric", "auc", ascending=False)


@pytest.mark.parametrize("text", ["colour", "metrics", "models.auc", "metrics.auc ASC DESC"])
def test_what_no_run_has_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        column.parse(text)


def test_the_number_of_columns_has_a_limit() -> None:
    with pytest.raises(UsageError, match="41 columns are asked for, the limit is 40"):
        column.parse(",".join(f"metrics.m{n}" for n in range(41)))
