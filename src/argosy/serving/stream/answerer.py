"""From messages to what becomes of them: rows of many are checked, routed, scored and recorded as one batch."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from argosy.errors import ArgosyError, CapacityError
from argosy.serving.routing import Endpoint
from argosy.serving.score import Scorer
from argosy.serving.stream.merge import Shape, merged, shape, split
from argosy.serving.stream.message import Message, Outcome
from argosy.serving.stream.rows import Asked, read

_LOG = logging.getLogger("argosy.serving")


class Answerer:
    """Answers messages of at most `most_bytes` each. For one thread at a time.

    A message that cannot be answered costs no other: where a batch fails, its halves are answered in their turn.
    """

    def __init__(self, scorer: Scorer, most_bytes: int) -> None:
        self._scorer, self._most = scorer, most_bytes

    def answer(self, endpoint: Endpoint, messages: Sequence[Message]) -> list[Outcome]:
        """What became of each message, in their order. Raises CapacityError where answers cannot be recorded now."""
        found: dict[str, Outcome] = {}
        groups: dict[Shape, list[Asked]] = {}
        for message in messages:
            asked = self._read(endpoint, message)
            if isinstance(asked, Outcome):
                found[message.id] = asked
            else:
                groups.setdefault(shape(asked.batch), []).append(asked)
        for group in groups.values():
            found |= {each.message.id: each for each in self._score(group)}
        return [found[message.id] for message in messages]

    def _read(self, endpoint: Endpoint, message: Message) -> Asked | Outcome:
        if len(message.body) > self._most:
            reason = f"the message has {len(message.body):,} bytes, above the limit of {self._most:,}"
            return Outcome(message, b"", reason=reason)
        try:
            return read(message, endpoint)
        except Exception as error:
            return _refused(message, error)

    def _score(self, group: Sequence[Asked]) -> list[Outcome]:
        batches = [each.batch for each in group]
        try:
            plan = self._scorer.plan(merged(batches))
            answers = list(split(self._scorer.answer(plan), batches))
            told = [each.render(answer) for each, answer in zip(group, answers, strict=True)]
        except CapacityError:
            raise
        except Exception as error:
            if len(group) == 1:
                return [_refused(group[0].message, error)]
            half = len(group) // 2
            return self._score(group[:half]) + self._score(group[half:])
        return [Outcome(e.message, body, e.batch.count) for e, body in zip(group, told, strict=True)]


def _refused(message: Message, error: Exception) -> Outcome:
    if isinstance(error, ArgosyError):
        return Outcome(message, message.body, reason=str(error))
    _LOG.error("message %s failed", message.id, exc_info=error)  # a defect of ours must not stop the stream
    return Outcome(message, message.body, reason=f"{type(error).__name__}: {str(error)[:500]}")
