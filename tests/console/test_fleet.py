from __future__ import annotations

import gzip
import time
from pathlib import Path

import pytest

from argosy.console import fleet
from argosy.console.page import Page, to_html, to_json
from argosy.controller.status import ORDER
from argosy.store import Store
from tests.console import build


def page(store: Store) -> Page:
    with store.read() as conn:
        return fleet.page(conn, "late-arrival", build.NOW)


def read(store: Store, **options: object) -> fleet.FleetPage:
    with store.read() as conn:
        return fleet.read(conn, "late-arrival", build.NOW, **options)  # type: ignore[arg-type]


def test_the_table_is_worst_first_and_the_chips_count_it(shown: Store) -> None:
    data = read(shown)
    order = [ORDER.index(row.status) for row in data.rows]
    assert order == sorted(order) and len(data.rows) == data.total == 36
    for chip in data.chips:
        assert sum(row.status == chip.status for row in data.rows) == chip.count
    assert {chip.status for chip in data.chips} == set(ORDER)


def test_the_pooled_model_is_told_apart_from_the_members(shown: Store) -> None:
    data = read(shown)
    assert (data.members, data.total) == (35, 36)
    html = to_html(page(shown))
    assert "35 members by" in html and "and the pooled model" in html


def test_members_without_a_model_of_their_own_are_answered_by_the_pooled_one(shown: Store) -> None:
    new = [row for row in read(shown, q="status:new").rows]
    assert new and {row.answers for row in new} == {"pooled"}


def test_a_filter_dims_the_map_and_keeps_the_counts(shown: Store) -> None:
    data = read(shown, q="status:drifting")
    assert data.found == len(data.rows) == 2 and len(data.cells) == 36
    assert [cell.key for cell in data.cells if cell.chosen] == sorted(row.key for row in data.rows)
    assert [chip.count for chip in data.chips] == [chip.count for chip in read(shown).chips]
    assert [chip.status for chip in data.chips if chip.on] == ["drifting"]


def test_sorting_by_score_puts_unknown_scores_last(shown: Store) -> None:
    scores = [row.score for row in read(shown, sort="score").rows]
    known = [score for score in scores if score is not None]
    assert known == sorted(known, reverse=True) and scores[: len(known)] == known
    assert read(shown, sort="nonsense").sort == "status"


def test_a_page_beyond_the_last_is_the_last(shown: Store) -> None:
    assert read(shown, number=99).page == 1 and read(shown, number=-3).page == 1


@pytest.mark.slow
def test_ten_thousand_members_are_light(tmp_path: Path) -> None:
    with build.large(tmp_path, 10_000) as store:
        spent = []
        for _ in range(4):
            began = time.process_time()
            with store.read() as conn:
                page = fleet.page(conn, "stores", build.NOW)
            html = to_html(page)
            spent.append(time.process_time() - began)
        assert len(gzip.compress(html.encode(), 5)) < 60_000
        assert min(spent) < 0.4  # 0.14 s measured on a quiet machine
        assert page.data.pages == 200 and to_json(page)
