"""Each way in which a workflow may be broken is found, and named by its path."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from argosy.errors import InputError
from argosy.pipelines.export.actions.check import check
from argosy.pipelines.export.actions.file import write
from argosy.pipelines.export.document import read
from argosy.pipelines.export.order import Order
from tests.pipelines.export.night import nightly


def _run(found: dict[str, Any]) -> Any:
    return found["jobs"]["run"]


def _shard(found: dict[str, Any]) -> Any:
    return found["jobs"]["shard"]


def _events(found: dict[str, Any]) -> Any:
    return found["on"]


SCHEDULE, INPUTS = "on.schedule[0].cron", "on.workflow_dispatch.inputs"
SHARDS = "jobs.shard.strategy.matrix.shard"

BREAKS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "events": (lambda d: _events(d).clear(), "on"),
    "unquoted": (lambda d: d.update({True: d.pop("on")}), "on"),
    "cron": (lambda d: _events(d)["schedule"][0].update(cron="0 6 * * MON"), SCHEDULE),
    "often": (lambda d: _events(d)["schedule"][0].update(cron="*/4 * * * *"), SCHEDULE),
    "type": (lambda d: _events(d)["workflow_dispatch"]["inputs"]["depth"].update(type="int"), f"{INPUTS}.depth"),
    "inputs": (lambda d: _events(d)["workflow_dispatch"].update(inputs=dict.fromkeys(map(str, range(26)))), INPUTS),
    "jobs": (lambda d: d["jobs"].clear(), "jobs"),
    "id": (lambda d: d["jobs"].update({"1st": _run(d)}), "jobs.1st"),
    "needs": (lambda d: _run(d).update(needs=["shards"]), "jobs.run.needs"),
    "cycle": (lambda d: _shard(d).update(needs="run"), "jobs"),
    "runner": (lambda d: _run(d).pop("runs-on"), "jobs.run"),
    "matrix": (lambda d: _shard(d)["strategy"]["matrix"].update(shard=[*range(257)]), SHARDS),
    "empty": (lambda d: _shard(d)["strategy"]["matrix"].update(shard=[]), SHARDS),
    "script": (lambda d: _run(d)["steps"][1].update(run="echo ${{ inputs.note }}"), "jobs.run.steps[1].run"),
    "step": (lambda d: _run(d)["steps"][1].pop("run"), "jobs.run.steps[1]"),
    "secret": (lambda d: d["env"].update(ARGOSY_HOME="postgresql://me:you@db/argosy"), "env.ARGOSY_HOME"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_workflow_is_found(name: str) -> None:
    (document,) = read(write(Order(pipeline=nightly, shards=2)).text)
    check(document)
    spoil, path = BREAKS[name]
    spoil(document)
    with pytest.raises(InputError, match=f"^{re.escape(path)} "):
        check(document)


def test_what_is_no_workflow_is_none() -> None:
    with pytest.raises(InputError, match="it must be a mapping"):
        check([])
