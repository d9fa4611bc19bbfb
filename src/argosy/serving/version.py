"""Versions that a request names by their number, as the Open Inference Protocol does."""

from __future__ import annotations

from collections.abc import Sequence

from argosy.errors import InputError, UnknownError
from argosy.serving.routing import Assignment, Endpoint, Reason, VersionRef, assigned
from argosy.spec.fleet import POOLED


def numbered(endpoint: Endpoint, number: str) -> VersionRef:
    """The only version of that number that may answer some row; raises UnknownError where there is none, or several."""
    found = endpoint.numbers.get(number)
    if found is not None:
        return found
    if number in endpoint.numbers:
        raise UnknownError(
            f"several members of fleet {endpoint.fleet!r} have a version {number}",
            next=f"leave the version out: each row's key says whose it is, POST /v2/models/{endpoint.fleet}/infer",
        )
    some = ", ".join(sorted(addressed(endpoint))[:8]) or "none"
    raise UnknownError(
        f"no version {number[:20]!r} of fleet {endpoint.fleet!r} answers here (by number: {some})",
        next=f"argosy get versions --where fleet:{endpoint.fleet}",
    )


def addressed(endpoint: Endpoint) -> list[str]:
    """The numbers that name one version each."""
    return [number for number, ref in endpoint.numbers.items() if ref is not None]


def only(endpoint: Endpoint, version: VersionRef, keys: Sequence[str]) -> Assignment:
    """Every row to one version; raises InputError for a row of another member, unless the version is the pooled one."""
    own = version.address.rpartition("@")[0].removeprefix(endpoint.fleet).removeprefix("/")
    reason: Reason = "pooled" if own == POOLED else "own"
    if reason == "own" and (other := next((i for i, key in enumerate(keys) if key != own), None)) is not None:
        raise InputError(
            f"row {other} is of member {endpoint.fleet}/{keys[other]}, and the request asks version {version.address}",
            next=f"leave the version out, or send rows of {own or endpoint.fleet} only",
        )
    return assigned([version] * len(keys), [reason] * len(keys))
