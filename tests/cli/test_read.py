"""`argosy read`: the rows of a version, on stdout or in a file; and its statistics, as of any other kind."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import argosy
from argosy.spec.contract import Column, Contract
from argosy.store import Store
from tests.cli.conftest import Run
from tests.data.table import DAY, START, dataset, put, rows, take

GOOD = rows(0, 30, list=[[1, 2]] * 30)


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with table@1 of 30 rows, table@2 of two more, and table@3, which was rejected."""
    declared = dataset(contract=Contract({"x": Column(maximum=50)}))
    monkeypatch.chdir(tmp_path)
    with Store.open(tmp_path / ".argosy", create=True) as store:
        put(tmp_path, "a", GOOD)
        assert take(store, tmp_path, declared).status == "accepted"
        put(tmp_path, "b", rows(30, 2, at=START + 2 * DAY, list=[[3], None]))
        assert take(store, tmp_path, declared).status == "accepted"
        put(tmp_path, "c", rows(90, 2, at=START + 3 * DAY, list=[[3], None]))
        assert take(store, tmp_path, declared).status == "rejected"
    return tmp_path


def test_the_first_rows_are_shown_and_how_many_there_are(run: Run, inside: Path) -> None:
    shown = run("read", "table")
    assert shown.code == 0 and len(shown.out.splitlines()) == 2 + 20
    assert "the first 20 of 32 rows of table@2; write all of them with --to FILE" in shown.err
    assert [row["id"] for row in run("read", "table@1", "--json", "--limit", 2).json()] == [0, 1]
    assert run("read", "table", "--limit", 0).code == 2


def test_a_version_is_written_as_it_was(run: Run, inside: Path) -> None:
    assert "30 rows of table@1 written to one.parquet" in run("read", "table@1", "--to", "one.parquet").err
    assert_frame_equal(pl.read_parquet("one.parquet"), GOOD)
    assert "3 of 32 rows of table@2" in run("read", "table", "--limit", 3, "--to", "three.json").err
    assert [row["id"] for row in msgspec.json.decode(Path("three.json").read_bytes())] == [0, 1, 2]
    refused = run("read", "table", "--to", "all.csv")
    assert refused.code == 1 and "all.csv cannot be written" in refused.err and "Parquet holds every" in refused.err
    assert sorted(path.name for path in inside.glob("*.*")) == [".argosy", "one.parquet", "three.json"]


def test_a_file_that_is_there_stays_unless_it_is_to_be_replaced(run: Run, inside: Path) -> None:
    Path("rows.json").write_text("mine")
    refused = run("read", "table", "--to", "rows.json")
    assert refused.code == 1 and "rows.json is there already" in refused.err and "--force" in refused.err
    assert Path("rows.json").read_text() == "mine"
    assert run("read", "table", "--to", "rows.json", "--force").code == 0
    assert len(msgspec.json.decode(Path("rows.json").read_bytes())) == 32
    assert run("read", "table", "--to", "rows.xlsx").code == 2
    assert "no directory" in run("read", "table", "--to", "far/rows.json").err


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("table@3", "table@3 was rejected by its contract: it has no rows to read"),
        ("table@9", "there is no version table@9; the latest is table@3"),
        ("other", "there is no dataset other with rows"),
    ],
)
def test_a_version_that_cannot_be_read_says_why(run: Run, inside: Path, asked: str, message: str) -> None:
    refused = run("read", asked)
    assert refused.code == 2 and message in refused.err and "next: argosy " in refused.err


def test_a_dataset_is_told_with_its_status_and_rows_that_broke_its_contract(run: Run, inside: Path) -> None:
    (item,) = run("get", "datasets", "--json").json()["items"]
    assert item["status"] == "blocked" and "version 3 was rejected" in item["reason"]
    assert run("get", "datasets", "--where", "status:ready", "--json").json()["items"] == []
    assert "blocked" in run("get", "datasets").out and run("get", "datasets", "--where", "status:fine").code == 2
    whole = run("describe", "dataset", "table", "--json").json()
    assert (whole["status"], whole["contract"], whole["dropped"]) == ("blocked", 1, [])
    (finding,) = whole["findings"]
    assert [(row["id"], row["x"]) for row in finding["examples"]] == [(90, 90.0), (91, 91.0)]
    assert finding.pop("found") == "in 1 version since v3, 2 rows"
    assert run("describe", "dataset", "table@3", "--json").json()["findings"] == [finding]
    assert run("describe", "dataset", "table@2", "--json").json()["findings"] == []
    shown = run("describe", "dataset", "table")
    assert "message: 2 of 2 rows: x is not at most 50" in shown.out and "id=90" in shown.out
    assert "next: argosy describe contract table" in shown.err


def test_a_contract_is_told_with_a_proposal_to_paste(run: Run, inside: Path) -> None:
    named, numbered = (run("describe", "contract", each, "--json").json() for each in ("table", "table@1"))
    assert named == numbered == run("describe", "contract", named["id"], "--json").json()
    shown = run("describe", "contract", "table").out
    assert shown.rstrip().endswith(named["proposal"])
    assert list(eval(named["proposal"], {"ag": argosy}).columns) == ["id", "list"]
    assert "there is no contract 'other'" in run("describe", "contract", "other").err


def test_statistics_are_a_kind_like_others(run: Run, inside: Path) -> None:
    items = run("get", "statistics", "--where", "dataset:table", "--json").json()["items"]
    assert [item["number"] for item in items] == [3, 2, 1]
    assert "id, t, x, list" in run("get", "statistics").out
    column = run("describe", "statistics", "table@1", "--json").json()["body"]["x"]
    assert column["quantiles"] and sum(column["total"]["histogram"]) == 30


def test_rows_of_a_run_are_shown_and_written(run: Run, given: Path) -> None:
    shown = run("read", "run", 1, "rows")
    assert shown.code == 0 and len(shown.out.splitlines()) == 2 + 20
    assert "the first 20 of 30 rows of rows of run 1; write all of them with --to FILE" in shown.err
    assert [row["x"] for row in run("read", "run", 1, "rows", "--json", "--limit", 2).json()] == [0, 1]
    for path, reader in {"a.parquet": pl.read_parquet, "a.csv": pl.read_csv, "a.arrow": pl.read_ipc,
                         "a.json": pl.read_json}.items():  # fmt: skip
        assert "30 rows of rows of run 1 written to" in run("read", "run", 1, "rows", "--to", path).err
        assert_frame_equal(reader(path), pl.DataFrame({"x": range(30), "name": ["<b>"] * 30}))


def test_values_and_lists_of_them_are_json(run: Run, given: Path) -> None:
    assert run("read", "run", 1, "told").json() == {"at": [1, 2], "n": 30}
    assert run("read", "run", 1, "squares").json() == [1, 4, 9]
    assert run("read", "run", 1, "square", "--element", 2).json() == 9
    assert run("read", "run", 1, "halves.1").json() == 15
    assert "squares of run 1 written to s.json" in run("read", "run", 1, "squares", "--to", "s.json").err
    assert msgspec.json.decode(Path("s.json").read_bytes()) == [1, 4, 9]
    refused = run("read", "run", 1, "mixed")
    assert refused.code == 1 and "JSON cannot tell this value" in refused.err and "ag.results" in refused.err


def test_what_is_no_table_is_written_as_other_programs_have_it(run: Run, given: Path) -> None:
    assert run("read", "run", 1, "array", "--to", "a.npy").code == 0
    assert np.load("a.npy", allow_pickle=False).tolist() == list(range(30))
    assert run("read", "run", 1, "model", "--to", "a.skops").code == 0
    assert Path("a.skops").read_bytes().startswith(b"PK")
    assert run("read", "run", 1, "route", "--to", "route.txt").code == 0
    assert Path("route.txt").read_text() == "south\nnorth"
    assert run("read", "run", 1, "report", "--to", "a.md").code == 0
    assert "```html\n<script>" in Path("a.md").read_text()
    refused = run("read", "run", 1, "report", "--to", "a.pdf")
    assert refused.code == 2 and ".html, .md" in refused.err and not Path("a.pdf").exists()


def test_a_report_is_one_page_in_which_nothing_of_its_own_runs(run: Run, given: Path) -> None:
    assert run("read", "run", 1, "report", "--to", "a.html").code == 0
    page = Path("a.html").read_text()
    assert "<script" not in page and "&lt;script&gt;alert(1)" in page and 'src="data:image/svg+xml;base64,' in page
    assert '<iframe sandbox="" srcdoc="&lt;script&gt;alert(&quot;2&quot;)' in page


def test_files_come_under_their_own_names(run: Run, given: Path) -> None:
    assert "written to scores of may.csv" in run("read", "run", 1, "file", "--to", ".").err
    assert Path("scores of may.csv").read_text() == "a,b\n1,2\n"
    assert run("read", "run", 1, "file", "--to", ".").code == 1
    assert run("read", "run", 1, "file", "--to", "mine.csv").code == 0 and Path("mine.csv").read_text() == "a,b\n1,2\n"
    assert run("read", "run", 1, "site", "--to", "public").code == 0
    assert Path("public/in/page.html").read_text() == "page"
    refused = run("read", "run", 1, "site", "--to", "public", "--force")
    assert refused.code == 1 and "public is there already" in refused.err
    assert sorted(path.name for path in Path().iterdir()) == ["mine.csv", "public", "scores of may.csv"]


def test_an_artifact_is_read_by_the_beginning_of_its_digest(run: Run, given: Path) -> None:
    items = run("get", "artifacts", "--where", "kind:array", "--json").json()["items"]
    assert run("read", "artifact", items[0]["digest"][:12], "--to", "a.npy").code == 0
    assert np.load("a.npy", allow_pickle=False).shape == (30,)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (["run", "1"], "run 1 gave rows, told, mixed"),
        (["run", "9", "rows"], "there is no run 9"),
        (["run", "1", "other"], "run 1 has no result and no step 'other' (results: rows, told"),
        (["run", "1", "halves"], "halves gives 2 outputs"),
        (["run", "1", "halves.3"], "halves gives 2 outputs"),
        (["run", "1", "squares", "--element", "3"], "is a list of 3: it has no element 3"),
        (["run", "1", "rows", "--element", "0"], "is no list: it has no element 0"),
        (["run", "1", "frames"], "frames of run 1 is a list of 2"),
        (["run", "1", "model"], "is a model, which is not shown here"),
        (["run", "1", "constant"], "constant of run 1 is nothing"),
        (["table", "1"], "table 1 is nothing to read"),
        (["table", "--element", "1"], "--element are of a run"),
    ],
)
def test_what_of_a_run_cannot_be_read_says_why(run: Run, given: Path, asked: list[str], message: str) -> None:
    refused = run("read", *asked)
    assert refused.code == 2 and message in refused.err and "next: " in refused.err
