from __future__ import annotations

import pytest

from argosy.registry.address import parse
from argosy.registry.bundle.name import package


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("late-arrival/JFK/AA@7", "model_late_arrival_JFK_AA"),
        ("late-arrival", "model_late_arrival"),
        ("late-arrival/*@1", "model_late_arrival_pooled"),
    ],
)
def test_a_package_is_called_as_its_member(address: str, name: str) -> None:
    assert package(parse(address)) == name and name.isidentifier()


def test_members_whose_letters_are_alike_have_packages_of_their_own() -> None:
    keys = ["A.B", "A B", "A%2FB", "A/B", "é", "ü", "*x", ""]
    names = {package(parse(f"late/{key}" if key else "late")) for key in keys}
    assert len(names) == len(keys) and all(name.isidentifier() for name in names)
