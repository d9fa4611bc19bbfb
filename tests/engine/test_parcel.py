"""A parcel is opened by whom it is for, and by nobody who hands it on."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from argosy.engine.parcel import Forwarded, Parcel
from argosy.testing import chores


def test_what_is_packed_is_there_again_and_its_arrays_can_be_written() -> None:
    array = np.arange(100_000)
    carried = pickle.loads(pickle.dumps(Parcel.of({"a": array, "b": None}), protocol=5))
    found = carried.open()
    assert found["b"] is None and np.array_equal(found["a"], array)
    found["a"][0] = 7


def test_who_forwards_a_parcel_does_not_open_it() -> None:
    parcel = Parcel.of((chores.Hostile("raise"), np.arange(100_000)))
    carried = pickle.dumps(Forwarded(Parcel(*pickle.loads(pickle.dumps(parcel, protocol=5)))), protocol=5)
    with pytest.raises(ValueError, match="a bad row"):
        pickle.loads(carried)


def test_forwarded_is_read_as_what_it_holds() -> None:
    given = ("x", np.arange(100_000), [1])
    name, array, rest = pickle.loads(pickle.dumps(Forwarded(Parcel.of(given)), protocol=5))
    assert (name, rest) == ("x", [1]) and np.array_equal(array, given[1])
