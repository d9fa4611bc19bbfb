"""The page of a step, and of one call of it."""

from __future__ import annotations

from html import unescape

import pytest

from argosy.console import ancestry, live, step
from argosy.console.page import to_html
from argosy.console.step import Detail, StepPage
from argosy.errors import UnknownError
from argosy.store import Store
from tests.console import sailed


def read(
    store: Store, run: int, node: str, element: int | None = None, query: str = "", number: int = 1
) -> StepPage:  # fmt: skip
    with store.read() as conn:
        return step.read(conn, store, run, node, sailed.now(), element=element, query=query, number=number)


def detail(store: Store, run: int, node: str, element: int | None = None, query: str = "") -> Detail:
    found = read(store, run, node, element, query).detail
    assert found is not None
    return found


def shown(store: Store, run: int, node: str, element: int | None = None) -> str:
    with store.read() as conn:
        return to_html(step.page(conn, store, run, node, sailed.now(), element=element))


def test_a_call_tells_what_it_read_made_and_logged(sea: Store) -> None:
    found = detail(sea, 1, "score", 2)
    assert {each.name: each.words for each in found.inputs} == {"part": "2", "depth": "3"}
    assert [each.origin for each in found.inputs if each.name == "part"] == ["parts"]
    assert found.outputs[0].previews[0].text == "1.5"
    assert found.logged["note"] == sailed.EVIL and found.logged["loss"] == pytest.approx(1 / 3)
    whole = detail(sea, 1, "parts")
    rows = whole.inputs[0]
    assert rows.link == "/runs/1/load" and rows.preview is not None and rows.preview.format == "table"


def test_why_it_was_done_and_why_it_was_not_done_again(sea: Store) -> None:
    assert detail(sea, 1, "load").why == ("the pipeline never ran before",)
    changed = detail(sea, 2, "score", 0)
    assert changed.why == ("argument depth: 3 -> 5 (since run 1)",) and changed.before == 1
    cached = detail(sea, 2, "load")
    assert cached.call.state == "cached" and cached.run == 1 and "done by run 1" in cached.why[0]
    assert 'href="/runs/1"' in shown(sea, 2, "load")
    assert detail(sea, 1, "raised").why == ("needs sink, which failed",)


def test_a_failure_tells_its_reason_attempts_and_traceback(sea: Store) -> None:
    found = detail(sea, 1, "score", 3)
    assert found.attempts == 2 and "in score" in found.traceback and sailed.EVIL in found.call.reason
    html = shown(sea, 1, "score", 3)
    assert sailed.EVIL in unescape(html) and html.count("<script") == 1 and 'onerror="' not in html


def test_a_log_is_bounded_and_searched(sea: Store) -> None:
    log = detail(sea, 1, "load").log
    assert log is not None and log.count == 601 and len(log.lines) == step.LINES
    assert log.lines[-1] == (601, sailed.EVIL)
    searched = detail(sea, 1, "load", query="ROW 59").log
    assert searched is not None and searched.found == 11
    assert [place for place, _ in searched.lines] == [60, *range(591, 601)]
    none = detail(sea, 1, "load", query="no such").log
    assert none is not None and none.lines == () and none.found == 0


def test_elements_come_a_page_at_a_time_those_that_failed_first(sea: Store, store: Store) -> None:
    found = read(sea, 1, "score")
    assert [each.element for each in found.elements] == [3, 0, 1, 2, 4] and found.detail is None
    assert found.elements[0].attempts == 2 and "loss" in found.elements[1].logged
    assert [each.given for each in found.elements] == [{"part": part} for part in "30124"]
    run, _ = sailed.depart(store)
    sailed.land(store, run, "second", step.SIZE + 7)
    first, second = (read(store, run.id, "second", number=number) for number in (1, 2))
    assert [each.element for each in (*first.elements, *second.elements)] == list(range(step.SIZE + 7))
    assert second.pages == 2 and f'href="/runs/{run.id}/second?page=2"' in shown(store, run.id, "second")


def test_a_dataset_is_linked_at_its_version(store: Store) -> None:
    run, _ = sailed.depart(store)
    sailed.land(store, run, "first")
    (rows,) = detail(store, run.id, "first").inputs
    assert (rows.words, rows.link) == ("flights@3", "/datasets/flights")


def test_a_call_at_work_shows_what_it_wrote_so_far(store: Store) -> None:
    run, lease = sailed.depart(store)
    sailed.at_work(store, run, lease, "first", *(f"line {n}" for n in range(500)), sailed.EVIL)
    found = shown(store, run.id, "first")
    assert found.count('class="line"') == 400 and "line 101" in found and "line 100<" not in found
    assert "At work" in found and "for 3" in found and sailed.EVIL not in found


def test_elements_at_work_come_before_those_that_ended(store: Store) -> None:
    run, lease = sailed.depart(store)
    sailed.land(store, run, "first")
    sailed.land(store, run, "second", 2)
    sailed.at_work(store, run, lease, "second", "so far", "last word", elements=[2, 7])
    data = read(store, run.id, "second")
    assert [each.element for each in data.working] == [2, 7] and len(data.elements) == 2
    found = shown(store, run.id, "second")
    assert found.index("last word") < found.index("Ended") and "so far" not in found
    assert [each.element for each in read(store, run.id, "second", 7).working] == [7]
    assert "so far" in shown(store, run.id, "second", 7)
    with store.read() as conn:
        assert "element=7" in step.page(conn, store, run.id, "second", sailed.now(), element=7).live
    with pytest.raises(UnknownError, match="has not come to"):
        shown(store, run.id, "second", 8)
    sailed.arrive(store, run, lease)
    assert "At work" not in shown(store, run.id, "second")


def test_a_page_that_is_open_goes_on_while_its_element_is_between_two_attempts(store: Store) -> None:
    run, lease = sailed.depart(store)
    sailed.at_work(store, run, lease, "second", "it tries", elements=[2])

    def parts() -> str:
        with store.read() as conn:
            return live.of_step(conn, store, run.id, "second", sailed.now(), element=2, query="", number=1)["step"]

    assert "it tries" in parts()
    sailed.at_work(store, run, lease, "second", elements=[])
    assert "Nothing came of it yet" in parts()
    sailed.land(store, run, "second", 3)
    assert "Why it was done" in parts()


def test_what_a_run_did_not_come_to(store: Store) -> None:
    run, _ = sailed.depart(store)
    assert "Nothing came of it yet" in shown(store, run.id, "third")
    with pytest.raises(UnknownError, match="has not come to"):
        shown(store, run.id, "second", 4)
    with pytest.raises(UnknownError, match="has no step 'fourth'"):
        read(store, run.id, "fourth")


def test_the_lineage_of_an_execution_leads_to_its_step(sea: Store) -> None:
    found = detail(sea, 2, "score", 2).execution
    assert found is not None
    with sea.read() as conn:
        asked = ancestry.read(conn, "execution", str(found.id), up=1, down=1)
        made = ancestry.read(conn, "artifact", found.parameters["outputs"][0][1], up=1, down=0)
        html = to_html(ancestry.page(conn, "execution", str(found.id), sailed.now()))
    assert asked.page == "/runs/2/score?element=2" and f'href="{asked.page}"' in html
    assert made.page == f"/artifacts/{found.parameters['outputs'][0][1]}"


def test_its_code_is_told_by_digest(sea: Store) -> None:
    found = read(sea, 1, "load")
    assert "sea:load" in found.recipe["parts"] and "polars" in found.recipe["libraries"]
    assert found.recipe["parts"]["sea:load"][:12] in shown(sea, 1, "load")
