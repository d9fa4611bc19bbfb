from __future__ import annotations

from datetime import UTC, datetime

import pytest

from argosy.console import table
from argosy.store import Store
from argosy.store.findings import Finding

NOW = datetime(2013, 6, 1, tzinfo=UTC)


def finding(id: int, version: int, rule: str, outcome: str, rows: int) -> Finding:
    return Finding(
        id=id, dataset="flights", version=version, rule=rule, column=None, severity="warn", outcome=outcome, rows=rows,
        examples=[], message=f"{rows} rows of {version}", at=NOW,
    )  # fmt: skip


def test_findings_of_one_rule_are_one_with_the_latest_in_front() -> None:
    found = table.noted([
        finding(5, 7, "range", "warned", 3), finding(4, 7, "unique", "failed", 1), finding(3, 5, "range", "warned", 4),
        finding(2, 5, "range", "quarantined", 2), finding(1, 5, "range", "warned", 1),
    ])  # fmt: skip
    assert [(each.latest.id, each.first, each.versions, each.rows) for each in found] == [
        (5, 5, 2, 8), (4, 7, 1, 1), (2, 5, 1, 2),
    ]  # fmt: skip
    assert table.noted([]) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("conditions.features.0123456789ab", "Rows of the view conditions."),
        ("conditions.features.ffff", "Rows of the view conditions, as it was declared before."),
        ("gone.features.0123456789ab", "Rows of the view gone, as it was declared before."),
        ("late-arrival.predictions", "Rows that were answered for the fleet late-arrival."),
        ("other", "Filled by Argosy."),
    ],
)
def test_what_nobody_declares_is_said_to_be_what_it_is(name: str, words: str) -> None:
    assert table.filled(name, {"conditions": "0123456789abcdef"}) == words


def test_a_page_tells_a_finding_of_an_earlier_version(shown: Store) -> None:
    with shown.read() as conn:
        (noted,) = table.read(conn, "weather").findings
    assert (noted.latest.version, noted.versions) == (3, 1)
