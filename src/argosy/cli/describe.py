"""`argosy describe`: all that is known of one thing."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.cli import account, home, show
from argosy.cli.get import TRACKED, plural
from argosy.cli.option import Common
from argosy.errors import UnknownError
from argosy.spec.expression import Expression
from argosy.spec.quantity import plural as number
from argosy.store import contracts, declarations, findings, mask, resources
from argosy.store.tracking import identity

_DATASETS, _VERSIONS, _CONTRACTS = "datasets", "dataset-versions", "contracts"
_MODELS, _FLEETS, _PIPELINES, _RUNS = "versions", "fleets", "pipelines", "runs"
_EXPERIMENTS = "experiments"
_FINDINGS = ("version", "rule", "column", "outcome", "rows", "message", "examples")


def describe(kind: str, name: str, /, *, common: Common | None = None) -> int:
    """Show what is known of one thing: of a version its card, of others every field. --json holds all of it, uncut.

    For example:
      argosy describe member late-arrival/JFK/AA
      argosy describe version late-arrival/JFK/AA@7
      argosy describe dataset flights             (or flights@12, one of its versions)
      argosy describe contract flights
      argosy describe statistics flights@12 --json
      argosy describe pipeline nightly
      argosy describe run 12                      (or 3f2a91c0, a tracked one)
      argosy describe model late                  (a registered one: its aliases and versions)
      argosy describe execution 17 --json
      argosy describe artifact 5d45b018

    Parameters
    ----------
    kind
        What it is: member, version, fleet, dataset, contract, pipeline, run, model, execution, artifact, ...
    name
        Its name, address, number or digest, of which the beginning is enough for an artifact.
    """
    given = common or Common()
    kind = plural(kind)
    kind = _VERSIONS if kind == _DATASETS and "@" in name else kind
    with home.look(given.home, tracked=kind in TRACKED or (kind == _RUNS and identity.is_one(name))) as (store, conn):
        if account.tell(conn, kind, name, json=given.json):
            return 0
        try:
            found = resources.get(conn, kind, name)
        except UnknownError as error:
            raise (_empty(conn, name) if kind == _DATASETS else None) or error from None
        if kind == _DATASETS:
            found = _dataset(conn, found, home.clock(store).now())
        elif kind == _VERSIONS:
            found["findings"] = _found(conn, found["dataset"], found["number"])
        elif kind == _CONTRACTS:
            found["proposal"] = _proposal(found)
        elif kind == _FLEETS:
            from argosy.cli import declared  # it needs Polars, which other kinds do not

            found["declares"] = declared.fleet(conn, name)
        elif kind == _PIPELINES:
            found = _pipeline(conn, found, home.clock(store).now())
        elif kind == _MODELS and not given.json:
            from argosy.cli import card  # it needs Jinja, which other kinds do not

            show.markdown(card.markdown(conn, store, f"{found['address']}@{found['number']}"))
            show.say(f"  next: argosy describe version {shlex.quote(name)} --json, for every field")
            return 0
    if given.json:
        show.emit(found)
        return 0
    proposal = found.pop("proposal", "")
    show.put(*show.tree(_legible(found) if kind == _CONTRACTS else found))
    if proposal:
        show.put("", "# what the first rows would allow beyond it, to be curated in the ag.Dataset", proposal)
    if next := _next(kind, name, found):
        show.say(f"  next: {next}")
    return 0


def _next(kind: str, name: str, found: dict[str, Any]) -> str:
    """What leads on from a thing, where something does."""
    if kind == _EXPERIMENTS:
        return f"argosy runs --experiment {shlex.quote(found['name'])}"
    if found.get("contract") and kind == _DATASETS:
        return f"argosy describe contract {name}, for its rules and what the first rows would allow"
    return ""


def _dataset(conn: Connection, item: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A dataset with how it stands, the number of its contract, what its source dropped and which rules and references
    are not asked for it, and its newest findings."""
    from argosy.cli import status  # it needs Polars, which other kinds do not
    from argosy.data.terms import Terms

    (found,) = status.of_datasets(conn, [item], now)
    contract = contracts.current(conn, item["name"])
    found["contract"] = contract.number if contract else None
    terms = msgspec.convert(contract.body, Terms) if contract else Terms()
    found["dropped"], found["not asked"] = list(terms.dropped), terms.unasked()
    found["findings"] = _repeated(conn, item["name"])
    return found


def _pipeline(conn: Connection, item: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A pipeline with what starts it, when it runs next, whether it is paused, and how its last run went."""
    from argosy.cli import status  # it needs Polars, which other kinds do not

    (found,) = status.of_pipelines(conn, [item], now)
    return found


def _repeated(conn: Connection, dataset: str) -> list[dict[str, Any]]:
    """What was found wrong with the rows of a dataset, what is alike in several versions as one, the newest first."""
    tags = declarations.tags(conn, [dataset]).get(dataset, {})
    return [
        {
            "rule": each.latest.rule, "column": each.latest.column, "outcome": each.latest.outcome,
            "found": f"in {number(each.versions, 'version')} since v{each.first}, {number(each.rows, 'row')}",
            "version": each.latest.version, "rows": each.latest.rows, "message": each.latest.message,
            "examples": mask.rows(each.latest.examples, tags),
        }
        for each in findings.repeated(conn, dataset)
    ]  # fmt: skip


def _found(conn: Connection, dataset: str, version: int) -> list[dict[str, Any]]:
    """What was found wrong with the rows of a version of a dataset, each with some of them, the newest first."""
    found = resources.page(conn, "findings", f'dataset:"{dataset}" version:{version}', limit=1000).items
    return [{name: each[name] for name in _FINDINGS} for each in found]


def _legible(value: Any) -> Any:
    """A contract with its expressions as text."""
    if isinstance(value, dict):
        if value.keys() == {"polars"}:
            return str(Expression(**value).expr())
        return {key: _legible(each) for key, each in value.items()}
    return [_legible(each) for each in value] if isinstance(value, list) else value


def _proposal(item: dict[str, Any]) -> str:
    """What the first rows would allow beyond a contract, as Python."""
    from argosy.data.proposal import proposal
    from argosy.data.terms import Terms

    return proposal(msgspec.convert(item["body"], Terms))


def _empty(conn: Connection, name: str) -> UnknownError | None:
    """What to say of a dataset that is declared and has no version; None for another."""
    from argosy.controller import supply  # it needs Polars, which what is there does not
    from argosy.controller.wanted import wanted

    declared = wanted(conn)
    if ("dataset", name) not in declared:
        return None
    lack = supply.lacks(conn, declared, [name], ()).get(name)
    says, next = (f": {lack.says}", lack.next) if lack else ("", f"argosy why {name}")
    return UnknownError(f"dataset {name} has no version yet{says}", next=next)
