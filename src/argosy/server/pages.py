"""Routes of the console: each asks the console for a page and sends it as HTML, or its snapshot as JSON."""

from __future__ import annotations

from importlib import resources as files
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect, Stream

from argosy import console
from argosy.console import links
from argosy.console.page import Page, to_html, to_json
from argosy.errors import InputError, UnknownError
from argosy.registry.card import to_html as card_html
from argosy.registry.card import to_markdown
from argosy.server import act
from argosy.server.act import Order
from argosy.server.desk import Desk

_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_STATIC = {
    name: (files.files("argosy.console") / "static" / name).read_bytes()
    for name in ("argosy.css", "argosy.js", "icon.svg")
}
_SANDBOX = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'self'"
)
"""What HTML and pictures of a report may do: look as they do, and nothing else; no script, form, link or request."""
Asked = Request[Any, Any, Any]


@get("/", sync_to_thread=True)
def index(desk: NamedDependency[Desk], request: Asked) -> Response[Any]:
    """The fleets and the pipelines."""
    with desk.store.read() as conn:
        return answer(request, console.home.page(conn, desk.now(), desk.machine()))


@get("/fleets/{name:str}", sync_to_thread=True)
def one_fleet(
    desk: NamedDependency[Desk],
    request: Asked,
    name: FromPath[str],
    q: FromQuery[str] = "",
    sort: FromQuery[str] = "status",
    page: FromQuery[int] = 1,
) -> Response[Any]:
    """A fleet; a query that cannot be read is shown with what is wrong with it."""
    with desk.store.read() as conn:
        try:
            return answer(request, console.fleet.page(conn, name, desk.now(), q=q, sort=sort, number=page))
        except InputError as error:
            return mended(request, console.fleet.page(conn, name, desk.now(), sort=sort), error, query=q)


@get("/fleets/{name:str}/cell/{place:int}", sync_to_thread=True)
def cell(desk: NamedDependency[Desk], name: FromPath[str], place: FromPath[int]) -> Redirect:
    """The member at a place of a large map."""
    with desk.store.read() as conn:
        keys = console.facts.state(conn, name, desk.now()).table["key"]
    if not 0 <= place < len(keys):
        raise UnknownError(f"the map of {name} has {len(keys):,} cells", next=links.fleet(name))
    return Redirect(links.member(name, keys[place]), status_code=303)


@get("/fleets/{name:str}/predictions", sync_to_thread=False)
def find_prediction(name: FromPath[str], id: FromQuery[str]) -> Redirect:
    """The page of a prediction that is asked for by a form."""
    return Redirect(links.prediction(name, id.strip()), status_code=303)


@get("/fleets/{name:str}/predictions/{id:path}", sync_to_thread=True)
def one_prediction(
    desk: NamedDependency[Desk], request: Asked, name: FromPath[str], id: FromPath[str]
) -> Response[Any]:
    """A prediction, by the key of its row or the id of its request."""
    with desk.store.read() as conn:
        return answer(request, console.prediction.page(conn, desk.store, name, id.removeprefix("/"), desk.now()))


@get("/members/{address:path}", sync_to_thread=True)
def one_member(desk: NamedDependency[Desk], request: Asked, address: FromPath[str]) -> Response[Any]:
    """A member."""
    with desk.store.read() as conn:
        return answer(request, console.member.page(conn, address.lstrip("/"), desk.now()))


@get("/why/{address:path}", sync_to_thread=True)
def decisions(desk: NamedDependency[Desk], request: Asked, address: FromPath[str]) -> Response[Any]:
    """The decisions about a member."""
    with desk.store.read() as conn:
        return answer(request, console.why.page(conn, address.lstrip("/"), desk.now()))


@get("/versions/{address:path}", sync_to_thread=True)
def card(
    desk: NamedDependency[Desk], request: Asked, address: FromPath[str], format: FromQuery[str] = ""
) -> Response[Any]:
    """A model card: as a page, as Markdown, or as HTML to keep."""
    with desk.store.read() as conn:
        page = console.paper.page(conn, desk.store, address.lstrip("/"), desk.now())
    name = quote(f"{page.data.address.replace('/', '-')}", safe="@-")
    if format == "markdown":
        return Response(to_markdown(page.data), media_type="text/markdown; charset=utf-8")
    if format == "html":
        kept = {"content-disposition": f'attachment; filename="{name}.html"'}
        return Response(card_html(page.data), media_type="text/html; charset=utf-8", headers=kept)
    return answer(request, page)


@get("/events", sync_to_thread=True)
def events(
    desk: NamedDependency[Desk], request: Asked, where: FromQuery[str] = "", cursor: FromQuery[str | None] = None
) -> Response[Any]:
    """The feed of events."""
    with desk.store.read() as conn:
        return answer(request, console.feed.page(conn, desk.now(), where=where, cursor=cursor))


@get("/alerts", sync_to_thread=True)
def alerts(
    desk: NamedDependency[Desk], request: Asked, fleet: FromQuery[str] = "", cursor: FromQuery[str | None] = None
) -> Response[Any]:
    """The alerts."""
    with desk.store.read() as conn:
        return answer(request, console.alarm.page(conn, desk.now(), fleet=fleet, cursor=cursor))


@get("/lineage/{kind:str}/{reference:path}", sync_to_thread=True)
def lineage(
    desk: NamedDependency[Desk],
    request: Asked,
    kind: FromPath[str],
    reference: FromPath[str],
    up: FromQuery[int] = 2,
    down: FromQuery[int] = 1,
) -> Response[Any]:
    """The neighbourhood of a thing."""
    with desk.store.read() as conn:
        return answer(request, console.ancestry.page(conn, kind, reference.lstrip("/"), desk.now(), up=up, down=down))


@get("/datasets", sync_to_thread=True)
def datasets(desk: NamedDependency[Desk], request: Asked) -> Response[Any]:
    """The list of datasets."""
    with desk.store.read() as conn:
        return answer(request, console.table.index(conn, desk.now()))


@get("/datasets/{name:str}", sync_to_thread=True)
def dataset(desk: NamedDependency[Desk], request: Asked, name: FromPath[str]) -> Response[Any]:
    """One dataset."""
    with desk.store.read() as conn:
        return answer(request, console.table.page(conn, name, desk.now()))


@get("/plan", sync_to_thread=True)
def plan(desk: NamedDependency[Desk], request: Asked) -> Response[Any]:
    """What the controller would do."""
    with desk.store.read() as conn:
        return answer(request, console.planned.page(conn, desk.now()))


@get("/runs", sync_to_thread=True)
def runs(
    desk: NamedDependency[Desk], request: Asked, where: FromQuery[str] = "", cursor: FromQuery[str | None] = None
) -> Response[Any]:
    """The runs of pipelines; a filter that cannot be read is shown with what is wrong with it."""
    with desk.store.read() as conn:
        try:
            return answer(request, console.runs.page(conn, desk.machine(), where=where, cursor=cursor))
        except InputError as error:
            return mended(request, console.runs.page(conn, desk.machine()), error, where=where)


@get("/runs/{number:int}", sync_to_thread=True)
def one_run(desk: NamedDependency[Desk], request: Asked, number: FromPath[int]) -> Response[Any]:
    """A run."""
    with desk.store.read() as conn:
        return answer(request, console.run.page(conn, desk.store, number, desk.machine()))


@get("/runs/{number:int}/{node:path}", sync_to_thread=True)
def step(
    desk: NamedDependency[Desk],
    request: Asked,
    number: FromPath[int],
    node: FromPath[str],
    element: FromQuery[int | None] = None,
    q: FromQuery[str] = "",
    page: FromQuery[int] = 1,
) -> Response[Any]:
    """A step of a run, or one element of it."""
    with desk.store.read() as conn:
        found = console.step.page(
            conn, desk.store, number, node.lstrip("/"), desk.machine(), element=element, query=q, number=page
        )
        return answer(request, found)


@get("/artifacts/{digest:str}", sync_to_thread=True)
def artifact(desk: NamedDependency[Desk], request: Asked, digest: FromPath[str]) -> Response[Any]:
    """An artifact."""
    with desk.store.read() as conn:
        return answer(request, console.artifact.page(conn, desk.store, digest, desk.machine()))


@get("/artifacts/{digest:str}/content", sync_to_thread=True)
def content(desk: NamedDependency[Desk], digest: FromPath[str]) -> Stream:
    """The bytes of an artifact, to keep: a browser shows none of them."""
    with desk.store.read() as conn:
        found = console.artifact.find(conn, digest)
    made = console.artifact.download(desk.store, found)
    headers = {"content-disposition": made.disposition}
    return Stream(made.chunks, media_type="application/octet-stream", headers=headers)


@get("/artifacts/{digest:str}/parts/{place:int}", sync_to_thread=True)
def part(desk: NamedDependency[Desk], request: Asked, digest: FromPath[str], place: FromPath[int]) -> Response[bytes]:
    """A picture of a report, or its HTML for a frame, where it may do nothing; elsewhere it is a file to keep."""
    with desk.store.read() as conn:
        every = console.preview.parts(desk.store, console.artifact.find(conn, digest))
    if not 0 <= place < len(every) or every[place].kind == "markdown":
        raise UnknownError(f"artifact {digest[:12]} has no picture or page {place}", next=links.artifact(digest))
    one = every[place]
    return framed(request, one.content, console.preview.KINDS[one.kind], f"{digest[:12]}.{one.kind}")


@get("/static/{name:str}", sync_to_thread=False)
def static(name: FromPath[str]) -> Response[bytes]:
    """The style, the script and the icon."""
    if name not in _STATIC:
        raise UnknownError(f"there is no file {name[:40]!r}", next="/")
    kept = {"cache-control": "max-age=300"}
    return Response(_STATIC[name], media_type=_KINDS[name.rpartition(".")[2]], headers=kept)


@post("/act", sync_to_thread=True)
def by_hand(
    desk: NamedDependency[Desk],
    request: Asked,
    data: Annotated[Order, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """A button of the member page; back to it when done."""
    act.carry_out(desk.store, data, request.auth.name, desk.now())
    name, _, key = data.address.partition("/")
    return Redirect(links.member(name, key), status_code=303)


def mended(request: Asked, page: Page, error: InputError, **asked: str) -> Response[Any]:
    """A page without what was asked for in vain, which it still shows, and what is wrong with it. Programs are told."""
    if is_program(request):
        raise error
    data = msgspec.structs.replace(page.data, **asked, error=f"{error.message}. {error.next}")
    return answer(request, msgspec.structs.replace(page, data=data, status=400, live=""))


def framed(request: Asked, content: bytes, kind: str, name: str) -> Response[bytes]:
    """What comes from outside, of a content type, so that it can do nothing; HTML outside a frame is a file to keep."""
    headers = {"content-security-policy": _SANDBOX, "x-frame-options": "SAMEORIGIN"}
    if kind == "text/html" and request.headers.get("sec-fetch-dest") != "iframe":
        headers["content-disposition"] = console.artifact.Download(name, iter(())).disposition
    return Response(content, media_type=kind, headers=headers)


def is_program(request: Asked) -> bool:
    """Whether JSON is wanted: by `?format=json`, or by an Accept that names it and not HTML."""
    accept = request.headers.get("accept", "")
    return request.query_params.get("format") == "json" or ("application/json" in accept and "text/html" not in accept)


def answer(request: Asked, page: Page) -> Response[Any]:
    """The page as the request wants it: whole, as one of its blocks, or as JSON."""
    if is_program(request):
        return Response(to_json(page), media_type="application/json", status_code=page.status)
    fragment = request.headers.get("x-fragment") == "results"
    headers = {"x-live": page.live, "vary": "Accept, X-Fragment"} if page.live else {"vary": "Accept, X-Fragment"}
    html = to_html(page, fragment=fragment)
    status = 200 if fragment else page.status  # what is wrong with a query is part of the fragment
    return Response(html, media_type="text/html; charset=utf-8", status_code=status, headers=headers)
