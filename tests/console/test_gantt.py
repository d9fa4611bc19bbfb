"""The drawing of a run in time."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.console import gantt
from argosy.console.gantt import Row
from argosy.store.tallies import Span

START = datetime(2026, 1, 1, tzinfo=UTC)
NASTY = "<&\"'>]]>"
STOP = START + timedelta(seconds=100)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def span(start: float, stop: float, count: int = 1, cached: int = 0, failed: int = 0) -> Span:
    return Span(started_at=at(start), ended_at=at(stop), count=count, cached=cached, failed=failed)


def drawn(*rows: Row, stop: datetime = STOP) -> ElementTree.Element:
    return ElementTree.fromstring(gantt.draw(rows, START, stop))


def classes(picture: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [each for each in picture.iter() if name in each.get("class", "").split()]


def extent(bar: ElementTree.Element) -> tuple[float, float]:
    left = float(bar.get("x", "nan"))
    return left, left + float(bar.get("width", "nan"))


def test_a_bar_is_as_long_as_its_step_was_at_work() -> None:
    first, second = Row(name="a", state="executed", spans=(span(0, 50),)), Row(name="b", state="executed",
                                                                              spans=(span(50, 100),))  # fmt: skip
    (a, b), scale = [extent(each) for each in classes(drawn(first, second), "bar")], 758.0 / 100
    assert a == pytest.approx((212, 212 + 50 * scale), abs=0.2)
    assert b == pytest.approx((212 + 50 * scale, 970), abs=0.2)


def test_what_waited_was_known_failed_or_is_at_work_has_a_sign() -> None:
    rows = (
        Row(name="known", state="cached", spans=(span(2, 2, cached=1),)),
        Row(name="late", state="failed", ready=at(10), spans=(span(40, 60, failed=1),), critical=True),
        Row(name="now", state="running", ready=at(60)),
        Row(name="then", state="open"),
    )
    found = drawn(*rows)
    assert [each.get("class") for each in list(found) if "row" in each.get("class", "")] == [
        "row r-cached", "row r-failed critical", "row r-running", "row r-open",
    ]  # fmt: skip
    assert len(classes(found, "known")) == 1
    (wait,) = classes(found, "wait")
    assert float(wait.get("x2", 0)) - float(wait.get("x1", 0)) == pytest.approx(30 * 7.58, abs=0.2)
    assert [each.text for each in classes(found, "sign")] == ["✕"]
    assert extent(classes(found, "going")[0])[1] == pytest.approx(970, abs=0.2)
    assert [each.get("class") for each in classes(found, "bar")] == ["bar lost"]


def test_few_calls_are_lines_and_many_are_counted() -> None:
    few = drawn(Row(name="few", state="failed", spans=tuple(span(n, n + 5, failed=n == 2) for n in range(5))))
    assert len(classes(few, "bar")) == 5 and len(classes(few, "lost")) == 1
    many = drawn(Row(name="many", state="failed", spans=tuple(span(n, n + 1, 100, failed=n == 7) for n in range(90))))
    (crowd,) = [each for each in classes(many, "bar") if each.tag == "path"]
    assert len(classes(many, "lost")) == 1 and len(crowd.get("d", "")) < 4000
    heights = [float(y) for y in re.findall(r"V([\d.]+)", crowd.get("d", ""))]
    assert min(heights) == gantt._TOP + 3


def test_a_crowd_is_highest_where_most_were_at_work() -> None:
    spans = [span(n, 50, 10) for n in range(20)] + [span(90, 100, 10)]
    (crowd,) = [each for each in classes(drawn(Row(name="m", state="executed", spans=tuple(spans))), "bar")]
    steps = re.findall(r"H([\d.]+)V([\d.]+)", crowd.get("d", ""))
    (highest,) = [float(x) for x, y in steps if float(y) == gantt._TOP + 3]
    assert highest == pytest.approx(212 + 7.58 * 19, abs=10)


def test_names_are_text_whatever_they_are() -> None:
    link = f"/runs/1/{NASTY}"
    found = drawn(Row(name=NASTY, state="executed", link=link, note=NASTY, said=NASTY, spans=(span(1, 2),)))
    assert [each.text for each in classes(found, "name")] == [NASTY]
    assert [each.get("href") for each in found.iter("a")] == [link]
    assert next(iter(found.iter("title"))).text == f"{NASTY}: {NASTY}"
    long = drawn(Row(name="n" * 99, state="open", note="m" * 99))
    assert all(len(each.text or "") <= 32 for each in [*classes(long, "name"), *classes(long, "note")])


@pytest.mark.parametrize(
    ("seconds", "last"),
    [(0.004, "4 ms"), (0.5, "500 ms"), (2.4, "2 s"), (7.5, "7 s"), (100, "1 min 40 s"), (3600, "1 h"), (90_000, "1 d"),
     (4_000_000, "42 d")],
)  # fmt: skip
def test_the_axis_is_told_in_round_units(seconds: float, last: str) -> None:
    found = drawn(Row(name="a", state="open"), stop=at(seconds))
    ticks = [each.text for each in found.iter("text") if not each.get("class")]
    assert ticks[0] == "0" and ticks[-1] == last and 4 <= len(ticks) == len(set(ticks)) <= 9


@given(st.lists(st.tuples(st.floats(-50, 200), st.floats(0, 90), st.integers(1, 500), st.booleans()), max_size=40))
def test_whatever_came_of_calls_is_drawn_within_the_axis(given: list[tuple[float, float, int, bool]]) -> None:
    spans = tuple(span(start, start + long, count, failed=int(lost)) for start, long, count, lost in given)
    text = gantt.draw([Row(name="a", state="executed", spans=spans)], START, STOP)
    assert "nan" not in text
    for bar in classes(ElementTree.fromstring(text), "bar"):
        if bar.tag == "rect":
            left, right = extent(bar)
            assert left >= 212 and right <= 970 + 10


def test_no_time_and_no_step_are_drawn_too() -> None:
    assert drawn(stop=START).tag == "svg"
    assert drawn(Row(name="a", state="executed", spans=(span(0, 0),)), stop=START).tag == "svg"
