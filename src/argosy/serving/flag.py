"""Rows that do not fit what a fleet takes: refused, mended or let pass as the fleet declares, and flagged."""

from __future__ import annotations

from argosy.errors import InputError
from argosy.serving.batch import Batch
from argosy.serving.check import metadata_hint
from argosy.serving.routing import Endpoint


def examine(batch: Batch) -> None:
    """Impute in a batch what its fleet says, and say of each row what was found: `column:why`, joined by commas.

    Raises InputError that names the first row with a value that is to be refused.
    """
    endpoint = batch.endpoint
    said: dict[int, list[str]] = {}
    if endpoint.rules.missing == "impute":
        _complete(batch, said)
    for each in endpoint.guarded:
        values = batch.columns.get(each.name)
        found = each.domain.faults(values) if values is not None and each.domain is not None else {}
        if not found or values is None:
            continue
        if endpoint.rules.domain == "refuse":
            row = min(found)
            raise _outside(endpoint, each.name, row, values[row], found[row])
        if endpoint.rules.domain == "impute":
            batch.columns[each.name] = [each.fill if row in found else value for row, value in enumerate(values)]
        for row, why in found.items():
            if why != "null" or f"{each.name}:missing" not in said.get(row, ()):
                said.setdefault(row, []).append(f"{each.name}:{why}")
    if said:
        batch.flags = [",".join(said.get(row, ())) for row in range(batch.count)]


def _complete(batch: Batch, said: dict[int, list[str]]) -> None:
    for each in batch.endpoint.inputs:
        if not each.required or (each.name in batch.columns and each.name not in batch.lacking):
            continue
        rows = batch.lacking.get(each.name, range(batch.count))
        values = list(batch.columns.get(each.name, [None] * batch.count))
        for row in rows:
            values[row] = each.fill
            said.setdefault(row, []).append(f"{each.name}:missing")
        batch.columns[each.name] = values


def _outside(endpoint: Endpoint, name: str, row: int, value: object, why: str) -> InputError:
    return InputError(
        f"the input {name!r} of fleet {endpoint.fleet!r} holds {str(value)[:40]!r} in row {row}, outside of its domain "
        f"({why})",
        next=f"send a value that its contract allows; {metadata_hint(endpoint)}",
    )
