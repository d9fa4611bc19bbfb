"""Requests are made again while a server is busy, for a while; what breaks off is not taken for whole."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from argosy.errors import DeniedError, InputError, UnknownError, UsageError
from argosy.protocols.mlflow.importing.client import Client, LostError

Answer = tuple[int, dict[str, str], bytes]


class Server(ThreadingHTTPServer):
    """Gives answers one after another, and keeps what it was asked with."""

    answers: list[Answer]
    asked: list[tuple[str, str | None, bytes]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.path, self.headers.get("Authorization"), body))
        status, headers, answer = self.server.answers.pop(0)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(answer)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)
        self.close_connection = "Content-Length" in headers

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is said."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.answers, server.asked = [], []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Time:
    """A clock that stands unless somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def now(self) -> float:
        return sum(self.slept)


Ask = Callable[..., Client]


@pytest.fixture
def client() -> Iterator[Ask]:
    """Makes clients that are closed in the end."""
    made: list[Client] = []

    def make(uri: str, time: Time, **given: str) -> Client:
        made.append(Client(uri, sleep=time.sleep, clock=time.now, budget=60, **given))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_busy_server_is_asked_again(server: Server, client: Ask) -> None:
    time = Time()
    server.answers = [(503, {}, b""), (429, {"Retry-After": "7"}, b"slow"), (200, {}, b'{"a": 1}')]
    asking = client(f"{server.url}/mlflow/", time)
    assert asking.json("POST", "/x", {"b": "ü"}) == {"a": 1}
    assert time.slept == [0.5, 7] and asking.uri == f"{server.url}/mlflow"
    assert server.asked == [("/mlflow/x", None, '{"b":"ü"}'.encode())] * 3


def test_a_server_that_stays_busy_fails_this_request_alone(server: Server, client: Ask) -> None:
    time = Time()
    asking = client(server.url, time)
    server.answers = [(503, {}, b'{"message": "too busy"}')] * 9
    with pytest.raises(InputError, match="failed: 503 too busy"):
        asking.json("GET", "/x")
    assert 30 < sum(time.slept) <= 60
    server.answers = [(200, {}, b"{}")]
    assert asking.json("GET", "/x", query={"k": ["a", "b"]}) == {} and server.asked[-1][0] == "/x?k=a&k=b"


def test_a_server_that_is_gone_is_not_asked_again(client: Ask) -> None:
    time = Time()
    asking = client("http://127.0.0.1:1", time)
    with pytest.raises(LostError, match="does not answer"):
        asking.json("GET", "/x")
    slept = len(time.slept)
    with pytest.raises(LostError, match="asked no more"):
        asking.json("GET", "/x")
    assert len(time.slept) == slept


def test_a_connection_that_was_closed_meanwhile_is_opened_again_at_once(server: Server, client: Ask) -> None:
    time = Time()
    asking = client(server.url, time)
    server.answers = [(200, {"Content-Length": "2"}, b"{}"), (200, {}, b'{"a": 1}')]
    assert asking.json("GET", "/x") == {} and asking.json("GET", "/x") == {"a": 1}
    assert time.slept == []


def test_it_says_who_asks(server: Server, client: Ask) -> None:
    server.answers = [(200, {}, b"{}")] * 3
    client(server.url, Time(), token="t0").json("GET", "/x")
    client(server.url, Time(), user="ann", password="s:t").json("GET", "/x")
    inside = client(server.url.replace("//", "//bob:p%40ss@"), Time())
    inside.json("GET", "/x")
    basic = [f"Basic {base64.b64encode(each).decode()}" for each in (b"ann:s:t", b"bob:p@ss")]
    assert [auth for _, auth, _ in server.asked] == ["Bearer t0", *basic]
    assert inside.uri == server.url


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (401, DeniedError, "401: no"), (403, DeniedError, "403: no"), (404, UnknownError, "404: no"),
        (400, InputError, "400: no"), (302, InputError, "leads to 'http://else'"),
    ],
)  # fmt: skip
def test_a_refusal_says_why(server: Server, client: Ask, status: int, kind: type[Exception], says: str) -> None:
    server.answers = [(status, {"Location": "http://else"}, b'{"message": "no"}')]
    with pytest.raises(kind, match=says):
        client(server.url, Time()).json("GET", "/x")


def test_what_is_no_json_is_told(server: Server, client: Ask) -> None:
    server.answers = [(200, {}, b"<html>")]
    with pytest.raises(InputError, match="not answered with JSON"):
        client(server.url, Time()).json("GET", "/x")


def test_a_stream_that_breaks_off_is_not_whole(server: Server, client: Ask) -> None:
    server.answers = [(200, {}, b"x" * 10), (200, {"Content-Length": "20"}, b"x" * 10), (200, {}, b"again")]
    asking = client(server.url, Time())
    assert b"".join(asking.stream("/x")) == b"x" * 10
    with pytest.raises(InputError, match="broke off after 10"):
        list(asking.stream("/x"))
    assert b"".join(asking.stream("/x")) == b"again"


@pytest.mark.parametrize("uri", ["ftp://a", "http://", "http://a:x", "a:5000", "http://[::1"])
def test_what_is_no_address_is_refused(uri: str) -> None:
    with pytest.raises(UsageError, match="no address of a server"):
        Client(uri)
