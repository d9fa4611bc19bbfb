"""Manifests pass Kubernetes' own schemas, and a pod runs the command line that was meant."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from argosy.errors import UsageError
from argosy.pipelines.export.document import read
from argosy.pipelines.export.kubernetes.check import check
from argosy.pipelines.export.kubernetes.file import write
from argosy.pipelines.export.order import Order
from tests.pipelines.export.night import IMAGE, TEXTS, Stand, asked, bare, daily, eager, nightly


def manifest(order: Order) -> dict[str, Any]:
    (found,) = read(write(order).text)
    check(found)
    return found


def container(found: dict[str, Any]) -> dict[str, Any]:
    spec = found["spec"]["jobTemplate"]["spec"] if found["kind"] == "CronJob" else found["spec"]
    (each,) = spec["template"]["spec"]["containers"]
    return each


def started(found: dict[str, Any]) -> list[str]:
    """The words of a container's process: `$$` is a dollar, and `$(NAME)` a variable where there is such a one."""
    names = {each["name"]: "…" for each in found["env"]} | {"JOB_COMPLETION_INDEX": "…"}
    one = re.compile(r"\$\$|\$\(([^)]*)\)")

    def expand(match: re.Match[str]) -> str:
        return "$" if match[1] is None else names.get(match[1], match[0])

    return [one.sub(expand, word) for word in [*found["command"], *found["args"]]]


def test_a_schedule_is_a_cron_job_in_its_zone() -> None:
    found = manifest(Order(pipeline=nightly, image=IMAGE))
    spec = found["spec"]
    assert (found["kind"], found["metadata"]["name"]) == ("CronJob", "nightly")
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == ("30 6 * * 1-5", "Asia/Kolkata", "Forbid")
    assert "startingDeadlineSeconds" not in spec
    assert started(container(found)) == ["argosy", "run", "nightly"]


def test_policies_are_those_of_kubernetes() -> None:
    found = manifest(Order(pipeline=daily, image=IMAGE, given={"day": "2025-01-01/2025-01-02"}))["spec"]
    assert (found["concurrencyPolicy"], found["startingDeadlineSeconds"]) == ("Allow", 600)
    made = write(Order(pipeline=eager, image=IMAGE))
    assert "concurrencyPolicy: Replace" in made.text
    assert [each.partition(";")[0] for each in made.notes] == [
        "on 'a new version of dataset flights'", "on 'after pipeline asked'", "catch_up='all'",
    ]  # fmt: skip
    assert all(f"# Not in here: {each}\n" in made.text for each in made.notes)


def test_without_a_schedule_it_is_a_job() -> None:
    assert manifest(Order(pipeline=bare, image=IMAGE))["kind"] == "Job"
    assert manifest(Order(pipeline=nightly, image=IMAGE, scheduled=False))["kind"] == "Job"


def test_the_home_is_a_reference() -> None:
    variables = {each["name"]: each for each in container(manifest(Order(pipeline=bare, image=IMAGE)))["env"]}
    assert variables["ARGOSY_HOME"]["valueFrom"] == {"secretKeyRef": {"name": "argosy", "key": "home"}}


def test_names_become_those_of_kubernetes() -> None:
    long = msgspec.structs.replace(bare, name="a_b." + "c" * 58)
    assert manifest(Order(pipeline=long, image=IMAGE))["metadata"]["name"] == "a-b-" + "c" * 48


@pytest.mark.parametrize(
    ("order", "next"),
    [
        (Order(pipeline=bare), "--image"),
        (Order(pipeline=asked, image=IMAGE, given={"depth": "1"}), "--set where=…"),
        (Order(pipeline=daily, image=IMAGE), "--set day=…"),
    ],
)
def test_what_is_missing_is_asked_for(order: Order, next: str) -> None:
    with pytest.raises(UsageError) as raised:
        write(order)
    assert next in raised.value.next


@settings(max_examples=50)
@given(TEXTS, TEXTS)
def test_a_container_starts_the_words_that_were_meant(note: str, project: str) -> None:
    order = Order(pipeline=nightly, image=IMAGE, given={"note": note, "depth": "8"}, project=project)
    wanted = ["argosy", "run", "nightly", f"--project={project}", f"--set=note={note}", "--set=depth=8"]
    assert started(container(manifest(order))) == wanted


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(note=TEXTS)
def test_each_index_runs_its_shard_and_the_first_then_the_whole(stand: Stand, note: str) -> None:
    found = manifest(Order(pipeline=nightly, image=IMAGE, given={"note": note}, shards=3))
    words, run = started(container(found)), ["run", "nightly", f"--set=note={note}"]
    assert stand.run(words, {"JOB_COMPLETION_INDEX": "2"}) == [[*run, "--shard=3/3"]]
    for code in ("0", "1"):  # what a shard leaves, the whole does
        assert stand.run(words, {"JOB_COMPLETION_INDEX": "0", "CODE": code}) == [[*run, "--shard=1/3"], run]


@pytest.mark.slow
@pytest.mark.parametrize("shards", [1, 4])
def test_the_schemas_of_kubernetes_pass(apart: Callable[[str], Path], tmp_path: Path, shards: int) -> None:
    files = {}
    for pipeline in (nightly, eager, bare):
        files[pipeline.name] = tmp_path / f"{pipeline.name}.yaml"
        files[pipeline.name].write_text(write(Order(pipeline=pipeline, image=IMAGE, shards=shards)).text)
    files["broken"] = tmp_path / "broken.yaml"
    files["broken"].write_text(files["bare"].read_text().replace("restartPolicy", "restartPolicies"))
    validate = apart("kubernetes") / "bin" / "kubernetes-validate"
    codes = {name: subprocess.run([validate, "--strict", file]).returncode for name, file in files.items()}
    assert codes.pop("broken") != 0
    assert set(codes.values()) == {0}
