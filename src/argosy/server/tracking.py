"""Routes of the console for experiments, tracked runs and their artifacts."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Stream

from argosy import console
from argosy.console import sight
from argosy.errors import CapacityError, InputError, UnknownError
from argosy.server.desk import Desk
from argosy.server.pages import Asked, answer, framed, mended
from argosy.store import artifacts
from argosy.store.artifacts import Artifact
from argosy.store.tracking.search import ACTIVE


@get("/experiments", sync_to_thread=True)
def index(
    desk: NamedDependency[Desk], request: Asked, where: FromQuery[str] = "", view: FromQuery[str] = ACTIVE,
    page: FromQuery[str | None] = None,
) -> Response[Any]:  # fmt: skip
    """The experiments; a filter that cannot be read is shown with what is wrong with it."""
    with desk.tracked() as conn:
        try:
            return answer(request, console.experiments.page(conn, desk.machine(), where=where, view=view, cursor=page))
        except InputError as error:
            return mended(request, console.experiments.page(conn, desk.machine(), view=view), error, where=where)


@get("/experiments/{id:int}", sync_to_thread=True)
def one(
    desk: NamedDependency[Desk],
    request: Asked,
    id: FromPath[int],
    where: FromQuery[str] = "",
    sort: FromQuery[str] = "",
    columns: FromQuery[str] = "",
    view: FromQuery[str] = ACTIVE,
    keys: FromQuery[str] = "",
    page: FromQuery[str | None] = None,
) -> Response[Any]:
    """The runs of an experiment; what cannot be read is shown with what is wrong with it."""
    asked = console.experiment.Asked(where=where, sort=sort, columns=columns, view=view, keys=keys, cursor=page)
    with desk.tracked() as conn:
        try:
            return answer(request, console.experiment.page(conn, id, asked, desk.machine()))
        except InputError as error:
            found = console.experiment.page(conn, id, console.experiment.Asked(view=view, keys=keys), desk.machine())
            return mended(request, found, error, where=where, sort=sort, columns=columns)


@get("/models", sync_to_thread=True)
def registry(
    desk: NamedDependency[Desk], request: Asked, where: FromQuery[str] = "", page: FromQuery[str | None] = None
) -> Response[Any]:
    """The registered models; a filter that cannot be read is shown with what is wrong with it."""
    with desk.tracked() as conn:
        try:
            return answer(request, console.models.index(conn, desk.machine(), where=where, cursor=page))
        except InputError as error:
            return mended(request, console.models.index(conn, desk.machine()), error, where=where)


@get("/models/{name:str}", sync_to_thread=True)
def model(
    desk: NamedDependency[Desk], request: Asked, name: FromPath[str], page: FromQuery[str | None] = None
) -> Response[Any]:
    """A registered model."""
    with desk.tracked() as conn:
        return answer(request, console.models.page(conn, name, desk.machine(), cursor=page))


@get("/compare", sync_to_thread=True)
def compared(
    desk: NamedDependency[Desk],
    request: Asked,
    run: FromQuery[list[str] | None] = None,
    only: FromQuery[str] = "",
    keys: FromQuery[str] = "",
    parameter: FromQuery[str] = "",
    metric: FromQuery[str] = "",
    curve: FromQuery[str] = "",
    smooth: FromQuery[float] = 0.0,
    x: FromQuery[str] = "",
    y: FromQuery[str] = "",
    axes: FromQuery[str] = "",
) -> Response[Any]:
    """Runs side by side."""
    asked = console.compare.Asked(
        runs=tuple(run or ()), only=only == "differences", keys=keys, parameter=parameter, metric=metric, curve=curve,
        smooth=smooth, x=x, y=y, axes=axes,
    )  # fmt: skip
    with desk.tracked() as conn:
        return answer(request, console.compare.page(conn, desk.store, asked, desk.machine()))


@get("/tracked/{name:str}", sync_to_thread=True)
def run(
    desk: NamedDependency[Desk],
    request: Asked,
    name: FromPath[str],
    keys: FromQuery[str] = "",
    parameter: FromQuery[str] = "",
    metric: FromQuery[str] = "",
    curve: FromQuery[str] = "",
    smooth: FromQuery[float] = 0.0,
    path: FromQuery[str] = "",
) -> Response[Any]:
    """A tracked run."""
    asked = console.tracked.Asked(keys=keys, parameter=parameter, metric=metric, curve=curve, smooth=smooth, path=path)
    with desk.tracked() as conn:
        return answer(request, console.tracked.page(conn, desk.store, name, asked, desk.machine()))


@get("/tracked/{name:str}/files/{path:path}", sync_to_thread=True)
def file(desk: NamedDependency[Desk], name: FromPath[str], path: FromPath[str]) -> Stream:
    """A file of a run, to keep: a browser shows none of it."""
    with desk.tracked() as conn:
        return _file(desk, console.tracked.find(conn, name, path.lstrip("/")), path)


@get("/tracked/{name:str}/shown/{path:path}", sync_to_thread=True)
def shown(desk: NamedDependency[Desk], request: Asked, name: FromPath[str], path: FromPath[str]) -> Response[bytes]:
    """A picture of a run, or a page of it for a frame, where it may do nothing; elsewhere it is a file to keep."""
    with desk.tracked() as conn:
        return _shown(desk, request, console.tracked.find(conn, name, path.lstrip("/")), path)


@get("/logged/{name:str}", sync_to_thread=True)
def logged_model(
    desk: NamedDependency[Desk], request: Asked, name: FromPath[str], path: FromQuery[str] = ""
) -> Response[Any]:
    """A logged model."""
    with desk.store.read() as conn:
        return answer(request, console.logged.page(conn, desk.store, name, desk.machine(), path))


@get("/logged/{name:str}/files/{path:path}", sync_to_thread=True)
def logged_file(desk: NamedDependency[Desk], name: FromPath[str], path: FromPath[str]) -> Stream:
    """A file of a logged model, as that of a run."""
    with desk.store.read() as conn:
        return _file(desk, console.logged.find(conn, name, path.lstrip("/")), path)


@get("/logged/{name:str}/shown/{path:path}", sync_to_thread=True)
def logged_shown(
    desk: NamedDependency[Desk], request: Asked, name: FromPath[str], path: FromPath[str]
) -> Response[bytes]:
    """A picture or a page of a logged model, as that of a run."""
    with desk.store.read() as conn:
        return _shown(desk, request, console.logged.find(conn, name, path.lstrip("/")), path)


def _file(desk: Desk, found: Artifact, path: str) -> Stream:
    made = console.artifact.Download(path.rpartition("/")[2], console.artifact.content(desk.store, found))
    headers = {"content-disposition": made.disposition}
    return Stream(made.chunks, media_type="application/octet-stream", headers=headers)


def _shown(desk: Desk, request: Asked, found: Artifact, path: str) -> Response[bytes]:
    kind = sight.KINDS.get(sight.ending(path))
    if kind is None:
        raise UnknownError(f"{path[:200]!r} is no picture and no page", next="download it")
    if found.bytes > sight.LARGEST:
        raise CapacityError(f"{path[:200]!r} has {found.bytes:,} bytes, too many to be shown", next="download it")
    return framed(request, artifacts.content(desk.store.blobs, found), kind, path.rpartition("/")[2])
