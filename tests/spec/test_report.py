"""Reports as values: parts in order, and figures drawn by whoever made them."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.errors import DeclarationError
from argosy.spec.report import Part, Report

PNG = b"\x89PNG\r\n\x1a\n"


class Figure:
    """What Matplotlib's has."""

    def savefig(self, file: Any, *, format: str, metadata: dict[str, None], bbox_inches: str) -> None:
        file.write(PNG + f"{format} {metadata} {bbox_inches}".encode())


class Axes:
    """What Matplotlib's, and whatever draws on them, have."""

    figure = Figure()


class Chart:
    """What Altair's and Plotly's have."""

    def to_html(self) -> str:
        return "<div>chart</div>"


def test_reports_join_in_order() -> None:
    report = Report.markdown("# ü") + Report.html("<b>") + Report.plot("<svg/>")
    assert [(part.kind, part.text) for part in report.parts] == [
        ("markdown", "# ü"),
        ("html", "<b>"),
        ("svg", "<svg/>"),
    ]
    assert report == Report((Part("markdown", "# ü".encode()), Part("html", b"<b>"), Part("svg", b"<svg/>")))
    with pytest.raises(TypeError):
        report + "text"  # type: ignore[operator]


@pytest.mark.parametrize(
    ("figure", "part"),
    [
        (PNG, Part("png", PNG)),
        (Figure(), Part("png", PNG + b"png {'Software': None} tight")),
        (Axes(), Part("png", PNG + b"png {'Software': None} tight")),
        (Chart(), Part("html", b"<div>chart</div>")),
        ('<?xml version="1.0"?><svg/>', Part("svg", b'<?xml version="1.0"?><svg/>')),
    ],
)
def test_figures_are_drawn(figure: object, part: Part) -> None:
    assert Report.plot(figure).parts == (part,)


def test_what_is_no_figure_is_refused() -> None:
    for figure in (1, "text", b"text", object()):
        with pytest.raises(DeclarationError, match=r"Report\.plot is"):
            Report.plot(figure)
    for make in (Report.markdown, Report.html):
        with pytest.raises(DeclarationError, match="must be a text"):
            make(1)  # type: ignore[arg-type]


def test_its_text_tells_kinds_and_sizes_and_holds_no_bytes() -> None:
    report = Report.markdown("# ü") + Report.plot(b"\x89PNG\r\n" + bytes(5_000))
    assert repr(report) == "Report(<markdown of 4 B>, <png of 5,006 B>)"
    assert repr(Report(report.parts * 15)).endswith(" and 10 more)") and repr(Report()) == "Report()"
