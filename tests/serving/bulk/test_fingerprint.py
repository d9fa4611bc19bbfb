"""What the answers to rows depend on: what is told of them, and who answers."""

from __future__ import annotations

import msgspec
import polars as pl
import pytest

from argosy.serving.bulk.fingerprint import fingerprint
from argosy.serving.routing import Endpoint, Input, Route, VersionRef
from argosy.store.blobs import Slot


def ref(id: int) -> VersionRef:
    return VersionRef(id, f"f/m@{id}", "lightgbm", Slot(f"{id:064d}", None, 0, 1), "s")


ENDPOINT = Endpoint(
    "f", "binary", ("k",), (Input("k", "BYTES"), Input("x", "FP64")), pooled=Route(ref(1)),
    routes={"a": Route(ref(2), canary=ref(3), share=0.5), "b": Route(ref(4))},
)  # fmt: skip
ROWS = pl.DataFrame({"k": ["a", "a", None], "x": [1.0, 2.0, 3.0]})


def of(endpoint: Endpoint, *, canaries: bool = False) -> str:
    return fingerprint(endpoint, ROWS, canaries=canaries)


@pytest.mark.parametrize(
    "change",
    [
        {"bounded": True}, {"quantiles": (0.1, 0.5, 0.9)}, {"row_key": "x"}, {"sticky": "x"}, {"time": "x"},
        {"pooled": Route(ref(9))}, {"routes": {"a": Route(ref(9))}}, {"inputs": (Input("k", "BYTES"),)},
    ],
)  # fmt: skip
def test_what_changes_answers_changes_it(change: dict[str, object]) -> None:
    assert of(msgspec.structs.replace(ENDPOINT, **change)) != of(ENDPOINT)


def test_what_answers_none_of_the_rows_does_not_count() -> None:
    others = msgspec.structs.replace(ENDPOINT, routes={**ENDPOINT.routes, "b": Route(ref(9)), "c": Route(ref(8))})
    assert of(others) == of(ENDPOINT) and of(others, canaries=True) == of(ENDPOINT, canaries=True)
    steered = msgspec.structs.replace(ENDPOINT, routes={**ENDPOINT.routes, "a": Route(ref(2))})
    assert of(steered) == of(ENDPOINT) and of(steered, canaries=True) != of(ENDPOINT, canaries=True)
