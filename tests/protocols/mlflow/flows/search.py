"""Runs and experiments found again: each comparator, order, pages."""

from __future__ import annotations

import math
from collections.abc import Iterator

import mlflow
from flow import Flow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType

START = 1_600_000_000_000

# A filter, and the names of the runs that it finds; what they hold is in `_fill`.
FOUND = {
    "": "a b c d e",
    "metrics.auc > 0.7": "a b",
    "metrics.auc >= 0.7": "a b c",
    "metrics.auc < 0.7": "d",
    "metrics.auc <= 0.7": "c d",
    "metrics.auc = 0.7": "c",
    "metric.auc != 0.7": "a b d",
    "metrics.auc > -1e3 AND metrics.auc < 8.5e-1": "b c d",
    "metrics.`a b/c` = 1": "a",
    'metrics."a b/c" = 1': "a",
    "params.depth = '6'": "a c",
    'params.depth = "6"': "a c",
    "param.depth != '6'": "b d",
    "parameters.model LIKE 'Light%'": "a",
    "parameter.model LIKE 'light%'": "b",
    "params.model ILIKE 'LIGHT%'": "a b",
    "params.model LIKE 'L_ghtGBM'": "a",
    "params.model LIKE '%'": "a b c",
    "params.only IS NULL": "a b d e",
    "params.only IS NOT NULL": "c",
    "tags.team = 'ops'": "a b",
    "tag.team != 'ops'": "c",
    "tags.team ILIKE 'OP%'": "a b",
    "tags.`a.b` = 'dotted'": "d",
    "tags.team IS NULL": "d e",
    "tags.team = 'größe ✓'": "c",
    "attributes.status = 'FINISHED'": "a c",
    "attribute.status != 'FINISHED'": "b d e",
    "status LIKE 'F%'": "a b c",
    "attr.run_name = 'a'": "a",
    "run_name LIKE '%'": "a b c d e",
    "run_name ILIKE 'A'": "a",
    "run.run_name != 'a'": "b c d e",
    "attributes.`run name` = 'b'": "b",
    f"start_time > {START + 1}": "c d e",
    f"attributes.start_time <= {START + 1}": "a b",
    f"created = {START + 2}": "c",
    f"end_time != {START + 50}": "b c",
    f"end_time < {START + 52}": "a b",
    "user_id = 'nobody'": "",
    "metrics.auc > 0.5 and params.depth = '6' AND tags.team = 'ops'": "a",
    "metrics.nothing = 1": "",
    "params.nothing != '1'": "",
}

# An order, and the names of the runs in it: what is missing comes last either way.
ORDERED = {
    (): "e d c b a",
    ("metrics.auc",): "d c b a e",
    ("metrics.auc ASC",): "d c b a e",
    ("metrics.auc DESC",): "a b c d e",
    ("metrics.odd ASC", "start_time ASC"): "b a c d e",
    ("params.depth DESC", "start_time ASC"): "a c b d e",
    ("tags.team", "attributes.start_time"): "c a b d e",
    ("start_time ASC",): "a b c d e",
    ("attributes.run_name DESC",): "e d c b a",
    ("attributes.status", "start_time DESC"): "b c a e d",
    ("end_time", "start_time"): "a b c d e",
}

REFUSED = (
    "metrics.auc > 'x'",
    "metrics.auc LIKE '1'",
    "params.depth = 6",
    "params.depth > '6'",
    "params.depth = '6' OR params.depth = '7'",
    "(params.depth = '6')",
    "params.depth =",
    "depth = '6'",
    "attributes.nothing = '1'",
    "what.depth = '6'",
    "status > 'FINISHED'",
    "start_time = 'yesterday'",
)


def _fill(client: MlflowClient, experiment: str) -> None:
    """Five runs, named a to e, a millisecond after one another."""
    rows: dict[str, tuple[dict[str, float], dict[str, str], dict[str, str], str]] = {
        "a": (
            {"auc": 0.9, "odd": math.nan, "a b/c": 1},
            {"depth": "6", "model": "LightGBM"},
            {"team": "ops"},
            "FINISHED",
        ),
        "b": ({"auc": 0.8, "odd": 3.0}, {"depth": "12", "model": "lightgbm"}, {"team": "ops"}, "FAILED"),
        "c": ({"auc": 0.7}, {"depth": "6", "model": "ridge", "only": ""}, {"team": "größe ✓"}, "FINISHED"),
        "d": ({"auc": -0.5}, {"depth": "12"}, {"a.b": "dotted"}, ""),
        "e": ({}, {}, {}, ""),
    }
    for number, (name, (metrics, params, tags, status)) in enumerate(rows.items()):
        run = client.create_run(experiment, start_time=START + number, run_name=name).info.run_id
        points = [Metric(key, 100.0, START, 0) for key in metrics]  # an earlier value: not what is searched
        points += [Metric(key, value, START, 1) for key, value in metrics.items()]
        given = [Param(key, value) for key, value in params.items() if value], [RunTag(*pair) for pair in tags.items()]
        client.log_batch(run, points, *given)
        for key in (key for key, value in params.items() if not value):
            client.log_param(run, key, "x")
        if status:
            client.set_terminated(run, status, START + 50 + number)


def _names(flow: Flow, experiment: str, text: str = "", order: tuple[str, ...] = ("start_time",)) -> str:
    found = flow.client().search_runs([experiment], text, order_by=list(order))
    return " ".join(run.info.run_name for run in found)


def runs(flow: Flow) -> None:
    client = flow.client()
    experiment = client.create_experiment(f"{flow.title} runs")
    _fill(client, experiment)
    for text, names in FOUND.items():
        flow.same(text or "everything", _names(flow, experiment, text), names)
    for order, names in ORDERED.items():
        flow.same(f"order by {order}", _names(flow, experiment, order=order), names)
    for text in REFUSED:
        flow.refused(text, "INVALID_PARAMETER_VALUE", lambda text=text: _names(flow, experiment, text))
    for order in ("metrics.auc SIDEWAYS", "attributes.nothing", "what.auc"):
        flow.refused(order, "INVALID_PARAMETER_VALUE", lambda order=order: _names(flow, experiment, order=(order,)))
    ids = {run.info.run_name: run.info.run_id for run in client.search_runs([experiment])}
    flow.same("run_id IN", _names(flow, experiment, f"attributes.run_id IN ('{ids['a']}', '{ids['d']}')"), "a d")
    flow.same("run_id NOT IN", _names(flow, experiment, f"run_id NOT IN ('{ids['a']}','{ids['d']}')"), "b c e")
    flow.same("run_id =", _names(flow, experiment, f"run_id = '{ids['b']}'"), "b")
    flow.same("artifact_uri", _names(flow, experiment, f"artifact_uri LIKE '%{ids['b']}%'"), "b")
    found = client.search_runs([experiment], "run_name = 'a'")[0].data
    flow.same(
        "what was found", (found.metrics["auc"], found.params["model"], found.tags["team"]), (0.9, "LightGBM", "ops")
    )
    frame = mlflow.search_runs([experiment], "metrics.auc > 0", order_by=["metrics.auc"])
    flow.same(
        "as a frame", (list(frame["metrics.auc"]), list(frame["params.depth"])), ([0.7, 0.8, 0.9], ["6", "12", "6"])
    )
    named = mlflow.search_runs(experiment_names=[f"{flow.title} runs"], output_format="list", max_results=2)
    flow.same("by the name of the experiment", [run.info.run_name for run in named], ["e", "d"])
    flow.same("no experiment", list(client.search_runs(["987654321"])), [])


def _pages(flow: Flow, experiment: str, size: int) -> Iterator[list[str]]:
    token = None
    while token != "":
        page = flow.client().search_runs(
            [experiment], "params.odd = '1'", max_results=size, order_by=["metrics.x DESC"], page_token=token
        )
        yield [run.info.run_name for run in page]
        token = page.token or ""


def pages(flow: Flow) -> None:
    client = flow.client()
    experiment = client.create_experiment(f"{flow.title} pages")
    for number in range(25):
        run = client.create_run(experiment, start_time=START, run_name=str(number)).info.run_id
        client.log_batch(run, [Metric("x", number // 3, START, 0)], [Param("odd", str(number % 2))])
    seen = list(_pages(flow, experiment, 5))
    names = [int(name) for page in seen for name in page]
    flow.same("each once", sorted(names), list(range(1, 25, 2)))
    flow.same("in order", [name // 3 for name in names], sorted((name // 3 for name in names), reverse=True))
    flow.same("sizes of pages", [len(page) for page in seen], [5, 5, 2])
    flow.same("the same in one page", [int(name) for name in next(_pages(flow, experiment, 1000))], names)
    flow.refused(
        "too large a page", "INVALID_PARAMETER_VALUE", lambda: client.search_runs([experiment], max_results=50_001)
    )


def experiments(flow: Flow) -> None:
    client, prefix = flow.client(), f"{flow.title} found"
    made = {}
    for number in range(5):
        tags = {"even": str(number % 2 == 0), "place": f"p{number}"} if number else {}
        made[f"{prefix} {number}"] = client.create_experiment(f"{prefix} {number}", tags=tags)
    client.delete_experiment(made[f"{prefix} 4"])

    def names(text: str, order: str = "name", view: int = ViewType.ACTIVE_ONLY) -> str:
        found = flow.client().search_experiments(view, filter_string=text, order_by=[order])
        return " ".join(each.name[-1] for each in found if each.name.startswith(prefix))

    mine = f"name LIKE '{prefix}%'"
    ids = ", ".join(f"'{made[f'{prefix} {number}']}'" for number in (1, 3))
    for text, found in {
        mine: "0 1 2 3", f"name ILIKE '{prefix.upper()}%'": "0 1 2 3", f"name = '{prefix} 2'": "2",
        f"{mine} AND name != '{prefix} 2'": "0 1 3", f"{mine} AND tags.even = 'True'": "2",
        f"{mine} AND tag.even != 'True'": "1 3", f"tags.place LIKE 'p%' AND {mine}": "1 2 3",
        f"{mine} AND creation_time > 0 AND last_update_time > 0": "0 1 2 3", f"{mine} AND creation_time < 5": "",
        f"attribute.name = '{prefix} 0'": "0", f"experiment_id IN ({ids})": "1 3",
    }.items():  # fmt: skip
        flow.same(text.replace(prefix, "x"), names(text), found)
    flow.same("descending", names(mine, "name DESC"), "3 2 1 0")
    flow.same("by creation", names(mine, "creation_time ASC"), "0 1 2 3")
    flow.same("by id", names(mine, "experiment_id DESC"), "3 2 1 0")
    flow.same("deleted ones", names(mine, view=ViewType.DELETED_ONLY), "4")
    flow.same("all", names(mine, view=ViewType.ALL), "0 1 2 3 4")
    seen, token = [], None
    while token != "":
        page = client.search_experiments(max_results=3, filter_string=mine, order_by=["name"], page_token=token)
        seen.append([each.name[-1] for each in page])
        token = page.token or ""
    flow.same("pages of experiments", seen, [["0", "1", "2"], ["3"]])
    for text in ("title = 'x'", "name > 'x'", "name = 5", "metrics.auc > 1", "name = 'x' OR name = 'y'"):
        flow.refused(text, "INVALID_PARAMETER_VALUE", lambda text=text: names(text))


if __name__ == "__main__":
    Flow().run(runs, pages, experiments)
