"""Plots of runs as SVG."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

from argosy.console import plot
from argosy.console.plot import Dot, Line

EVIL = '"><script>1</script>'


def paths(svg: str) -> list[str]:
    return re.findall(r'<path [^>]*?d="([^"]*)"', svg)


def test_a_curve_is_broken_where_it_is_no_number() -> None:
    svg = plot.curves("loss", [Line("a", 0, ((0, 3.0), (1, math.nan), (2, 2.0), (3, 1.0)))])
    (path,) = paths(svg)
    assert path.count("M") == 2 and path.count("L") == 1
    assert ElementTree.fromstring(svg).attrib["data-name"] == "loss"


def test_a_single_point_is_seen() -> None:
    root = ElementTree.fromstring(plot.curves("loss", [Line("a", 1, ((3, 2.0),)), Line("b", 0, ((3, math.nan),))]))
    (dot,) = root.iter("circle")
    assert dot.attrib["class"] == "dot c1" and dot[0].text == "a" and 52 < float(dot.attrib["cx"]) < 750


def test_of_several_curves_each_has_a_colour_and_a_name() -> None:
    lines = [Line(f"run {n}", n, ((0, float(n)), (1, 1.0))) for n in range(12)]
    root = ElementTree.fromstring(plot.curves("loss", [*lines, Line("run 0", 0, ((0, 0.5), (1, 2.0)), faint=True)]))
    classes = [each.attrib["class"] for each in root.iter("path")]
    assert classes[0] == "line faint c0" and classes[1:3] == ["line c0", "line c1"] and "line c1 dashed" in classes
    assert [each.text for each in root.iter("title")] == [line.name for line in lines]
    assert "data-chart" not in root.attrib


def test_runs_without_both_values_are_no_dots() -> None:
    dots = [Dot("a", 0, ("0.1", 0.9), "/tracked/a"), Dot("b", 1, (None, 0.8)), Dot(EVIL, 2, ("0.3", 0.7))]
    svg = plot.scatter(("params.rate", "metrics.auc"), dots)
    root = ElementTree.fromstring(svg)
    assert len(list(root.iter("circle"))) == 2 and "<script" not in svg
    assert next(root.iter("a")).attrib["href"] == "/tracked/a"
    assert "metrics.auc 0.9" in next(root.iter("title")).text.splitlines()  # type: ignore[union-attr]


def test_parallel_axes_are_coloured_by_the_last() -> None:
    dots = [Dot("a", 0, ("sgd", 1.0, 0.0)), Dot("b", 1, ("adam", None, 1.0)), Dot("c", 2, ("adam", 2.0, None))]
    root = ElementTree.fromstring(plot.parallel(("params.how", "params.n", "metrics.auc"), dots))
    assert [each.attrib["class"] for each in root.iter("path")] == ["line h0", "line h5", "line none"]
    assert [each.attrib["d"].count("M") for each in root.iter("path")] == [1, 2, 1]
    assert {"adam", "sgd", "params.how"} <= {each.text for each in root.iter("text")}
