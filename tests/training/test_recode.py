from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from argosy.model.signature import Feature, Signature, encode
from argosy.training.recode import extended, missing, recode

texts = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True).map(tuple)


def signature(*features: Feature) -> Signature:
    return Signature(features, "binary", "late")


@given(st.lists(st.sampled_from([*"abcdefg", None]), min_size=1, max_size=20), texts, texts)
def test_recoding_equals_encoding_for_the_categories_that_both_know(
    column: list[str | None], old: tuple[str, ...], new: tuple[str, ...]
) -> None:
    frame = pl.DataFrame({"n": [float(i) for i in range(len(column))], "k": column}, schema_overrides={"k": pl.String})
    source = signature(Feature("n", "number"), Feature("k", "category", new))
    target = signature(Feature("k", "category", old), Feature("n", "number"))
    known = frame.with_columns(pl.when(pl.col("k").is_in(new)).then("k"))
    found = recode(encode(frame, source), source, target, {})
    np.testing.assert_array_equal(found, encode(known, target))


def test_constants_fill_the_key_columns() -> None:
    source = signature(Feature("n", "number"))
    target = extended(source, {"origin": ("LGA", "JFK"), "n": ("1",)})
    assert [(f.name, f.categories) for f in target.features] == [("n", None), ("origin", ("JFK", "LGA"))]
    assert missing(source, target, {}) == ["origin"]
    assert missing(source, target, {"origin": "JFK"}) == []
    np.testing.assert_array_equal(recode(np.ones((2, 1)), source, target, {"origin": "LGA"}), [[1, 1], [1, 1]])
    assert np.isnan(recode(np.ones((1, 1)), source, target, {"origin": "EWR"})[0, 1])


def test_a_feature_that_is_gone_or_of_another_kind_is_missing() -> None:
    source = signature(Feature("n", "number"), Feature("b", "boolean"))
    assert missing(source, signature(Feature("b", "number"), Feature("x", "number")), {"x": "1"}) == ["b", "x"]


def test_an_equal_signature_changes_nothing() -> None:
    source = signature(Feature("n", "number"))
    matrix = np.ones((2, 1))
    assert recode(matrix, source, signature(Feature("n", "number")), {}) is matrix
