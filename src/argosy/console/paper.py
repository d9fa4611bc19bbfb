"""The model card of a version, as a page."""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup
from sqlalchemy import Connection

from argosy.console import links, words
from argosy.console.page import Page
from argosy.registry.card import article, card
from argosy.store.store import Store


def page(conn: Connection, store: Store, address: str, now: datetime) -> Page:
    """The card of the version at an address. Raises `InputError` or `UnknownError` as `card` does."""
    data = card(conn, store, address)
    crumbs = (
        ("fleets", "/"),
        (data.fleet, links.fleet(data.fleet)),
        (words.name(data.member), links.member(data.fleet, data.member)),
    )
    return Page(
        data.address, "card.html", data, now, trail=(*crumbs, (f"version {data.number}", None)), here="fleets",
        command=f"argosy describe version {data.address}", pictures={"article": Markup(article(data))},
    )  # fmt: skip
