"""A small real project for the tests of the loop: some of the flights out of LaGuardia, and a home to run it in."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from argosy.controller.apply import apply
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.controller.project import forget
from argosy.store.store import Store
from tests.controller.desk import Desk

EXAMPLE = Path(__file__).parents[2] / "examples" / "flights"
START = datetime(2013, 2, 15, tzinfo=UTC)
CARRIERS = ("AA", "MQ", "YV")


@pytest.fixture(scope="session")
def world() -> ModuleType:
    """The example's module of the outside world."""
    sys.path.insert(0, str(EXAMPLE))
    try:
        import world
    finally:
        sys.path.remove(str(EXAMPLE))
    return world


@pytest.fixture(scope="session")
def landed(world: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with six weeks of three carriers at one airport landed beside it; copy it before use."""
    folder = tmp_path_factory.mktemp("landed")
    cached = world.load(folder / "cache")
    flights = cached.flights.filter((pl.col("origin") == "LGA") & pl.col("carrier").is_in(CARRIERS))
    few = (
        type(cached)(**{**vars(cached), "flights": flights})
        if hasattr(cached, "__dict__")
        else cached._replace(flights=flights)
    )
    project = folder / "project"
    world.land_until(few, project / "data", START.date())
    shutil.copy(EXAMPLE / "flights.py", project / "flights.py")
    return folder


@pytest.fixture(scope="session")
def trained(landed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the project was applied and brought to its champions at START; copy it before use."""
    folder = tmp_path_factory.mktemp("trained")
    with Store.open(folder / "home") as store:
        apply(store, landed / "project" / "flights.py", START, "tester")
        with House(store, workers=2) as house:
            done = tick(house, START)
            assert not [each.said for each in done if each.failed]
    return folder / "home"


@pytest.fixture
def project(landed: Path, tmp_path: Path) -> Path:
    """A copy of the landed project; its module is `flights.py`."""
    shutil.copytree(landed / "project", tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def house(trained: Path, project: Path, tmp_path: Path) -> Iterator[House]:
    """A house over a copy of the trained home, with the project applied from its own copy."""
    shutil.copytree(trained, tmp_path / "home")
    with Store.open(tmp_path / "home") as store:
        apply(store, project / "flights.py", START, "tester")
        with House(store, workers=2) as made:
            yield made


@pytest.fixture
def fresh(home: Path, project: Path) -> Iterator[House]:
    """A house whose home has the project applied at START, and nothing done yet."""
    with Store.open(home) as store:
        apply(store, project / "flights.py", START, "tester")
        with House(store, workers=2) as made:
            yield made


@pytest.fixture
def desk(home: Path, tmp_path: Path) -> Iterator[Desk]:
    """A home and a project that was not applied yet."""
    with Store.open(home) as store:
        yield Desk(store, tmp_path / "project")
    forget(str(tmp_path / "project"))
