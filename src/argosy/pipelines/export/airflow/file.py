"""A pipeline as a DAG file of Airflow 3."""

from __future__ import annotations

import math
from typing import Any

from argosy.errors import UsageError
from argosy.pipelines.export import cron
from argosy.pipelines.export.order import Entry, Order
from argosy.pipelines.export.written import Written, head, left_out

TITLE = "Airflow"
CONNECTION = "argosy"

_NEEDS = (
    f"It needs argosy on the workers; a connection {CONNECTION!r}, its password the postgresql:// URL of the home;",
    "and ARGOSY_BLOBS, the directory of its blobs, in the environment of the workers, which all see it.",
)
_COMMAND = '''
def command(params, *options):
    """The command line of a run. Its words are written so that neither bash nor Jinja reads anything in them."""
    chosen = {name: params[name] for name in PARAMS}
    texts = {name: each if isinstance(each, str) else json.dumps(each) for name, each in chosen.items()}
    words = [*RUN, *options, *(f"--set={name}={text}" for name, text in texts.items())]
    return " ".join(["argosy", *map(quoted, words)])


def quoted(word):
    return "$'" + "".join(chr(byte) if chr(byte) in PLAIN else f"\\\\x{byte:02x}" for byte in word.encode()) + "'"
'''
_RUN = """
    @task.bash(env=HOME, append_env=True{rule})
    def run({arguments}):
        return command({options})
"""
_SHARD = """
    @task.bash(env=HOME, append_env=True)
    def shard(number, {arguments}):
        return command({options}, f"--shard={{number}}/{shards}")
"""


def write(order: Order) -> Written:
    """The DAG file. Raises UsageError for an image, and for a schedule that cron does not have."""
    if order.image is not None:
        raise UsageError(f"{TITLE} runs on its workers, where image {order.image!r} has no place",
                         next="leave out --image")  # fmt: skip
    times = cron.standard(order)
    span = order.pipeline.span if times and order.pipeline.span not in order.given else None
    entries = [each for each in order.entries() if each.name != span]
    notes = (*left_out(order, TITLE), *_policies(order, times is not None))
    fixed = [f"--set={name}={text}" for name, text in order.given.items() if name not in {e.name for e in entries}]
    blocks = [
        head(order, TITLE, _NEEDS, notes), _imports(order, entries, times, span), _constants(order, entries, fixed),
        _COMMAND, _decorator(order, times, span), _tasks(order, span),
    ]  # fmt: skip
    return Written("\n".join(blocks), notes)


def _policies(order: Order, scheduled: bool) -> tuple[str, ...]:
    pipeline, found = order.pipeline, []
    if scheduled and pipeline.catch_up != "last":
        found.append(f"catch_up={pipeline.catch_up!r}; {TITLE} makes up for the last time that it missed")
    if pipeline.concurrency == "replace":
        found.append(f"concurrency='replace'; {TITLE} lets the next run wait for the one that is under way")
    return tuple(found)


def _imports(order: Order, entries: list[Entry], times: tuple[str, str] | None, span: str | None) -> str:
    names = ["Param", "dag", "task"] if entries else ["dag", "task"]
    lines = ["import json", "import string"]
    if span:
        lines.append("from datetime import UTC, datetime")
    if order.project is not None:
        lines.append("from pathlib import Path")
    if times:
        names.insert(0, _timetable(span))
    return "\n".join([*lines, "", f"from airflow.sdk import {', '.join(names)}", ""])


def _timetable(span: str | None) -> str:
    return "CronDataIntervalTimetable" if span else "CronTriggerTimetable"


def _constants(order: Order, entries: list[Entry], fixed: list[str]) -> str:
    place = f'"--project=" + str(Path(__file__).parent / {quoted(order.project)})' if order.project is not None else ""
    words = [quoted("run"), quoted(order.pipeline.name), *filter(None, [place]), *map(quoted, fixed)]
    lines = [
        f'HOME = {{"ARGOSY_HOME": "{{{{ conn.{CONNECTION}.password }}}}"}}',
        f"RUN = [{', '.join(words)}]",
        'PLAIN = string.ascii_letters + string.digits + "-_=./:@,+"',
        *(["PARAMS = {", *(f"    {quoted(each.name)}: {_param(each)}," for each in entries), "}"]
          if entries else ["PARAMS = {}"]),
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _param(entry: Entry) -> str:
    given = [] if entry.text is None else [_literal(entry.value)]
    return f"Param({', '.join([*given, f'type={quoted(entry.type)}'])})"


def _decorator(order: Order, times: tuple[str, str] | None, span: str | None) -> str:
    pipeline = order.pipeline
    options = {
        "dag_id": quoted(pipeline.name),
        "description": quoted(pipeline.description) if pipeline.description else None,
        "schedule": f"{_timetable(span)}({quoted(times[0])}, timezone={quoted(times[1])})" if times else "None",
        "start_date": "datetime(2025, 1, 1, tzinfo=UTC)" if span else None,
        "catchup": "False",
        "max_active_runs": None if pipeline.concurrency == "allow" else "1",
        "params": "PARAMS",
        "default_args": '{"retries": 1}',
        "tags": '["argosy"]',
    }
    lines = [f"    {name}={text}," for name, text in options.items() if text is not None]
    return "\n".join(["", "@dag(", *lines, ")", "def pipeline():"])


def _tasks(order: Order, span: str | None) -> str:
    arguments, options = "params=None", "params"
    if span:
        arguments += ", data_interval_start=None, data_interval_end=None"
        options += f', f"--set={span}={{data_interval_start.isoformat()}}/{{data_interval_end.isoformat()}}"'
    rule = ', trigger_rule="all_done"' if order.shards > 1 else ""
    run = _RUN.format(arguments=arguments, options=options, rule=rule)
    if order.shards == 1:
        return f"{run}\n    run()\n\n\npipeline()\n"
    shard = _SHARD.format(arguments=arguments, options=options, shards=order.shards)
    numbers = f"[*range(1, {order.shards + 1})]"
    return f"{shard}{run}\n    shard.expand(number={numbers}) >> run()\n\n\npipeline()\n"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    return repr(value) if not isinstance(value, float) or math.isfinite(value) else repr(str(value))


def quoted(text: str) -> str:
    """A text as a literal of Python, in double quotes where that takes no backslash more."""
    found = repr(text)
    return f'"{found[1:-1]}"' if found.startswith("'") and '"' not in found else found
