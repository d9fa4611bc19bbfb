"""What loading a DAG file lets through, and Airflow's scheduler or a run would not. The file is read, and not run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any
from zoneinfo import available_timezones

from argosy.errors import InputError
from argosy.pipelines.export import cron
from argosy.pipelines.export.order import SHARDS

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,250}")
_IMPORTED = {"airflow.sdk", "datetime", "json", "pathlib", "string"}
_TIMETABLES = ("CronTriggerTimetable", "CronDataIntervalTimetable")


def check(text: str) -> None:
    """Raise InputError with the line and the name of what is wrong in a DAG file."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise InputError(f"the file is no Python: {error}") from error
    for line, module in _imports(tree):
        if module not in _IMPORTED:
            raise _wrong(line, "import", module, f"one of {', '.join(sorted(_IMPORTED))}")
    called = list(_calls(tree))
    dags = [each for name, each in called if name == "dag"]
    if len(dags) != 1:
        raise InputError(f"the file declares {len(dags)} DAGs; it must declare one")
    _dag(dags[0])
    for name, each in called:
        if name in _TIMETABLES:
            _timetable(each)
        if name == "expand":
            _expand(each)
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            _environment(node)


def _environment(node: ast.Dict) -> None:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == "ARGOSY_HOME":
            text = value.value if isinstance(value, ast.Constant) else None
            if not isinstance(text, str) or not text.startswith("{{ conn."):
                raise InputError(f"line {node.lineno}: ARGOSY_HOME must refer to a connection, and not be the home")


def _dag(call: ast.Call) -> None:
    name = _option(call, "dag_id")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _wrong(call.lineno, "dag_id", name, "letters, digits, '-', '_' and '.', at most 250")
    if not any(word.arg == "schedule" for word in call.keywords):
        raise InputError(f"line {call.lineno}: the DAG has no schedule; it must have one, or None")
    if _option(call, "catchup") is not False:
        raise _wrong(call.lineno, "catchup", _option(call, "catchup"), "False")


def _timetable(call: ast.Call) -> None:
    text = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    cron.check(text, f"line {call.lineno}: schedule")
    if _option(call, "timezone") not in available_timezones():
        raise _wrong(call.lineno, "timezone", _option(call, "timezone"), "the IANA name of a time zone")


def _expand(call: ast.Call) -> None:
    match call.keywords:
        case [ast.keyword(value=ast.List(elts=[ast.Starred(value=ast.Call(args=[_, ast.Constant(value=int(stop))]))]))]:
            if not 1 < stop - 1 <= SHARDS:
                raise _wrong(call.lineno, "expand", stop - 1, f"2 to {SHARDS} shards")
        case _:
            raise InputError(f"line {call.lineno}: expand must go over a range of shards")


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or ""
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, each.name) for each in node.names)


def _calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func).rpartition(".")[2], node


def _option(call: ast.Call, name: str) -> Any:
    found = [word.value for word in call.keywords if word.arg == name]
    return found[0].value if found and isinstance(found[0], ast.Constant) else None


def _wrong(line: int, name: str, value: object, limit: str) -> InputError:
    return InputError(f"line {line}: {name} is {value!r}; it must be {limit}")
