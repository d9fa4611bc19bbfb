"""SVG drawn in Python: elements, the shape of each status, sparklines and bars. Colour comes from CSS classes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from markupsafe import Markup

_TURNS = (
    ("", "", "", "-", "", "-", "-", "-", "-", "", "-"),
    ("", "-", "", "", "", "", "-", "", "-", "-", "-"),
)
"""Signs of the steps around a cross: eleven, and the path closes itself."""


def element(tag: str, *inside: str, **attributes: object) -> str:
    """`<tag attributes>inside</tag>`; `inside` is markup already, attribute values are escaped.

    A trailing underscore is dropped (`class_`), another becomes a dash (`stroke_width`); None leaves one out.
    """
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_text(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    body = "".join(inside)
    return f"<{tag}{given}>{body}</{tag}>" if body else f"<{tag}{given}/>"


def drawing(width: float, height: float, *inside: str, **attributes: object) -> Markup:
    """A whole picture, its units pixels until CSS scales it."""
    box = f"0 0 {_text(width)} {_text(height)}"
    return Markup(element("svg", *inside, viewBox=box, width=width, height=height, **attributes))


def text(content: str, x: float, y: float, **attributes: object) -> str:
    """A line of text."""
    return element("text", escape(content), x=x, y=y, **attributes)


def title(content: str) -> str:
    """What a pointer that rests on the parent is told."""
    return element("title", escape(content))


def _text(value: object) -> str:
    return f"{round(value, 2):g}" if isinstance(value, float) else str(value)


def shape(status: str, x: float, y: float, side: float) -> str:
    """The path of a status in the square at (x, y): each has a shape of its own, beside its colour."""
    n, half, third = _text(float(side)), _text(side / 2), side / 3
    match status:
        case "failed":
            arm = _text(side / 4)
            inner = " ".join(f"{u}{arm} {v}{arm}" for u, v in zip(_TURNS[0], _TURNS[1], strict=True))
            return f"M{_text(x + side / 4)} {_text(y)}l{inner}z"
        case "degraded":
            return f"M{_text(x)} {_text(y)}h{n}l-{half} {n}z"
        case "waiting":
            bar = _text(third)
            return f"M{_text(x)} {_text(y)}h{bar}v{n}h-{bar}zm{_text(side - third)} 0h{bar}v{n}h-{bar}z"
        case "drifting":
            return f"M{_text(x + side / 2)} {_text(y)}l{half} {half} -{half} {half} -{half} -{half}z"
        case "canary":
            return f"M{_text(x)} {_text(y)}l{n} {half} -{n} {half}z"
        case "new":
            return _circle(x + side / 4, y + side / 2, side / 4)
        case "pooled":
            return _circle(x, y + side / 2, side / 2)
        case _:
            return f"M{_text(x)} {_text(y)}h{n}v{n}h-{n}z"


def mark(status: str, side: float = 10.0) -> Markup:
    """The sign of a status, beside its word."""
    path = element("path", d=shape(status, 0.0, 0.0, side))
    return drawing(side, side, path, class_=f"mark s-{status}", aria_hidden="true")


def spark(values: Sequence[float | None], width: float = 96.0, height: float = 20.0) -> Markup:
    """A line of some values, oldest first, scaled to their own range; the last one dotted."""
    known = [(index, value) for index, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return Markup('<span class="none">—</span>')
    low, high = min(v for _, v in known), max(v for _, v in known)
    span, last = (high - low) or 1.0, max(len(values) - 1, 1)
    points = [(2 + (width - 6) * index / last, 2 + (height - 4) * (1 - (value - low) / span)) for index, value in known]
    line = "M" + "L".join(f"{x:.0f} {y:.1f}" for x, y in points)
    x, y = points[-1]
    inside = element("path", d=line), element("circle", cx=x, cy=y, r=1.8)
    said = f"{known[0][1]:.3f} to {known[-1][1]:.3f}"
    return drawing(width, height, *inside, class_="spark", role="img", aria_label=said)


def bars(
    values: Sequence[float], width: float = 120.0, height: float = 24.0, titles: Sequence[str] = (), *,
    outer: bool = False,
) -> Markup:  # fmt: skip
    """Values as bars from zero, each with a title where one is given.

    With `outer` the first and the last stand for all that lies beyond the others: they are marked, and set no scale.
    """
    if not values or max(values) <= 0:
        return Markup('<span class="none">—</span>')
    ends = {0, len(values) - 1} if outer else set[int]()
    step, top = width / len(values), max((v for place, v in enumerate(values) if place not in ends), default=0.0)
    top = top or max(values)
    gap = 1.0 if step >= 3 else 0.0
    found = []
    for index, value in enumerate(values):
        tall = height * min(value / top, 1.0)
        box = {"x": index * step, "y": height - tall, "width": max(step - gap, 0.5), "height": tall}
        marked = {"class_": "beyond"} if index in ends else {}
        found.append(element("rect", *([title(titles[index])] if titles else []), **box, **marked))
    return drawing(width, height, *found, class_="bars", role="img", aria_label=f"{len(values)} bars up to {top:g}")


def lean(value: float, most: float, width: float = 240.0, height: float = 12.0) -> Markup:
    """A value as a bar from the middle: to the left where it is below zero, up to `most` on either side."""
    middle = width / 2
    long = (middle - 1) * min(abs(value) / most, 1.0) if most > 0 else 0.0
    side, x = ("up", middle) if value >= 0 else ("down", middle - long)
    axis = element("path", d=f"M{_text(middle)} 0V{_text(height)}", class_="axis")
    bar = element("rect", x=x, y=1, width=max(long, 0.5), height=height - 2, class_=side)
    told = {"role": "img", "aria_label": f"{value:+.4g}"}
    return drawing(width, height, bar, axis, class_="lean", preserveAspectRatio="none", **told)


def shares(counts: dict[str, int], width: float = 220.0, height: float = 8.0) -> Markup:
    """How many members have each status, as one bar."""
    total, x, found = sum(counts.values()) or 1, 0.0, []
    for status, amount in counts.items():
        wide = width * amount / total
        found.append(
            element(
                "rect",
                title(f"{amount:,} {status}"),
                x=x,
                y=0,
                width=max(wide - 1, 0.5),
                height=height,
                class_=f"s-{status}",
            )
        )
        x += wide
    return drawing(
        width, height, *found, class_="shares", preserveAspectRatio="none", role="img", aria_label="statuses"
    )


def _circle(left: float, middle: float, radius: float) -> str:
    r, d = _text(radius), _text(2 * radius)
    return f"M{_text(left)} {_text(middle)}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0z"
