from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.console import query
from argosy.errors import InputError
from tests.console import build

TABLE = pl.DataFrame(
    {
        "key": ["EWR/9E", "EWR/AA", "JFK/AA", "*"], "by_origin": ["EWR", "EWR", "JFK", "*"],
        "by_carrier": ["9E", "AA", "AA", None], "status": ["serving", "drifting", "serving", "serving"],
        "target": ["own", "pooled", "own", None], "rows": [100.0, 500.0, None, 900.0], "drift_value": [0.1, 0.4, 0.2,
        None],
    }
)  # fmt: skip


def keys(text: str) -> list[str]:
    return TABLE.filter(query.choose(text, build.fleet()))["key"].to_list()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["EWR/9E", "EWR/AA", "JFK/AA", "*"]),
        ("status:drifting", ["EWR/AA"]),
        ("-status:serving", ["EWR/AA"]),
        ("STATUS", []),
        ("carrier:aa origin:JFK", ["JFK/AA"]),
        ("rows>100", ["EWR/AA", "*"]),
        ("rows>=100 rows<=500", ["EWR/9E", "EWR/AA"]),
        ("-rows>100", ["EWR/9E", "JFK/AA"]),
        ("rows:none", ["JFK/AA"]),
        ("key:EWR/*", ["EWR/9E", "EWR/AA"]),
        ("key:*/AA", ["EWR/AA", "JFK/AA"]),
        ("ewr", ["EWR/9E", "EWR/AA"]),
        ("ewr drift>0.3", ["EWR/AA"]),
        ('key:"*"', ["*"]),
        ("answers:pooled", ["EWR/AA"]),
    ],
)
def test_a_query_chooses(text: str, found: list[str]) -> None:
    assert keys(text) == found


@pytest.mark.parametrize("text", ["colour:red", "rows>many", "status>3", 'key:"open', "status:", "rows:abc*"])
def test_what_cannot_be_read_is_said(text: str) -> None:
    with pytest.raises(InputError) as error:
        keys(text)
    assert error.value.next


def test_a_chip_sets_and_lifts_its_term_and_keeps_the_rest() -> None:
    once = query.toggled("rows>5 status:new", "status", "failed")
    assert once == "rows>5 status:failed"
    assert query.names(once, "status", "failed")
    assert query.toggled(once, "status", "failed") == "rows>5"
    assert query.toggled('open "quote', "status", "failed") == "status:failed"


@given(st.text(alphabet='abA:"*<>-=\\ \t\n/%0é', max_size=24))
def test_any_text_chooses_or_is_refused_in_words(text: str) -> None:
    try:
        assert set(keys(text)) <= set(TABLE["key"])
    except InputError as error:
        assert error.message
