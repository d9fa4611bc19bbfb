"""`argosy approve`: a person's answer to a gate, or to a contract that kept rows out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from cyclopts import Parameter

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.controller.wanted import wanted
from argosy.data.ingest import accept
from argosy.errors import UsageError
from argosy.registry import manual
from argosy.registry.address import Address, parse
from argosy.spec.dataset import Dataset
from argosy.store import Store


def approve(
    address: str, /, *, refuse: Annotated[bool, Parameter(negative="")] = False, reason: str = "",
    common: Common | None = None,
) -> int:  # fmt: skip
    """Grant what an approval gate waits for, or refuse it. The controller goes on from there.

    Of a dataset, take in the rows of a version that its contract rejected, as they are.

    For example:
      argosy approve late-arrival/JFK/AA --reason "checked with ops"
      argosy approve flights@12 --reason "the new airport is real"
      argosy approve late-arrival/JFK/AA@7 --refuse --reason "December is missing"
      argosy get members --where "status:waiting"      (what waits)

    Parameters
    ----------
    address
        The member whose newest version waits, or that version; or a rejected version of a dataset.
    refuse
        Say no.
    reason
        Why; kept with the answer.
    """
    given = common or Common()
    with home.open(given.home) as store:
        now = home.clock(store).now()
        asked = parse(address)
        dataset = _dataset(store, asked)
        if dataset is None:
            said = manual.approve(store, asked, not refuse, home.actor(), reason, now)
        else:
            said = _accept(store, dataset, asked, refuse, reason, now)
    show.emit({"done": said}) if given.json else show.say(said)
    return 0


def _dataset(store: Store, asked: Address) -> Dataset | None:
    """The declared dataset of that name; None where a fleet has it, or nothing."""
    with store.read() as conn:
        declared = wanted(conn)
    found = declared.get(("dataset", asked.fleet))
    if asked.key or found is None or ("fleet", asked.fleet) in declared:
        return None
    assert isinstance(found.declaration, Dataset)
    return found.declaration


def _accept(store: Store, dataset: Dataset, asked: Address, refuse: bool, reason: str, now: datetime) -> str:
    if asked.number is None or refuse:
        raise UsageError(
            f"{asked}: of a dataset, one rejected version is taken in; refused, it stays out as it is",
            next=f"argosy approve {dataset.name}@NUMBER, without --refuse",
        )
    return str(accept(store, dataset, asked.number, home.actor(), reason, now))
