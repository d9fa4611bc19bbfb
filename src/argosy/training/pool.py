"""The pooled model: one over the rows of all members, with the key columns as features, fitted as a member is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from argosy.model.signature import Signature
from argosy.spec import duration
from argosy.training import recode, rows
from argosy.training.fit import Job, Rival, trained
from argosy.training.outcome import Fitted, NoModel
from argosy.training.rows import Block, Member

ROWS = 500_000
"""The most rows that a pooled model learns from, and the most it is scored on; above that, every member is thinned."""


def fit(job: Job, members: Sequence[Member], champion: Rival | None) -> Fitted | NoModel:
    """Train the pooled model. Rows that are held out of a member are held out here as well."""
    signature = extended(job, members)
    train, held = gather(job, members, signature, ROWS)
    return trained(job, train, held, signature, {}, {} if champion is None else {"champion": champion})


def extended(job: Job, members: Sequence[Member]) -> Signature:
    """The fleet's signature with the key columns as categories, unless they are features already."""
    keys = [rows.values(member.key) for member in members]
    return recode.extended(job.signature, {
        column: tuple(key[index] for key in keys if index < len(key)) for index, column in enumerate(job.fleet.by)
    })  # fmt: skip


def gather(job: Job, members: Sequence[Member], signature: Signature, limit: int) -> tuple[Block, Block]:
    """The rows of all members before and after each one's own held-out cut, by time.

    Above `limit` rows each member keeps its share, evenly spaced over its time.
    """
    test = duration.parse(job.fleet.split.test)
    share = min(1.0, limit / max(1, sum(member.rows for member in members)))
    early: list[Block] = []
    late: list[Block] = []
    for member in members:
        data = rows.read(job.data, member)
        cut = rows.held_out(data.times, test)
        constants = dict(zip(job.fleet.by, rows.values(member.key), strict=False))
        for part, into in ((data.take(slice(0, cut)), early), (data.take(slice(cut, None)), late)):
            some = _thinned(part, share)
            into.append(some._replace(matrix=recode.recode(some.matrix, job.signature, signature, constants)))
    return _joined(early), _joined(late)


def _thinned(data: Block, share: float) -> Block:
    size = len(data.labels)
    kept = round(size * share)
    return data if kept >= size else data.take(np.linspace(0, size - 1, kept).astype(np.int64))


def _joined(parts: list[Block]) -> Block:
    groups = [part.groups for part in parts if part.groups is not None]
    return Block(
        np.concatenate([part.matrix for part in parts]), np.concatenate([part.labels for part in parts]),
        np.concatenate([part.times for part in parts]), np.concatenate(groups) if groups else None,
    ).ordered()  # fmt: skip
