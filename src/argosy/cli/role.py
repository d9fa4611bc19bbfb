"""What the processes of an installation do, each as a function of plain values for `child`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, cast

from argosy.server.settings import LOOPBACK

if TYPE_CHECKING:
    from argosy.serving.server import Readers as Opened

_TRACED = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""Where one of these says where to, the traces of requests are sent there."""


def inference(
    *, home: str, blobs: str, token: str, port: int, host: str = LOOPBACK[0], hosts: Sequence[str] = LOOPBACK,
    flush_seconds: float = 1.0, poll_seconds: float = 0.5, workers: int = 1, cache_mb: int = 512,
    pinned: Sequence[str] = (), durable: bool = False, trusted: bool = True, limits: Mapping[str, Any] | None = None,
    warm_seconds: float = 5.0, notice_seconds: float = 0.0, drain_seconds: float = 10.0, grpc_port: int | None = None,
) -> None:  # fmt: skip
    """The inference server of a home; `limits` are the fields of its `Limits`."""
    from argosy.serving.limits import Limits
    from argosy.serving.server import Options, run  # each role imports what it needs alone

    root = Path(blobs).parent
    options = Options(
        home=home, token=token, blobs=Path(blobs), predictions=root / "segments", hosts=tuple(hosts),
        readers=Readers(str(root)), warm=root / "warm", flush_seconds=flush_seconds, poll_seconds=poll_seconds,
        cache_mb=cache_mb, pinned=tuple(pinned), durable=durable, trusted=trusted, limits=Limits(**(limits or {})),
        warm_seconds=warm_seconds, notice_seconds=notice_seconds, drain_seconds=drain_seconds,
        traces=any(os.environ.get(name) for name in _TRACED),
    )  # fmt: skip
    run(options, host, port, workers, grpc_port)


def console(*, home: str, blobs: str, port: int, host: str, hosts: Sequence[str], trash_days: int) -> None:
    """Console and API of a home."""
    from argosy.cli.home import clock
    from argosy.server.run import serve
    from argosy.server.settings import Settings
    from argosy.store import Store

    with Store.open(home, blobs=Path(blobs), create=False) as store:
        time = clock(store)
    settings = Settings(
        home=home, blobs=Path(blobs), host=host, port=port, hosts=tuple(hosts), trash_days=trash_days
    )  # fmt: skip
    serve(settings, now=time.now)


def controller(*, home: str, blobs: str, runs: int, every: float = 2.0) -> None:
    """The loop over a home, and beside it what starts pipelines, which must not wait while a fleet is trained.

    SIGTERM ends it where it stands: what was not committed was not begun.
    """
    from argosy.cli.home import clock
    from argosy.cli.log import quietly
    from argosy.controller import dispatch
    from argosy.controller.house import House
    from argosy.controller.loop import run
    from argosy.store import Store

    quietly()
    stop = Event()

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is leaving: a second one would break in on what ends it
        stop.set()  # what is raised here is lost where the interpreter stands in a callback, of a weak reference say
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    with Store.open(home, blobs=Path(blobs), create=False) as store, House(store, environment=os.environ) as house:
        beside = Thread(
            target=dispatch.run, args=(store, clock(store), stop), kwargs={"most": runs, "every": every},
            name="argosy-dispatch",
        )  # fmt: skip
        beside.start()
        try:
            run(house, clock(store), stop, every=every)
        finally:
            stop.set()
            beside.join()


class Readers:
    """Reads online features from the directory of a home, whatever the address of its facts. It can be pickled."""

    def __init__(self, root: str) -> None:
        self._root = root

    def __call__(self, home: str) -> Opened:
        """The readers of this directory."""
        from argosy.controller.inference import readers  # in the worker that reads

        # The controller states what it asks of an endpoint in words of its own; the shapes are the same.
        return cast("Opened", readers(self._root))
