"""The same requests are sent to stock MLflow and to this server, and status, error code and JSON must be the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from argosy.store import Store
from tests.conformance.mlflow.known import KNOWN, Known
from tests.conformance.mlflow.plain import plain, same, told
from tests.conformance.mlflow.play import Server
from tests.conformance.mlflow.stock import stock_server
from tests.conformance.mlflow.tales import TALES
from tests.server.harbour import open_harbour

Found = dict[str, dict[str, str]]
"""What differs: by tale, and by the name of its step, how the two answered."""


@pytest.fixture(scope="module")
def differences(apart: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Found, Counter[Known]]:
    """What differs and is not known, and how often each known difference was seen."""
    found: Found = {}
    seen: Counter[Known] = Counter()
    folder = tmp_path_factory.mktemp("replay")
    Store.open(folder / "home").close()
    with (
        stock_server(apart("mlflow317"), folder / "stock") as url,
        open_harbour(folder / "home", lambda: datetime.now(UTC)) as harbour,
    ):
        theirs, ours = Server(url), Server(harbour.url, harbour.token)
        for name, tale in TALES.items():
            found[name] = {}
            for step, asked, given in zip(tale, theirs.play(tale), ours.play(tale), strict=True):
                left, right = plain(asked, theirs.kept), plain(given, ours.kept)
                if same(left, right):
                    continue
                known = next((each for each in KNOWN if each.covers(name, step.name, told(left), told(right))), None)
                if known is None:
                    found[name][step.name] = f"{left!r:.2000}\n  is answered as\n{right!r:.2000}\n{given.told!r:.300}"
                else:
                    seen[known] += 1
    return found, seen


@pytest.mark.slow
@pytest.mark.parametrize("name", TALES)
def test_a_tale_is_answered_as_by_the_stock_server(differences: tuple[Found, Counter[Known]], name: str) -> None:
    assert differences[0][name] == {}


@pytest.mark.slow
@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.why[:60])
def test_what_is_known_to_differ_still_does(differences: tuple[Found, Counter[Known]], known: Known) -> None:
    assert differences[1][known] > 0


def test_steps_have_names_of_their_own() -> None:
    twice = {
        name: [step for step, count in Counter(each.name for each in tale).items() if count > 1]
        for name, tale in TALES.items()
    }
    assert {name: steps for name, steps in twice.items() if steps} == {}
