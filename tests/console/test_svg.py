from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.console import cells, chart, graph, svg
from argosy.console.cells import Cell
from argosy.console.chart import Happening, Point
from argosy.console.graph import Box
from argosy.controller.status import ORDER
from tests.console import build

NASTY = "<&\"'>]]>"


def parsed(picture: str) -> ElementTree.Element:
    return ElementTree.fromstring(picture)


def test_every_status_has_a_shape_of_its_own() -> None:
    assert len({svg.shape(status, 0.0, 0.0, 10.0) for status in ORDER}) == len(ORDER)


@pytest.mark.parametrize("count", [0, 1, 36, 120, 121, 700, 2000, 2001, 5000])
def test_a_map_shows_every_member_once(count: int) -> None:
    members = [Cell(f"{index % 3}/{index}{NASTY}", ORDER[index % 8], index % 2 == 0) for index in range(count)]
    found = parsed(cells.draw("f", members))
    drawn = [path.get("d", "") for path in found.iter("path")]
    if count <= cells.LINKED:
        assert len(drawn) == count == len(list(found.iter("a")))
    else:
        waiting = sum(cell.status == "waiting" for cell in members)
        assert sum(path.count("M") for path in drawn) == count
        assert sum(path.count("zm") for path in drawn) == waiting


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_a_value_leans_to_its_side_as_far_as_it_is_large(value: float, most: float) -> None:
    (bar,) = parsed(svg.lean(value, most)).iter("rect")
    left, long = float(bar.attrib["x"]), float(bar.attrib["width"])
    assert left >= 0 and left + long <= 240 and bar.attrib["class"] == ("up" if value >= 0 else "down")
    if most > 0 and abs(value) >= most:
        assert long == 119


@given(st.lists(st.none() | st.floats(-1e9, 1e9), max_size=40))
def test_a_sparkline_is_a_picture_or_nothing(values: list[float | None]) -> None:
    found = parsed(svg.spark(values))
    known = sum(value is not None for value in values)
    assert found.tag == ("svg" if known >= 2 else "span")
    assert "nan" not in svg.spark(values)


def test_a_chart_bears_what_happened() -> None:
    at = build.START
    points = [Point(at + timedelta(days=day), 0.4 + day / 100 if day != 3 else None) for day in range(30)]
    said = [Happening(at, "trained", NASTY), Happening(at + timedelta(days=9), "rolled back", "worse")]
    found = parsed(
        chart.draw("log_loss", points, [], [Point(at, 0.5), Point(at + timedelta(days=9), None)], said, build.NOW)
    )
    assert [mark.get("class") for mark in found.iter("g")] == ["mark m-trained", "mark m-rolled-back"]
    titles = [title.text or "" for title in found.iter("title")]
    assert any(NASTY in title for title in titles)


def test_no_sign_on_the_time_axis_hides_one_of_another_row() -> None:
    at, day = build.START, timedelta(days=1)
    kinds = ["alert", "trained", "canary", "promoted", "pooled", "rolled back"]  # the weightiest of a row last
    said = [Happening(at + 30 * day * index, kind, f"{kind} {index}") for index in range(6) for kind in kinds[:3]]
    said += [
        Happening(at + 30 * day * index + day / 24, kind, f"{kind} {index}") for index, kind in enumerate(kinds[3:])
    ]
    found = parsed(chart.draw("log_loss", [], [], [], said, at + 180 * day))
    rows: dict[str | None, list[str | None]] = {}
    for mark in found.iter("g"):
        sign = mark.find("text")
        assert sign is not None
        rows.setdefault(sign.get("y"), []).append(mark.get("class"))
    assert list(rows.values()) == [
        ["mark m-alert"] * 6, ["mark m-trained"] * 6,
        ["mark m-promoted", "mark m-pooled", "mark m-rolled-back", *["mark m-canary"] * 3],
    ]  # fmt: skip
    assert sorted(float(y or 0) for y in rows) == [float(y or 0) for y in rows]
    titles = "\n".join(title.text or "" for title in found.iter("title"))
    assert all(each.words in titles for each in said)


def test_a_sign_that_cannot_list_all_says_how_many_more() -> None:
    said = [Happening(build.START, "alert", f"a{index}") for index in range(15)]
    (title,) = parsed(chart.draw("log_loss", [], [], [], said, build.NOW)).iter("title")
    assert (title.text or "").splitlines()[-1] == "and 3 more"


def test_estimates_go_on_from_the_last_value_and_end_where_there_are_none() -> None:
    days = [build.START + timedelta(days=day) for day in range(8)]
    values = [Point(days[0], 0.4), Point(days[1], 0.5), Point(days[5], 0.6)]
    guesses = [Point(days[day], guess) for day, guess in ((2, 0.5), (3, 0.45), (4, None), (6, 0.6), (7, 0.7))]
    found = parsed(chart.draw("log_loss", values, guesses, [], [], build.NOW))
    paths = {path.get("class"): path.get("d", "") for path in found.iter("path")}
    first, second = paths["estimate"].strip("M").split("M")
    assert (first.count("L"), second.count("L")) == (2, 2)
    live = paths["live"].strip("M").split("L")
    assert first.split("L")[0] == live[1] and second.split("L")[0] == live[2]
    told = [text for _, text, _ in msgspec.json.decode(found.get("data-chart", ""))]
    assert len(told) == 7 and [text.endswith("estimated") for text in told] == [False] * 3 + [True] * 4


def test_bars_for_what_lies_beyond_are_marked_and_set_no_scale() -> None:
    drawn = svg.bars([0.0, 5.0, 10.0, 400.0], height=20.0, titles=["a", "b", "c", "beyond 3: 400 rows"], outer=True)
    heights = [float(found) for found in re.findall(r'<rect[^>]* height="([0-9.]+)"', drawn)]
    assert heights == [0.0, 10.0, 20.0, 20.0]
    assert drawn.count('class="beyond"') == 2 and "beyond 3: 400 rows" in drawn
    assert "beyond" not in svg.bars([1.0, 2.0])
    assert svg.bars([0.0, 7.0], outer=True).count("<rect") == 2


def test_an_empty_chart_is_still_a_picture() -> None:
    assert parsed(chart.draw("log_loss", [], [], [], [], build.NOW)).tag == "svg"
    one = [Point(build.START, 0.5)]
    assert parsed(chart.draw("log_loss", one, [], one, [], build.START)).tag == "svg"


def test_a_graph_flows_from_cause_to_effect() -> None:
    boxes = [Box(name, name, NASTY, "dataset") for name in ("a", "b", "run", "v")]
    found = parsed(graph.draw(boxes, [("a", "run"), ("b", "run"), ("run", "v")]))
    left = {}
    for box in found.iter("g"):
        rect, name = box.find("rect"), box.find("text")
        assert rect is not None and name is not None
        left[name.text] = float(rect.get("x", "nan"))
    assert left["a"] == left["b"] < left["run"] < left["v"]
