"""Triggers: what else than the time starts a run of a pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from argosy.spec import check
from argosy.spec.declared import Declared
from argosy.spec.limit import Name

if TYPE_CHECKING:
    from argosy.spec.dataset import Dataset
    from argosy.spec.fleet import Fleet
    from argosy.spec.pipeline import Pipeline

_LONGEST = 256

Subject = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": _LONGEST})]


class NewVersion(Declared, frozen=True, tag="new_version", tag_field="kind"):
    """A dataset has a version that it did not have."""

    dataset: Name

    def __post_init__(self) -> None:
        check.name("new_version.dataset", self.dataset)
        super().__post_init__()

    def __str__(self) -> str:
        return f"a new version of dataset {self.dataset}"


class Event(Declared, frozen=True, tag="event", tag_field="kind"):
    """An event of a kind was recorded: about `subject` or what is below it, or about anything.

    Below the fleet `late-arrival` is its member `late-arrival/JFK/AA`.
    """

    event: Name
    subject: Subject | None = None

    def __post_init__(self) -> None:
        check.name("event.kind", self.event)
        super().__post_init__()
        subject = self.subject
        if subject is not None and (not 0 < len(subject.rstrip("/")) <= _LONGEST or not subject.isprintable()):
            limit = f"the name of a dataset or fleet, or the address of a member, in {_LONGEST} printable characters"
            raise check.fail("event.subject", subject, limit, "write 'late-arrival', or leave it out for any")
        check.put(self, "subject", subject and subject.rstrip("/"))

    def matches(self, kind: str, subject: str) -> bool:
        """Whether an event of this kind, about this subject, is one."""
        below = self.subject is None or subject == self.subject or subject.startswith(f"{self.subject}/")
        return kind == self.event and below

    def __str__(self) -> str:
        return f"event {self.event}" + (f" of {self.subject}" if self.subject else "")


class After(Declared, frozen=True, tag="after", tag_field="kind"):
    """A run of another pipeline succeeded."""

    pipeline: Name

    def __post_init__(self) -> None:
        check.name("after.pipeline", self.pipeline)
        super().__post_init__()

    def __str__(self) -> str:
        return f"after pipeline {self.pipeline}"


Trigger = NewVersion | Event | After


def new_version(dataset: Dataset | str) -> NewVersion:
    """When a dataset, or the one of this name, has a new version."""
    return NewVersion(_name(dataset))


def event(kind: str, subject: Dataset | Fleet | str | None = None) -> Event:
    """When an event is recorded, such as `"promoted"` or `"alert.raised"` (see `argosy events`).

    With a `subject`, only of that dataset or fleet (and its members), or of the member at that address.
    """
    return Event(kind, _name(subject))


def after(pipeline: Pipeline | str) -> After:
    """When a run of another pipeline, or the one of this name, has succeeded."""
    return After(_name(pipeline))


def of(given: object, field: str = "on") -> tuple[Trigger, ...]:
    """Triggers, of which any one starts a run, from one or a list of them; in one order, however they were written.

    Raises DeclarationError for anything else, and for one that is named twice.
    """
    found = given if isinstance(given, (list, tuple)) else (given,)
    for each in found:
        noun = "a trigger, such as ag.new_version('flights'), ag.event('promoted') or ag.after('nightly')"
        check.instance(field, each, (NewVersion, Event, After), noun)
    check.distinct(field, map(str, found))
    return tuple(sorted(found, key=str))


def _name(given: Any) -> Any:
    """The name of a declaration; anything else is itself, for the trigger to check."""
    return given if given is None or isinstance(given, str) else getattr(given, "name", given)
