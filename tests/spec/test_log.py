from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import argosy as ag
from argosy.errors import DeclarationError
from argosy.spec import log


def test_numbers_are_metrics_and_anything_else_is_a_parameter() -> None:
    with log.Record() as record:
        ag.log(auc=0.5, rows=3, carrier="AA", good=True, kinds=["a"])
        ag.log({"test/auc": np.float32(0.25), "auc": 0.75})
    assert record.metrics == {"auc": 0.75, "rows": 3.0, "test/auc": 0.25}
    assert record.parameters == {"carrier": "AA", "good": True, "kinds": ["a"]}


def test_outside_of_a_run_it_checks_and_keeps_nothing() -> None:
    ag.log(auc=1)
    with pytest.raises(DeclarationError, match=r"ag\.log is ''"):
        ag.log({"": 1})
    with log.Record() as record:
        pass
    assert record.metrics == {}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"a\nb": 1}, "a name of 1 to 128 printable characters"),
        ({"model": object()}, r"ag.log\(model\) is 'object'; it must be a number"),
        ({"rows": list(range(10_000))}, "at most 10,000 bytes of JSON"),
    ],
)
def test_what_cannot_be_kept_is_refused(given: dict[str, Any], words: str) -> None:
    with log.Record(), pytest.raises(DeclarationError, match=words):
        ag.log(given)


def test_long_texts_are_cut_and_names_have_an_end() -> None:
    with log.Record() as record:
        ag.log(text="x" * 5000)
        assert record.parameters["text"] == "x" * log.LONGEST
        ag.log({f"m{number}": number for number in range(log.MOST - 1)})
        ag.log(m0=5)
        with pytest.raises(DeclarationError, match=f"one of at most {log.MOST} names"):
            ag.log(more=1)
