"""Pipelines load in Kubeflow's SDK and run there: shards side by side, then the whole, each word as it was meant."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings

from argosy.cli import main
from argosy.errors import UsageError
from argosy.pipelines.export.document import read
from argosy.pipelines.export.kubeflow.check import check
from argosy.pipelines.export.kubeflow.file import write
from argosy.pipelines.export.order import Order
from tests.pipelines.export.night import IMAGE, TEXTS, Stand, asked, bare, eager, nightly, quoting

PERFORM = Path(__file__).with_name("perform.py")

PROJECT = """
import argosy as ag


@ag.step
def squares(up_to: int) -> list[int]:
    return [number * number for number in range(up_to)]


@ag.step
def double(number: int) -> int:
    return 2 * number


@ag.step
def total(numbers: list[int]) -> int:
    return sum(numbers)


@ag.pipeline
def doubled(up_to: int = 5) -> int:
    return total(double.map(squares(up_to)))
"""


def documents(order: Order) -> tuple[dict[str, Any], dict[str, Any]]:
    pipeline, platform = read(write(order).text)
    check(pipeline)
    return pipeline, platform


def started(pipeline: dict[str, Any], name: str, given: Mapping[str, str]) -> list[str]:
    """The words of a task's process: the inputs of the pipeline are those of its tasks, by the same names."""
    container = pipeline["deploymentSpec"]["executors"][f"exec-{name}"]["container"]
    one = re.compile(r"\{\{\$\.inputs\.parameters\['([^']*)'\]\}\}")
    words = [*container["command"], *container["args"]]
    return [one.sub(lambda match: given[match[1]], word) for word in words]


def test_parameters_are_inputs_with_types_and_defaults() -> None:
    pipeline, _ = documents(Order(pipeline=nightly, image=IMAGE, given={"depth": "8"}))
    found = pipeline["root"]["inputDefinitions"]["parameters"]
    assert {name: (each["parameterType"], each["defaultValue"]) for name, each in found.items()} == {
        "flights": ("STRING", "flights"), "depth": ("NUMBER_INTEGER", 8), "rate": ("NUMBER_DOUBLE", 0.5),
        "fast": ("BOOLEAN", True), "note": ("STRING", ""),
    }  # fmt: skip
    required, _ = documents(Order(pipeline=asked, image=IMAGE))
    assert required["root"]["inputDefinitions"]["parameters"]["depth"] == {"parameterType": "NUMBER_INTEGER"}


def test_shards_are_a_loop_and_never_written_out() -> None:
    few, many = (write(Order(pipeline=nightly, image=IMAGE, shards=shards)).text for shards in (2, 200))
    assert few.count("\n") == many.count("\n")


def test_nothing_is_cached_by_anyone_else() -> None:
    pipeline, _ = documents(Order(pipeline=nightly, image=IMAGE, shards=2))
    tasks = [pipeline["root"]["dag"]["tasks"], pipeline["components"]["comp-shards"]["dag"]["tasks"]]
    assert [task["cachingOptions"] for each in tasks for task in each.values()] == [{}, {}, {}]


def test_the_home_is_a_reference_for_each_executor() -> None:
    pipeline, platform = documents(Order(pipeline=nightly, image=IMAGE, shards=2))
    found = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert set(found) == set(pipeline["deploymentSpec"]["executors"])
    for each in found.values():
        assert each["secretAsEnv"][0]["keyToEnv"] == [{"secretKey": "home", "envVar": "ARGOSY_HOME"}]


def test_the_schedule_is_told_of() -> None:
    notes = write(Order(pipeline=eager, image=IMAGE)).notes
    assert [each.partition(";")[0] for each in notes][2:] == [
        "schedule at 06:00 every day (UTC)", "concurrency='replace' and catch_up='all'",
    ]  # fmt: skip
    assert write(Order(pipeline=bare, image=IMAGE)).notes == ()


def test_names_become_those_of_kubeflow() -> None:
    pipeline, _ = documents(Order(pipeline=msgspec.structs.replace(bare, name="a_b.c_"), image=IMAGE))
    assert pipeline["pipelineInfo"]["name"] == "a-b-c"


@pytest.mark.parametrize(
    "order",
    [
        Order(pipeline=bare),
        Order(pipeline=nightly, image=IMAGE, given={"note": "{{$.x}}"}),
        Order(pipeline=nightly, image=IMAGE, project="{{$"),
        Order(pipeline=quoting, image=IMAGE),
    ],
)
def test_what_kubeflow_would_misread_is_refused(order: Order) -> None:
    with pytest.raises(UsageError, match=r"\{\{\$|images"):
        write(order)


@settings(max_examples=30)
@given(TEXTS, TEXTS)
def test_a_container_starts_the_words_that_were_meant(note: str, project: str) -> None:
    assume("{{$" not in note and "{{$" not in project)  # which is refused
    order = Order(pipeline=nightly, image=IMAGE, project=project, given={"note": note})
    pipeline, _ = documents(order)
    inputs = {each.name: each.text or "" for each in order.entries()}
    assert pipeline["root"]["inputDefinitions"]["parameters"]["note"]["defaultValue"] == note
    assert started(pipeline, "run", inputs) == [
        "argosy", "run", "nightly", f"--project={project}",
        *(f"--set={name}={text}" for name, text in inputs.items()),
    ]  # fmt: skip


def perform(apart: Callable[[str], Path], file: Path, given: Mapping[str, Any], variables: Mapping[str, str]) -> str:
    """Run a file in Kubeflow's own environment; what it said."""
    python = apart("kubeflow") / "bin" / "python"
    done = subprocess.run(
        [python, PERFORM, file, json.dumps(given)], env={**os.environ, **variables}, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, cwd=file.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
def test_kubeflow_starts_what_was_meant(apart: Callable[[str], Path], stand: Stand, tmp_path: Path) -> None:
    file = tmp_path / "nightly.yaml"
    file.write_text(
        write(Order(pipeline=nightly, image=IMAGE, shards=3, given={"note": 'it\'s {{ x }}\n"$HOME"'})).text
    )
    perform(apart, file, {"depth": 7}, {"PATH": stand.path})
    sets = ["--set=flights=flights", "--set=depth=7", "--set=rate=0.5", "--set=fast=true",
            "--set=note=it's {{ x }}\n\"$HOME\""]  # fmt: skip
    *shards, whole = stand.started()
    assert sorted(shards) == [["run", "nightly", f"--shard={number}/3", *sets] for number in (1, 2, 3)]
    assert whole == ["run", "nightly", *sets]


@pytest.mark.slow
def test_kubeflow_runs_a_real_pipeline(apart: Callable[[str], Path], tmp_path: Path, home: Path, capsys: Any) -> None:
    project, file = tmp_path / "doubled.py", tmp_path / "doubled.yaml"
    project.write_text(PROJECT)
    options = ["--to", "kubeflow", "--image", IMAGE, "--shards", "2", "--output", str(file)]
    assert main(["export", "doubled", "--project", str(project), *options]) == 0
    variables = {"ARGOSY_HOME": str(home), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    told = perform(apart, file, {"up_to": 4}, variables)
    assert sorted(re.findall(r"run (\d) succeeded", told)) == ["1", "2", "3"], told
    assert "run 3 succeeded" in told and ": 6 cached" in told, told
    capsys.readouterr()
    again = ["run", "doubled", "--project", str(project), "--set", "up_to=4", "--home", str(home), "--json"]
    assert main(again) == 0
    ended = json.loads(capsys.readouterr().out)
    assert ended["outcome"] == "succeeded"
