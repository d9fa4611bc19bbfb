"""Work is refused before queues of it grow, and nobody's place is lost."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import pytest

from argosy.serving.admission import Admission
from argosy.serving.limits import Limits
from argosy.serving.request import Refused
from argosy.serving.server import Options
from argosy.serving.worker import application
from argosy.store import tokens
from tests.serving.served import TOKEN, URL, Served, body, tensor
from tests.serving.test_caller import GIVEN, token
from tests.serving.test_load import LONG


@contextmanager
def admitting(**limits: Any) -> Iterator[Admission]:
    made = Admission(Limits(**limits))
    yield made
    made.close()


def run(talk: Callable[[], Awaitable[Any]]) -> Any:
    async def talking() -> Any:
        return await talk()

    return asyncio.run(talking())


def test_no_more_than_the_limit_work_at_once_and_all_in_turn() -> None:
    at_once, most, lock, done = 0, 0, threading.Lock(), list[int]()

    def work(number: int) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.01)
        with lock:
            at_once -= 1
            done.append(number)
        return number

    with admitting(concurrency=2, queue=20, wait_seconds=60) as admission:

        async def talk() -> list[int]:
            return await asyncio.gather(*(admission.run(lambda n=n: work(n), 60) for n in range(20)))  # type: ignore[misc]

        assert run(talk) == list(range(20))
        assert most == 2 and admission.working == admission.waiting == 0


def test_what_would_wait_beyond_the_queue_is_refused_with_a_time_to_come_back() -> None:
    go = threading.Event()
    with admitting(concurrency=1, queue=1, wait_seconds=60) as admission:

        async def talk() -> list[Any]:
            asked = [asyncio.create_task(admission.run(go.wait, 20)) for _ in range(3)]
            await asyncio.sleep(0.05)
            assert (admission.working, admission.waiting) == (1, 1)
            with pytest.raises(Refused, match="within its limits"):
                admission.expect()  # by its head, before a large body is read
            go.set()
            return await asyncio.gather(*asked, return_exceptions=True)

        first, second, third = run(talk)
        assert first is second is True and isinstance(third, Refused)
        assert third.status == 429 and third.headers == ((b"retry-after", b"1"),)
        assert admission.refused == {"queue": 2} and admission.working == 0
        admission.expect()


def test_work_that_takes_long_makes_others_be_refused_though_the_queue_has_room() -> None:
    with admitting(concurrency=1, queue=100, wait_seconds=0.1) as admission:

        async def talk() -> Any:
            await admission.run(lambda: time.sleep(0.3), 20)
            slow = asyncio.create_task(admission.run(lambda: time.sleep(0.1), 20))
            await asyncio.sleep(0)
            with pytest.raises(Refused, match="within its limits"):
                await admission.run(lambda: None, 20)
            await slow

        run(talk)


def test_a_request_is_not_waited_for_beyond_its_time_and_its_place_is_kept_until_it_ends() -> None:
    go = threading.Event()
    with admitting(concurrency=1, queue=4, wait_seconds=60) as admission:

        async def talk() -> None:
            with pytest.raises(Refused, match=r"within 0\.05 s") as late:
                await admission.run(go.wait, 0.05)
            assert late.value.status == 504 and admission.working == 1
            with pytest.raises(Refused, match=r"within 0\.05 s"):
                await admission.run(lambda: None, 0.05)  # it waited for a place in vain
            assert admission.waiting == 0
            go.set()
            assert await admission.run(lambda: 7, 20) == 7

        run(talk)
        assert admission.working == 0 and admission.refused == {"timeout": 2}


def test_work_that_fails_fails_its_own_request_and_gives_its_place_back() -> None:
    def fail() -> None:
        raise ValueError("no")

    with admitting(concurrency=1) as admission:

        async def talk() -> int:
            with pytest.raises(ValueError, match="no"):
                await admission.run(fail, 20)
            return await admission.run(lambda: 7, 20)

        assert run(talk) == 7 and admission.working == 0


def test_who_leaves_while_waiting_leaves_no_place_behind() -> None:
    go = threading.Event()
    with admitting(concurrency=1, queue=4, wait_seconds=60) as admission:

        async def talk() -> int:
            first = asyncio.create_task(admission.run(go.wait, 20))
            others = [asyncio.create_task(admission.run(lambda: None, 20)) for _ in range(3)]
            await asyncio.sleep(0.02)
            for each in others:
                each.cancel()
            go.set()
            await asyncio.gather(first, *others, return_exceptions=True)
            return await admission.run(lambda: 7, 20)

        assert run(talk) == 7
        assert admission.working == admission.waiting == 0


def test_a_lagging_loop_takes_only_the_share_that_it_can_answer_in_time() -> None:
    with admitting(wait_seconds=0.1) as admission:

        async def talk() -> None:
            probe = asyncio.create_task(admission.probe())
            await asyncio.sleep(0)  # it has begun to wait
            assert sum(taken(admission) for _ in range(1000)) == 1000
            time.sleep(0.5)  # the loop is busy for five times the wait: the probe comes late
            while not admission.lag:
                await asyncio.sleep(0)
            assert admission.lag > 0.4
            assert abs(sum(taken(admission) for _ in range(1000)) - 1000 * 0.1 / admission.lag) <= 1
            probe.cancel()

        run(talk)


def test_the_servers_limits_hold_at_its_doors(served: Served) -> None:
    """A caller that owes rows, a time that is over, a cost that is asked for."""
    with served.fleet.store.write() as tx:
        tokens.add(tx, token("slow"))
    limits = Limits(rows={"argosy serve": 1, "slow": 100})
    app = application(Options(home=served.fleet.store.home, token=TOKEN, limits=limits))
    served = msgspec.structs.replace(served, app=app)

    def asked(rows: int) -> Any:
        return body(rows, **{name: tensor(name, "FP64", [1.0] * rows) for name in GIVEN})

    async def talk(client: httpx.AsyncClient) -> list[httpx.Response]:
        slow = {"Authorization": "Bearer slow", "argosy-timeout-ms": "1"}
        found = [
            await client.post(URL, json=asked(250), headers={"argosy-timeout-ms": "soon"}),
            await client.post(URL, json=asked(1), headers={"argosy-timeout-ms": "soon"}),
            await client.post(URL, json=asked(250), headers={"argosy-cost-ms": "", "argosy-timeout-ms": "20000"}),
            await client.post(URL, json=asked(1)),
            await client.get("/v2/models/late-arrival"),
            await client.post(URL, json=asked(LONG), headers=slow),
        ]
        end = time.monotonic() + 60
        while (last := await client.post(URL, json=asked(1), headers=slow)).status_code != 429:
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
        return [*found, last]

    *wrong, good, owing, looking, late, charged = served.run(talk)
    for each in wrong:
        assert each.status_code == 400 and "argosy-timeout-ms is 'soon'" in each.json()["error"]
    assert good.status_code == 200 and 0 < float(good.headers["argosy-cost-ms"]) < 20_000
    assert owing.status_code == 429 and 200 <= int(owing.headers["retry-after"]) <= 249
    assert looking.status_code == 200
    assert late.status_code == 504 and "0.001 s" in late.json()["error"]
    assert 100 <= int(charged.headers["retry-after"]) <= 200  # what nobody waited for any more is paid for, too


def taken(admission: Admission) -> bool:
    try:
        admission.check()
    except Refused:
        return False
    return True
