"""`argosy serve`: the inference server of a home alone, as one of several replicas."""

from __future__ import annotations

import os
import secrets

import msgspec

from argosy.cli import role, show
from argosy.cli.address import located
from argosy.cli.option import Where
from argosy.server import settings


def serve(
    *, port: int = settings.INFERENCE_PORT, grpc_port: int | None = None, concurrency: int = 8, queue: int = 64,
    wait: float = 1.0, timeout: float = 30.0, rows: str = "", warm: float = 5.0, notice: float = 0.0,
    drain: float = 10.0, workers: int | None = None, where: Where | None = None,
) -> int:  # fmt: skip
    """Start the inference server of a home, and nothing beside it, until SIGTERM or Ctrl-C.

    It listens on the loopback, unless ARGOSY_HOST names another address, and is opened by the tokens of the home: those
    of the role caller ask for predictions. Several may serve one home.

    For example:
      argosy serve
      argosy serve --port 9001 --grpc-port 9002
      argosy serve --rows "dashboard=500,*=20000"      (rows a second of each caller)
      ARGOSY_HOST=0.0.0.0 argosy serve --notice 5      (in a container)

    Parameters
    ----------
    port
        Where it listens.
    grpc_port
        Where it listens for gRPC. Default: nowhere.
    concurrency
        How many requests threads of a worker score at once; small ones need none.
    queue
        How many more may wait for that. Any other is refused with 429.
    wait
        How many seconds a request may have to wait, as far as can be told, before it is refused with 429.
    timeout
        How many seconds a request has in all, before it is answered with 504.
    rows
        Rows a second of callers by the names of their tokens, * for all others. Default: no limit.
    warm
        For how many seconds a start waits for models that were in use before it.
    notice
        How many seconds before it stops it says so, and still takes requests.
    drain
        How many seconds requests under way then have to end.
    workers
        Processes that share the port. Default: what ARGOSY_WORKERS says, else 1.
    """
    from argosy.serving.limits import Limits, parse_rows

    for option, asked in (("--port", port), ("--grpc-port", grpc_port)):
        if asked is not None:
            settings.listens(asked, f"{option} is {asked}")
    limits = Limits(
        concurrency=concurrency, queue=queue, wait_seconds=wait, timeout_seconds=timeout, rows=parse_rows(rows)
    )
    address, blobs = located((where or Where()).home)
    reached = settings.read(os.environ, address)
    serving = msgspec.structs.asdict(reached.inference) | _workers(workers)
    show.say(f"Inference on {reached.host}, port {port}; a token of the home opens it. Ctrl-C stops it.")
    role.inference(
        home=address, blobs=str(blobs), token=secrets.token_urlsafe(32), port=port, host=reached.host,
        hosts=reached.hosts, limits=msgspec.structs.asdict(limits), warm_seconds=warm, notice_seconds=notice,
        drain_seconds=drain, grpc_port=grpc_port, **serving,
    )  # fmt: skip
    return 0


def _workers(asked: int | None) -> dict[str, int]:
    if asked is None:
        return {}
    settings.works(asked)
    return {"workers": asked}
