"""Load DAG files with Airflow and execute each task of theirs: DIRECTORY PARAMS-AS-JSON. Not a module of ours.

What was loaded is printed as one line of JSON that begins with `loaded:`.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from types import SimpleNamespace

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.execution_time.context import ConnectionAccessor

bag = DagBag(sys.argv[1])
loaded = {
    name: {
        "schedule": dag.timetable.expression if hasattr(dag.timetable, "expression") else None,
        "zone": str(getattr(dag.timetable, "timezone", None)), "timetable": type(dag.timetable).__name__,
        "active": dag.max_active_runs, "catchup": dag.catchup, "params": dag.params.dump(),
        "tasks": {task.task_id: [str(task.trigger_rule.value), sorted(task.upstream_task_ids)] for task in dag.tasks},
    }
    for name, dag in bag.dags.items()
}  # fmt: skip
sys.stdout.write("loaded:" + json.dumps({"errors": bag.import_errors, "dags": loaded}) + "\n")
for dag in bag.dags.values():
    context = {
        "params": {**dag.params.dump(), **json.loads(sys.argv[2])}, "conn": ConnectionAccessor(),
        "data_interval_start": datetime(2025, 1, 1, tzinfo=UTC), "data_interval_end": datetime(2025, 1, 2, tzinfo=UTC),
        "ti": SimpleNamespace(), "dag": dag,
    }  # fmt: skip
    for task in dag.topological_sort():
        numbers = task.op_kwargs_expand_input.value["number"] if hasattr(task, "op_kwargs_expand_input") else [None]
        for number in numbers:
            one = task if number is None else task.unmap({"op_kwargs": {"number": number}})
            one.render_template_fields(context)
            one.execute(context)
