"""Plain values: what comes back is what was saved, and equal values are equal bytes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import hashlib
import math
import os
import subprocess
import sys
import tempfile
import uuid
from collections import Counter, OrderedDict, defaultdict
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import CorruptError, InputError
from argosy.pipelines.format import Saved, find
from argosy.pipelines.formats.value import items, read
from argosy.spec.annotation import Table
from tests.pipelines.trip import Trip

TRIP = Trip(Path(tempfile.gettempdir(), "never-written"))  # values of these tests stay in memory

zones = st.none() | st.just(dt.UTC) | st.sampled_from(["Europe/Berlin", "America/New_York"]).map(ZoneInfo)
keys = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.dates()
    | st.datetimes(timezones=zones) | st.times() | st.timedeltas() | st.uuids() | st.decimals(allow_nan=False)
)  # fmt: skip
values = st.recursive(
    keys,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner) | st.sets(keys)
    | st.frozensets(keys),
    max_leaves=20,
)  # fmt: skip


class Colour(enum.Enum):
    RED = "red"


class Nameless(dt.tzinfo):
    """A zone that depends on the day, and has no key."""

    def utcoffset(self, at: dt.datetime | None) -> dt.timedelta | None:
        return None if at is None else dt.timedelta(hours=1)

    def dst(self, at: dt.datetime | None) -> None:
        return None

    def tzname(self, at: dt.datetime | None) -> None:
        return None


class Point(NamedTuple):
    x: int
    y: float


@dataclasses.dataclass
class Settings:
    depth: int
    cuts: tuple[float, ...]
    since: dt.date


class Square(msgspec.Struct, tag="square", rename="camel"):
    side_length: float


class Circle(msgspec.Struct, tag="circle", array_like=True):
    radius: float


class Holder(msgspec.Struct):
    rows: pl.DataFrame
    colour: Colour = Colour.RED


@given(values)
def test_what_comes_back_is_what_was_saved(value: Any) -> None:
    back = TRIP.again(value)
    assert (type(back), back) == (type(value), value)


@given(values)
def test_bytes_do_not_depend_on_how_a_value_was_made(value: Any) -> None:
    name, saved = TRIP.save(value)
    assert saved.data is not None
    assert saved.digest == hashlib.sha256(saved.data).hexdigest()
    assert TRIP.save(TRIP.load(name, saved)) == (name, saved)


@given(st.dictionaries(keys, st.integers()))
def test_the_order_of_a_dict_does_not_count(value: dict[Any, int]) -> None:
    assert TRIP.save(value) == TRIP.save(dict(reversed(list(value.items()))))


def test_bytes_are_the_same_in_every_process() -> None:
    program = (
        "from tests.pipelines.trip import Trip; from pathlib import Path; import datetime\n"
        "print(Trip(Path('unused')).save({'b': {'x', 'y', 'z', (1, 'w')}, 'a': [datetime.date(2020, 1, 1), 1e300]}))"
    )
    told = {
        subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, check=True,
                       capture_output=True, text=True).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(told) == 1
    assert "value" in told.pop()


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, -0.0, 5e-324, 0.1 + 0.2, 10**400, -(2**63) - 1, 2**64]
)
def test_numbers_are_exact(value: float) -> None:
    back = TRIP.again([value])[0]
    assert repr(back) == repr(value)


def test_times_keep_their_zone_and_their_fold() -> None:
    twice = dt.datetime(2020, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1)
    back = TRIP.again(twice)
    assert (back.tzinfo, back.fold, back.utcoffset()) == (twice.tzinfo, 1, dt.timedelta(hours=1))
    offset = dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30)))
    assert TRIP.again(offset).utcoffset() == offset.utcoffset()


@pytest.mark.parametrize(
    "value",
    [
        dt.time(9, tzinfo=ZoneInfo("Europe/Berlin")),
        dt.time(9, tzinfo=ZoneInfo("UTC"), fold=1),
        dt.time(9, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30))),
        dt.time(9, 0, 0, 1),
    ],
)
def test_times_of_day_keep_their_zone(value: dt.time) -> None:
    back = TRIP.again({"opens": value}, dict[str, Any])["opens"]
    assert (back, back.fold, back.tzinfo) == (value, value.fold, value.tzinfo)


@pytest.mark.parametrize(
    "value",
    [
        pd.NaT,
        pd.Timestamp("2020-01-01 00:00:00.000000001"),
        pd.Timedelta("1ns"),
        pd.Timestamp(317_125_670_400, unit="s"),  # in the year 12019
        dt.time(9, tzinfo=Nameless()),
    ],
)
def test_times_that_are_none_to_python_are_refused(value: Any) -> None:
    for each in (value, [value], {"at": (value,)}):
        with pytest.raises(InputError, match=r"would not come back as it is|has a zone that has no name"):
            TRIP.save(each)


@pytest.mark.parametrize(
    ("value", "back"),
    [
        (Point(1, 2.0), (1, 2.0)),
        (Counter("aab"), {"a": 2, "b": 1}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (OrderedDict(b=1, a=2), {"a": 2, "b": 1}),
        (pd.Timestamp("2020-01-01 00:00:00.000001", tz="Europe/Berlin"),
         dt.datetime(2020, 1, 1, 0, 0, 0, 1, ZoneInfo("Europe/Berlin"))),
        (pd.Timedelta("1us"), dt.timedelta(microseconds=1)),
    ],
)  # fmt: skip
def test_values_of_other_subclasses_come_back_as_their_base(value: Any, back: Any) -> None:
    found = TRIP.again([value])[0]
    assert (type(found), repr(found)) == (type(back), repr(back))


@given(values)
def test_a_plain_value_is_read_without_any_code_of_the_project(value: Any) -> None:
    _, saved = TRIP.save(value)
    assert saved.data is not None
    assert read(saved.data) == value


def test_what_has_a_format_of_its_own_is_not_read_as_plain() -> None:
    _, saved = TRIP.save({"rows": pl.DataFrame({"x": [1]})})
    assert saved.data is not None
    with pytest.raises(InputError, match=r"a format of its own: \{'rows': Embedded") as caught:
        read(saved.data)
    assert caught.value.next == "return a bool"


@pytest.mark.parametrize(
    ("value", "wanted", "back"),
    [
        (Settings(3, (0.1,), dt.date(2020, 1, 1)), Settings, Settings(3, (0.1,), dt.date(2020, 1, 1))),
        ([Square(2.0), Circle(1.0)], Any, [{"type": "square", "sideLength": 2.0}, ["circle", 1.0]]),
        (Square(2.0), Square, Square(2.0)),
        (Circle(2.0), Circle, Circle(2.0)),
        (Colour.RED, Colour, Colour.RED),
        ({Colour.RED: 1}, dict[Colour, int], {Colour.RED: 1}),
        (Point(1, 2.0), Point, Point(1, 2.0)),
        (Point(1, 2.0), Any, (1, 2.0)),
        ([1, 2], set[int], {1, 2}),
        ((1, 2), list[int], [1, 2]),
        (1, float, 1.0),
        (None, int | None, None),
        (Counter("aab"), dict[str, int], {"a": 2, "b": 1}),
        ({"auc": np.float32(0.5), "rows": np.int64(3)}, dict[str, float], {"auc": 0.5, "rows": 3.0}),
        (uuid.UUID(int=1), str | uuid.UUID, uuid.UUID(int=1)),
        (decimal.Decimal("1.20"), decimal.Decimal, decimal.Decimal("1.20")),
    ],
)
def test_annotations_say_what_comes_back(value: Any, wanted: Any, back: Any) -> None:
    found = TRIP.again(value, wanted)
    assert (type(found), found) == (type(back), back)


def test_a_value_may_hold_what_has_another_format() -> None:
    frame = pl.DataFrame({"x": [1, 2]})
    plain = TRIP.again({"one": frame, "two": [np.arange(3), (frame,)]})
    assert plain["one"].equals(frame)
    assert plain["two"][0].tolist() == [0, 1, 2]
    assert plain["two"][1][0].equals(frame)
    assert isinstance(TRIP.again({"one": frame}, dict[str, pl.LazyFrame])["one"], pl.LazyFrame)
    assert TRIP.again((frame, 1), tuple[Table, int])[0].equals(frame)
    assert TRIP.again(Holder(frame), Holder).rows.equals(frame)
    assert TRIP.save([frame]) == TRIP.save([pl.concat([frame[:1], frame[1:]], rechunk=False)])


@pytest.mark.parametrize(
    ("value", "wanted", "message"),
    [
        ([1], int, "a value is no int: Expected `int`, got `array`"),
        ({"x": "y"}, dict[str, float], "Expected `float`, got `str`"),
        (5, Table, "a int within a value is no Table"),
        ({"rows": pl.DataFrame()}, dict[str, dict[str, int]], "got `Embedded`"),
        ([pl.DataFrame()], list[np.ndarray], "a table is no ndarray"),
    ],
)
def test_a_value_of_another_type_than_wanted_is_refused(value: Any, wanted: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        TRIP.again(value, wanted)
    assert "annot" in caught.value.next


def test_what_has_no_form_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for value, message in (
        (endless, "holds itself"),
        ("\ud800", "no UTF-8 form"),
        ([object()], "a value of type builtins.object has no format"),
    ):
        with pytest.raises(InputError, match=message):
            TRIP.save(value)


def test_a_kind_from_a_later_version_is_told() -> None:
    data = msgspec.msgpack.encode(msgspec.msgpack.Ext(99, b"\x01"))
    saved = Saved(hashlib.sha256(data).hexdigest(), len(data), data)
    with pytest.raises(CorruptError, match="kind 99"):
        TRIP.load("value", saved)


@given(st.lists(values) | st.lists(values).map(tuple))
def test_items_are_saved_as_they_are_alone(value: Any) -> None:
    _, saved = TRIP.save(value)
    assert saved.data is not None
    assert items(saved.data) == [TRIP.save(each)[1].data for each in value]


@pytest.mark.parametrize("value", [None, 1, 10**30, "abc", b"abc", {"a": 1}, {1: 2}, {1}, dt.date(2020, 1, 1)])
def test_what_is_no_list_has_no_items(value: Any) -> None:
    _, saved = TRIP.save(value)
    assert saved.data is not None
    assert items(saved.data) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        ("x" * 10_000, "'" + "x" * 497 + "..." + "x" * 498 + "'"),
        (list(range(1_000_000)), "[" + ", ".join(map(str, range(20))) + ", ...]"),
        (Settings(1, (), dt.date(2020, 1, 1)), "Settings(depth=1, cuts=(), since=datetime.date(2020, 1, 1))"),
    ],
)
def test_previews_are_short(value: Any, text: str) -> None:
    assert find(value).preview(value) == {"kind": "value", "type": type(value).__name__, "text": text[:1000]}
