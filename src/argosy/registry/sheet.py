"""The templates that set a model card, and how they write numbers and times."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, card: object) -> str:
    """One of the templates beside this module, over a card."""
    return _environment().get_template(template).render(card=card)


def _number(value: float | None, digits: int = 4) -> str:
    return "—" if value is None else f"{value:.{digits}g}"


def _moment(value: datetime | None) -> str:
    return "—" if value is None else f"{value:%d %b %Y %H:%M}"


def _cell(value: object) -> str:
    """Text that keeps within one cell of a Markdown table."""
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("argosy.registry"), autoescape=lambda name: bool(name and name.endswith(".html")),
        trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined, keep_trailing_newline=True,
    )  # fmt: skip
    made.filters.update(number=_number, moment=_moment, cell=_cell)
    return made
