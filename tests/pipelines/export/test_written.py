"""The comment that a file begins with cannot be left by what it tells."""

from __future__ import annotations

from hypothesis import given

from argosy.pipelines.export.order import Order
from argosy.pipelines.export.written import head, left_out
from tests.pipelines.export.night import TEXTS, asked, eager


@given(TEXTS)
def test_every_line_is_a_comment(text: str) -> None:
    found = head(Order(pipeline=asked), "Airflow", (text,), (text,))
    assert found.endswith("\n") and all(line.startswith("# ") for line in found.splitlines())
    assert len(found.splitlines()) == 4


def test_what_is_left_out_is_named() -> None:
    assert left_out(Order(pipeline=eager), "Airflow") == (
        "on 'a new version of dataset flights'; Airflow does not hear of it, argosy up does",
        "on 'after pipeline asked'; Airflow does not hear of it, argosy up does",
    )
    assert left_out(Order(pipeline=asked), "Airflow") == (
        "parameter more; a text cannot give its default, so it stays as it is",
    )
    assert left_out(Order(pipeline=asked, given={"more": "6"}), "Airflow") == ()
    assert left_out(Order(pipeline=asked), "Kubernetes", asks=False) == ()
