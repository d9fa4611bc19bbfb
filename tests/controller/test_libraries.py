"""Libraries: which count, and what is said of an upgrade."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.controller import libraries
from argosy.controller.libraries import Libraries, changes, installed
from argosy.store import events
from argosy.store.store import Store
from argosy.testing.sample import moment


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"lightgbm": "4.6.0"}, {"lightgbm": "4.6.0"}, ""),
        ({"lightgbm": "4.6.0", "numpy": "2.4"}, {"numpy": "2.4", "lightgbm": "4.7.0"}, "lightgbm 4.6.0 -> 4.7.0"),
        ({"catboost": "1.2"}, {"xgboost": "3.0"}, "catboost 1.2 -> none, xgboost none -> 3.0"),
    ],
)
def test_changes_in_words(before: dict[str, str], after: dict[str, str], said: str) -> None:
    assert changes(before, after) == said


def test_packages_that_the_code_imports_count_beside_those_that_always_do() -> None:
    always, more = installed(["sklearn", "lightgbm"]), installed(["msgspec", "not_installed"])
    assert {"python", "lightgbm", "scikit-learn", "argosy"} <= always.versions.keys()
    assert always == installed([])
    assert more.versions.keys() - always.versions.keys() == {"msgspec"}
    assert more.digest != always.digest


def test_libraries_are_one_fact_until_they_are_others(home: Path) -> None:
    first, second = Libraries("a", {"lightgbm": "4.6.0"}), Libraries("b", {"lightgbm": "4.7.0"})
    with Store.open(home) as store:
        with store.write() as tx:
            ids = [libraries.record(tx, "late", each, moment(), "ann") for each in (first, first, second, first)]
            other = libraries.record(tx, "early", second, moment(), "ann")
        with store.read() as conn:
            assert libraries.known(conn, "late") == {ids[0]: first, ids[2]: second}
            assert libraries.known(conn, "early") == {other: second}
            told = [event.message for event in events.since(conn)]
    assert ids == [ids[0], ids[0], ids[2], ids[0]]
    assert told == [
        "late is trained with lightgbm 4.6.0",
        "late is trained with other libraries: lightgbm 4.6.0 -> 4.7.0",
        "early is trained with lightgbm 4.7.0",
    ]


def test_however_many_upgrades_there_were_each_is_known(home: Path) -> None:
    found = [Libraries(str(number), {"lightgbm": str(number)}) for number in range(120)]
    with Store.open(home) as store:
        with store.write() as tx:
            ids = [libraries.record(tx, "late", each, moment(), "ann") for each in (*found, found[0])]
        with store.read() as conn:
            assert libraries.known(conn, "late") == dict(zip(ids[:-1], found, strict=True))
    assert ids[-1] == ids[0]
