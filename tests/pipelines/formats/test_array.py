"""NumPy arrays and scalars, without the pickles that NumPy would write of objects."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from argosy.errors import CorruptError, InputError
from argosy.pipelines.format import Saved, find
from argosy.pipelines.formats.sink import SMALL
from tests.pipelines.trip import Trip

dtypes = arrays.scalar_dtypes() | arrays.unicode_string_dtypes() | arrays.byte_string_dtypes()


@given(arrays.arrays(dtypes, arrays.array_shapes(min_dims=1, min_side=0)))
def test_arrays_come_back(array: npt.NDArray[Any]) -> None:
    trip = Trip(Path("unused"))
    back = trip.again(array)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)
    assert trip.save(back) == trip.save(array)


def test_large_arrays_are_mapped_and_cannot_be_written(trip: Trip) -> None:
    array = np.arange(SMALL)
    back = trip.again(array)
    assert isinstance(back, np.memmap)
    assert not back.flags.writeable
    np.testing.assert_array_equal(back, array)
    assert trip.again(array[:10]).flags.writeable


@pytest.mark.parametrize(
    ("value", "wanted", "back"),
    [
        (np.float64(0.5), float, 0.5),
        (np.float32(0.5), float | None, 0.5),
        (np.bool_(True), bool, True),
        (np.int8(3), int, 3),
        (np.float32(0.5), Any, np.float32(0.5)),
        (np.datetime64("2020-01-01"), Any, np.datetime64("2020-01-01")),
        (np.array(1.5), np.ndarray, np.array(1.5)),
    ],
)
def test_scalars_are_scalars(trip: Trip, value: Any, wanted: Any, back: Any) -> None:
    found = trip.again(value, wanted)
    assert (type(found), found) == (type(back), back)


@pytest.mark.parametrize("array", [np.array([object()]), np.ma.masked_array([1, 2], [True, False])])
def test_what_is_no_plain_array_is_refused(trip: Trip, array: npt.NDArray[Any]) -> None:
    with pytest.raises(InputError, match="has no format"):
        trip.save(array)


def test_a_pickle_is_never_read(trip: Trip) -> None:
    memory = io.BytesIO()
    np.save(memory, np.array([{"a": 1}]), allow_pickle=True)
    data = memory.getvalue()
    with pytest.raises(CorruptError, match="allow_pickle=False"):
        trip.load("array", Saved(hashlib.sha256(data).hexdigest(), len(data), data))


def test_a_preview_shows_type_shape_and_head() -> None:
    array = np.arange(100.0).reshape(10, 10)
    shown = find(array).preview(array)
    assert shown == {"kind": "array", "type": "float64", "shape": [10, 10], "head": [f"{n}.0" for n in range(10)]}
