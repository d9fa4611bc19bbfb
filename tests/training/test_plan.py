from __future__ import annotations

import msgspec
import pytest

from argosy.model.signature import Feature, Signature
from argosy.spec.gate import Gate
from argosy.spec.rollout import Canary
from argosy.training.plan import Basis, changed, everyone, key, parts, plan
from argosy.training.rows import Member
from tests.training.sample import BOOSTED, LINEAR, SIGNATURE, fleet

ANNA, BERT = Member("anna", 0, 500, "d1"), Member("bert", 500, 40, "d2")


def basis(signature: Signature = SIGNATURE, settings: dict[str, object] | None = None, **fields: object) -> Basis:
    return Basis.of(fleet(**fields), signature, settings or {}, code="c", environment="e")


def test_members_are_fitted_once_and_small_ones_fall_back() -> None:
    first = plan([ANNA, BERT], basis(), 100, ())
    assert [fit.member for fit in first.fits] == [ANNA]
    assert [(each.member, each.reason) for each in first.fallbacks] == [
        (BERT, "40 labelled rows, fewer than minimum_rows=100")
    ]
    done = {first.fits[0].key, first.fallbacks[0].key}
    again = plan([ANNA, BERT], basis(), 100, done)
    assert (again.fits, again.fallbacks) == ((), ())
    assert set(again.unchanged) == {"anna", "bert"}
    assert set(again.unchanged.values()) == done


@pytest.mark.parametrize(
    ("other", "part"),
    [
        (basis(candidates=(BOOSTED, LINEAR)), "declaration"),
        (basis(minimum_rows=200), "declaration"),
        (basis(lead="1h"), "declaration"),
        (basis(settings={"boosted": [{"num_leaves": 5}]}), "settings"),
        (msgspec.structs.replace(basis(), code="c2"), "code"),
        (msgspec.structs.replace(basis(), environment="e2"), "environment"),
        (basis(Signature(SIGNATURE.features[:2], "binary", "late")), "features"),
    ],
)
def test_a_key_changes_with_what_changes_the_model_and_says_which_part(other: Basis, part: str) -> None:
    before, after = parts(basis(), ANNA), parts(other, ANNA)
    assert key(before) != key(after)
    assert changed(before, after) == [part]


def test_a_key_changes_with_the_rows_and_the_member() -> None:
    before = parts(basis(), ANNA)
    assert changed(before, parts(basis(), msgspec.structs.replace(ANNA, digest="d3"))) == ["rows"]
    assert changed(before, parts(basis(), msgspec.structs.replace(ANNA, key="anne"))) == ["member"]


def test_a_key_stays_with_what_is_done_with_the_version() -> None:
    other = basis(gates=(Gate("roc_auc", minimum=0.6),), rollout=Canary(), owner="ops", memory_mb=4096, time_limit="1m")
    assert changed(parts(basis(), ANNA), parts(other, ANNA)) == []


def test_a_key_stays_when_the_rows_move_or_another_member_brings_a_category() -> None:
    wider = Signature((*SIGNATURE.features[:3], Feature("place", "category", ("east", "north"))), "binary", "late")
    moved = msgspec.structs.replace(ANNA, start=900)
    assert key(parts(basis(), ANNA)) == key(parts(basis(wider), moved))


def test_the_rows_of_everyone_do_not_depend_on_order() -> None:
    assert everyone([ANNA, BERT]) == everyone([BERT, ANNA])
    assert everyone([ANNA, BERT]) != everyone([ANNA, msgspec.structs.replace(BERT, digest="d3")])
