"""`argosy up`: everything of one home, on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Annotated, NoReturn, Self

import msgspec
from cyclopts import Parameter

from argosy.cli import home, show
from argosy.cli.lock import Lock
from argosy.cli.option import Common
from argosy.cli.port import free_port, wait_for
from argosy.controller.bundle import locate
from argosy.controller.child import Child, Order
from argosy.controller.clock import SystemClock
from argosy.errors import ArgosyError, CapacityError, ConflictError
from argosy.server import secret, settings
from argosy.server.settings import Settings
from argosy.spec.quantity import plural
from argosy.store import Store

_DEATHS, _WITHIN_SECONDS, _POLL_SECONDS = 5, 60.0, 0.2


def up(
    project: str | None = None, /, *, port: int | None = None, inference_port: int | None = None,
    grpc_port: int | None = None, workers: int | None = None, controller: bool = True,
    create: Annotated[bool, Parameter(negative="")] = False, common: Common | None = None,
) -> int:  # fmt: skip
    """Start console and API, the controller and the inference server of a home.

    They listen on the loopback, unless ARGOSY_HOST names another address. One URL opens the console; it
    holds a token that is kept in the home, readable by you alone. A process that dies is started again,
    up to five times a minute. Ctrl-C stops all of them. Where the home is up already on this machine, it says
    where, and starts another one only if a port is named.

    For example:
      argosy up
      argosy up flights.py                    (applies it first)
      argosy up --port 9000 --inference-port 9001      (also beside one that is up)
      argosy up --no-controller               (look and score, change nothing)
      argosy up --create                      (without a project: for MLflow's clients)

    Parameters
    ----------
    project
        A project to apply first: its module, or the directory of one.
    port
        Of console and API. Default: what ARGOSY_PORT names, else 8075, or a free one where that is taken.
    inference_port
        Of the inference server. Default: 8076, or a free one.
    grpc_port
        Of its gRPC door. Default: 8077, or a free one.
    workers
        Processes of the inference server, which share its port. Default: what ARGOSY_WORKERS says, else 1.
    controller
        Run the loop, so that what is declared becomes true.
    create
        Make the home where there is none yet.
    """
    given = common or Common()
    for option, asked in (("--port", port), ("--inference-port", inference_port), ("--grpc-port", grpc_port)):
        if asked is not None:
            settings.listens(asked, f"{option} is {asked}")
    if workers is not None:
        settings.works(workers)
    module = locate(project) if project is not None else None
    with home.open(given.home, module, create=create or module is not None) as store, _lock(store, port) as held:
        if module is not None:
            from argosy.controller import apply as applying  # it loads Polars, which a start without one does not need

            done = applying.apply(store, module, home.clock(store).now(), home.actor())
            show.say(f"project {done.project}: {plural(len(done.differences), 'declaration')} recorded")
        return run(
            store, held, port, inference_port, controller=controller, json=given.json, clients=create, workers=workers,
            grpc_port=grpc_port,
        )  # fmt: skip


def look(root: Path) -> int:
    """The console and the inference server of a home whose clock stands, until Ctrl-C."""
    with Store.open(root, create=False) as store, _lock(store, None) as held:
        return run(store, held, None, None, controller=False, json=False)


def run(
    store: Store, held: Lock, port: int | None, inference_port: int | None, *, controller: bool, json: bool,
    clients: bool = False, workers: int | None = None, grpc_port: int | None = None,
) -> int:  # fmt: skip
    """Start the processes of a home, say where they are, and keep them up until SIGINT or SIGTERM.

    With `clients`, it says what MLflow's clients have to be told, too. Raises InputError for settings of the
    environment that cannot be meant.
    """
    for other in held.others:
        show.say(f"this home is up already, {other}; this one runs beside it")
    reached = settings.read(os.environ, store.home)
    token = keep_token(store)
    named = reached.port if port is None and reached.port != settings.PORT else port
    web, scoring = (
        _port(named, settings.PORT, reached.host),
        _port(inference_port, settings.INFERENCE_PORT, reached.host),
    )
    held.tell(_url(reached, web))
    place = {"home": store.home, "blobs": str(store.blobs.root)}
    public = {**place, "host": reached.host, "hosts": reached.hosts}
    calls = _port(grpc_port, settings.GRPC_PORT if settings.GRPC_PORT not in (web, scoring) else 0, reached.host)
    serving = {**public, "token": token, "port": scoring, "grpc_port": calls}
    serving |= msgspec.structs.asdict(reached.inference)
    if workers is not None:
        serving["workers"] = workers
    roles: dict[str, tuple[Order, int | None]] = {
        "console": (Order("argosy.cli.role:console", {**public, "port": web, "trash_days": reached.trash_days}), web),
        "inference": (Order("argosy.cli.role:inference", serving), scoring),
    }
    if controller:
        roles["controller"] = (Order("argosy.cli.role:controller", {**place, "runs": reached.runs}), None)
    try:
        with _Signals(), _Crew(Child(name, order) for name, (order, _) in roles.items()) as crew:
            for child in crew.children:
                listening = roles[child.name][1]
                if listening is not None and not wait_for(listening, child, host=reached.host):
                    raise ArgosyError(f"the {child.name} did not start on port {listening}", next="argosy doctor")
            _announce(crew, _url(reached, web), _url(reached, scoring), _target(reached, calls), token, json=json)
            if clients and not json:
                show.say(_clients(store, _url(reached, web)))
            crew.watch()
    except KeyboardInterrupt:
        show.say("stopped")
    return 0


def _lock(store: Store, port: int | None) -> Lock:
    """The lock of a home: naming a port says that another one may be up beside this one."""
    return Lock(store, SystemClock().now(), beside=port is not None)


def _url(reached: Settings, port: int) -> str:
    """Where to find a server from this machine, which reaches one that listens on all addresses by the loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(reached.host, reached.host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _target(reached: Settings, port: int) -> str:
    """As clients of gRPC name an address."""
    return _url(reached, port).removeprefix("http://")


def _announce(crew: _Crew, console: str, inference: str, grpc: str, token: str, *, json: bool) -> None:
    url = f"{console}/?token={token}"
    if json:
        pids = {child.name: child.pid for child in crew.children}
        show.emit({"url": url, "inference": inference, "grpc": grpc, "token": token, "pids": pids})
    else:
        show.put(url)
        show.say(f"Open it in a browser. Inference: {inference}, gRPC: {grpc}, same token. Ctrl-C stops all.")


def _clients(store: Store, url: str) -> str:
    token = f"$(cat {shlex.quote(str(_kept(store)))})"
    return f"MLflow's clients: export MLFLOW_TRACKING_URI={url} MLFLOW_TRACKING_TOKEN={token}"


def keep_token(store: Store) -> str:
    """The token of this home's `up`: made once, kept in the home in a file of mode 600, its digest in the store."""
    path = _kept(store)
    now = SystemClock().now()
    if path.exists():
        known = path.read_text().strip()
        if secret.find(store, known, now) is not None:
            return known
    made = secret.issue(store, "argosy up", secret.ADMIN, now, actor=home.actor(), at=home.clock(store).now())
    partial = path.with_name(f".token.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(made + "\n")
    partial.replace(path)
    return made


def _kept(store: Store) -> Path:
    return store.blobs.root.parent / "token"


class _Crew:
    """Children that are started together, started again when they die, and stopped together."""

    def __init__(self, children: Iterable[Child]) -> None:
        self.children = list(children)
        self._deaths: dict[str, list[float]] = {}

    def __enter__(self) -> Self:
        for child in self.children:
            child.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave children behind
        for child in self.children:
            child.ask()
        for child in self.children:
            child.stop()

    def watch(self) -> NoReturn:
        """Keep them up. Raises CapacityError where one dies again and again."""
        while True:
            for child in self.children:
                if not child.alive:
                    self._again(child)
            time.sleep(_POLL_SECONDS)

    def _again(self, child: Child) -> None:
        moment = time.monotonic()
        recent = [at for at in self._deaths.get(child.name, []) if moment - at < _WITHIN_SECONDS]
        self._deaths[child.name] = [*recent, moment]
        if len(recent) >= _DEATHS:
            raise CapacityError(
                f"the {child.name} died {len(recent) + 1} times within {_WITHIN_SECONDS:.0f} s, last with {child.code}",
                next="see what it said above, then argosy doctor",
            )
        show.say(f"the {child.name} ended with {child.code}; starting it again")
        time.sleep(0.2 * 2 ** len(recent))
        child.start()


class _Signals:
    """SIGTERM ends `up` as Ctrl-C does."""

    def __enter__(self) -> None:
        self._before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        signal.signal(signal.SIGTERM, _interrupt)

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _port(given: int | None, usual: int, host: str) -> int:
    """The port asked for, else the usual one, else any that is free. Raises ConflictError where none can be had."""
    found = free_port(given if given is not None else usual, host)
    if found is None and given is not None:
        raise ConflictError(f"port {given} is taken", next="leave it out to take a free one")
    found = found or free_port(0, host)
    if found is None:
        raise ConflictError(f"this machine cannot listen on {host}", next="set ARGOSY_HOST to an address that it has")
    return found
