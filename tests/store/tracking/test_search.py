"""Searches among runs find what a plain loop over all runs finds, in the same order, page by page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cmp_to_key
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.errors import UsageError
from argosy.store import Store
from argosy.store.codec import EPOCH
from argosy.store.tracking import experiments, metrics, pages, runs, search, sought, texts
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.clause import Clause, Order
from argosy.store.tracking.metrics import Point
from argosy.store.tracking.runs import NAME_TAG

KEYS = ("a", "b/c d")
NUMBERS = (-1.5, 0.0, 0.25, 0.5, 0.75, math.inf, -math.inf, math.nan)
WORDS = ("x", "X", "xy", "a%b", "a_b", "*", "[x]", "ümlaut", "")


class Known(NamedTuple):
    """A run as the plain loop sees it."""

    experiment: int
    start: int
    metrics: Mapping[str, float]
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


several = st.builds(
    Known, st.sampled_from([0, 1]), st.integers(0, 3), st.dictionaries(st.sampled_from(KEYS), st.sampled_from(NUMBERS)),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(WORDS)),
    st.dictionaries(st.sampled_from(KEYS), st.sampled_from(WORDS)),
)  # fmt: skip
clauses = st.one_of(
    st.builds(
        Clause, st.just("metric"), st.sampled_from(KEYS), st.sampled_from(["=", "!=", ">", ">=", "<", "<="]),
        st.sampled_from([each for each in NUMBERS if math.isfinite(each)]),
    ),
    st.builds(
        Clause, st.sampled_from(["parameter", "tag"]), st.sampled_from(KEYS),
        st.sampled_from(["=", "!=", "LIKE", "ILIKE"]), st.sampled_from([*WORDS, "%", "x%", "_", "%B"]),
    ),
    st.builds(
        Clause, st.sampled_from(["parameter", "tag"]), st.sampled_from(KEYS),
        st.sampled_from(["IS NULL", "IS NOT NULL"]), st.none(),
    ),
    st.builds(
        Clause, st.just("attribute"), st.just("start_time"), st.sampled_from(["=", "!=", ">", "<="]), st.integers(0, 3)
    ),
)  # fmt: skip
orders = st.lists(
    st.one_of(
        st.builds(Order, st.sampled_from(["metric", "parameter", "tag"]), st.sampled_from(KEYS), st.booleans()),
        st.builds(Order, st.just("attribute"), st.sampled_from(["start_time", "run_name"]), st.booleans()),
    ),
    max_size=2, unique_by=lambda order: (order.entity, order.key),
)  # fmt: skip


def fill(store: Store, known: Iterable[Known], hand: Hand) -> dict[int, tuple[Known, runs.Run]]:
    """Have the runs in experiments of their own."""
    made = {}
    with store.write() as tx:
        for name in ("tag", "parameter", "metric", "block", "tracked", "change"):
            tx.exec_driver_sql(f"DELETE FROM {name}")
        if experiments.find(tx, "one") is None:
            experiments.create(tx, "one", hand)
        other = experiments.find(tx, "one")
        assert other is not None
        for number, each in enumerate(known):
            experiment = other.id if each.experiment else 0
            start = EPOCH + timedelta(milliseconds=each.start)
            run = runs.create(tx, experiment, f"n{number % 3}", start, hand, tags=each.tags)
            metrics.log(tx, run.id, experiment, [Point(key, value, 0, 0) for key, value in each.metrics.items()])
            texts.put(tx, texts.PARAMETER, run.id, experiment, each.parameters, hand)
            made[run.id] = each._replace(experiment=experiment), run
    return made


def like(text: str, pattern: str, mind_case: bool) -> bool:
    """As SQL's LIKE, which minds the case of letters beyond ASCII always."""
    if not mind_case:
        text, pattern = (each.lower() for each in (text, pattern))
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(like(text[n:], pattern[1:], True) for n in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and like(text[1:], pattern[1:], True)


def holds(clause: Clause, known: Known) -> bool:
    if clause.entity == "attribute":
        value: Any = known.start
    else:
        of = {"metric": known.metrics, "parameter": known.parameters, "tag": known.tags}[clause.entity]
        if clause.operator.startswith("IS"):
            return (clause.key in of) == (clause.operator == "IS NOT NULL")
        if clause.key not in of:
            return False
        value = of[clause.key]
    wanted: Any = clause.value
    if clause.operator in ("LIKE", "ILIKE"):
        return like(value, wanted, clause.operator == "LIKE")
    return {
        "=": value == wanted, "!=": value != wanted, ">": value > wanted, ">=": value >= wanted, "<": value < wanted,
        "<=": value <= wanted,
    }[clause.operator]  # fmt: skip


def compared(by: list[Order]) -> Any:
    def rank(order: Order, known: Known, run: runs.Run) -> tuple[int, Any]:
        if order.entity == "attribute":
            return 0, run.started_at if order.key == "start_time" else run.name
        of: Mapping[str, Any] = {"metric": known.metrics, "parameter": known.parameters, "tag": known.tags}[
            order.entity
        ]
        value = of.get(order.key)
        return (2, 0) if value is None else (1, 0) if value != value else (0, value)

    def compare(one: tuple[Known, runs.Run], two: tuple[Known, runs.Run]) -> int:
        for order in [*by, Order("attribute", "start_time", False)]:
            (a, x), (b, y) = rank(order, *one), rank(order, *two)
            if a != b:
                return a - b
            if x != y:
                return (1 if y < x else -1) * (1 if order.ascending else -1)
        return -1 if one[1].run < two[1].run else 1

    return cmp_to_key(compare)


@pytest.mark.parametrize("few", [0, 4000])
def test_pages_are_what_a_loop_over_all_runs_finds(
    store: Store, hand: Hand, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(sought, "_FEW", few)  # 0: every page is walked; 4,000: every clause holds for few

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(several, max_size=12), st.lists(clauses, max_size=2), orders, st.integers(1, 5), st.booleans())
    def same(known: list[Known], asked: list[Clause], by: list[Order], limit: int, both: bool) -> None:
        made = fill(store, known, hand)
        with store.read() as conn:
            other = experiments.find(conn, "one")
            assert other is not None
            wanted = [0, other.id] if both else [0]
            seen: list[int] = []
            token: str | None = None
            while True:
                page = search.page(conn, wanted, asked, by, limit=limit, token=token)
                seen += page.ids
                token = page.next
                if token is None:
                    break
                assert len(page.ids) == limit
        found = [
            each for each in made.values() if each[0].experiment in wanted and all(holds(c, each[0]) for c in asked)
        ]
        assert seen == [run.id for _, run in sorted(found, key=compared(by))]

    same()


def test_only_what_is_not_deleted_is_found_unless_asked_for(store: Store, hand: Hand) -> None:
    made = fill(store, [Known(0, n, {}, {}, {}) for n in range(3)], hand)
    ids = list(made)
    with store.write() as tx:
        runs.delete(tx, made[ids[0]][1].run, hand)
    with store.read() as conn:
        found = {view: search.page(conn, [0], view=view).ids for view in (search.ACTIVE, search.DELETED, search.ALL)}
    assert found == {search.ACTIVE: ids[:0:-1], search.DELETED: ids[:1], search.ALL: ids[::-1]}


def test_more_experiments_than_are_searched_one_by_one_are_searched_at_once(
    store: Store, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fill(store, [Known(n % 2, n, {"a": n / 4}, {}, {}) for n in range(9)], hand)
    monkeypatch.setattr(search, "_EACH", 1)
    by = [Order("metric", "a", False)]
    with store.read() as conn:
        first = search.page(conn, [0, 1, 99], [Clause("metric", "a", ">", 0.5)], by, limit=4)
        rest = search.page(conn, [0, 1, 99], [Clause("metric", "a", ">", 0.5)], by, limit=4, token=first.next)
    assert [*first.ids, *rest.ids] == list(made)[:2:-1] and rest.next is None


@pytest.mark.parametrize("token", ["nonsense", "gA==", "kwECAw==", "=", "ÿ"])
def test_a_token_that_no_page_gave_is_refused(store: Store, token: str) -> None:
    with store.read() as conn, pytest.raises(UsageError, match="was not given by this search"):
        search.page(conn, [0], token=token)


@pytest.mark.parametrize(
    "row",
    [(3, 0.5, 1, "a"), (-(2**63), 0.5, 1, "a"), (math.inf, 0.5, 1, "a"), (math.nan, 0.5, 1, "a"), (1,) + (None,) * 3],
)
def test_a_token_is_a_row_of_the_walk_over_a_metric(store: Store, row: tuple[Any, ...]) -> None:
    with store.read() as conn, pytest.raises(UsageError, match="was not given by this search"):
        search.page(conn, [0], orders=[Order("metric", "auc")], token=pages.mark(row))


def test_a_field_is_ordered_by_once(store: Store) -> None:
    with store.read() as conn, pytest.raises(UsageError, match="duplicate fields"):
        search.page(conn, [0], orders=[Order("metric", "a"), Order("metric", "a", False)])


@pytest.mark.parametrize(
    ("key", "operator", "value", "found"),
    [
        ("status", "=", "FINISHED", True), ("status", "=", "succeeded", True), ("status", "!=", "RUNNING", True),
        ("status", "LIKE", "FIN%", True), ("status", "ILIKE", "fin%", True), ("status", "=", "KILLED", False),
        ("run_name", "=", "n0", True), ("user_id", "=", "bob", True), ("user_id", "!=", "bob", False),
        ("artifact_uri", "LIKE", "mlflow-artifacts:/0/%/artifacts", True), ("end_time", ">=", 5, True),
        ("end_time", "<", 5, False), ("run_id", "IN", ("x",), False), ("run_id", "NOT IN", ("x",), True),
    ],
)  # fmt: skip
def test_attributes_are_asked_for(store: Store, hand: Hand, key: str, operator: str, value: Any, found: bool) -> None:
    with store.write() as tx:
        run = runs.create(tx, 0, "n0", EPOCH, hand, owner="bob", tags={NAME_TAG: "n0"})
        runs.change(tx, run, hand, status=runs.SUCCEEDED, ended_at=EPOCH + timedelta(milliseconds=5))
    with store.read() as conn:
        assert search.page(conn, [0], [Clause("attribute", key, operator, value)]).ids == [run.id] * found
