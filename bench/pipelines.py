"""Steps of pipelines, history kept: chain, cached chain and map, beside Prefect, Dagster and Kedro, which keeps none.

    python bench/pipelines.py [--json FILE] [--steps 1000] [--elements 10000] [--rounds 3] [--no-peer]

Each runs its cases one after another in a fresh process, from a fresh home, after a chain of one step; ours by what
`argosy run` calls, the least of several rounds; peers with fewer steps where they take minutes. CPU is that of the
process and of all that it started, workers and servers, until these are quiet. A step costs
(what n steps take - what one step takes) / (n - 1): what starts the process and its workers is told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness import Cost, Limit, Row, best, peer, report

GRAPHS = """
import argosy as ag
@ag.step
def inc(x: int) -> int: return x + 1
@ag.step
def square(x: int) -> int: return x * x
@ag.pipeline
def chain(n: int, x: int = 0):
    for _ in range(n): x = inc(x)
    return x
@ag.pipeline
def wide(n: int, x: int = 0): return square.map(range(x, x + n))
"""
COSTS = """
import json, os, sys, time
sys.path.insert(0, sys.argv[1])
from harness import tree
steps, elements = map(int, sys.argv[2:])
costs = {}
def settled():
    seen, now = -1.0, tree(os.getpid())
    until = time.monotonic() + 60
    while now - seen > 0.03 and time.monotonic() < until:
        time.sleep(0.5)
        seen, now = now, tree(os.getpid())
    return now
def note(case, work, *given):
    cpu, wall = settled(), time.perf_counter()
    work(*given)
    wall = time.perf_counter() - wall
    costs[case] = [settled() - cpu, wall]
def tell(chain, wide, cached):
    chain(1, -2)
    costs["start"] = [settled(), time.perf_counter() - began]
    note("one", chain, 1, -4)
    if cached:
        note("cached one", chain, 1, -4)
    note("chain", chain, steps, 0)
    if cached:
        note("cached", chain, steps, 0)
    note("map one", wide, 1, -4)
    note("map", wide, elements, 0)
    peak = open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]
    print(json.dumps({"costs": costs, "peak": int(peak) / 1024}))
began = time.perf_counter()
"""
ARGOSY = """
from pathlib import Path
from argosy.controller import code, running
from argosy.controller.clock import SystemClock
from argosy.controller.house import House
from argosy.store import Store
with Store.open(Path("home")) as store, House(store, actor="bench", environment=os.environ) as house:
    def run(name, n, x):
        pipeline = code.of_files(house, Path("project/graphs.py"), name, SystemClock().now())
        given = {"n": n, "x": x}
        made = running.setting(house, pipeline, given)
        run = running.begun(house, running.request(house, pipeline, given, "asked for"), made)
        assert running.carry_out(house, pipeline, run, made) == "succeeded"
    tell(lambda n, x: run("chain", n, x), lambda n, x: run("wide", n, x), True)
"""
PREFECT = """
from prefect import flow, task
from prefect.cache_policies import INPUTS, TASK_SOURCE
@task(cache_policy=INPUTS + TASK_SOURCE, persist_result=True)
def inc(x: int) -> int: return x + 1
@task
def square(x: int) -> int: return x * x
@flow
def chain(n: int, x: int):
    for _ in range(n): x = inc(x)
    return x
@flow
def wide(n: int, x: int): return square.map(range(x, x + n)).result()
tell(chain, wide, True)
"""
DAGSTER = """
import dagster as dg
@dg.op
def inc(x: int) -> int: return x + 1
@dg.op
def square(x: int) -> int: return x * x
def chain(n, x):
    @dg.op
    def first() -> int: return x
    @dg.graph(name=f"chain_{n}")
    def made():
        value = first()
        for _ in range(n): value = inc(value)
    run(made)
def wide(n, x):
    @dg.op(out=dg.DynamicOut(int))
    def numbers():
        for each in range(n): yield dg.DynamicOutput(x + each, str(each))
    @dg.graph(name=f"wide_{n}")
    def made(): numbers().map(square)
    run(made)
with dg.DagsterInstance.get() as instance:
    def run(graph):
        job = graph.to_job(executor_def=dg.in_process_executor)
        assert job.execute_in_process(instance=instance).success
    tell(chain, wide, False)
"""
KEDRO = """
import logging
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import node, pipeline
from kedro.runner import SequentialRunner
logging.disable(logging.CRITICAL)
def inc(x): return x + 1
def square(x): return x * x
def chain(n, x):
    steps = [node(inc, f"x{i}", f"x{i + 1}", name=f"inc{i}") for i in range(n)]
    SequentialRunner().run(pipeline(steps), DataCatalog({"x0": MemoryDataset(x)}))
def wide(n, x):
    steps = [node(square, f"x{i}", f"y{i}", name=f"square{i}") for i in range(n)]
    SequentialRunner().run(pipeline(steps), DataCatalog({f"x{i}": MemoryDataset(x + i) for i in range(n)}))
tell(chain, wide, False)
"""
ENVIRONMENT = {
    "PREFECT_LOGGING_LEVEL": "CRITICAL", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DAGSTER_DISABLE_TELEMETRY": "1",
}  # fmt: skip


@dataclass(frozen=True)
class Costs:
    """What one process told: `of` each case the cost, in seconds, and the highest memory of the parent in MiB."""

    of: dict[str, Cost]
    peak: float

    def net(self, steps: int, elements: int) -> dict[str, Cost]:
        """The cost of one further step of each case, in milliseconds."""
        cases = {"chain": ("one", steps), "cached": ("cached one", steps), "map": ("map one", elements)}
        return {
            case: Cost(*((many - single) / max(1, count - 1) * 1e3 for many, single in (
                (self.of[case].cpu, self.of[one].cpu), (self.of[case].wall, self.of[one].wall))))
            for case, (one, count) in cases.items() if case in self.of
        }  # fmt: skip


def tell(python: str | Path, program: str, steps: int, elements: int) -> Costs:
    """What the cases of a program cost in a fresh process, whose home is fresh as well."""
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as folder:
        home = Path(folder)
        (home / "project").mkdir()
        (home / "project" / "graphs.py").write_text(GRAPHS)
        file = home / "program.py"  # not -c: Prefect reads the source of its tasks
        file.write_text(COSTS + program)
        command = [python, file, Path(__file__).parent, str(steps), str(elements)]
        environment = os.environ | ENVIRONMENT | {"PREFECT_HOME": folder, "DAGSTER_HOME": folder}
        done = subprocess.run(command, cwd=home, env=environment, check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)  # fmt: skip
    told = json.loads(done.stdout.splitlines()[-1])
    return Costs({case: Cost(*cost) for case, cost in told["costs"].items()}, told["peak"])


@dataclass(frozen=True)
class Peer:
    """A peer and how many steps and elements it is given at most, so that it ends within two minutes."""

    name: str
    requirement: str
    program: str
    most: int
    note: str = ""

    def costs(self, steps: int, elements: int) -> dict[str, Cost]:
        """What a further step of each of its cases costs, in milliseconds, and `start`: a process with one step."""
        steps, elements = min(steps, self.most), min(elements, self.most)
        told = tell(peer(self.name.lower(), (self.requirement,)), self.program, steps, elements)
        return told.net(steps, elements) | {"start": told.of["start"]}

    def title(self, wanted: int) -> str:
        """Its name, and what was not as it was for ours."""
        fewer = f"{self.most:,} of them" if self.most < wanted else ""
        notes = ", ".join(filter(None, (self.note, fewer)))
        return f"{self.requirement.replace('==', ' ').capitalize()}{f' ({notes})' if notes else ''}"


PEERS = (
    Peer("Prefect", "prefect==3.9.1", PREFECT, 300),
    Peer("Dagster", "dagster==1.13.28", DAGSTER, 200, "in one process"),
    Peer("Kedro", "kedro==1.7.0", KEDRO, 1_000, "no history"),
)


def least(costs: Iterable[Cost]) -> Cost:
    """The least CPU and the least wall time."""
    every = list(costs)
    return Cost(min(cost.cpu for cost in every), min(cost.wall for cost in every))


def cold(rounds: int) -> tuple[float, float]:
    """The least wall seconds of `argosy run` of three steps, from a fresh home and once more."""
    argosy = Path(sys.executable).with_name("argosy")
    command = [argosy, "run", "chain", "--set", "n=3", "--project", "graphs.py"]
    walls: list[list[float]] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="argosy-bench-") as folder:
            project = Path(folder, "project")
            project.mkdir()
            (project / "graphs.py").write_text(GRAPHS)
            run = partial(
                subprocess.run, command, cwd=project, env=os.environ | {"ARGOSY_HOME": f"{folder}/home"}, check=True,
                capture_output=True,
            )  # fmt: skip
            walls.append([best(run, 1).wall for _ in range(2)])
    first, again = map(min, zip(*walls, strict=True))
    return first, again


def measure(steps: int, elements: int, rounds: int) -> tuple[dict[str, Cost], list[Row], list[Limit]]:
    """Ours: what a further step of each case costs, the rows that no peer has, and what was promised."""
    told = [tell(sys.executable, ARGOSY, steps, elements) for _ in range(rounds)]
    tenth = max(1, elements // 10)
    small = tell(sys.executable, ARGOSY, 1, tenth).peak
    nets = [each.net(steps, elements) for each in told]
    costs = {case: least(each[case] for each in nets) for case in nets[0]}
    whole = {case: least(each.of[case] for each in told) for case in told[0].of}
    costs["start"] = whole["start"]
    imports = best(lambda: subprocess.run([sys.executable, "-c", "import argosy"], check=True), rounds).cpu
    first, again = cold(rounds)
    rows = [
        Row(f"chain of {steps:,} in all (floor: of 1)", "CPU s", whole["chain"].cpu, floor=whole["one"].cpu),
        Row("the same, all cached (floor: of 1)", "CPU s", whole["cached"].cpu, floor=whole["cached one"].cpu),
        Row(f"map of {elements:,} in all (floor: of 1)", "CPU s", whole["map"].cpu, floor=whole["map one"].cpu),
        Row(f"peak of the parent (floor: map of {tenth:,})", "MiB", min(each.peak for each in told), floor=small),
        Row("import argosy", "CPU s", imports),
        Row("argosy run, three steps, first time", "wall s", first),
        Row("argosy run, three steps, second time", "wall s", again),
    ]
    limits = [
        Limit("a step of a chain, CPU ms", costs["chain"].cpu, 0.5),
        Limit("a step of a chain, wall ms", costs["chain"].wall, 1.0),
        Limit("a cached step, CPU ms", costs["cached"].cpu, 0.05),
        Limit("an element of a map, CPU ms", costs["map"].cpu, 0.1),
        Limit("import argosy, CPU s", imports, 0.25),
        Limit("argosy run, three steps, first time, wall s", first, 1.5),
        Limit("argosy run, three steps, second time, wall s", again, 1.5),
    ]
    return costs, rows, limits


def beside(ours: dict[str, Cost], theirs: dict[Peer, dict[str, Cost]], steps: int, elements: int) -> list[Row]:
    """The cases that peers have as well, a row for each peer that has it."""
    chain = f"chain of {steps:,}"
    wanted = (
        ("chain", "cpu", chain, "CPU ms a step", steps), ("chain", "wall", chain, "wall ms a step", steps),
        ("cached", "cpu", f"{chain}, all cached", "CPU ms a step", steps),
        ("cached", "wall", f"{chain}, all cached", "wall ms a step", steps),
        ("map", "cpu", f"map of {elements:,}", "CPU ms an element", elements),
        ("map", "wall", f"map of {elements:,}", "wall ms an element", elements),
        ("start", "cpu", "a process with one step", "CPU s", 1),
    )  # fmt: skip
    rows = []
    for case, kind, title, unit, count in wanted:
        mine = getattr(ours[case], kind)
        found = [
            Row(title, unit, mine, getattr(costs[case], kind), each.title(count))
            for each, costs in theirs.items() if case in costs
        ]  # fmt: skip
        rows += found or [Row(title, unit, mine)]
    return rows


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--elements", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peer", action="store_true")
    given = parser.parse_args()
    ours, own, limits = measure(given.steps, given.elements, given.rounds)
    theirs = {} if given.no_peer else {each: each.costs(given.steps, given.elements) for each in PEERS}
    report("pipelines", beside(ours, theirs, given.steps, given.elements) + own, given.json)
    print("\n".join(map(str, limits)))


if __name__ == "__main__":
    main()
