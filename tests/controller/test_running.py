"""Runs from a project's files to their end: the failure handler, formats of the project's own, code and data pinned."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from argosy.controller import code as coding
from argosy.controller import ending, running, tenure
from argosy.controller.clock import SystemClock
from argosy.controller.house import House
from argosy.errors import DeclarationError, UnknownError
from argosy.pipelines import format
from argosy.pipelines.landing import Ended
from argosy.pipelines.piece import Held
from argosy.store import Store, artifacts, calls, claims, events, executions, leases, runs, schema

_PROJECT = """
from __future__ import annotations
from typing import Any
import argosy as ag
from shapes import Square
from steps import area, grow

FACTOR = 2

@ag.step
def make(side: int) -> Square:
    return Square(side * FACTOR)

@ag.step
def check(side: int) -> int:
    if side > 5:
        raise ValueError("too large")
    return side

@ag.step
def tell(failed: ag.Failed) -> str:
    print("alarm", failed.run)
    return f"{failed.pipeline} {failed.before} {failed.reasons}"

@ag.pipeline(on_failure=tell)
def draw(side: int = 3) -> Any:
    return area(grow(make(check(side))))
"""
_SHAPES = """
import argosy as ag

class Square:
    def __init__(self, side: int) -> None:
        self.side = side

@ag.format(Square)
class SquareFormat(ag.Format):
    name = "square"

    def save(self, value, file) -> None:
        file.write(b"%d" % value.side)

    def load(self, file, wanted):
        return Square(int(file.read()))

    def preview(self, value):
        return {"kind": "square", "side": value.side}
"""
_STEPS = """
import argosy as ag

@ag.step
def grow(square):
    square.side += 1
    return square

@ag.step
def area(square) -> int:
    return square.side ** 2
"""
_MAPPED = """
import argosy as ag

@ag.step
def texts() -> list[str]:
    return ["a" * 5_000, "b" * 5_000] * 3

@ag.step
def sized(text: str, more: int) -> int:
    return len(text) + more

@ag.pipeline
def mapped(more: int):
    return sized.map(texts(), more)
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, home: Path) -> Iterator[Store]:
    place = home if request.param == "sqlite" else request.getfixturevalue("postgres_home")
    with Store.open(place, blobs=home / "blobs") as store:
        yield store


@pytest.fixture
def house(store: Store) -> Iterator[House]:
    with House(store, workers=1, actor="ann", environment=os.environ) as house:
        yield house


@pytest.fixture
def project(tmp_path: Path) -> Path:
    place = tmp_path / "project"
    place.mkdir()
    for name, text in (("draw", _PROJECT), ("shapes", _SHAPES), ("steps", _STEPS)):
        (place / f"{name}.py").write_text(text)
    return place / "draw.py"


def _run(house: House, module: Path, **given: Any) -> tuple[runs.Run, str | None]:
    code = coding.of_files(house, module, module.stem, SystemClock().now())
    made = running.setting(house, code, given)
    run = running.begun(house, running.request(house, code, given, "asked for"), made)
    return run, running.carry_out(house, code, run, made)


def _again(house: House, run: runs.Run) -> str | None:
    """Try a run again that ended."""
    with house.store.read() as conn:
        before = runs.endings(conn, [run.id])[run.id].id
    code = coding.of_run(house, run)
    return running.carry_out(house, code, run, running.setting(house, code, run.parameters), before=before)


def _result(house: House, run: runs.Run) -> Any:
    with house.store.read() as conn:
        ((kind, digest),) = runs.endings(conn, [run.id])[run.id].body["results"].values()
        found = Held.recorded(artifacts.get(conn, [digest])[digest])
    source = format.Source(found.slot, house.store.blobs, house.store.blobs.root, found.data)
    return format.named(kind).load(source, Any)


def test_a_cancellation_in_the_last_moment_stands(house: House, project: Path) -> None:
    """One that comes after the last look at it, and before the run ends by itself."""
    code = coding.of_files(house, project, "draw", SystemClock().now())
    made = running.setting(house, code, {})
    run = running.begun(house, running.request(house, code, {}, "asked for"), made)

    def cancel(ended: Ended) -> None:
        if ended.node == "area":
            with house.store.write() as tx:
                ending.record(tx, run, runs.CANCELLED, SystemClock().now(), "bob", "enough")

    assert running.carry_out(house, code, run, made, on_ended=cancel) == runs.CANCELLED
    with house.store.read() as conn:
        (only,) = runs.history(conn, run.id)
        assert (only.outcome, only.actor) == (runs.CANCELLED, "bob")
        assert conn.execute(select(schema.claim)).all() == []
    assert (_again(house, run), _result(house, run)) == (runs.SUCCEEDED, 49)


def test_a_run_of_a_projects_own_formats(house: House, project: Path) -> None:
    """A step in a module that knows nothing of a format is given what has it."""
    run, outcome = _run(house, project, side=4)
    assert (outcome, _result(house, run)) == (runs.SUCCEEDED, 81)
    with house.store.read() as conn:
        assert runs.states(conn, [run.id], SystemClock().now()) == {run.id: runs.SUCCEEDED}
        assert leases.live(conn, SystemClock().now(), run.lease) == []
        assert {event.kind for event in events.since(conn)} >= {"run.started", "run.succeeded"}
    with house.store.write() as tx:
        assert claims.take(tx, ["any"], run.id, SystemClock().now()) == {"any"}
        assert tx.exec_driver_sql("SELECT count(*) FROM claim").scalar_one() == 1


def test_the_code_of_a_format_counts(house: House, project: Path) -> None:
    _run(house, project)
    shapes = project.with_name("shapes.py")
    shapes.write_text(shapes.read_text().replace('b"%d" % value.side', 'b"%d" % (value.side + 1)'))
    run, _ = _run(house, project)
    assert _result(house, run) == (3 * 2 + 1 + 1 + 1) ** 2


def test_the_code_of_a_class_counts_that_an_annotation_names(house: House, project: Path) -> None:
    """It says what a value becomes when it is loaded, though the function names it nowhere else."""
    steps = project.with_name("steps.py")
    steps.write_text(
        "import msgspec\nimport argosy as ag\n\nclass Side(msgspec.Struct):\n    length: int = 0\n    more: int = 1\n\n"
        "@ag.step\ndef grow(square) -> dict[str, int]:\n    return {'length': square.side}\n\n"
        "@ag.step\ndef area(square: list[Side] | Side) -> int:\n    return square.length + square.more\n"
    )
    run, _ = _run(house, project)
    assert _result(house, run) == 7
    steps.write_text(steps.read_text().replace("more: int = 1", "more: int = 2"))
    run, _ = _run(house, project)
    assert _result(house, run) == 8


def test_who_is_to_know_is_told_of_a_failure_each_time(house: House, project: Path) -> None:
    run, outcome = _run(house, project, side=9)
    assert outcome == runs.FAILED
    assert _again(house, run) == runs.FAILED
    with house.store.read() as conn:
        told = executions.of_subject(conn, "draw/on_failure/tell")
        states = {call.node: call.state for call in calls.of(conn, run.id)}
        ending = runs.endings(conn, [run.id])[run.id]
    assert [run.outcome for run in told] == ["succeeded", "succeeded"]
    given = sorted(each.parameters["arguments"]["failed"]["value"] for each in told)
    assert [text.partition(",")[0] for text in given] == ["{'before': 0", "{'before': 1"]
    assert states == {
        "check": "failed", "make": "skipped", "grow": "skipped", "area": "skipped", "on_failure/tell": "executed",
    }  # fmt: skip
    assert "ValueError: too large" in ending.reason


def test_a_run_keeps_the_code_that_it_began_with(house: House, project: Path) -> None:
    run, _ = _run(house, project, side=9)
    project.write_text(project.read_text().replace("side > 5", "side > 50"))
    assert _again(house, run) == runs.FAILED
    newer, outcome = _run(house, project, side=9)
    assert outcome == runs.SUCCEEDED and newer.id != run.id


def test_a_run_that_was_cut_off_is_taken_up_with_the_handler_that_it_had(house: House, project: Path) -> None:
    def begun() -> int:
        code = coding.of_files(house, project, "draw", SystemClock().now())
        return running.begun(house, running.request(house, code, {}, "asked for"), running.setting(house, code, {})).id

    first = begun()
    assert begun() == first
    project.write_text(project.read_text().replace('print("alarm"', 'print("beware"'))
    second = begun()
    assert second != first and begun() == second
    project.write_text(project.read_text().replace("@ag.pipeline(on_failure=tell)", "@ag.pipeline"))
    assert begun() not in (first, second)


def test_results_that_were_damaged_are_made_anew_one_behind_the_other(house: House, project: Path) -> None:
    _run(house, project)
    with house.store.write() as tx:
        for node in ("make", "grow"):
            (output,) = executions.get(tx, [calls.of(tx, 1, node=node)[0].execution_id]).values()
            ((_, digest),) = output.parameters["outputs"]
            tx.execute(update(schema.artifact).where(schema.artifact.c.digest == digest).values(data=b"1"))
    steps = project.with_name("steps.py")
    steps.write_text(steps.read_text().replace("** 2", "** 3"))
    run, outcome = _run(house, project)
    with house.store.read() as conn:
        states = {each.node: each.state for each in calls.of(conn, run.id)}
        failed = calls.superseded(conn, run.id, calls.FAILED)
    assert outcome == runs.SUCCEEDED
    assert states == dict.fromkeys(("make", "grow", "area"), "executed") | {"check": "cached"}
    assert [each.node for each in failed] == ["area", "grow"]


def test_a_list_that_was_damaged_is_made_anew_by_the_run_whose_map_goes_through_it(
    house: House, tmp_path: Path
) -> None:
    project = tmp_path / "mapped.py"
    project.write_text(_MAPPED)
    _run(house, project, more=1)
    large = [path for path in house.store.blobs.root.rglob("*") if path.is_file() and path.stat().st_size > 20_000]
    for path in large:
        path.write_bytes(bytes(path.stat().st_size))
    run, outcome = _run(house, project, more=2)
    with house.store.read() as conn:
        assert calls.counts(conn, [run.id])[run.id] == {"texts": {"executed": 1}, "sized": {"executed": 2, "cached": 4}}
        assert [each.node for each in calls.superseded(conn, run.id, calls.FAILED)] == ["sized"]
    assert len(large) == 1 and outcome == runs.SUCCEEDED


def test_what_stays_damaged_fails_the_run(house: House, project: Path) -> None:
    steps = project.with_name("steps.py")
    said = f"blob {'0' * 64} does not match its content address"
    steps.write_text(steps.read_text().replace("return square.side ** 2", f"raise ValueError({said!r})"))
    run, outcome = _run(house, project)
    with house.store.read() as conn:
        (ending,) = runs.history(conn, run.id)
        assert len(calls.superseded(conn, run.id, calls.FAILED)) == 1
    assert (outcome, ending.outcome) == (runs.FAILED, runs.FAILED) and said in ending.reason


def test_what_is_not_there_is_told(house: House, project: Path) -> None:
    with pytest.raises(UnknownError, match="project draw declares no pipeline 'paint'") as caught:
        coding.of_files(house, project, "paint", SystemClock().now())
    assert "draw" in caught.value.next
    with pytest.raises(UnknownError, match="there is no pipeline 'paint'"):
        coding.of_store(house, "paint")
    with pytest.raises(DeclarationError, match="argument side is 'wide'; it must be int"):
        _run(house, project, side="wide")
    project.write_text(
        project.read_text().replace("def draw(side: int = 3)", "def draw(flights: ag.Dataset, side: int = 3)")
        .replace("make(check(side))", "make(check(area(flights)))")
    )  # fmt: skip
    with pytest.raises(UnknownError, match="pipeline draw reads flights, of which there is no version"):
        _run(house, project)


def test_the_lease_of_a_process_that_is_no_more_is_given_back(store: Store) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    dead, now = tenure.owner(child.pid), SystemClock().now()
    child.communicate(b"\n")
    for name, owner in (("run/1", dead), ("run/2", tenure.owner()), ("other/1", dead)):
        assert leases.claim(store, name, owner, now, timedelta(minutes=1)) is not None
    tenure.clear(store, runs.LEASE)
    with store.read() as conn:
        assert [each.name for each in leases.live(conn, now)] == ["other/1", "run/2"]
