"""A report: what a step has to say to people, as text, HTML and plots."""

from __future__ import annotations

import io
from typing import Any, Literal

import msgspec

from argosy.spec import check

Kind = Literal["markdown", "html", "svg", "png"]
_SHOWN = 20


class Part(msgspec.Struct, frozen=True):
    """One piece of a report: a text as UTF-8, or a picture."""

    kind: Kind
    content: bytes

    @property
    def text(self) -> str:
        """The content of what is no PNG."""
        return self.content.decode()

    def __repr__(self) -> str:
        return f"<{self.kind} of {len(self.content):,} B>"


class Report(msgspec.Struct, frozen=True):
    """Parts in the order in which they are read. `+` joins two reports: `Report.markdown("# Sales") + Report.plot(f)`.

    Markdown is shown without the HTML in it; HTML is shown apart from the page around it.
    """

    parts: tuple[Part, ...] = ()

    @classmethod
    def markdown(cls, text: str) -> Report:
        """A text in Markdown."""
        return cls((_text("markdown", text),))

    @classmethod
    def html(cls, text: str) -> Report:
        """A page, or a piece of one."""
        return cls((_text("html", text),))

    @classmethod
    def plot(cls, figure: object) -> Report:
        """A figure of Matplotlib or of what draws with it, a chart of Altair or Plotly, the text of an SVG, or a PNG.

        Raises `DeclarationError` for anything else.
        """
        return cls((_drawn(figure),))

    def __repr__(self) -> str:
        more = len(self.parts) - _SHOWN
        shown = ", ".join(map(repr, self.parts[:_SHOWN])) + (f" and {more:,} more" if more > 0 else "")
        return f"Report({shown})"

    def __add__(self, other: Report) -> Report:
        return Report((*self.parts, *other.parts)) if isinstance(other, Report) else NotImplemented


def _text(kind: Kind, text: str) -> Part:
    check.instance(f"Report.{kind}", text, str, "a text")
    return Part(kind, text.encode())


def _drawn(figure: Any) -> Part:
    if isinstance(figure, str) and "<svg" in figure:
        return _text("svg", figure)
    if isinstance(figure, bytes) and figure.startswith(b"\x89PNG\r\n"):
        return Part("png", figure)
    of_axes = getattr(figure, "figure", None)
    figure = of_axes if hasattr(of_axes, "savefig") else figure
    if callable(getattr(figure, "savefig", None)):
        memory = io.BytesIO()
        # Without the date, equal figures are equal bytes.
        figure.savefig(memory, format="png", metadata={"Software": None}, bbox_inches="tight")
        return Part("png", memory.getvalue())
    if callable(getattr(figure, "to_html", None)):
        return _text("html", str(figure.to_html()))
    raise check.fail("Report.plot", figure, "a figure", "pass a Matplotlib figure, an Altair or Plotly chart, or SVG")
