"""Reports come back whole, and what is shown of them holds no markup of their own."""

from __future__ import annotations

import pytest

from argosy.pipelines.format import find
from argosy.pipelines.formats.report import markup, page, text
from argosy.spec.report import Part, Report
from tests.pipelines.trip import Trip

REPORT = Report.markdown("# Sales\nup") + Report.html("<b>bold</b>") + Report.plot("<svg></svg>")


def test_a_report_comes_back(trip: Trip) -> None:
    name, saved = trip.save(REPORT)
    assert (name, trip.load(name, saved, Report)) == ("report", REPORT)
    assert trip.again(Report()) == Report()


def test_markdown_is_rendered_without_its_html() -> None:
    text = "# Sales\n\n<script>alert(1)</script> [x](javascript:alert(1))\n\n|a|b|\n|-|-|\n|1|2|"
    shown = markup(Report.markdown(text).parts[0])
    assert "<h1>Sales</h1>" in shown
    assert "<td>2</td>" in shown
    assert "<script" not in shown
    assert "href" not in shown


def test_pictures_are_images() -> None:
    assert markup(REPORT.parts[2]) == '<img alt="" src="data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=">'
    assert markup(Part("png", b"\x89PNG")) == '<img alt="" src="data:image/png;base64,iVBORw==">'


def test_html_is_left_to_a_frame() -> None:
    with pytest.raises(ValueError, match="no markup of ours"):
        markup(REPORT.parts[1])


def test_a_preview_shows_the_first_text() -> None:
    shown = {"kind": "report", "parts": ["markdown", "html", "svg"], "text": "# Sales\nup"}
    assert find(REPORT).preview(REPORT) == shown
    long = find(REPORT).preview(Report.markdown("x" * 10_000))
    assert long is not None
    assert len(long["text"]) == 1000


def test_a_page_holds_all_of_it_and_runs_nothing() -> None:
    report = Report.markdown("# <i>a</i>") + Report.html('<p title="x">&amp;</p>') + Report.plot("<svg></svg>")
    made = page(report)
    assert "<h1>&lt;i&gt;a&lt;/i&gt;</h1>" in made and "data:image/svg+xml;base64," in made
    assert '<iframe sandbox="" srcdoc="&lt;p title=&quot;x&quot;&gt;&amp;amp;&lt;/p&gt;"></iframe>' in made
    assert "default-src 'none'" in made


def test_a_text_keeps_html_within_its_fence() -> None:
    made = text(Report.markdown("# a") + Report.html("````\n<b>") + Report.plot("<svg></svg>"))
    assert made.startswith("# a\n\n`````html\n````\n<b>\n`````\n\n![](data:image/svg+xml;base64,")
