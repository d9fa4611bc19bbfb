"""What a worker tells of its load, as Prometheus reads it."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from argosy.serving.server import Options
from argosy.serving.worker import application
from argosy.store import tokens
from tests.serving.served import TOKEN, URL, Served, body, tensor
from tests.serving.test_caller import GIVEN, token

LONG = 20_000
"""Rows that no machine answers in a millisecond."""
AWKWARD = 'a "shop"\\\nof two lines'


def test_prometheus_reads_every_metric_and_what_each_caller_cost(served: Served) -> None:
    with served.fleet.store.write() as tx:
        tokens.add(tx, msgspec.structs.replace(token("shop"), name=AWKWARD))
    served = msgspec.structs.replace(served, app=application(Options(home=served.fleet.store.home, token=TOKEN)))

    async def talk(client: httpx.AsyncClient) -> str:
        for rows in (1, 2):
            more = {name: tensor(name, "FP64", [1.0] * rows) for name in GIVEN}
            answer = await client.post(URL, json=body(rows, **more), headers={"Authorization": "Bearer shop"})
            assert answer.status_code == 200
        many = {name: tensor(name, "FP64", [1.0] * LONG) for name in GIVEN}
        late = await client.post(URL, json=body(LONG, **many), headers={"argosy-timeout-ms": "1"})
        assert late.status_code == 504
        return (await client.get("/metrics")).text

    found = samples(served.run(talk))
    labels = {"caller": AWKWARD, "fleet": "late-arrival"}
    assert found["argosy_caller_rows_total"] == [(labels, 3)]
    [(who, seconds)] = found["argosy_caller_seconds_total"]
    assert who == labels and 0 < seconds < 10
    assert found["argosy_refused_total"] == [({"reason": "timeout"}, 1)]
    assert ({"fleet": "late-arrival"}, 3) in found["argosy_request_seconds_count"]
    bounds = [(each["le"], n) for each, n in found["argosy_request_seconds_bucket"] if each["fleet"] == "late-arrival"]
    assert bounds[-1] == ("+Inf", 3) and [n for _, n in bounds] == sorted(n for _, n in bounds)
    assert found["argosy_queue"] == [({}, 0)] and found["argosy_ready"] == [({}, 1)]
    assert 0 <= found["argosy_routing_age_seconds"][0][1] < 10
    assert "argosy_loop_lag_seconds" in found and "argosy_working" in found


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Labels and values by name; the parser raises for what is no metric."""
    found: dict[str, list[Any]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found
