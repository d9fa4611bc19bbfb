from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from argosy.engine.local import Local
from argosy.pipelines.claiming import Shard
from argosy.pipelines.piece import Outside
from argosy.pipelines.runner import Runner
from argosy.spec.pipeline import Pipeline
from argosy.store import Store, artifacts, calls, claims, edges, executions, leases, lineage
from tests.pipelines import marks, works
from tests.pipelines.runs import Place, now


@pytest.fixture(scope="module")
def engine() -> Iterator[Local]:
    with Local(2) as engine:
        yield engine


@pytest.fixture
def place(home: Path, engine: Local) -> Iterator[Place]:
    with Store.open(home) as store:
        yield Place(store, engine)


@pytest.mark.parametrize(
    ("pipeline", "given", "wanted"),
    [
        (works.chain, {"n": 5}, 5),
        (works.diamond, {"x": 7}, 5),
        (works.wide, {"n": 6}, 21),
        (works.shared, {"n": 3, "text": "x" * 100_000}, [100_000, 100_001, 100_002]),
        (works.folded, {"n": 5}, "(((ab)(cd))e)"),
        (works.folded, {"n": 1}, "a"),
        (works.forked, {"x": 3}, 4),
        (works.forked, {"x": 4}, 8),
        (works.nested, {"n": 3}, 6),
        (works.framed, {"n": 5}, 5),
        (works.twins, {}, 15),
        (works.dated, {"day": "2013-01-02"}, 2),
        (works.numpy_forked, {"x": 3}, 6),
        (works.numpy_forked, {"x": 9}, 10),
    ],
)
def test_a_pipeline_gives_what_its_functions_give(
    place: Place, pipeline: Pipeline, given: dict[str, Any], wanted: Any
) -> None:
    """Run, run again from what is known, and called as it is."""
    first = place.run(pipeline, **given)
    assert (place.results(first), first.failures) == ([wanted], {})
    again = place.run(pipeline, **given)
    assert place.results(again) == [wanted]
    assert set(again.counts) <= {"cached", "skipped"}
    assert pipeline(**pipeline.arguments(given)) == wanted


def test_constants_arrive_as_they_are(place: Place) -> None:
    """Also where no annotation says what they are; but for dicts, which have the order of their keys."""
    runner = place.run(works.exact)
    (found,) = place.results(runner)
    written = [
        (1, "a"), {1, 3}, date(2013, 1, 6), {"a": {2: 3}, "b": 1}, [None, 1.0, True, b"x"], 1 << 70, Decimal("1.10"),
        float("inf"), (), [(1,), [2]],
    ]  # fmt: skip
    assert found == [repr(each) for each in written]
    with place.store.read() as conn:
        done = executions.of_subject(conn, "exact/spelled")
        assert {edge.direction for edge in edges.of(conn, [run.id for run in done])} == {edges.OUT}
    assert {"value": "(1, 'a')"} in [run.parameters["arguments"]["given"] for run in done]
    assert len({run.key for run in done}) == len(written)


def test_items_of_a_list_come_from_the_list(place: Place) -> None:
    place.run(works.wide, n=3)
    with place.store.read() as conn:
        made = {e.reference for run in executions.of_subject(conn, "wide/numbers") for e in edges.of(conn, [run.id])}
        read = {
            edge.reference for run in executions.of_subject(conn, "wide/inc") for edge in edges.of(conn, [run.id])
            if edge.direction == edges.IN
        }  # fmt: skip
    assert len(read) == 1 and read <= made


@pytest.mark.parametrize(("x", "wanted"), [(2, ["None", "[None, 2]"]), (3, ["4", "[4, 2]"])])
def test_a_branch_that_was_not_taken_is_none(place: Place, x: int, wanted: list[str]) -> None:
    assert place.results(place.run(works.not_taken, x=x)) == wanted == works.not_taken(x)


def test_a_branch_that_failed_in_part_is_not_taken_for_the_rest(place: Place) -> None:
    runner = place.run(works.broken_branch)
    assert (place.states(runner)["when"], place.states(runner)["all_of"]) == ("skipped", "skipped")


def test_a_condition_is_true_or_false(place: Place) -> None:
    runner = place.run(works.framed_condition)
    assert "a condition is a table, which is neither true nor false" in runner.failures["inc"]


def test_a_step_gives_what_its_annotation_says(place: Place) -> None:
    runner = place.run(works.mistaken)
    assert "the step gave 'text'; its annotation says int" in runner.failures["mistyped"]
    assert "the step gave one int; its annotation says 2 values" in runner.failures["unpaired"]
    assert place.states(runner)["inc"] == "skipped"


def test_equal_calls_that_are_not_cached_are_made_each(place: Place, tmp_path: Path) -> None:
    for attempt in range(1, 4):
        runner = place.run(marks.six_ticks, folder=str(tmp_path))
        assert (runner.failures, (tmp_path / "tick").stat().st_size) == ({}, 6 * attempt)


def test_a_call_is_made_once_in_a_run_though_its_first_result_has_not_landed(place: Place, tmp_path: Path) -> None:
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        runner = place.run(marks.again, folder=str(folder))
        assert runner.failures == {} and (folder / "once").stat().st_size == 1


def test_a_map_that_keeps_going_fails_where_nothing_is_left(place: Place) -> None:
    runner = place.run(works.all_lost)
    assert place.states(runner)["total"] == "skipped" and runner.failed


def test_a_path_counts_by_its_content_whatever_the_annotation(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    for text in ("one", "two"):
        path.write_text(text)
        found = place.run(works.given_back, path=str(path)).results()
        assert place.value(found["text"]) == text
        assert isinstance(found["path"], Outside) and found["path"].path == str(path)


def test_what_lies_behind_a_link_counts(place: Place, tmp_path: Path) -> None:
    real, folder = tmp_path / "real", tmp_path / "folder"
    real.mkdir()
    folder.mkdir()
    (folder / "link").symlink_to(real)
    (real / "circle").symlink_to(folder)
    for text in ("one", "two"):
        (real / "a.txt").write_text(text)
        assert place.results(place.run(works.linked, folder=str(folder))) == [[text]]


def test_a_long_list_is_read_as_one_thing(place: Place) -> None:
    """Whoever is given it has one edge, in this run and in later ones; its items are told of once."""
    count = 30
    runner = place.run(works.square, n=count)
    assert place.results(runner) == [[x + sum(range(count + 1)) for x in range(count)]]
    again = place.run(works.square, n=count + 1)
    assert again.counts["executed"] == count + 2
    with place.store.read() as conn:
        made = executions.of_subject(conn, "square/inc")
        readers = executions.of_subject(conn, "square/place")
        read = edges.of(conn, [run.id for run in readers], edges.IN)
        assert len(read) == len(readers) == 2 * count + 1
        assert {edge.kind for edge in read} == {edges.LIST} and len({edge.reference for edge in read}) == 2
        (one,) = [e.reference for e in edges.of(conn, [made[-1].id], edges.OUT) if e.kind == "artifact"]
        assert len(edges.at(conn, "artifact", [one], edges.IN, limit=10)) == 2
        kept = artifacts.get(conn, {edge.reference for edge in read})
        assert {each.kind for each in kept.values()} == {edges.LIST}
        for each in kept.values():
            data = each.data or place.store.blobs.read(each.slot)
            assert len(data) == each.bytes and f"value:{one}" in data.decode().split("\n")
        found = lineage.walk(conn, lineage.Node("artifact", one), up=0, down=1, limit=10_000)
    assert {f"{run.id}" for run in readers} <= {node.reference for node in found.nodes if node.kind == "execution"}


def test_what_was_done_is_recorded(place: Place) -> None:
    runner = place.run(works.wide, n=2)
    with place.store.read() as conn:
        found = calls.of(conn, runner.run.id, node="total")
        assert found[0].execution_id is not None
        run = executions.get(conn, [found[0].execution_id])[found[0].execution_id]
        read = [edge for edge in edges.of(conn, [run.id]) if edge.direction == edges.IN]
        made = {edge.kind for edge in edges.of(conn, [run.id]) if edge.direction == edges.OUT}
    assert (run.kind, run.subject, run.outcome) == ("step", "wide/total", "succeeded")
    assert (run.metrics, run.parameters["logged"]) == ({"count": 2.0}, {"kind": "sum"})
    assert run.parameters["arguments"]["values"]["from"] == "inc"
    assert run.cpu_s is not None and run.wall_s is not None and run.peak_bytes
    assert timedelta() < now() - run.started_at < timedelta(minutes=5)
    assert len(read) == 2 and made == {"artifact", "log"}


def test_elements_that_fail_are_left_out(place: Place) -> None:
    runner = place.run(works.partial, bad=[1, 3])
    assert place.results(runner) == [0 + 1 + 20 + 1 + 40 + 1]
    states = place.states(runner)
    assert {name for name, state in states.items() if state == "failed"} == {"fussy[1]", "fussy[3]"}
    assert {name for name, state in states.items() if state == "skipped"} == {"inc[1]", "inc[3]"}


@pytest.mark.parametrize(("bad", "keep_going"), [([2], False), ([0, 1, 2, 3, 4], True)])
def test_a_map_fails_with_an_element_unless_it_keeps_going_and_one_is_left(
    place: Place, bad: list[int], keep_going: bool
) -> None:
    runner = place.run(works.partial, bad=bad, keep_going=keep_going)
    states = place.states(runner)
    assert sum(state == "failed" for state in states.values()) == len(bad)
    assert (states["inc"], states["total"]) == ("skipped", "skipped")
    assert "is bad" in runner.failures["fussy"]
    mended = place.run(works.partial, bad=[], keep_going=False)
    assert place.results(mended) == [sum(10 * each + 1 for each in range(5))]


def test_a_step_fails_alone(place: Place) -> None:
    runner = place.run(works.broken)
    states = place.states(runner)
    assert (states["mute"], states["formless"], states["inc"], states["inc-2"], states["inc-3"]) == (
        "failed", "failed", "skipped", "skipped", "executed",
    )  # fmt: skip
    assert "Unspeakable" in runner.failures["mute"]
    assert "has no format" in runner.failures["formless"]


def test_lists_that_do_not_fit_fail_their_node(place: Place) -> None:
    runner = place.run(works.uneven)
    assert "differ in length: a has 3, b has 4" in runner.failures["add"]


def test_an_empty_list_is_mapped_to_one_and_cannot_be_reduced(place: Place) -> None:
    runner = place.run(works.empty)
    assert place.results(runner)[0] == 0
    assert "empty list" in runner.failures["add"]


def test_equal_calls_of_a_run_are_executed_once(place: Place) -> None:
    runner = place.run(works.twins)
    assert runner.counts == {"executed": 2, "cached": 2}


def test_what_is_cached_for_how_long(place: Place, tmp_path: Path) -> None:
    given = {"folder": str(tmp_path)}
    assert place.results(place.run(marks.kept, **given)) == [1, 1, "plain"]
    assert place.results(place.run(marks.kept, **given))[:2] == [2, 1]
    place.clock = lambda: now() + timedelta(days=2)
    assert place.results(place.run(marks.kept, **given))[:2] == [3, 2]
    assert (tmp_path / "flavour").stat().st_size == 1
    place.run(marks.kept, {"FLAVOUR": "lemon", "OTHER": "x"}, **given)
    assert (tmp_path / "flavour").stat().st_size == 2
    place.run(marks.kept, {"FLAVOUR": "lemon", "OTHER": "y"}, **given)
    assert (tmp_path / "flavour").stat().st_size == 2


def test_the_content_of_a_file_counts_and_not_its_path(place: Place, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("first")
    two.write_text("first")
    assert place.results(place.run(works.filed, path=str(one))) == ["first"]
    assert place.run(works.filed, path=str(two)).counts == {"cached": 1}
    one.write_text("second")
    assert place.results(place.run(works.filed, path=str(one))) == ["second"]


def test_a_step_is_tried_again(place: Place, tmp_path: Path) -> None:
    runner = place.run(marks.trying, folder=str(tmp_path))
    assert place.results(runner) == [3]
    with place.store.read() as conn:
        (run,) = executions.of_subject(conn, "trying/shaky")
    assert run.parameters["attempts"] == 3


def test_a_limit_holds_in_all_runs_of_a_home(place: Place, tmp_path: Path) -> None:
    runner = place.run(marks.narrow, folder=str(tmp_path))
    assert place.results(runner) == [[0.0] * 4]
    with place.store.read() as conn:
        assert leases.live(conn, now(), "limit/") == []
    after = leases.claim(place.store, "limit/gpu/0", "ann", now(), timedelta(minutes=1))
    assert after is not None and after.token == 2  # the slot went from call to call without being claimed anew


def test_a_run_that_was_cut_off_goes_on_where_it_came_to(place: Place, tmp_path: Path) -> None:
    given = {"folder": str(tmp_path)}
    runner = place.begin(marks.kept, **given)
    with place.engine.session() as session:
        session.submit(runner.advance())
        taken = 0
        while taken < 2:
            for result in session.results(1.0):
                runner.take(result)
                taken += 1
        runner.land()
    again = place.begin(marks.kept, **given)
    assert again.run.id == runner.run.id
    place.drive(again)
    assert len(again.failures) == 0 and again.counts["cached"] >= 2
    assert (tmp_path / "clock").stat().st_size <= 2


def _live(place: Place, runner: Runner) -> None:
    assert leases.claim(place.store, runner.run.lease, "here", now(), timedelta(minutes=1)) is not None


def test_two_runs_at_once_share_what_they_both_need(home: Path, tmp_path: Path) -> None:
    """Each in a thread with an engine of its own, as two processes would be."""
    ended: dict[int, Runner] = {}

    def work(depth: int) -> None:
        with Store.open(home) as store, Local(1) as engine:
            place = Place(store, engine)
            runner = place.begin(marks.lengthy, folder=str(tmp_path), depth=depth)
            _live(place, runner)
            place.drive(runner)
            ended[depth] = runner

    Store.open(home).close()
    threads = [threading.Thread(target=work, args=(depth,)) for depth in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ended) == 3 and not any(runner.failures for runner in ended.values())
    assert (tmp_path / "first.begun").stat().st_size == 1
    with Store.open(home) as store, store.write() as tx:
        assert claims.take(tx, ["nothing is claimed any more"], 1, now()) == {"nothing is claimed any more"}
        assert tx.exec_driver_sql("SELECT count(*) FROM claim").scalar_one() == 1


@pytest.mark.parametrize("beginning", [[0, 1, 2], [1]])
def test_shards_share_a_map_and_one_alone_does_all_of_it(home: Path, tmp_path: Path, beginning: list[int]) -> None:
    """Each shard gives the pipeline's result; no element is executed twice."""
    ended: dict[int, Runner] = {}
    Store.open(home).close()

    def work(number: int) -> None:
        with Store.open(home) as store, Local(1) as engine:
            place = Place(store, engine)
            runner = place.begin(marks.marked, shard=Shard(number, 3), folder=str(tmp_path))
            _live(place, runner)
            place.drive(runner)
            ended[number] = runner
            assert place.results(runner) == [["e0", "e1", "e2", "e3", "e4", "e5", "e6"]]

    threads = [threading.Thread(target=work, args=(number,)) for number in beginning]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == beginning
    assert {path.stat().st_size for path in tmp_path.glob("e?")} == {1}
    assert sum(runner.counts["executed"] for runner in ended.values()) == 7
    if len(beginning) == 3:
        assert all(runner.counts["executed"] for runner in ended.values())


def test_a_claim_of_a_run_that_died_is_taken_over(place: Place, tmp_path: Path) -> None:
    given = {"folder": str(tmp_path)}
    dead = place.begin(marks.lengthy, **given)
    dead.advance()
    place.drive(place.begin(marks.lengthy, depth=4, **given))
    assert (tmp_path / "first.ended").stat().st_size == 1


def test_several_runs_share_one_session(place: Place, tmp_path: Path) -> None:
    runners = [place.begin(works.chain, n=n) for n in (3, 5)] + [place.begin(works.wide, n=4)]
    for runner in runners:
        _live(place, runner)
    place.drive(*runners)
    assert [place.results(runner) for runner in runners] == [[3], [5], [10]]


def test_dates_travel(place: Place) -> None:
    assert place.results(place.run(works.dated, day=date(2013, 1, 6))) == [6]


def test_threads_of_a_step_log_and_have_folders_as_it_does(place: Place) -> None:
    runner = place.run(works.threaded)
    (folder,) = place.results(runner)
    assert not Path(folder).exists()
    with place.store.read() as conn:
        (done,) = executions.of_subject(conn, "threaded/aside")
    assert done.metrics == {"seen": 4.0}
