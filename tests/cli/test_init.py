"""A notebook becomes a module of steps; nothing is overwritten, and nothing written that is not whole."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.pipelines.notebook.paper import notebook

CELLS = (
    ("imports", "import math"),
    ("parameters", "factor = 3"),
    ("step:load", "%time\nrows = [1, 4]"),
    ("", "print(rows)"),
    ("step:sum", "total = factor * sum(map(math.sqrt, rows))"),
)


def test_from_a_notebook(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "My report.ipynb").write_bytes(notebook(*CELLS))
    done = run("init", tmp_path / "steps", "--from", tmp_path / "My report.ipynb")
    path = tmp_path / "steps" / "my_report.py"
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == [
        "cell 3 is kept without its line %time",
        "cell 4 (print(rows)) is left out: it has no tag of what it is for",
        f"wrote {path}",
        f"  next: read it, then argosy run my_report --project {path}",
    ]
    monkeypatch.syspath_prepend(path.parent)
    assert importlib.import_module("my_report").my_report(factor=2) == 6.0


def test_for_programs(run, tmp_path: Path) -> None:
    (tmp_path / "report.ipynb").write_bytes(notebook(*CELLS[:3]))
    assert run("init", tmp_path, "--from", tmp_path / "report.ipynb", "--json").json() == {
        "written": [str(tmp_path / "report.py")],
        "pipeline": "report",
        "left_out": ["cell 3 is kept without its line %time"],
    }


def test_nothing_is_overwritten(run, tmp_path: Path) -> None:
    (tmp_path / "report.ipynb").write_bytes(notebook(*CELLS))
    (tmp_path / "report.py").write_text("mine\n")
    done = run("init", tmp_path, "--from", tmp_path / "report.ipynb")
    assert done.code == 1 and "report.py is there already" in done.err
    assert (tmp_path / "report.py").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (None, 2, "notebook 'report.ipynb' cannot be read"),
        (b"{", 1, "report.ipynb is no Jupyter notebook"),
        (notebook(("step:a", "x = y")), 1, "cell 1 (x = y) reads y, which nothing before it makes"),
        (notebook(("", "x = 1")), 1, "report.ipynb has no cell that is tagged step"),
        (notebook(("step:a", "x = = 1")), 1, "cell 1 (x = = 1) is no Python"),
    ],
)
def test_what_cannot_be_read_writes_nothing(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("report.ipynb").write_bytes(content)
    done = run("init", "steps", "--from", "report.ipynb")
    assert done.code == code and said in done.err and "next:" in done.err
    assert not Path("steps").exists()


def test_a_sample_is_of_the_other_project(run, tmp_path: Path) -> None:
    done = run("init", tmp_path / "steps", "--sample", "--from", "report.ipynb")
    assert done.code == 2 and "--sample and --from contradict one another" in done.err
    assert not (tmp_path / "steps").exists()


def test_a_pipeline_that_is_written_runs_as_it_is_told(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init", "--pipeline").err.splitlines() == ["wrote pipeline.py", "  next: argosy run late_orders"]
    assert run("run", "late_orders").code == 0
    assert [row["depot"] for row in run("read", "run", 1, "table", "--json").json()] == ["harbour", "south", "north"]
    assert run("read", "run", 1, "report", "--to", "report.html").code == 0
    refused = run("init", "--pipeline")
    assert refused.code == 1 and "pipeline.py is there already" in refused.err
    assert run("init", "far", "--pipeline").err.endswith("next: cd far && argosy run late_orders\n")


def test_a_module_of_a_notebook_runs_as_it_is_told(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("report.ipynb").write_bytes(notebook(*CELLS))
    told = run("init", "--from", "report.ipynb").err.splitlines()[-1]
    assert told == "  next: read it, then argosy run report"
    assert run("run", "report").code == 0


def test_what_cannot_be_written_together_is_refused(run, tmp_path: Path) -> None:
    refused = run("init", tmp_path, "--sample", "--pipeline")
    assert refused.code == 2 and "--sample and --pipeline contradict one another" in refused.err
