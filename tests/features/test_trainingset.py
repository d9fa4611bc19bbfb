from __future__ import annotations

import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import ConflictError, CorruptError, InputError, UnknownError
from argosy.features.trainingset import Columns, TrainingSet, build, member
from argosy.model.signature import Signature, encode, infer_signature
from tests.features.oracle import moment

COLUMNS = Columns(("origin", "carrier"), "at", "late", "weight", {"plane": "tail", "flight": "flight"})
FEATURES = ["distance", "tail"]


def pick(random: np.random.Generator, rows: int, *values: str | None) -> list[str | None]:
    return [values[i] for i in random.integers(0, len(values), rows)]


def spine(rows: int = 40, *, seed: int = 1) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "origin": pick(random, rows, "EWR", "EWR", "J/K", "J/K", None),
            "carrier": pick(random, rows, "AA", "U%"),
            "at": [moment(float(i)) for i in random.integers(0, 9, rows)],
            "late": random.random(rows) < 0.5,
            "weight": random.random(rows),
            "distance": random.integers(0, 100, rows),
            "tail": pick(random, rows, "N1", "N2", "N3", None),
            "flight": [f"f{i}" for i in range(rows)],
        },
    ).with_columns(distance=pl.when(pl.col("distance") > 5).then("distance"))


def signed(frame: pl.DataFrame) -> Signature:
    return infer_signature(frame, FEATURES, task="binary", label="late")


def made(frame: pl.DataFrame, path: Path, columns: Columns = COLUMNS) -> TrainingSet:
    return build(frame, signed(frame), columns, path)


def digests(trained: TrainingSet) -> dict[str, str]:
    return dict(trained.members.select("member", "digest").iter_rows())


def sliced(trained: TrainingSet, start: int, rows: int) -> list[tuple[str | None, ...]]:
    """The values of each row in every slice."""
    groups = trained.span(start, rows).groups
    assert groups is not None
    values = [(*found, None) for found in trained.slices.values()]
    return [tuple(known[place] for known, place in zip(values, row, strict=True)) for row in groups]


def test_a_slice_holds_the_members_rows_by_time_as_the_signature_encodes_them(tmp_path: Path) -> None:
    frame = spine()
    trained = made(frame, tmp_path / "set")
    assert trained.members["member"].to_list() == ["EWR/AA", "EWR/U%25", "J%2FK/AA", "J%2FK/U%25", "*"]
    for key, origin, carrier in (("EWR/AA", "EWR", "AA"), ("J%2FK/U%25", "J/K", "U%")):
        mine = frame.filter(origin=origin, carrier=carrier).sort("at", maintain_order=True)
        matrix, labels, times, weights, _ = trained.block(key)
        np.testing.assert_array_equal(matrix, encode(mine, trained.signature))
        assert labels.tolist() == mine["late"].cast(float).to_list()
        assert times.tolist() == mine["at"].to_physical().to_list()
        assert weights is not None and weights.tolist() == mine["weight"].to_list()
        line = trained.members.row(by_predicate=pl.col("member") == key, named=True)
        assert sliced(trained, line["start"], line["rows"]) == mine.select("tail", "flight").rows()
        assert (line["rows"], line["positives"]) == (mine.height, mine["late"].sum())
        assert (line["low"], line["high"]) == (mine["at"].min(), mine["at"].max())


def test_the_pooled_slice_holds_every_row_also_those_of_no_member(tmp_path: Path) -> None:
    frame = spine()
    trained = made(frame, tmp_path / "set")
    pooled = trained.members.row(-1, named=True)
    assert (pooled["member"], pooled["start"], pooled["rows"]) == ("*", 0, 40)
    assert pooled["positives"] == frame["late"].sum()
    assert (pooled["low"], pooled["high"]) == (frame["at"].min(), frame["at"].max())
    assert trained.members["rows"].sum() < 2 * frame.height
    flights = [flight for _, flight in sliced(trained, 0, frame.height)]
    assert sorted(flights) == sorted(frame["flight"])
    nobody = frame["origin"].null_count()
    assert set(flights[:nobody]) == set(frame.filter(pl.col("origin").is_null())["flight"])


def test_slices_are_views_of_the_file(tmp_path: Path) -> None:
    trained = made(spine(), tmp_path / "set")
    first, again = trained.block("EWR/AA").matrix, trained.block("EWR/AA").matrix
    assert np.shares_memory(first, again)
    assert first.flags.c_contiguous
    assert not first.flags.writeable


@pytest.mark.slow
@given(st.randoms(use_true_random=False), st.integers(0, 39))
def test_a_digest_changes_with_the_members_rows_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, random: Any, place: int
) -> None:
    folder = tmp_path_factory.mktemp("sets")
    frame = spine().with_columns(at=pl.col("at") + pl.duration(microseconds=pl.int_range(pl.len())))
    before = digests(made(frame, folder / "before"))
    shuffled = frame[random.sample(range(frame.height), frame.height)]
    assert digests(made(shuffled, folder / "shuffled")) == before
    column = random.choice(["late", "distance", "tail", "weight", "at"])
    other: Any = {
        "late": ~pl.col("late"),
        "distance": pl.col("distance").fill_null(0) + 1,
        "tail": pl.lit("A0"),  # sorts first, so the codes of all others move
        "weight": pl.col("weight") + 1,
        "at": pl.col("at") + timedelta(days=1),
    }[column]
    changed = frame.with_row_index("i").with_columns(
        pl.when(pl.col("i") == place).then(other).otherwise(column).alias(column)
    )
    after = digests(made(changed, folder / "changed"))
    owner = frame[place : place + 1].select(member(COLUMNS.by)).item()
    assert {key for key in before if before[key] != after[key]} == {"*", owner} - {None}


def test_rows_and_digests_are_the_same_however_many_blocks_they_cross(tmp_path: Path) -> None:
    frame = spine(70_000)
    parts = [frame.slice(start, 9_000) for start in range(0, frame.height, 9_000)]
    uneven = pl.concat(parts, rechunk=False).with_columns(frame["weight"].rechunk())
    whole = build(uneven, signed(frame), COLUMNS, tmp_path / "whole")
    assert digests(whole)["*"] == digests(made(frame, tmp_path / "even"))["*"]
    for key, origin, carrier in (("EWR/AA", "EWR", "AA"), ("J%2FK/U%25", "J/K", "U%")):
        alone = frame.filter(origin=origin, carrier=carrier)
        own = build(alone, signed(frame), COLUMNS, tmp_path / "alone")
        assert digests(own)[key] == digests(whole)[key]
        np.testing.assert_array_equal(own.block(key).matrix, whole.block(key).matrix)


def test_another_feature_or_kind_changes_every_digest(tmp_path: Path) -> None:
    frame = spine()
    before = digests(made(frame, tmp_path / "one"))
    renamed = frame.with_columns(miles="distance")
    after = digests(
        build(
            renamed, infer_signature(renamed, ["miles", "tail"], task="binary", label="late"), COLUMNS, tmp_path / "two"
        )
    )
    assert all(before[key] != after[key] for key in before)


def test_a_fleet_without_a_key_has_one_member_and_a_regression_no_positives(tmp_path: Path) -> None:
    frame = spine()
    signature = infer_signature(frame, ["tail"], task="regression", label="distance")
    frame = frame.drop_nulls("distance").with_columns(pl.col("at").dt.cast_time_unit("ns"))
    trained = build(frame, signature, Columns((), "at", "distance"), tmp_path / "set")
    assert trained.members["member"].to_list() == ["", "*"]
    assert trained.members["positives"].to_list() == [None, None]
    assert trained.block("").times.tolist() == sorted(frame["at"].dt.epoch("us"))
    assert trained.block("").weights is None
    assert trained.block("").groups is None


def test_the_rarest_values_of_a_slice_are_in_none(tmp_path: Path) -> None:
    rows = 1_010
    frame = spine(rows).with_columns(flight=pl.Series([f"f{max(i, 2)}" for i in range(rows)]))
    trained = made(frame, tmp_path / "set")
    values = trained.slices["flight"]
    assert len(values) == 1_000 and "f2" in values and "f998" not in values and list(values) == sorted(values)
    kept = [flight for _, flight in sliced(trained, 0, rows) if flight is not None]
    assert sorted(kept) == sorted(flight for flight in frame["flight"] if flight in values)


def test_the_content_of_rows_does_not_depend_on_slices(tmp_path: Path) -> None:
    frame = spine()
    without = made(frame, tmp_path / "other", Columns(("origin", "carrier"), "at", "late", "weight"))
    assert digests(made(frame, tmp_path / "set")) == digests(without)


def test_it_travels_to_a_worker_by_its_path(tmp_path: Path) -> None:
    trained = made(spine(), tmp_path / "set")
    sent = pickle.dumps(trained)
    assert len(sent) < 1_000
    np.testing.assert_array_equal(pickle.loads(sent).block("*").matrix, trained.block("*").matrix)
    replaced = spine(seed=2)
    sent = pickle.dumps(made(replaced, tmp_path / "set"))
    made(spine(seed=3), tmp_path / "set")
    with pytest.raises(ConflictError, match="replaced"):
        pickle.loads(sent)


def test_it_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    old = made(spine(), tmp_path / "set").block("*")
    kept = old.matrix.copy()
    made(spine(60), tmp_path / "set")
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    np.testing.assert_array_equal(old.matrix, kept)
    assert TrainingSet.open(tmp_path / "set").rows == 60


def test_a_build_that_fails_leaves_what_stood_there(tmp_path: Path) -> None:
    made(spine(), tmp_path / "set")
    frame = spine(60).with_columns(tail=pl.lit(b"N1"))
    with pytest.raises(InputError, match="'tail'"):
        build(frame, signed(spine()), COLUMNS, tmp_path / "set")
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    assert TrainingSet.open(tmp_path / "set").rows == 40


@pytest.mark.parametrize("name", ["matrix.npy", "labels.npy", "times.npy", "weights.npy", "set.json"])
def test_a_file_cut_short_is_found_when_it_is_opened(tmp_path: Path, name: str) -> None:
    made(spine(), tmp_path / "set")
    file = tmp_path / "set" / name
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(CorruptError, match="damaged"):
        TrainingSet.open(tmp_path / "set")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownError, match="nowhere"):
        TrainingSet.open(tmp_path / "nowhere")
    with pytest.raises(UnknownError, match="'EWR/XX'"):
        made(spine(), tmp_path / "set").block("EWR/XX")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"late": pl.lit(None, dtype=pl.Boolean)}, "'late' is null .* in 40 of 40"),
        ({"late": pl.lit("yes")}, "'late' is String"),
        ({"late": pl.lit(2)}, "'late' is neither 0 nor 1"),
        ({"at": pl.lit(None, dtype=pl.Datetime("us", "UTC"))}, "'at' is null"),
        ({"at": pl.col("at").dt.replace_time_zone(None)}, "time zone"),
        ({"weight": pl.lit(-1)}, "'weight'"),
        ({"origin": pl.lit("*")}, "'\\*'"),
    ],
)
def test_rows_that_cannot_be_trained_on_are_refused(tmp_path: Path, change: dict[str, pl.Expr], words: str) -> None:
    frame = spine().with_columns(**change)
    columns = Columns(("origin",), "at", "late", "weight")
    with pytest.raises(InputError, match=words):
        build(frame, signed(spine()), columns, tmp_path / "set")


def test_no_rows_and_missing_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no rows"):
        build(spine().clear(), signed(spine()), COLUMNS, tmp_path / "set")
    with pytest.raises(InputError, match="columns 'carrier', 'distance'"):
        build(spine().drop("carrier", "distance"), signed(spine()), COLUMNS, tmp_path / "set")
