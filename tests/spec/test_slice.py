from __future__ import annotations

import polars as pl
import pytest
from lightgbm import LGBMClassifier

import argosy as ag
from argosy.errors import DeclarationError
from argosy.spec import document


def fleet(*slices: object) -> ag.Fleet:
    return ag.Fleet("late", spine="flights", label="late", features=["distance"], candidates=[LGBMClassifier()],
                    slices=list(slices))  # fmt: skip


def test_the_name_of_a_column_stands_for_its_values() -> None:
    assert fleet("dest") == fleet(ag.Slice("dest", pl.col("dest"))) == fleet(ag.Slice("dest", "dest"))
    assert fleet("dest").slices[0].values.columns() == ("dest",)


def test_slices_travel_as_json_and_count_in_the_fingerprint() -> None:
    haul = ag.Slice("haul", pl.when(pl.col("distance") < 500).then(pl.lit("short")).otherwise(pl.lit("long")))
    declared = fleet("dest", haul)
    again = document.decode(document.encode(declared))
    assert again == declared
    frame = pl.DataFrame({"distance": [100, 900, 4000]})
    assert isinstance(again, ag.Fleet)
    values = frame.select(again.slices[1].values.expr().cast(pl.String)).to_series()
    assert values.to_list() == ["short", "long", "long"]
    assert document.fingerprint(declared) != document.fingerprint(fleet("dest"))
    (change,) = [each for each in document.diff(fleet("dest"), declared) if each.path.endswith("name")]
    assert (change.path, change.after) == ("slices[1].name", "haul")


@pytest.mark.parametrize(
    ("slices", "said"),
    [
        ((3,), "Fleet.slices is 3"),
        (("dest", ag.Slice("dest", "carrier")), "named once"),
        ((ag.Slice,), "Fleet.slices"),
    ],
)
def test_what_is_no_slice_is_refused(slices: tuple[object, ...], said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        fleet(*slices)


def test_a_slice_holds_no_python() -> None:
    with pytest.raises(DeclarationError, match="Python"):
        ag.Slice("odd", pl.col("distance").map_batches(lambda x: x % 2, return_dtype=pl.Int64))
