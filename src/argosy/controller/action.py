"""Actions: what the controller would do, as data. A plan is a list of them; it is printed, explained and executed."""

from __future__ import annotations

from datetime import datetime

import msgspec

from argosy.spec.quantity import plural

_SHOWN = 3


class _Action(msgspec.Struct, frozen=True, tag_field="action"):
    """Something to do; `why` is the reason in words.

    Each has a `subject`: what it is about, and the name of the lease that it runs under.
    """


class Ingest(_Action, frozen=True, tag="ingest"):
    """Read new rows of a dataset from its source, check them, and commit a version."""

    dataset: str
    why: str

    @property
    def subject(self) -> str:
        """The dataset."""
        return f"dataset:{self.dataset}"


class Materialise(_Action, frozen=True, tag="materialise"):
    """Compute a view's new rows up to a version of its dataset, for training and for the online store."""

    view: str
    version: int
    why: str

    @property
    def subject(self) -> str:
        """The view."""
        return f"view:{self.view}"


class Record(_Action, frozen=True, tag="record"):
    """Take the inference servers' segments of recorded predictions into the fleet's predictions dataset."""

    fleet: str
    why: str

    @property
    def subject(self) -> str:
        """The fleet's predictions."""
        return f"predictions:{self.fleet}"


class Watch(_Action, frozen=True, tag="watch"):
    """Fill windows, measure drift and live performance, raise and resolve alerts."""

    fleet: str
    why: str

    @property
    def subject(self) -> str:
        """The fleet's windows."""
        return f"watch:{self.fleet}"


class Group(msgspec.Struct, frozen=True):
    """Members of a fleet that share a cause."""

    cause: str
    members: tuple[str, ...]


class Train(_Action, frozen=True, tag="train"):
    """Train members; those whose rows, features, code and parameters did not change are not fitted again."""

    fleet: str
    groups: tuple[Group, ...]
    pooled: bool
    why: str
    revision: int

    @property
    def subject(self) -> str:
        """The fleet."""
        return f"fleet:{self.fleet}"

    @property
    def members(self) -> tuple[str, ...]:
        """Every member to train, the pooled model left out."""
        return tuple(member for group in self.groups for member in group.members)


class Gate(_Action, frozen=True, tag="gate"):
    """Ask the gates about new versions and start the rollout of those that pass."""

    fleet: str
    versions: tuple[int, ...]
    why: str

    @property
    def subject(self) -> str:
        """The fleet."""
        return f"fleet:{self.fleet}"


class Finish(_Action, frozen=True, tag="finish"):
    """End rollouts: promote those that held, roll back those that did worse.

    Canaries that held and have another step go on: `widen` has the ids of their versions, each with its next share.
    """

    fleet: str
    promote: tuple[int, ...]
    roll_back: tuple[int, ...]
    why: str
    widen: tuple[tuple[int, float], ...] = ()

    @property
    def subject(self) -> str:
        """The fleet."""
        return f"fleet:{self.fleet}"


class Start(_Action, frozen=True, tag="start"):
    """Start a run of a pipeline that is due: for its scheduled time, if any, and about a span, if it takes one.

    The runs that it `replaces` are cancelled.
    """

    pipeline: str
    why: str
    due_at: datetime | None = None
    span: str | None = None
    replaces: tuple[int, ...] = ()

    @property
    def subject(self) -> str:
        """The pipeline."""
        return f"pipeline:{self.pipeline}"


class Wait(_Action, frozen=True, tag="wait"):
    """Nothing to do but wait: for a person, for data, for a retry, or for the next training. It says for whom."""

    about: str
    members: tuple[str, ...]
    why: str
    until: datetime | None = None

    @property
    def subject(self) -> str:
        """What is waited for."""
        return self.about


Action = Ingest | Materialise | Record | Watch | Train | Gate | Finish | Start | Wait


def headline(action: Action) -> str:
    """The action in one line, without its reason."""
    match action:
        case Ingest(dataset=dataset):
            return f"ingest {dataset}"
        case Materialise(view=view, version=version):
            return f"materialise {view} up to version {version} of its dataset"
        case Record(fleet=fleet):
            return f"record predictions of {fleet}"
        case Watch(fleet=fleet):
            return f"watch {fleet}"
        case Train(fleet=fleet, pooled=pooled):
            members = action.members
            parts = ["the pooled model"] * pooled + ([_count(members)] if members else [])
            return f"train {' and '.join(parts)} of {fleet}"
        case Gate(fleet=fleet, versions=versions):
            return f"ask the gates about {plural(len(versions), 'new version')} of {fleet}"
        case Finish(fleet=fleet, promote=promote, roll_back=back, widen=wider):
            more = f", widen {len(wider)}" if wider else ""
            return f"end rollouts of {fleet}: promote {len(promote)}, roll back {len(back)}{more}"
        case Start(pipeline=pipeline, span=span):
            return f"start {pipeline}" + (f" for {span}" if span else "")
        case Wait(about=about):
            return f"wait: {about}"


def _count(members: tuple[str, ...]) -> str:
    if len(members) <= _SHOWN:
        return ", ".join(members)
    return f"{plural(len(members), 'member')} ({', '.join(members[:_SHOWN])}, …)"
