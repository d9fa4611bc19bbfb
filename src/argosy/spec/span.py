"""A span: a stretch of time, from its start up to, not including, its stop."""

from __future__ import annotations

from datetime import UTC, datetime

from argosy.spec import check
from argosy.spec.declared import Declared


class Span(Declared, frozen=True, order=True):
    """The moments t with start <= t < stop, both in UTC, and start < stop.

    A bound in another zone becomes the same moment in UTC; one without a zone is refused. `str` gives what `parse`
    reads. Raises DeclarationError.
    """

    start: datetime
    stop: datetime

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in ("start", "stop"):
            check.put(self, field, _utc(f"Span.{field}", getattr(self, field)))
        if self.start >= self.stop:
            raise check.fail("Span.stop", _show(self.stop), f"after its start, {_show(self.start)}", "move one of them")

    @classmethod
    def parse(cls, text: str, field: str = "span") -> Span:
        """`"2013-01-01/2013-02-01"` as a span: two ISO dates or times, UTC where they name no zone."""
        check.instance(field, text, str, "a text such as '2013-01-01/2013-02-01'")
        start, _, stop = text.partition("/")
        try:
            bounds = [datetime.fromisoformat(bound.strip()) for bound in (start, stop)]
        except ValueError:
            limit = "two ISO dates or times with a '/' between, the start and the stop"
            raise check.fail(field, text, limit, "write '2013-01-01/2013-02-01'") from None
        return cls(*(bound if bound.tzinfo else bound.replace(tzinfo=UTC) for bound in bounds))

    def __str__(self) -> str:
        """`2013-01-01/2013-02-01`: each bound a date where it is a midnight, else a time as short as it may be."""
        return f"{_show(self.start)}/{_show(self.stop)}"


def _utc(field: str, at: datetime) -> datetime:
    if at.tzinfo is None:
        raise check.fail(field, at.isoformat(), "a time with a zone", "write datetime(..., tzinfo=UTC)")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        limit = f"between {_show(datetime.min)} and {_show(datetime.max)}"
        raise check.fail(field, at.isoformat(), limit, "move it") from None


def _show(at: datetime) -> str:
    day, _, time = at.replace(tzinfo=None).isoformat().partition("T")
    short = time.removesuffix(":00")
    return day if short == "00:00" else f"{day}T{short}Z"
