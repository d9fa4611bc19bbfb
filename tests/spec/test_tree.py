"""The tree of a project's modules: what the names that a definition reads stand for."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.spec.tree import Tree

FILES = {"shapes.py": "SIDE = 2\n\ndef area(rows):\n    return rows\n", "m.py": "import shapes\nIDLE = 3\n"}


@pytest.mark.parametrize(
    ("body", "reached"),
    [
        ("shapes.area(rows)", {"shapes:area"}),
        ("getattr(shapes, 'area')(rows)", {"shapes:area"}),
        ("getattr(shapes, 'gone')", {"shapes:*"}),
        ("getattr(shapes, rows)", {"shapes:*"}),
        ("vars(shapes)['area']", {"shapes:*"}),
        ("globals()['IDLE']", {"m:IDLE"}),
        ("globals()['shapes'].SIDE", {"shapes:SIDE"}),
        ("globals()[rows]", {"m:*"}),
        ("[rows for rows in globals()]", {"m:*"}),
        ("len(rows)", set()),
    ],
)
def test_names_lead_to_definitions_or_to_whole_modules(tmp_path: Path, body: str, reached: set[str]) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text + (f"def f(rows):\n    return {body}\n" if name == "m.py" else ""))
    tree = Tree((tmp_path,))
    module = tree.module("m")
    assert module is not None
    found = module.definition("f")
    assert {each.id for chain in found.chains for each in tree.targets(module, chain, found.imports)} == reached


@pytest.mark.parametrize(
    ("body", "reached"),
    [
        ("LIMIT = 1\nfrom shapes import *\n", {"m:SIDE", "shapes:SIDE"}),
        ("if len('a') > 1:\n    from shapes import *\n", {"m:*", "shapes:SIDE"}),
        ("if len('a') > 1:\n    from shapes import SIDE\nelse:\n    from other import SIDE\n",
         {"m:SIDE", "shapes:SIDE", "other.SIDE"}),
    ],
)  # fmt: skip
def test_a_name_may_stand_for_one_of_several(tmp_path: Path, body: str, reached: set[str]) -> None:
    (tmp_path / "shapes.py").write_text("SIDE = 2\n")
    (tmp_path / "m.py").write_text(f"{body}def f():\n    return SIDE\n".replace("LIMIT", "SIDE"))
    tree = Tree((tmp_path,))
    module = tree.module("m")
    assert module is not None
    found = module.definition("f")
    assert {each.id for chain in found.chains for each in tree.targets(module, chain, found.imports)} == reached
