"""A page: a template over a read-only snapshot, and the same snapshot as JSON."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from argosy.console import links, plot, svg, words
from argosy.spec.quantity import plural


class Page(msgspec.Struct, frozen=True):
    """`data` is the snapshot, rendered by `template`; `trail` are the crumbs above it, (name, link or None).

    `here` names the entry of the navigation, `command` the same question on the command line, `pictures` the drawings
    of the snapshot by name: they are not part of the JSON. `live` is the address of a stream of its changes, `results`
    the template of the part that a query changes.
    """

    title: str
    template: str
    data: Any
    at: datetime
    trail: tuple[tuple[str, str | None], ...] = ()
    here: str = ""
    command: str = ""
    live: str = ""
    results: str = ""
    pictures: dict[str, Any] = {}
    status: int = 200


def to_html(page: Page, *, fragment: bool = False) -> str:
    """The whole page, or the part of it that a query changes."""
    name = page.results if fragment and page.results else page.template
    given = {"page": page, "data": page.data, "now": page.at, "pictures": page.pictures}
    return _environment().get_template(name).render(given)


def to_json(page: Page) -> bytes:
    """The snapshot as JSON."""
    return msgspec.json.encode(page.data, enc_hook=str)


def render(template: str, **given: object) -> str:
    """A template of the console that is no page, such as one row."""
    return _environment().get_template(template).render(given)


@cache
def _environment() -> Environment:
    from argosy.controller import status  # it loads Polars, which only who renders a page needs

    made = Environment(
        loader=PackageLoader("argosy.console"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=StrictUndefined, auto_reload=False,
    )  # fmt: skip
    plain = (words.number, words.count, words.short, words.measure, words.size, plural, words.percent,
             words.moment, words.due, words.day, words.instant, words.stamp, words.ago, words.span, words.took,
             words.came, words.name, words.coded, words.unnamed, plot.colour)  # fmt: skip
    made.filters.update({each.__name__: each for each in plain})
    made.globals.update(links=links, svg=svg, statuses=status.ORDER)
    return made
