"""Workflows pass actionlint, and their scripts start the command line that was meant, whatever GitHub fills in."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

import argosy as ag
from argosy.errors import UsageError
from argosy.pipelines.export.actions.check import check
from argosy.pipelines.export.actions.file import write
from argosy.pipelines.export.document import read
from argosy.pipelines.export.order import Order
from tests.pipelines.export.night import TEXTS, Stand, asked, at, bare, daily, eager, nightly, quoting, wide

NEWER = ('but got "number"', 'undefined variable "vars"')
"""What GitHub has and this linter does not know yet."""


def workflow(order: Order) -> dict[str, Any]:
    (found,) = read(write(order).text)
    check(found)
    return found


def script(job: Mapping[str, Any]) -> list[str]:
    """The command of a job's last step, as a runner starts it."""
    return ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", job["steps"][-1]["run"]]


def test_a_schedule_is_in_utc_and_says_so() -> None:
    made = write(Order(pipeline=nightly))
    assert workflow(Order(pipeline=nightly))["on"]["schedule"] == [{"cron": "0 1 * * 1-5"}]
    assert [each.partition(";")[0] for each in made.notes] == ["catch_up='last'", "zone 'Asia/Kolkata'"]
    assert workflow(Order(pipeline=nightly, scheduled=False))["on"].keys() == {"workflow_dispatch"}


def test_parameters_are_inputs_with_types_and_defaults() -> None:
    found = workflow(Order(pipeline=nightly, given={"depth": "8"}))["on"]["workflow_dispatch"]["inputs"]
    assert {name: (each["type"], each["default"]) for name, each in found.items()} == {
        "flights": ("string", "flights"), "depth": ("number", 8), "rate": ("number", 0.5), "fast": ("boolean", True),
        "note": ("string", ""),
    }  # fmt: skip
    required = workflow(Order(pipeline=asked))["on"]["workflow_dispatch"]["inputs"]
    assert [name for name, each in required.items() if each.get("required")] == ["depth", "where"]


def test_concurrency_is_a_group() -> None:
    assert workflow(Order(pipeline=nightly))["concurrency"] == {"group": "argosy-nightly", "cancel-in-progress": False}
    assert workflow(Order(pipeline=eager))["concurrency"]["cancel-in-progress"] is True
    assert "concurrency" not in workflow(Order(pipeline=daily, scheduled=False))


def test_shards_are_a_matrix_and_the_whole_comes_after_them() -> None:
    jobs = workflow(Order(pipeline=nightly, shards=4))["jobs"]
    assert jobs["shard"]["strategy"] == {"fail-fast": False, "matrix": {"shard": [1, 2, 3, 4]}}
    assert (jobs["run"]["needs"], jobs["run"]["if"]) == ("shard", "${{ !cancelled() }}")
    assert jobs["shard"]["steps"][-1]["env"]["SHARD"] == "${{ matrix.shard }}/4"


def test_what_has_no_room_stays_as_it_is() -> None:
    made = write(Order(pipeline=wide))
    assert len(workflow(Order(pipeline=wide))["on"]["workflow_dispatch"]["inputs"]) == 25
    (note,) = made.notes
    assert note.startswith("parameter p26; GitHub Actions asks for 25 at most")
    given = workflow(Order(pipeline=wide, given={"p26": "9"}))
    assert "argosy run wide --set=p26=9" in given["jobs"]["run"]["steps"][-1]["run"]


def test_a_default_that_github_would_read_stays_out() -> None:
    made = write(Order(pipeline=quoting))
    assert list(workflow(Order(pipeline=quoting))["on"]["workflow_dispatch"]["inputs"]) == ["other"]
    assert "secrets.X" not in made.text and made.notes[0].startswith("parameter note;")


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (Order(pipeline=nightly, given={"note": "${{ secrets.X }}"}), "parameter note"),
        (Order(pipeline=nightly, project="${{ x }}"), "--project"),
        (Order(pipeline=daily, given={"day": "2025-01-01/2025-01-02"}), "Europe/Berlin"),
        (at(eager, ag.Cron("*/2 * * * *")), "due after 2"),
        (at(daily, ag.Cron("0 6 * * *")), "no 'day'"),
    ],
)
def test_what_github_cannot_do_is_refused(order: Order, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        write(order)
    assert words in str(raised.value)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(note=TEXTS, chosen=TEXTS)
def test_a_script_starts_the_words_that_were_meant(stand: Stand, note: str, chosen: str) -> None:
    assume("${{" not in note)  # which is refused
    job = workflow(Order(pipeline=nightly, given={"note": note}, shards=2, project="my flights.py"))["jobs"]["shard"]
    run = ["run", "nightly", "--project=my flights.py", "--shard=2/2"]
    by_clock = {"GITHUB_EVENT_NAME": "schedule", "SHARD": "2/2"}
    assert stand.run(script(job), by_clock) == [[*run, f"--set=note={note}"]]
    inputs = {"flights": "flights", "depth": "7", "rate": "0.5", "fast": "false", "note": chosen}
    assert job["steps"][-1]["env"].keys() == {"SHARD", *(f"SET_{name}" for name in inputs)}
    by_hand = {"GITHUB_EVENT_NAME": "workflow_dispatch", "SHARD": "2/2"}
    found = stand.run(script(job), by_hand | {f"SET_{name}": text for name, text in inputs.items()})
    assert found == [[*run, *(f"--set={name}={text}" for name, text in inputs.items())]]


def test_a_pipeline_that_asks_for_nothing_has_a_script_of_one_line(stand: Stand) -> None:
    job = workflow(Order(pipeline=bare))["jobs"]["run"]
    assert job["steps"][-1]["run"] == "argosy run bare\n"
    assert stand.run(script(job)) == [["run", "bare"]]


@pytest.mark.slow
def test_actionlint_finds_nothing_but_what_is_broken(apart: Callable[[str], Path], tmp_path: Path) -> None:
    binaries, here = apart("actions") / "bin", Path(__file__).parent
    for name in ("package.json", "npm-shrinkwrap.json", "lint.mjs"):
        (tmp_path / name).write_text((here / name).read_text())
    variables = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"}
    install = [binaries / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(install, cwd=tmp_path, env=variables, check=True)
    orders = [Order(pipeline=each, shards=shards) for each in (nightly, eager, asked, bare) for shards in (1, 4)]
    texts = [write(order).text for order in orders]
    texts.append(texts[1].replace("needs: shard", "needs: shrad").replace("0 1 * *", "0 24 * *"))
    files = [tmp_path / f"{number}.yaml" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    told = subprocess.run([binaries / "node", "lint.mjs", *files], cwd=tmp_path, check=True, stdout=subprocess.PIPE)
    found = [
        [message for message in json.loads(line) if not any(newer in message for newer in NEWER)]
        for line in told.stdout.splitlines()
    ]
    *good, broken = found
    assert good == [[]] * len(orders)
    assert len(broken) == 2
