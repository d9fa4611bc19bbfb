"""`argosy promote` and `argosy rollback`: one by its address, or those that a filter selects."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.store import Store, members
from argosy.testing import sample
from tests.cli.conftest import Run


@pytest.fixture
def home(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with three members, each with a newer version than the one that answers."""
    monkeypatch.chdir(tmp_path)
    with Store.open(tmp_path / ".argosy") as store, store.write() as tx:
        sample.train(tx, "late", ["a", "b", "*"], hours=1)
        sample.train(tx, "late", ["a", "b", "*"], hours=2, promoted=False)
    return tmp_path / ".argosy"


def champions(home: Path) -> dict[str, int]:
    with Store.open(home) as store, store.read() as conn:
        found = members.table(conn, "late")
    return dict(zip(found["key"], found["champion_number"], strict=True))


def test_a_selection_is_promoted_and_rolled_back_at_once(run: Run, home: Path) -> None:
    said = run("promote", "--where", 'fleet:late -key:"*"', "--reason", "by hand")
    assert said.code == 0 and "2 members answered by the newest version now" in said.out + said.err
    assert champions(home) == {"*": 1, "a": 2, "b": 2}
    said = run("rollback", "--where", "fleet:late key:a")
    assert said.code == 0 and "1 member rolled back" in said.out + said.err
    assert champions(home) == {"*": 1, "a": 1, "b": 2}
    assert run("promote", "--where", "fleet:late").code == 0
    assert champions(home) == {"*": 2, "a": 2, "b": 2}
    assert run("rollback", "late/a").code == 0
    assert champions(home) == {"*": 2, "a": 1, "b": 2}


@pytest.mark.parametrize("verb", ["promote", "rollback"])
def test_one_or_some_are_named_and_not_both_nor_nobody(run: Run, home: Path, verb: str) -> None:
    for given, why in (
        ((), "nobody is named"), (("late/a", "--where", "fleet:late"), "both late/a and --where are named"),
        (("--where", "fleet:other"), "no member has fleet:other"), (("--where", "status:odd"), "names no status"),
        (("--where", "colour:red"), "there is no field 'colour'"),
    ):  # fmt: skip
        said = run(verb, *given)
        assert said.code == 2 and why in said.err
    assert champions(home) == {"*": 1, "a": 1, "b": 1}
