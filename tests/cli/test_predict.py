"""train, predict, promote, rollback, approve."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def own(late: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the trained project whose facts may change."""
    place = tmp_path / "late"
    shutil.copytree(late, place)
    monkeypatch.chdir(place)
    return place


def test_training_again_changes_nothing(run, own: Path) -> None:
    done = run("train", "late-order", "north", "--json")
    assert done.code == 0
    assert "0 new versions, 1 unchanged" in " ".join(done.json()["done"])
    assert run("train", "late-order", "west").code == 2
    assert run("train", "nothing").code == 2


def test_promote_and_roll_back(run, own: Path) -> None:
    done = run("promote", "late-order/north@1", "--reason", "seen", "--json")
    was_own = done.code == 1  # it had won against the pooled model already
    if not was_own:
        assert done.json()["done"] == "late-order/north@1 answers now: seen" or "answers now" in done.json()["done"]
        (move,) = run("get", "aliases", "--where", "key:north", "--limit", 1, "--json").json()["items"][:1]
        assert (move["target"], move["reason"]) == ("own", "seen")
        assert run("rollback", "late-order/north").code == 0
        assert run("get", "events", "--limit", 1, "--json").json()["items"][0]["kind"] == "rolled_back"
    assert run("promote", "late-order/west").code == 2
    assert run("promote", "late-order/north@99").code == 2


def test_nobody_waits_for_an_approval(run, own: Path) -> None:
    shown = run("approve", "late-order/north")
    assert shown.code == 1 and "no gate of late-order/north@1 waits" in shown.err


@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_predictions_do_not_depend_on_the_file(run, inside: Path, tmp_path: Path, kind: str) -> None:
    rows = pl.read_parquet("data/orders/sample.parquet").head(200)
    getattr(rows, f"write_{kind}")(tmp_path / f"rows.{kind}")
    done = run("predict", "late-order", "--file", tmp_path / f"rows.{kind}", "--to", tmp_path / "out.parquet")
    assert done.code == 0, done.err
    scored = pl.read_parquet(tmp_path / "out.parquet")
    run("predict", "late-order", "--file", "rows.csv", "--to", tmp_path / "again.parquet")
    assert scored["prediction"].to_list() == pytest.approx(
        pl.read_parquet(tmp_path / "again.parquet")["prediction"].to_list(), abs=1e-12
    )
    assert scored.height == 200 and scored["prediction"].is_between(0, 1).all()
    assert set(scored["version"].str.split("/").list.first()) == {"late-order"}


def test_predictions_for_people_and_programs(run, inside: Path) -> None:
    shown = run("predict", "late-order", "--file", "rows.csv")
    assert "prediction" in shown.out and "the first 100 of 200 rows" in shown.err
    assert len(run("predict", "late-order", "--file", "rows.csv", "--json").json()) == 200


ZONED = """
import argosy as ag
import polars as pl
from lightgbm import LGBMClassifier

orders = ag.Dataset(
    "orders", time="placed", key=["shop", "number"], source=ag.Csv("orders.csv", zone="Europe/Berlin"),
)
late = ag.Fleet(
    "late", spine=orders, by="depot", label="late", features=[ag.RequestFeatures(hour=pl.col("placed").dt.hour())],
    candidates=[LGBMClassifier(n_estimators=10, verbosity=-1)], split=ag.TimeSplit(test="5d"), minimum_rows=50,
)
"""


@pytest.fixture
def zoned(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose times carry no zone, whose rows have a key of two columns, and whose member has a "/"."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "orders.py").write_text(ZONED)
    placed = pl.datetime_range(pl.datetime(2024, 6, 1), pl.datetime(2024, 6, 30), "1h", eager=True)
    pl.DataFrame({"placed": placed}).select(
        pl.col("placed").dt.strftime("%Y-%m-%dT%H:%M:%S"), shop=pl.lit("mitte"), depot=pl.lit("köln/süd"),
        number=pl.int_range(pl.len()), late=(pl.col("placed").dt.hour() >= 12).cast(pl.Int64),
    ).write_csv("orders.csv")  # fmt: skip
    assert run("apply", "orders.py").code == 0
    assert run("train", "late").code == 0
    return tmp_path


def test_times_without_an_offset_are_read_in_the_zone_of_the_source(run, zoned: Path) -> None:
    rows = ["2024-07-01T12:00:00", "2024-07-01T10:00:00Z", "2024-07-01T12:00:00Z", "2024-07-01T11:00:00"]
    frame = pl.DataFrame({"placed": rows, "depot": "köln/süd", "shop": "mitte", "number": [1, 2, 3, 4]})
    frame.write_json("rows.json")
    scored = run("predict", "late", "--file", "rows.json", "--json").json()
    assert [row["prediction"] > 0.5 for row in scored] == [True, True, True, False]
    frame[[0, 3]].write_csv("rows.csv")
    assert [row["prediction"] for row in run("predict", "late", "--file", "rows.csv", "--json").json()] == [
        scored[0]["prediction"], scored[3]["prediction"],
    ]  # fmt: skip
    shown = run("predict", "late", "--file", "rows.csv").out.splitlines()
    assert shown[0].split() == ["depot", "shop", "number", "prediction", "version", "route"]
    frame.with_columns(placed=pl.lit("2024-03-31T02:30:00")).write_csv("rows.csv")
    skipped = run("predict", "late", "--file", "rows.csv")
    assert skipped.code == 1 and "does not exist in Europe/Berlin" in skipped.err
    why = run("why", "late/köln/süd")
    assert why.code == 2 and "next: argosy why 'late/köln%2Fsüd' (a '/' within a value is written %2F)" in why.err
    assert run("why", "late/köln%2Fsüd").code == 0


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda rows: rows.with_columns(pl.col("left_at").dt.replace_time_zone(None)),
            "wanted a time with its offset\n  next: write 2013-04-01T12:00:00Z",
        ),
        (lambda rows: rows.with_columns(left_at=pl.lit("at noon")), "column 'left_at' holds 'at noon', wanted a time"),
        (lambda rows: rows.drop("kilometres"), "lacks kilometres"),
        (lambda rows: rows.with_columns(route=pl.lit("north")), "has a column 'route', which is what a part"),
        (lambda rows: rows.head(0), "no rows"),
    ],
)
def test_a_wrong_file_is_one_clear_message(run, inside: Path, tmp_path: Path, make, says: str) -> None:
    make(pl.read_parquet("data/orders/sample.parquet").head(5)).write_parquet(tmp_path / "bad.parquet")
    shown = run("predict", "late-order", "--file", tmp_path / "bad.parquet", "--to", tmp_path / "out.csv")
    assert shown.code == 1 and says in shown.err and "Traceback" not in shown.err
    assert not (tmp_path / "out.csv").exists()


BROKEN = [
    ("a-2,2026-03-02T09:00:00Z,island", "line 3: 3 fields where the header has 5 (1 such line)"),
    ("a-2,2026-03-02T09:00:00Z,island,far,2", "line 3, column 'kilometres': 'far' is not Float64"),
    ("a-2,2026-03-02T09:00:00,island,4.5,2", "line 3, column 'left_at': '2026-03-02T09:00:00' carries no time zone"),
    ('a-2,"2026-03-02T09:00:00Z,island,4.5,2', "line 3: unexpected end of data"),
    ("a-2,2026-03-02T09:00:00Z,\xefle,4.5,2", "line 3 is not UTF-8 (byte 0xef)"),
]


@pytest.mark.parametrize(("line", "says"), BROKEN)
def test_a_broken_line_is_told_as_ingest_tells_it(run, inside: Path, tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "rows.csv"
    text = f"order_id,left_at,depot,kilometres,parcels\na-1,2026-03-02T17:30:00Z,harbour,81.5,9\n{line}\n"
    path.write_bytes(text.encode("latin-1"))
    shown = run("predict", "late-order", "--file", path)
    assert (shown.code, shown.out) == (1, "") and str(path) in shown.err and says in shown.err, shown.err


def test_codes_keep_their_zeros_and_numbers_are_those_of_the_endpoint(run, inside: Path, tmp_path: Path) -> None:
    rows = "order_id,left_at,depot,kilometres,parcels\n007,2026-03-02T17:30:00Z,12,81,NA\n"
    (tmp_path / "rows.csv").write_text(rows)
    (row,) = run("predict", "late-order", "--file", tmp_path / "rows.csv", "--json").json()
    assert (row["order_id"], row["depot"], row["kilometres"], row["parcels"]) == ("007", "12", 81.0, None)


PEAK = """
import re, sys
from pathlib import Path
from argosy.cli import main
assert main(sys.argv[1:]) == 0
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""
BOUND = 450 << 10
"""Kilobytes that a file larger than that may take beyond a small one."""


def _peak(*arguments: object) -> int:
    """The most memory that the command takes in a process of its own, in kilobytes."""
    done = subprocess.run([sys.executable, "-c", PEAK, *map(str, arguments)], check=True, stdout=subprocess.PIPE)
    return int(done.stdout.split()[-1])


def _line(kind: str, row: dict[str, object]) -> str:
    return ",".join(map(str, row.values())) if kind == "csv" else json.dumps(row)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json"])
def test_a_file_is_never_held_whole(run, inside: Path, tmp_path: Path, kind: str) -> None:
    told = {"left_at": "2026-03-02T17:30:00Z", "depot": "north", "kilometres": 12.5, "parcels": 4, "note": "x" * 600}
    head, between, end = {"csv": (f"order_id,{','.join(told)}\n", "\n", "\n"), "jsonl": ("", "\n", ""),
                          "json": ("[", ",\n", "]\n")}[kind]  # fmt: skip
    block = between.join(_line(kind, {"order_id": "an order", **told}) for _ in range(10_000))
    paths, peaks = [tmp_path / f"{name}.{kind}" for name in ("small", "large")], []
    for path, blocks in zip(paths, (1, 160), strict=True):
        with path.open("w") as file:
            file.write(head + block)
            for _ in range(blocks - 1):
                file.write(between + block)
            file.write(end)
        peaks.append(_peak("predict", "late-order", "--file", path, "--to", tmp_path / f"{path.stem}.parquet"))
    found = pl.scan_parquet(tmp_path / "large.parquet")
    assert found.select(pl.len(), pl.col("prediction").n_unique()).collect().row(0) == (1_600_000, 1)
    assert paths[1].stat().st_size > 2 * (BOUND << 10) > 2 * (peaks[1] - peaks[0] << 10), peaks


def test_files_that_are_none(run, inside: Path, tmp_path: Path) -> None:
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 torn")
    for name, code in (("none.csv", 2), ("torn.parquet", 1), ("rows.xlsx", 2)):
        assert run("predict", "late-order", "--file", tmp_path / name).code == code
    assert run("predict", "late-order", "--file", "rows.csv", "--at", "noon").code == 2
    assert run("predict", "late-order", "--file", "rows.csv", "--to", tmp_path / "out.xlsx").code == 2
    assert run("predict", "nothing", "--file", "rows.csv").code == 2


def test_a_file_that_is_there_is_replaced_where_that_is_said(run, inside: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("mine")
    refused = run("predict", "late-order", "--file", "rows.csv", "--to", out)
    assert refused.code == 1 and f"{out} is there already" in refused.err and "--force" in refused.err
    assert out.read_text() == "mine"
    assert run("predict", "late-order", "--file", "rows.csv", "--to", out, "--force").code == 0
    assert len(pl.read_json(out)) == 200


def test_a_row_that_does_not_fit_has_a_reason_and_the_others_have_their_predictions(
    run, inside: Path, tmp_path: Path
) -> None:
    good = pl.read_parquet("data/orders/sample.parquet").head(4).drop("late")
    parcels, depot = pl.Series(["1", "many", "2", "3"]), pl.Series(["north", "north", None, "south"])
    good.with_columns(parcels=parcels, depot=depot).write_parquet(tmp_path / "some.parquet")
    done = run("predict", "late-order", "--file", tmp_path / "some.parquet", "--to", tmp_path / "out.parquet")
    assert done.code == 0 and "2 of 4 rows scored by" in done.err and "2 rows without a prediction" in done.err
    found = pl.read_parquet(tmp_path / "out.parquet")
    assert found["reason"].to_list() == [
        None, "column 'parcels' holds what is no Float64", "key column 'depot' is missing", None,
    ]  # fmt: skip
    assert found["prediction"].is_null().to_list() == [False, True, True, False]
    assert found.drop("prediction", "version", "route", "reason").equals(pl.read_parquet(tmp_path / "some.parquet"))
    shown = run("predict", "late-order", "--file", tmp_path / "some.parquet").out
    assert shown.split("\n")[0].split()[-1] == "reason"
    counted = run(
        "predict", "late-order", "--file", tmp_path / "some.parquet", "--to", tmp_path / "out.csv", "--json"
    ).json()
    assert (counted["rows"], counted["answered"], sum(counted["routes"].values())) == (4, 2, 2)
    refused = run("predict", "late-order", "--file", tmp_path / "some.parquet", "--strict", "--to", tmp_path / "no.csv")
    assert refused.code == 1 and "row 2 of" in refused.err and "has no prediction: column 'parcels'" in refused.err
    assert not (tmp_path / "no.csv").exists() and not list(tmp_path.glob(".*"))
    none = run("predict", "late-order", "--file", tmp_path / "some.parquet", "--at", "2026-03-02T12:00:00Z")
    assert none.code == 0
    good.with_columns(depot=pl.lit(None, pl.String)).write_parquet(tmp_path / "some.parquet")
    assert run("predict", "late-order", "--file", tmp_path / "some.parquet").code == 1


def test_a_directory_keeps_what_is_finished(run, inside: Path, tmp_path: Path) -> None:
    rows = pl.read_parquet("data/orders/sample.parquet").drop("late")
    files = [tmp_path / f"{i}.parquet" for i in range(3)]
    for i, path in enumerate(files):
        rows.slice(i * 50, 50).write_parquet(path)
    place = tmp_path / "scored"
    assert run("predict", "late-order", "--file", *files, "--to", f"{place}/").code == 0
    chunks = sorted(place.glob("*.parquet"))
    assert len(chunks) == 3 and pl.read_parquet(chunks).height == 150
    kept = [path.stat().st_mtime_ns for path in chunks]
    chunks[1].unlink()
    (place / "notes.txt").touch()
    assert run("predict", "late-order", "--file", *files, "--to", place).code == 0
    again = [path.stat().st_mtime_ns for path in chunks]
    assert (again[0], again[2]) == (kept[0], kept[2]) and again[1] != kept[1]
    assert run("predict", "late-order", "--file", files[2], "--to", place).code == 0
    assert pl.read_parquet(place / "*.parquet")["order_id"].equals(rows.slice(100, 50)["order_id"])
    assert (place / "notes.txt").exists()


def test_a_dataset_takes_the_same_answers_once_with_their_lineage(run, own: Path) -> None:
    call = ("predict", "late-order", "--dataset", "orders", "--where", "kilometres > 20", "--to", "dataset:scores")
    done = run(*call, "--json").json()
    rows = pl.read_parquet("data/orders/sample.parquet")
    assert done["to"] == "scores@1" and done["rows"] == done["added"] == rows.filter(pl.col("kilometres") > 20).height
    again = run(*call)
    assert again.code == 0 and "nothing to add: scores@1 holds the same" in again.err
    found = run("read", "scores", "--json", "--limit", 1).json()[0]
    assert found["prediction"] is not None and found["at"] == found["left_at"]
    lineage = run("lineage", "scores@1", "--json").json()
    named = {(each["kind"], each["reference"]) for each in lineage["nodes"]}
    assert {("dataset", "orders@1"), *(("version", each) for each in done["versions"])} <= named
    other = run(
        "predict", "late-order", "--dataset", "orders@1", "--to", "dataset:scores", "--canaries", "--json"
    ).json()
    assert (other["to"], other["rows"]) == ("scores@2", rows.height)
    assert not list((own / ".argosy" / "scoring" / "scores").glob("*.parquet"))
    taken = run("predict", "late-order", "--dataset", "orders", "--to", "dataset:orders")
    assert taken.code == 1 and "dataset orders is filled by something else" in taken.err
    assert run("predict", "late-order", "--dataset", "nothing", "--to", "dataset:scores").code == 2
    none = run("predict", "late-order", "--dataset", "orders", "--where", "kilometres < 0", "--to", "dataset:scores")
    assert none.code == 1 and "orders@1 holds no rows" in none.err


def test_a_query_over_datasets_is_scored(run, inside: Path) -> None:
    sql = "select *, 1 as one from orders where depot = 'north' order by kilometres desc limit 3"
    found = run("predict", "late-order", "--sql", sql, "--json").json()
    assert len(found) == 3 and {row["depot"] for row in found} == {"north"} and found[0]["one"] == 1
    for wrong, says in (
        ("select 1", "names no dataset"),
        ("selec * from orders", "--sql: "),
        (sql + " x y", "--sql: "),
    ):
        shown = run("predict", "late-order", "--sql", wrong)
        assert shown.code == 2 and says in shown.err
    for wrong, says in (
        ("kilometres >", "unable to parse"),
        ("kilometers > 80", 'unable to find column "kilometers"'),
        ("kilometres", "must be of type `Boolean`"),
        ("depot > 3", "cannot compare string with numeric type"),
    ):
        shown = run("predict", "late-order", "--dataset", "orders", "--where", wrong)
        assert shown.code == 2 and f"--where {wrong!r}: " in shown.err and says in shown.err
    assert run("predict", "late-order", "--sql", sql, "--file", "rows.csv").code == 2
    assert run("predict", "late-order").code == 2
