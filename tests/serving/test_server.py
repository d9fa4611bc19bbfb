"""The server as a process: it starts, swaps versions under load, drains, and survives a kill."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import grpc
import httpx
import polars as pl
import pytest

from argosy.errors import ConflictError, InputError
from argosy.serving.rpc.message import SERVICE, message
from argosy.serving.server import Options, run
from tests.serving.conftest import Fixture
from tests.serving.served import URL, body, tensor

TOKEN = "a-token-for-the-tests"
GIVEN = {name: tensor(name, "FP64", [1.0]) for name in ("hour", "temp", "wind")}
_CODE = """
import sys
from pathlib import Path
from argosy.serving.server import Options, run
home, port, grpc_port, workers, durable, notice, trusted = sys.argv[1:]
predictions = Path(home) / "predictions"
run(Options(home=home, token="a-token-for-the-tests", predictions=predictions, poll_seconds=0.05,
            flush_seconds=0.2, durable=durable == "True", warm=Path(home) / "warm", notice_seconds=float(notice),
            trusted=trusted == "True"),
    port=int(port), workers=int(workers), grpc_port=int(grpc_port))
"""


class Running:
    """A server process and a client of it."""

    def __init__(
        self, home: str, *, workers: int = 1, durable: bool = False, notice: float = 0.0, trusted: bool = True
    ) -> None:
        with socket.socket() as probe, socket.socket() as other:
            for each in (probe, other):
                each.bind(("127.0.0.1", 0))
            self.port, self.grpc_port = probe.getsockname()[1], other.getsockname()[1]
        self.home, self.workers, self.durable, self.notice = home, workers, durable, notice
        self.trusted = trusted
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=60)
        self.start()

    def start(self) -> None:
        given = [self.port, self.grpc_port, self.workers, self.durable, self.notice, self.trusted]
        arguments = [self.home, *map(str, given)]
        self.process = subprocess.Popen([sys.executable, "-c", _CODE, *arguments], start_new_session=True)
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.client.get("/v2/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    def ask(self, name: str = "f") -> httpx.Response:
        return self.client.post(URL, json=body(**GIVEN, flight=tensor("flight", "BYTES", [name])))

    def call(self, channel: grpc.Channel, name: str = "f") -> Any:
        """As `ask`, by gRPC."""
        kind, inputs = message("ModelInferRequest"), body(**GIVEN, flight=tensor("flight", "BYTES", [name]))["inputs"]
        request = kind(model_name="late-arrival")
        for each in inputs:
            data = [value.encode() if isinstance(value, str) else value for value in each["data"]]
            found = request.inputs.add(name=each["name"], datatype=each["datatype"], shape=each["shape"])
            getattr(found.contents, "bytes_contents" if each["datatype"] == "BYTES" else "fp64_contents").extend(data)
        infer = channel.unary_unary(
            f"/{SERVICE}/ModelInfer", kind.SerializeToString, message("ModelInferResponse").FromString
        )
        return infer(request, metadata=[("authorization", f"Bearer {TOKEN}")], timeout=60)

    def stop(self) -> int:
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGTERM)
        return self.process.wait(60)

    def recorded(self) -> list[str]:
        paths = sorted(Path(self.home, "predictions").rglob("*.arrow"))
        return [name for path in paths for name in pl.read_ipc(path)["row_key"].to_list()]


@pytest.fixture
def running(fleet: Fixture) -> Iterator[Running]:
    server = Running(fleet.store.home)
    yield server
    server.stop()
    server.client.close()


@pytest.mark.slow
def test_versions_swap_under_load_without_a_lost_request(fleet: Fixture, running: Running) -> None:
    stop, failures, seen = threading.Event(), list[str](), list[str]()

    def load() -> None:
        while not stop.is_set():
            answer = running.ask()
            if answer.status_code != 200:
                failures.append(answer.text)
                return
            seen.append(answer.json()["outputs"][1]["data"][0])

    thread = threading.Thread(target=load)
    thread.start()
    for seed in range(20, 24):
        address = fleet.add_version("JFK/AA", seed)
        end = time.monotonic() + 60
        while address not in seen[-1:] and not failures and time.monotonic() < end:
            time.sleep(0.01)
    stop.set()
    thread.join()
    assert failures == []
    assert list(dict.fromkeys(seen)) == [f"late-arrival/JFK/AA@{n}" for n in range(1, 6)]
    assert running.stop() == 0
    assert len(running.recorded()) == len(seen)


@pytest.mark.slow
def test_a_stop_of_two_workers_breaks_no_request_off(fleet: Fixture) -> None:
    server = Running(fleet.store.home, workers=2)
    data = json.dumps(body(**GIVEN, flight=tensor("flight", "BYTES", ["f"]))).encode()
    head = f"POST {URL} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
    request = (head + f"Content-Length: {len(data)}\r\n\r\n").encode() + data
    answered, broken = list[bytes](), list[str]()

    def load(keeps: bool) -> None:
        with suppress(ConnectionRefusedError):
            while True:
                with socket.create_connection(("127.0.0.1", server.port), 20) as link:
                    answers = [b"nothing yet"]
                    while len(answers) == 1 or (keeps and b"connection: close" not in answers[-1]):
                        try:
                            link.sendall(request)
                            answers.append(link.recv(1 << 16) or b"closed without a word")
                        except OSError as error:
                            answers.append(repr(error).encode())
                        if not answers[-1].startswith(b"HTTP/1.1 200 "):
                            broken.append(repr(answers[-1]))
                            break
                    answered.extend(answers[1:])

    threads = [threading.Thread(target=load, args=(number % 2 == 0,)) for number in range(8)]
    for thread in threads:
        thread.start()
    while len(answered) < 100:
        time.sleep(0.01)
    assert server.stop() == 0
    for thread in threads:
        thread.join()
    server.client.close()
    assert broken == []


@pytest.mark.slow
def test_a_kill_loses_at_most_the_flush_interval_and_the_port_is_free_again(running: Running) -> None:
    old = [running.ask(f"old-{i}").status_code for i in range(30)]
    assert running.client.post("/argosy/flush").json() == {"rows": 30}
    running.ask("new")
    os.killpg(running.process.pid, signal.SIGKILL)
    running.process.wait()
    assert old == [200] * 30 and {f"old-{i}" for i in range(30)} <= set(running.recorded())
    running.start()
    assert running.ask().status_code == 200


@pytest.mark.slow
def test_a_dead_worker_is_replaced_and_a_dead_watcher_takes_its_worker_along(running: Running) -> None:
    [worker] = _children(running.process.pid)
    os.kill(worker, signal.SIGKILL)
    assert _eventually(lambda: _answers(running))
    [replaced] = _children(running.process.pid)
    assert replaced != worker
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()
    assert _eventually(lambda: not Path(f"/proc/{replaced}").exists())


def _children(pid: int) -> list[int]:
    """Worker processes: not the resource tracker that multiprocessing starts beside them."""
    found = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [each for each in found if b"resource_tracker" not in Path(f"/proc/{each}/cmdline").read_bytes()]


def _answers(running: Running) -> bool:
    try:
        return running.ask().status_code == 200
    except httpx.TransportError:
        return False


def _eventually(check: Callable[[], bool]) -> bool:
    end = time.monotonic() + 60
    while not (done := check()) and time.monotonic() < end:
        time.sleep(0.05)
    return done


@pytest.mark.slow
def test_durable_answers_are_on_disk_when_they_arrive(fleet: Fixture) -> None:
    server = Running(fleet.store.home, durable=True)
    try:
        names = [f"d{i}" for i in range(10)]
        assert [server.ask(name).status_code for name in names] == [200] * 10
        os.killpg(server.process.pid, signal.SIGKILL)
        assert server.process.wait() and server.recorded() == names
    finally:
        server.stop()
        server.client.close()


@pytest.mark.slow
def test_two_workers_share_the_port_and_keep_their_segments_apart(fleet: Fixture) -> None:
    server = Running(fleet.store.home, workers=2)
    try:
        for i in range(40):
            with httpx.Client(base_url=server.client.base_url, headers=server.client.headers, timeout=60) as client:
                row = body(**GIVEN, flight=tensor("flight", "BYTES", [f"w{i}"]))
                assert client.post(URL, json=row).status_code == 200
        assert server.stop() == 0
        assert sorted(server.recorded()) == sorted(f"w{i}" for i in range(40))
    finally:
        server.stop()
        server.client.close()


@pytest.mark.slow
def test_grpc_is_spoken_by_every_worker_and_its_answers_are_recorded(fleet: Fixture) -> None:
    server = Running(fleet.store.home, workers=2)
    try:
        with ExitStack() as stack:
            options = [("grpc.use_local_subchannel_pool", 1)]
            target = f"127.0.0.1:{server.grpc_port}"
            channels = [stack.enter_context(grpc.insecure_channel(target, options)) for _ in range(12)]
            answers = [server.call(each, f"call-{place}") for place, each in enumerate(channels)]
            same = server.ask("http").json()["outputs"][0]["data"]
            assert {tuple(each.outputs[0].contents.fp64_contents) for each in answers} == {tuple(same)}
            assert server.stop() == 0
            with pytest.raises(grpc.RpcError) as error:
                server.call(channels[0])
        assert error.value.code() == grpc.StatusCode.UNAVAILABLE
        assert {f"call-{place}" for place in range(12)} | {"http"} == set(server.recorded())
    finally:
        server.stop()
        server.client.close()


@pytest.mark.slow
def test_a_body_of_a_hundred_megabytes_is_refused_and_the_server_stays_up(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.port), 60) as link:
        head = f"POST {URL} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        link.sendall((head + "Content-Length: 104857600\r\n\r\n").encode())
        assert b" 413 " in link.recv(4096).split(b"\r\n")[0]
    assert running.ask().status_code == 200


def _raw(running: Running, name: str) -> bytes:
    """The bytes of one inference request."""
    data = json.dumps(body(**GIVEN, flight=tensor("flight", "BYTES", [name]))).encode()
    head = f"POST {URL} HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\nAuthorization: Bearer {TOKEN}\r\n"
    return (head + f"Content-Length: {len(data)}\r\n\r\n").encode() + data


def _read(link: socket.socket) -> bytes:
    """Everything until the server closes."""
    found = b""
    while data := link.recv(65536):
        found += data
    return found


@pytest.mark.slow
def test_pipelined_requests_are_answered_in_order_however_their_bytes_arrive(running: Running) -> None:
    data = b"".join(_raw(running, f"p{i}") for i in range(8))
    with socket.create_connection(("127.0.0.1", running.port), 60) as link:
        for start in range(0, len(data), 701):
            link.sendall(data[start : start + 701])
        link.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answers = _read(link).split(b"HTTP/1.1 ")[1:]
    assert [each[:3] for each in answers] == [b"200"] * 9
    assert answers[-1].endswith(b'{"live":true}')
    assert running.stop() == 0
    assert running.recorded() == [f"p{i}" for i in range(8)]


@pytest.mark.slow
def test_a_request_under_way_is_answered_and_recorded_when_the_server_is_asked_to_end(running: Running) -> None:
    data = _raw(running, "last")
    with socket.create_connection(("127.0.0.1", running.port), 60) as link:
        link.sendall(_raw(running, "first") + data[:-10])
        assert link.recv(65536).startswith(b"HTTP/1.1 200 ")  # so what came with it was read as well
        os.kill(running.process.pid, signal.SIGTERM)
        time.sleep(0.5)
        link.sendall(data[-10:])
        assert _read(link).startswith(b"HTTP/1.1 200 ")
    assert running.process.wait(60) == 0
    assert running.recorded() == ["first", "last"]


@pytest.mark.slow
def test_a_server_that_is_to_stop_says_so_and_answers_until_all_have_heard_it(fleet: Fixture) -> None:
    server = Running(fleet.store.home, notice=5)
    try:
        assert "connection" not in server.ask().headers
        os.kill(server.process.pid, signal.SIGTERM)
        assert _eventually(lambda: server.client.get("/v2/health/ready").status_code == 503)
        with httpx.Client(base_url=server.client.base_url, headers=server.client.headers, timeout=60) as new:
            ready = new.get("/v2/health/ready")
        assert ready.status_code == 503 and ready.json()["why"] == "the server is about to stop"
        last = server.ask("last")
        assert last.status_code == 200 and last.headers["connection"] == "close"
        assert server.process.wait(60) == 0
        assert server.recorded() == ["f", "last"]
    finally:
        server.stop()
        server.client.close()


@pytest.mark.slow
def test_a_model_that_was_in_use_is_loaded_before_it_is_asked_again(fleet: Fixture, running: Running) -> None:
    assert running.ask().status_code == 200
    assert running.stop() == 0
    running.start()
    assert "argosy_cache_models 1" in running.client.get("/metrics").text


def test_a_stop_that_may_outlast_the_patience_of_the_watching_process_is_refused() -> None:
    with pytest.raises(InputError, match="notice_seconds=45"):
        Options(home="x", token=TOKEN, notice_seconds=45, drain_seconds=10)


@pytest.mark.slow
def test_a_head_without_end_is_refused_before_it_fills_the_memory(running: Running) -> None:
    long, many = b"x" * 2_000_000, b"A: b\r\n" * 300_000
    for data in (b"GET /" + long, b"GET / HTTP/1.1\r\nX: " + long, b"POST / HTTP/1.1\r\n" + many):
        with socket.create_connection(("127.0.0.1", running.port), 60) as link, pytest.raises(ConnectionError):
            while True:  # until the server has closed, which it does long before the end
                link.sendall(data)
    assert running.ask().status_code == 200


@pytest.mark.slow
def test_a_port_that_is_taken_is_said_at_once(running: Running) -> None:
    with pytest.raises(ConflictError, match=f"127.0.0.1:{running.port}"):
        run(Options(home=running.home, token=TOKEN), port=running.port)


@pytest.mark.slow
def test_the_server_imports_neither_the_trainers_nor_their_frames() -> None:
    code = (
        "import sys; import argosy.serving.worker;"
        "print(*sorted({'sklearn', 'pandas', 'lightgbm', 'scipy', 'onnx', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.slow
def test_the_process_that_watches_loads_nothing_of_what_serves() -> None:
    code = (
        "import sys; import argosy.cli.app, argosy.cli.serve, argosy.serving.server;"
        "print(*sorted({'numpy', 'polars', 'sqlalchemy', 'httptools', 'uvloop'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.slow
def test_bodies_of_the_largest_size_do_not_grow_the_server_without_a_bound(running: Running) -> None:
    [worker] = _children(running.process.pid)
    limit = 32 << 20
    asks = {
        "json": (URL, b"[" + b'{"a":1},' * (limit // 8 - 1) + b"{}]"),
        "x-protobuf": (URL, b"\x2a\0" * (limit // 2)),
        "vnd.apache.arrow.stream": ("/predict/late-arrival", b"\xff\xff\xff\xff\1\0\0\0" * (limit // 8)),
    }
    assert running.ask().status_code == 200
    before = _most(worker)
    for kind, (url, data) in asks.items():
        answer = running.client.post(url, content=data, headers={"Content-Type": f"application/{kind}"}, timeout=60)
        assert answer.status_code == 400, answer.text
    assert running.ask().status_code == 200
    assert _most(worker) - before < 8 * limit  # as values they would be forty times as large


def _most(pid: int) -> int:
    """Bytes of memory that a process has ever held at once."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
