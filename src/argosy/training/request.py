"""What is asked of training, and what it answers."""

from __future__ import annotations

from typing import Any

import msgspec

from argosy.model.signature import Signature
from argosy.spec.fleet import Fleet
from argosy.training.rows import Member, Source


class TrainRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Train members of a fleet on a training set.

    `members` indexes the whole training set, `data` reads it. `only` names the members to train (None: all of them),
    `pooled` says whether the pooled model is among them, if the fleet has one. `code` is the digest of the project's
    code that the fleet reaches, `environment` that of the installed libraries, `bundle` the code's address. `inputs`
    are (kind, reference) of what was read: dataset versions, the training set, feature views.
    """

    fleet: Fleet
    signature: Signature
    members: tuple[Member, ...]
    data: Source
    code: str
    environment: str
    bundle: str | None = None
    inputs: tuple[tuple[str, str], ...] = ()
    only: frozenset[str] | None = None
    pooled: bool = True


class TrainReport(msgspec.Struct, frozen=True):
    """What a call did, by member key ("*" is the pooled model).

    `versions` maps to the id of the new version, `failed` and `fallbacks` to the reason, `unchanged` to the key of the
    task that was done before. `settings` are the tuned ones. `cpu_s` was spent in workers.
    """

    versions: dict[str, int]
    failed: dict[str, str]
    fallbacks: dict[str, str]
    unchanged: dict[str, str]
    settings: dict[str, list[dict[str, Any]]]
    cpu_s: float
