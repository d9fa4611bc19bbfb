from __future__ import annotations

import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import CapacityError, ConflictError, InputError
from argosy.features.join import Source, join
from argosy.features.online import Online
from argosy.features.reader import HISTORY
from tests.features.boards import BOARDS, board, delays
from tests.features.oracle import VALUES, asked, bits, moment, moments, spines, tables

ROOT = Path(__file__).parents[2]


@pytest.fixture
def online(tmp_path: Path) -> Iterator[Online]:
    with Online(tmp_path / "online", map_size=1 << 24) as store:
        yield store


@pytest.mark.slow
@given(asked(), st.lists(tables(), min_size=1, max_size=4), spines(), st.none() | st.integers(0, 8), st.booleans())
def test_equals_the_offline_join_bit_for_bit(
    source: Source, batches: list[pl.DataFrame], spine: pl.DataFrame, expired: int | None, fine: bool
) -> None:
    if fine:
        batches = [batch.with_columns(pl.col("event").dt.cast_time_unit("ns")) for batch in batches]
    spine = spine.filter(pl.col("at").is_not_null())
    with tempfile.TemporaryDirectory() as folder, Online(Path(folder), map_size=1 << 24) as online:
        for i, batch in enumerate(batches):
            kept = online.write(source, batch)
            assert online.write(source, batch) == kept
            if expired is not None and i == len(batches) // 2:
                online.expire(moment(expired), timedelta(0))
                spine = spine.filter(pl.col("at") >= moment(expired))
        expected = join(spine, "at", [(source, pl.concat(batches))], ages=True).select(*VALUES, "boards.age")
        entities = {name: spine[name].to_list() for name in source.entity}
        at = spine["at"].to_list()
        result = online.read([source], entities, at, ages=True)
        values, ages = online.read_rows([source], entities, at)
        ones = [online.read_one([source], line, line["at"]) for line in spine.to_dicts()]
    assert result.schema == expected.schema
    assert bits(result.rows()) == bits(expected.rows())
    assert bits([(*row, *age) for row, age in zip(values, ages, strict=True)]) == bits(expected.rows())
    assert bits([(*row, *age) for row, age in ones]) == bits(expected.rows())


@pytest.mark.slow
@given(tables(nulls=False, size=20), st.integers(0, 8), st.lists(moments.filter(bool), max_size=6))
def test_expire_changes_no_answer_at_or_after_its_moment(rows: pl.DataFrame, before: int, at: list[Any]) -> None:
    source = Source("boards", ("airport",), "event", "known", VALUES)
    at = [max(moment(before), when) for when in at]
    entities = {"airport": ["JFK", "EWR", "J/%"] * len(at)}
    asked_at = [when for when in at for _ in range(3)]
    with tempfile.TemporaryDirectory() as folder, Online(Path(folder), map_size=1 << 24) as online:
        online.write(source, rows)
        first = online.read([source], entities, asked_at).rows()
        online.expire(moment(before), timedelta(0))
        assert bits(online.read([source], entities, asked_at).rows()) == bits(first)
        assert online.expire(moment(before), timedelta(0)) == 0


def test_a_batch_of_many_chunks_is_written_as_one(online: Online) -> None:
    rows = 150_000
    late = pl.DataFrame({"minute": range(rows)}).with_columns(airport=pl.format("A{}", pl.col("minute") % 1_000))
    late = late.with_columns(event=pl.lit(moment(0)) + pl.duration(minutes=pl.col("minute") * 7 % 300))
    late = late.with_columns(
        known=pl.col("event") + pl.duration(minutes=pl.col("minute") % 50), delay=pl.col("minute") / 2
    )
    spine = pl.DataFrame({"airport": [f"A{i}" for i in range(1_000)], "at": [moment(i % 300) for i in range(1_000)]})
    expected = join(spine, "at", [(BOARDS, late)])["delay"].to_list()
    kept = online.write(BOARDS, late)
    assert (
        online.read([BOARDS], {"airport": spine["airport"].to_list()}, spine["at"].to_list())["delay"].to_list()
        == expected
    )
    assert online.write(BOARDS, late) == kept
    assert (
        online.read([BOARDS], {"airport": spine["airport"].to_list()}, spine["at"].to_list())["delay"].to_list()
        == expected
    )


def test_a_late_row_takes_its_place_and_drives_out_what_it_supersedes(online: Online) -> None:
    online.write(BOARDS, board(("JFK", 1, 1, 1.0), ("JFK", 2, 8, 2.0)))
    online.write(BOARDS, board(("JFK", 5, 6, 5.0)))
    assert [delays(online, at, "JFK")[0] for at in (0, 1, 5, 6, 8, 9)] == [None, 1.0, 1.0, 5.0, 5.0, 5.0]


def test_a_late_row_before_all_others_drives_out_older_events(online: Online) -> None:
    online.write(BOARDS, board(("JFK", 2, 8, 2.0)))
    online.write(BOARDS, board(("JFK", 5, 6, 5.0)))
    assert [delays(online, at, "JFK")[0] for at in (5, 6, 8)] == [None, 5.0, 5.0]


def test_what_a_correction_corrects_may_be_written_after_it(online: Online) -> None:
    online.write(BOARDS, board(("JFK", 5, 10, 99.0)))
    online.write(BOARDS, board(("JFK", 5, 5, 1.0)))
    assert [delays(online, at, "JFK")[0] for at in (5, 9, 10)] == [1.0, 1.0, 99.0]


def test_among_rows_of_one_moment_the_newest_event_then_the_one_known_last_stays(online: Online) -> None:
    for event, known, delay in ((5, 9, 1.0), (9, 4, 2.0), (9, 3, 3.0), (8, 9, 4.0)):
        online.write(BOARDS, board(("JFK", event, known, delay)))
    assert delays(online, 9, "JFK") == [2.0]
    online.write(BOARDS, board(("JFK", 9, 4, 5.0)))
    assert delays(online, 9, "JFK") == [5.0]


def test_correction_answers_from_its_known_time_on(online: Online) -> None:
    online.write(BOARDS, board(("JFK", 5, 5, 1.0)))
    online.write(BOARDS, board(("JFK", 5, 10, 99.0)))
    assert [delays(online, at, "JFK")[0] for at in (5, 9, 10)] == [1.0, 1.0, 99.0]


def test_expire_counts_what_it_drops(online: Online) -> None:
    online.write(BOARDS, board(*((airport, i, i, float(i)) for airport in ("EWR", "JFK") for i in range(5))))
    assert online.expire(moment(3), timedelta(0)) == 6
    assert delays(online, 3, "EWR", "JFK") == [3.0, 3.0]
    assert delays(online, 2, "EWR", "JFK") == [None, None]


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_history_counts_back_from_the_newest_row_of_each_source(online: Online, unit: Literal["us", "ns"]) -> None:
    newer = Source("newer", ("airport",), "event", "known", ("delay",))
    rows = board(*(("JFK", i, i, float(i)) for i in range(10)), ("EWR", 0, 0, 0.0), ("EWR", 1, 1, 1.0))
    later = board(("EWR", 100, 100, 2.0))
    rows, more = (each.with_columns(pl.col("event", "known").dt.cast_time_unit(unit)) for each in (rows, later))
    online.write(BOARDS, rows)
    online.write(newer, pl.concat([rows, more]))
    online.write(Source("none", ("airport",), "event", "known", ("delay",)), rows.clear())
    assert online.expire(moment(100_000), timedelta(minutes=3)) == 6 + 1 + 9 + 1
    assert [delays(online, at, "JFK")[0] for at in (5, 6, 7, 8, 9)] == [None, 6.0, 7.0, 8.0, 9.0]
    assert delays(online, 6, "EWR") == [1.0]


def test_history_may_reach_back_before_the_first_moment_that_a_row_can_have(online: Online) -> None:
    """Nanoseconds since 1970 in 64 bits begin in 1677."""
    early, late = datetime(1680, 1, 1, tzinfo=UTC), datetime(2400, 1, 1, tzinfo=UTC)
    rows = board(("JFK", 0, 0, 1.0), ("JFK", 0, 0, 2.0)).with_columns(
        pl.Series(name, [early, early + timedelta(days=1)], pl.Datetime("ns", "UTC")) for name in ("event", "known")
    )
    online.write(BOARDS, rows)
    assert online.expire(moment(0), timedelta(days=365 * 90)) == 0
    read = [online.read_one([BOARDS], {"airport": "JFK"}, at)[0] for at in (early.replace(year=1600), early, late)]
    assert read == [[None], [1.0], [2.0]]
    assert online.expire(late, timedelta(0)) == 1


def test_an_expired_value_is_null_and_keeps_its_age(online: Online) -> None:
    online.write(BOARDS, board(("JFK", 1, 1, 1.0)))
    brief = Source("boards", ("airport",), "event", "known", ("delay",), timedelta(minutes=2))
    assert online.read_one([brief], {"airport": "JFK"}, moment(3)) == ([1.0], [timedelta(minutes=2)])
    assert online.read_one([brief], {"airport": "JFK"}, moment(4)) == ([None], [timedelta(minutes=3)])
    assert online.read_one([brief], {"airport": "LGA"}, moment(4)) == ([None], [None])


def test_several_sources_a_subset_of_columns_and_one_never_written(online: Online) -> None:
    wide = Source("wide", ("airport",), "event", None, ("delay", "gates"))
    online.write(wide, board(("JFK", 1, 1, 1.0)).with_columns(gates=pl.lit(7)))
    online.write(BOARDS, board(("JFK", 1, 1, 2.0)))
    gates = Source("wide", ("airport",), "event", None, ("gates",))
    never = Source("never", ("tail",), "event", None, ("year",))
    entities: dict[str, list[Any]] = {"airport": ["JFK", None], "tail": ["N1", "N2"]}
    result = online.read([gates, BOARDS, never], entities, moment(2))
    assert result.rows() == [(7, 2.0, None), (None, None, None)]
    assert online.read([gates], {"airport": []}, moment(2)).schema == {"gates": pl.Int32}


def test_a_reader_held_sees_later_writes_and_new_types(online: Online) -> None:
    reader = online.reader([BOARDS])
    assert reader.one({"airport": "JFK"}, moment(2))[0] == [None]
    online.write(BOARDS, board(("JFK", 1, 1, 1.0)))
    assert reader.one({"airport": "JFK"}, moment(2))[0] == [1.0]
    texts = board(("JFK", 1, 1, 1.0)).with_columns(pl.lit("late").alias("delay"))
    with pytest.raises(ConflictError, match="boards"):
        online.write(BOARDS, texts)
    assert online.replace(BOARDS, texts.clear()) == 0
    assert reader.one({"airport": "JFK"}, moment(2))[0] == [None]
    online.write(BOARDS, texts)
    assert reader.one({"airport": "JFK"}, moment(2))[0] == ["late"]


def test_types_of_every_kind_come_back_exactly(online: Online) -> None:
    values = {
        "f32": pl.Series([0.1], dtype=pl.Float32),
        "u64": pl.Series([2**64 - 1], dtype=pl.UInt64),
        "enum": pl.Series(["b"], dtype=pl.Enum(["a", "b"])),
        "cat": pl.Series(["c"], dtype=pl.Categorical),
        "date": pl.Series([moment(0).date()]),
        "span": pl.Series([timedelta(days=-1, microseconds=3)], dtype=pl.Duration("ms")),
        "zoned": pl.Series([moment(3)]).dt.convert_time_zone("America/New_York").dt.cast_time_unit("ns"),
        "naive": pl.Series([moment(3).replace(tzinfo=None)]),
        "none": pl.Series([None]),
    }
    source = Source("types", ("key",), "event", None, tuple(values))
    key = "k" * 2_000
    frame = pl.DataFrame({"key": [key], "event": [moment(1)], **values})
    online.write(source, frame)
    expected = frame.select(values.keys())
    assert online.read([source], {"key": [key]}, moment(1)).equals(expected, null_equal=True)
    assert online.read([source], {"key": [key]}, moment(1)).schema == expected.schema
    assert online.read_one([source], {"key": key}, moment(1))[0] == list(expected.row(0))
    assert online.read_one([source], {"key": key + "k"}, moment(1))[0] == [None] * len(values)


@pytest.mark.parametrize(
    ("entities", "at", "words"),
    [
        ({"airport": [1]}, moment(1), "not a str"),
        ({"gate": [1]}, moment(1), "'airport'"),
        ({"airport": ["JFK"]}, [moment(1), moment(2)], "differ in number"),
        ({"airport": ["JFK"]}, moment(1).replace(tzinfo=None), "time zone"),
    ],
)
def test_errors_of_a_read_say_what_is_wrong(online: Online, entities: Any, at: Any, words: str) -> None:
    online.write(BOARDS, board(("JFK", 1, 1, 1.0)))
    with pytest.raises(InputError, match=words):
        online.read([BOARDS], entities, at)


def test_a_type_that_is_not_kept_exactly_is_refused(online: Online) -> None:
    with pytest.raises(InputError, match=r"'delay'.*List"):
        online.write(BOARDS, board(("JFK", 1, 1, 1.0)).with_columns(delay=pl.lit([1.0])))


@pytest.mark.slow
@pytest.mark.fault
def test_a_writer_killed_in_a_batch_leaves_the_batch_before(tmp_path: Path) -> None:
    script = """
        import os, signal, sys
        from pathlib import Path
        import polars as pl
        from argosy.features import online as module
        from tests.features.test_online import BOARDS, board

        online = module.Online(Path(sys.argv[1]), map_size=1 << 24)
        online.write(BOARDS, board(("JFK", 1, 1, 1.0)))
        put = module._put
        def put_and_die(*args, **options):
            put(*args, **options)
            os.kill(os.getpid(), signal.SIGKILL)
        module._put = put_and_die
        online.write(BOARDS, board(("JFK", 2, 2, 2.0), ("EWR", 2, 2, 2.0)))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(tmp_path)], timeout=60, cwd=ROOT)
    assert done.returncode == -9
    with Online(tmp_path, map_size=1 << 24) as online:
        assert delays(online, 5, "JFK", "EWR") == [1.0, None]
        online.write(BOARDS, board(("JFK", 2, 2, 2.0)))
        assert delays(online, 5, "JFK") == [2.0]


def test_replacing_leaves_the_new_rows_alone_whatever_the_types(online: Online) -> None:
    reader = online.reader([BOARDS])
    online.write(BOARDS, board(("JFK", 1, 1, 1.0), ("EWR", 1, 1, 2.0)))
    other = Source("other", ("airport",), "event", "known", ("delay",))
    online.write(other, board(("JFK", 1, 1, 7.0)))
    texts = board(("JFK", 1, 1, 0.0)).with_columns(delay=pl.lit("late"))
    assert online.replace(BOARDS, texts) == 1
    assert reader.rows({"airport": ["JFK", "EWR"]}, moment(9))[0] == [["late"], [None]]
    assert online.read([other], {"airport": ["JFK"]}, moment(9))["delay"].to_list() == [7.0]
    assert online.write(BOARDS, texts) == 1


def test_what_cannot_replace_leaves_what_was_there(tmp_path: Path) -> None:
    with Online(tmp_path, map_size=1 << 17) as online:
        online.write(BOARDS, board(("JFK", 1, 1, 1.0)))
        with pytest.raises(CapacityError, match="map size"):
            online.replace(BOARDS, board(*((f"{i:0100}", 1, 1, 1.0) for i in range(2_000))))
        assert delays(online, 1, "JFK", f"{0:0100}") == [1.0, None]


@pytest.mark.slow
def test_whoever_reads_while_rows_are_replaced_has_all_old_or_all_new_ones(online: Online) -> None:
    script = """
        import sys
        from pathlib import Path
        import polars as pl
        from argosy.features.online import Online
        from tests.features.test_online import BOARDS, board

        online = Online(Path(sys.argv[1]), map_size=1 << 26)
        for turn in range(1, 13):
            rows = board(*((f"A{i}", 1, 1, float(turn)) for i in range(3_000)))
            online.replace(BOARDS, rows if turn % 2 else rows.with_columns(pl.col("delay").cast(pl.Int64)))
            print(turn, flush=True)
    """
    airports = [f"A{i}" for i in range(0, 3_000, 100)]
    command = [sys.executable, "-c", textwrap.dedent(script), str(online.path)]
    seen: list[set[Any]] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "1\n"
        while other.poll() is None:
            seen.append(set(delays(online, 9, *airports)))
    assert other.returncode == 0
    assert all(len(values) == 1 for values in seen)
    turns = [values.pop() for values in seen]
    assert None not in turns and turns == sorted(turns) and len(set(turns)) > 3


@pytest.mark.slow
def test_another_process_reads_what_is_written(online: Online) -> None:
    script = """
        import sys
        from pathlib import Path
        from argosy.features.online import Online
        from tests.features.test_online import delays

        online = Online(Path(sys.argv[1]), map_size=1 << 24)
        for line in sys.stdin:
            print(delays(online, int(line), "JFK")[0], flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(online.path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin is not None and other.stdout is not None
        for i in range(3):
            online.write(BOARDS, board(("JFK", i, i, float(i))))
            other.stdin.write("9\n")
            other.stdin.flush()
            assert other.stdout.readline() == f"{float(i)}\n"
        other.stdin.close()


def test_a_column_that_the_source_lost_is_null_and_the_others_answer(online: Online) -> None:
    old = Source("boards", ("airport",), "event", "known", ("gates", "delay", "queue"))
    online.write(BOARDS, board(("JFK", 0, 0, 7.0)))
    reader = online.reader([old])
    assert reader.one({"airport": "JFK"}, moment(1))[0] == [None, 7.0, None]
    frame = reader.frame({"airport": ["JFK", "LGA"]}, moment(1))
    assert frame.rows() == [(None, 7.0, None), (None, None, None)]
    assert frame.dtypes == [pl.Null, pl.Float64, pl.Null]


def test_who_is_permitted_no_more_writes_nothing(online: Online) -> None:
    def lost() -> None:
        raise ConflictError("the lease was lost")

    online.write(BOARDS, board(("JFK", 0, 0, 1.0)))
    for put in (online.write, online.replace):
        with pytest.raises(ConflictError, match="the lease was lost"):
            put(BOARDS, board(("JFK", 1, 1, 2.0)), lost)
    assert delays(online, 9, "JFK") == [1.0]
    assert online.write(BOARDS, board(("JFK", 1, 1, 2.0)), lambda: None) == 1
    assert delays(online, 9, "JFK") == [2.0]


@pytest.mark.parametrize("unit", ["us", "ns"])
def test_what_a_source_may_have_forgotten_counts_back_from_its_newest_row_and_from_now(
    online: Online, unit: Literal["us", "ns"]
) -> None:
    rows = board(("JFK", 0, 0, 1.0), ("EWR", 50, 50, 2.0))
    online.write(BOARDS, rows.with_columns(pl.col("event", "known").dt.cast_time_unit(unit)))
    reader = online.reader([BOARDS, Source("none", ("airport",), "event", "known", ("delay",))])
    years, before = moment(10_000_000), timedelta(microseconds=1)
    assert reader.forgotten(0, moment(50) - HISTORY, years) is None
    assert reader.forgotten(0, moment(50) - HISTORY - before, years) == moment(50) - HISTORY
    assert reader.forgotten(0, moment(20) - HISTORY - before, moment(20)) == moment(20) - HISTORY
    assert reader.forgotten(1, datetime(1, 1, 1, tzinfo=UTC), years) is None
