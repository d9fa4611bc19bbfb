"""The ASGI application: routes behind the guard, errors in words."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from litestar import Litestar, Request, Response
from litestar.config.compression import CompressionConfig
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from argosy.console.page import Page, to_html
from argosy.errors import ArgosyError
from argosy.protocols.mlflow.app import Mlflow
from argosy.server import api, misread, pages, tracking, watch
from argosy.server.desk import Desk
from argosy.server.guard import Guard
from argosy.server.settings import Settings
from argosy.store.batch import Batch
from argosy.store.store import Store

_LOG = logging.getLogger("argosy.server")
ROUTES = [
    api.health, api.kinds, api.listed, api.one, api.done, watch.facts, watch.fleet, watch.events, watch.alerts,
    watch.runs, watch.experiments, watch.tracked_run,
    pages.index, pages.one_fleet, pages.cell, pages.find_prediction, pages.one_prediction, pages.one_member,
    pages.decisions, pages.card, pages.events, pages.alerts, pages.lineage, pages.datasets, pages.dataset, pages.plan,
    pages.static, pages.by_hand,
    pages.runs, pages.one_run, pages.step, pages.artifact, pages.content, pages.part,
    tracking.index, tracking.one, tracking.compared, tracking.run, tracking.file, tracking.shown,
    tracking.registry, tracking.model, tracking.logged_model, tracking.logged_file, tracking.logged_shown,
]  # fmt: skip
"""Every route there is. All but those of `guard.OPEN` need a token."""


class Problem(msgspec.Struct, frozen=True):
    """What went wrong and what to try."""

    title: str
    message: str
    next: str


def create(
    store: Store,
    settings: Settings,
    now: Callable[[], datetime],
    machine: Callable[[], datetime] | None = None,
    batch: Batch | None = None,
) -> tuple[Guard, Desk]:
    """The application over an open store, and its desk. Pages and acts have their time from `now`.

    With a `batch` to write through, which the caller closes, it speaks the protocols of other systems too.

    Whether a token has ended is judged by `machine`, the clock on the wall: a replay must not revive a token. Runs of
    pipelines have their time from it too.
    """
    desk = Desk(store, settings, now, machine or now)

    def given() -> Desk:
        return desk

    def failed(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        return _problem(request, error, now())

    routes = Litestar(
        ROUTES, dependencies={"desk": Provide(given, sync_to_thread=False)}, debug=False,
        exception_handlers={Exception: failed}, request_max_body_size=settings.body_limit, logging_config=None,
        compression_config=CompressionConfig(backend="gzip", gzip_compress_level=5, exclude=["/live", "/api/watch"]),
        openapi_config=OpenAPIConfig("Argosy", "1", path="/schema", render_plugins=[JsonRenderPlugin()]),
    )  # fmt: skip
    doors = [Mlflow(store, batch, machine or now)] if batch is not None else []
    return Guard(routes, store, settings, machine or now, doors), desk  # type: ignore[arg-type]


def _problem(request: Request[Any, Any, Any], error: Exception, now: datetime) -> Response[Any]:
    status, problem = _told(request, error)
    if status == 500:
        _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    if pages.is_program(request) or request.url.path.startswith("/api"):
        return Response({"error": problem.message, "next": problem.next}, status_code=status)
    page = Page(problem.title, "error.html", problem, now, status=status)
    return Response(to_html(page), media_type="text/html; charset=utf-8", status_code=status)


def _told(request: Request[Any, Any, Any], error: Exception) -> tuple[int, Problem]:
    """(HTTP status, words). Nothing of the inside is told of what was not foreseen."""
    if isinstance(error, ArgosyError):
        titles = {404: "Not there", 400: "Not understood", 409: "In the way", 403: "Not allowed"}
        return error.status, Problem(titles.get(error.status, "It failed"), error.message, error.next)
    if isinstance(error, HTTPException):
        title = "Not there" if error.status_code == 404 else "Not understood"
        return error.status_code, Problem(title, *misread.told(request, error))
    return 500, Problem("It failed", "the server met something unforeseen; its log says what", "")
