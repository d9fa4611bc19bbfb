"""A pass of the controller over 10,000 members, beside a tick of Dagster's declarative automation.

    python bench/controller.py [--json FILE] [--members 10000] [--no-peer]

A pass observes everything that is wanted and true, and plans; at first nothing is due, then every member is. The peer
evaluates `AutomationCondition.eager()` for as many partitions of one asset, kept in memory, first with nothing new,
then after all partitions of its source were updated. CPU seconds; ours reads its facts from SQLite on disk.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness import ROOT, Row, best, peer, report
from sqlalchemy import Engine, event

sys.path.insert(0, str(ROOT))  # the home that the tests of the controller use

from argosy.controller.action import Train
from argosy.controller.house import House
from argosy.controller.plan import plan
from argosy.controller.survey import observe
from argosy.store import members
from argosy.store.store import Store
from tests.controller.world import FLEET, NOW, populate, rows_arrive, watched

REQUIREMENTS = ("dagster==1.13.28",)
PEER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import dagster as dg
keys = [f"s{number:05}" for number in range(int(sys.argv[1]))]
stores = dg.StaticPartitionsDefinition(keys)
@dg.asset(partitions_def=stores)
def rows(): ...
@dg.asset(partitions_def=stores, deps=[rows], automation_condition=dg.AutomationCondition.eager())
def model(): ...
declared = dg.Definitions(assets=[rows, model])
with dg.DagsterInstance.ephemeral() as instance:
    def tick(cursor):
        begun = time.process_time()
        found = dg.evaluate_automation_conditions(defs=declared, instance=instance, cursor=cursor)
        return time.process_time() - begun, found
    _, found = tick(None)
    quiet = []
    for _ in range(5):
        cost, found = tick(found.cursor)
        assert found.total_requested == 0
        quiet.append(cost)
    for key in keys:
        instance.report_runless_asset_event(dg.AssetMaterialization("rows", partition=key))
    full, found = tick(found.cursor)
    assert found.total_requested == len(keys), found.total_requested
print(json.dumps({"quiet": min(quiet), "full": full}))
"""


def dagster(count: int) -> dict[str, float]:
    """CPU seconds of the peer's tick with nothing to do, and with everything."""
    print(f"the peer takes minutes to be told of {count:,} updates ...", file=sys.stderr, flush=True)
    command: list[str | Path] = [peer("dagster", REQUIREMENTS), "-c", PEER, str(count)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    costs: dict[str, float] = json.loads(out.splitlines()[-1])
    return costs


def statements(house: House) -> int:
    """How many SQL statements a pass takes."""
    seen: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        plan(observe(house, NOW), NOW)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(seen)


def measure(count: int, theirs: dict[str, float]) -> list[Row]:
    """All cases of the table."""
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as folder, Store.open(Path(folder) / "home") as store:
        populate(store, Path(folder) / "project", count)
        with House(store) as house:
            watched(house)
            assert plan(observe(house, NOW), NOW).actions == ()
            quiet, asked = best(lambda: plan(observe(house, NOW), NOW)), statements(house)
            rows_arrive(store)
            snapshot = observe(house, NOW)
            (train,) = plan(snapshot, NOW).actions
            assert isinstance(train, Train)
            assert len(train.members) == count
            planning = best(lambda: plan(snapshot, NOW))
            full = best(lambda: plan(observe(house, NOW), NOW))

            def read() -> None:
                with store.read() as conn:
                    members.table(conn, FLEET)

            floor = best(read).cpu
    name = "Dagster 1.13.28" if theirs else None
    of = f"{count:,} members"
    return [
        Row(f"pass, nothing to do, {of}", "CPU s", quiet.cpu, theirs.get("quiet"), name, floor),
        Row(f"pass, nothing to do, {of}: wall", "s", quiet.wall),
        Row(f"pass, everything to be trained, {of}", "CPU s", full.cpu, theirs.get("full"), name, floor),
        Row(f"planning alone, everything to be trained, {of}", "CPU s", planning.cpu),
        Row(f"pass, {of}: SQL statements", "count", asked),
    ]


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--members", type=int, default=10_000)
    parser.add_argument("--no-peer", action="store_true")
    arguments = parser.parse_args()
    theirs = {} if arguments.no_peer else dagster(arguments.members)
    report("controller", measure(arguments.members, theirs), arguments.json)


if __name__ == "__main__":
    main()
