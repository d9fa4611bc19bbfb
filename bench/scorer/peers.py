"""Other inference servers over the same LightGBM model, each in an environment of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from harness import peer

from scorer.ours import WIDTH, rows
from scorer.target import Target, free_port, http, started

_SAVE = (
    "import sys, lightgbm, mlflow.lightgbm;"
    "booster = lightgbm.Booster(model_file=sys.argv[1]);"
    "mlflow.lightgbm.save_model(booster, sys.argv[2], pip_requirements=['lightgbm'])"
)
_BENTO = """
import bentoml, lightgbm, numpy
@bentoml.service(workers=1)
class Bench:
    def __init__(self): self.model = lightgbm.Booster(model_file="model.txt", params={"num_threads": 1})
    @bentoml.api
    def predict(self, rows: numpy.ndarray) -> numpy.ndarray: return self.model.predict(rows, num_threads=1)
"""
_LIT = """
import sys, lightgbm, litserve, numpy
class Bench(litserve.LitAPI):
    def setup(self, device): self.model = lightgbm.Booster(model_file="model.txt")
    def decode_request(self, request): return numpy.array(request["rows"])
    def predict(self, rows): return self.model.predict(rows, num_threads=1)
    def encode_response(self, found): return {"prediction": found.tolist()}
if __name__ == "__main__":
    server = litserve.LitServer(Bench(), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, num_api_servers=1)
"""
_RAY = """
import os, sys, lightgbm, numpy, ray
from ray import serve
@serve.deployment(num_replicas=1)
class Bench:
    def __init__(self, path): self.model = lightgbm.Booster(model_file=path)
    async def __call__(self, request):
        rows = numpy.array((await request.json())["rows"])
        return {"prediction": self.model.predict(rows, num_threads=1).tolist()}
ray.init(num_cpus=2, include_dashboard=False, _temp_dir=os.path.abspath("ray")[:60])
serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
serve.run(Bench.bind(os.path.abspath("model.txt")), blocking=True)
"""
Serve = Callable[[Path, Sequence[int]], AbstractContextManager[Target]]


@contextmanager
def mlflow(root: Path, counts: Sequence[int]) -> Iterator[Target]:
    """`mlflow models serve`, one worker."""
    python = peer("mlflow-serve", ("mlflow==3.*", "lightgbm", "scikit-learn"))
    saved = root / "mlflow"
    subprocess.run([python, "-c", _SAVE, root / "model.txt", saved], check=True, stdout=subprocess.DEVNULL)
    port = free_port()
    command: list[str | Path] = [python, "-m", "mlflow", "models", "serve", "-m", saved, "-h", "127.0.0.1"]
    command += ["-p", str(port), "--env-manager", "local", "--workers", "1"]
    columns = [f"Column_{i}" for i in range(WIDTH)]
    requests = {
        count: http(port, "/invocations", {"dataframe_split": {"columns": columns, "data": rows(count)}})
        for count in counts
    }
    with started(command, port, requests, path=python.parent) as target:
        yield target


@contextmanager
def mlserver(root: Path, counts: Sequence[int]) -> Iterator[Target]:
    """MLServer's LightGBM runtime in process (its quicker way: no worker pool)."""
    python = peer("mlserver", ("mlserver>=1.7,<1.8", "mlserver-lightgbm>=1.7,<1.8"))
    folder = _folder(root, "mlserver")
    port, grpc, metrics = free_port(), free_port(), free_port()
    settings = {"host": "127.0.0.1", "http_port": port, "grpc_port": grpc, "metrics_port": metrics}
    (folder / "settings.json").write_text(json.dumps(settings | {"parallel_workers": 0, "debug": False}))
    model = {"name": "bench", "implementation": "mlserver_lightgbm.LightGBMModel", "parameters": {"uri": "./model.bst"}}
    (folder / "model-settings.json").write_text(json.dumps(model))
    (folder / "model.txt").rename(folder / "model.bst")
    tensor = {"name": "x", "datatype": "FP64"}
    requests = {
        count: http(
            port, "/v2/models/bench/infer", {"inputs": [tensor | {"shape": [count, WIDTH], "data": rows(count)}]}
        )
        for count in counts
    }
    with started([python.parent / "mlserver", "start", folder], port, requests) as target:
        yield target


@contextmanager
def bentoml(root: Path, counts: Sequence[int]) -> Iterator[Target]:
    """BentoML, one worker."""
    python = peer("bentoml", ("bentoml>=1.4,<1.5", "lightgbm", "numpy"))
    folder, port = _folder(root, "bento", _BENTO), free_port()
    command: list[str | Path] = [
        python,
        "-m",
        "bentoml",
        "serve",
        "bench:Bench",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with started(command, port, _plain(port, counts), path=python.parent, folder=folder) as target:
        yield target


@contextmanager
def litserve(root: Path, counts: Sequence[int]) -> Iterator[Target]:
    """LitServe, one worker."""
    python = peer("litserve", ("litserve>=0.2", "lightgbm", "numpy"))
    folder, port = _folder(root, "lit", _LIT), free_port()
    with started([python, "bench.py", str(port)], port, _plain(port, counts), folder=folder) as target:
        yield target


@contextmanager
def ray(root: Path, counts: Sequence[int]) -> Iterator[Target]:
    """Ray Serve, one replica behind its proxy."""
    python = peer("ray-serve", ("ray[serve]>=2.40", "lightgbm", "numpy"))
    folder, port = _folder(root, "ray", _RAY), free_port()
    with started([python, "bench.py", str(port)], port, _plain(port, counts, "/"), folder=folder) as target:
        yield target


PEERS: dict[str, Serve] = {
    "MLflow models serve": mlflow, "MLServer": mlserver, "BentoML": bentoml, "LitServe": litserve, "Ray Serve": ray,
}  # fmt: skip


def _folder(root: Path, name: str, code: str = "") -> Path:
    """A directory with the model, and the code that serves it as `bench.py`."""
    folder = root / name
    folder.mkdir()
    (folder / "model.txt").write_bytes((root / "model.txt").read_bytes())
    if code:
        (folder / "bench.py").write_text(code)
    return folder


def _plain(port: int, counts: Sequence[int], path: str = "/predict") -> dict[int, bytes]:
    return {count: http(port, path, {"rows": rows(count)}) for count in counts}
