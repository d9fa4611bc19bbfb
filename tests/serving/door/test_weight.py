"""What a body may become in memory is bounded before it does."""

from __future__ import annotations

import pytest

from argosy.errors import InputError
from argosy.serving.door import infer, invocations, records
from argosy.serving.door.json import encode
from argosy.serving.door.weight import LIGHT, MAX_BYTES, Room, check_json
from argosy.serving.limits import MAX_CELLS
from argosy.serving.request import Request
from argosy.serving.routing import Endpoint, Input

ENDPOINT = Endpoint("late", "binary", (), (Input("x", "FP64"),))
BODY = 32 << 20


@pytest.mark.parametrize("part", [b"[],", b"{},", b'{"a":1},', b'"",'])
def test_small_values_by_the_million_are_refused_before_they_are_made(part: bytes) -> None:
    body = b"[" + part * (BODY // len(part)) + b"0]"
    for read in (
        lambda: records.parse(body, ENDPOINT),
        lambda: infer.parse(body, ENDPOINT),
        lambda: invocations.ask(Request("POST", "/", {}, body=body), ENDPOINT),
    ):
        with pytest.raises(InputError, match=r"may take [\d,]+ MB of memory, more than 384"):
            read()


def test_rows_as_people_send_them_are_taken_up_to_the_limit_of_a_body() -> None:
    record = {"left_at": "2026-03-02T17:30:00Z", "depot": "north", "kilometres": 12.25, "parcels": 4}
    one = encode(record) + b","
    check_json(one * (BODY // len(one)))
    check_json(b"1.5," * (BODY // 4))
    check_json(b"[]," * (LIGHT // 3))
    with pytest.raises(InputError):
        check_json(b"[" * (MAX_BYTES // 72 + 1))


def test_tensors_share_the_room_and_hold_what_their_shape_says() -> None:
    room = Room()
    room.take("a", [MAX_CELLS // 2], MAX_CELLS // 2)
    room.take("b", [MAX_CELLS // 4, 2], MAX_CELLS // 2)
    with pytest.raises(InputError, match="up to 'c' hold above 16,000,000"):
        room.take("c", [1], 1)
    for shape in ([2], [1, 1, 1], [10**9] * 10_000, [-1, -1]):
        with pytest.raises(InputError, match="where its shape says"):
            Room().take("d", shape, 3)
