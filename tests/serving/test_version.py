"""Versions named by their number: one answers alone, or the request is refused."""

from __future__ import annotations

import pytest

from argosy.errors import InputError, UnknownError
from argosy.serving.routing import Endpoint, Route, VersionRef
from argosy.serving.version import addressed, numbered, only
from argosy.store.blobs import Slot


def ref(id: int, address: str) -> VersionRef:
    return VersionRef(id, address, "lightgbm", Slot("0" * 64, 0, 1, "0" * 64), "0" * 64)


ENDPOINT = Endpoint(
    "late", "binary", ("origin",), (),
    pooled=Route(ref(1, "late/*@3")),
    routes={
        "JFK": Route(ref(2, "late/JFK@1"), ref(3, "late/JFK@2"), 0.1),
        "LGA": Route(ref(4, "late/LGA@1")),
    },
)  # fmt: skip


def test_a_number_of_one_version_names_it() -> None:
    assert numbered(ENDPOINT, "2").address == "late/JFK@2" and numbered(ENDPOINT, "3").address == "late/*@3"
    assert sorted(addressed(ENDPOINT)) == ["2", "3"]


def test_a_number_of_several_members_or_of_none_is_refused() -> None:
    with pytest.raises(UnknownError, match="several members of fleet 'late' have a version 1"):
        numbered(ENDPOINT, "1")
    with pytest.raises(UnknownError, match=r"no version '9' .* \(by number: 2, 3\)"):
        numbered(ENDPOINT, "9")


def test_a_version_of_a_member_answers_its_rows_alone() -> None:
    version = numbered(ENDPOINT, "2")
    assigned = only(ENDPOINT, version, ["JFK", "JFK"])
    assert assigned.versions == [version] * 2 and assigned.reasons == ["own"] * 2
    with pytest.raises(InputError, match="row 1 is of member late/LGA, and the request asks version late/JFK@2"):
        only(ENDPOINT, version, ["JFK", "LGA"])


def test_the_pooled_version_answers_any_row() -> None:
    assert only(ENDPOINT, numbered(ENDPOINT, "3"), ["JFK", "EWR"]).reasons == ["pooled"] * 2


def test_a_fleet_without_keys_has_one_member() -> None:
    endpoint = Endpoint("eta", "regression", (), (), routes={"": Route(ref(5, "eta@4"))})
    assert only(endpoint, numbered(endpoint, "4"), [""]).groups == {ref(5, "eta@4"): [0]}
