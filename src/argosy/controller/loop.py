"""The loop: observe, plan, act, until nothing is left to do; it may be killed, run twice, or run late."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import msgspec

from argosy.controller import freshness, leftover, survey, tenure
from argosy.controller.act import finish, gate, ingest, materialise, record, train, watch
from argosy.controller.action import Action, Finish, Gate, Ingest, Materialise, Record, Train, Watch, headline
from argosy.controller.clock import Clock, SystemClock
from argosy.controller.house import House
from argosy.controller.observe import Snapshot
from argosy.controller.plan import Plan, plan
from argosy.engine.contract import Progress
from argosy.errors import ArgosyError, CapacityError, ConflictError, LeaseError
from argosy.store import events

_PASSES = 20
_AGAIN = timedelta(hours=1)
_LOG = logging.getLogger("argosy.controller")


class Done(msgspec.Struct, frozen=True):
    """An action that was carried out: what happened in words, or why it failed, and how long it took."""

    action: Action
    said: str
    failed: bool
    wall_s: float
    cpu_s: float


OnDone = Callable[[Done], None]
OnProgress = Callable[[Action, Progress], None]


def tick(
    house: House,
    now: datetime,
    *,
    only: tuple[type, ...] | None = None,
    on_done: OnDone | None = None,
    on_progress: OnProgress | None = None,
) -> list[Done]:
    """Do everything that is due at `now`, phase by phase, each planned on a fresh snapshot.

    `only` limits it to some kinds of actions. An action that fails is recorded as an event and not tried again in this
    call; the others go on. Raises nothing for a failing action.
    """
    done: list[Done] = []
    given_up: set[str] = set()
    snapshot: Snapshot | None = None
    taken: set[str] = set()
    for _ in range(_PASSES):
        snapshot = survey.observe(house, now, snapshot, taken)
        todo = _phase(plan(snapshot, now), only, given_up)
        if not todo:
            freshness.tell(house, snapshot, now)
            break
        taken = {action.dataset for action in todo if isinstance(action, Ingest)}
        for action in todo:
            result = _carry_out(house, snapshot, action, now, on_progress)
            if result is None or result.failed or result.said == _told(done, action):
                given_up.add(action.subject)
            if result is not None:
                done.append(result)
                if on_done is not None:
                    on_done(result)
    return done


def run(house: House, clock: Clock, stop: Event, *, every: float = 2.0, on_done: OnDone | None = None) -> None:
    """Tick until `stop` is set, waiting `every` seconds between ticks. A tick that fails as a whole is logged.

    Before the first one, it clears away what processes that were killed had begun to write.
    """
    _sweep(house)
    while not stop.is_set():
        try:
            tick(house, clock.now(), on_done=on_done)
        except ArgosyError as error:
            _LOG.error("%s", error)
        except Exception:  # the project's code and files are looked at: what they raise must not end the loop
            _LOG.exception("a pass of the controller failed")
        stop.wait(every)


def _sweep(house: House) -> None:
    try:
        gone = leftover.remove(leftover.find(house.store, SystemClock().now()))  # files bear the machine's own time
    except (ArgosyError, OSError) as error:
        _LOG.error("what killed processes left behind was not cleared away: %s", error)
        return
    if gone:
        _LOG.info("cleared away %d unfinished writes of %d bytes", len(gone), sum(each.bytes for each in gone))


def _phase(planned: Plan, only: tuple[type, ...] | None, given_up: set[str]) -> tuple[Action, ...]:
    """The earliest phase with something to do that was not given up and is asked for."""
    actions = tuple(a for a in planned.actions if a.subject not in given_up and (only is None or isinstance(a, only)))
    return Plan(planned.at, actions).next


def _told(done: list[Done], action: Action) -> str | None:
    """What the same action said before in this tick: saying it again means that it changes nothing."""
    return next((each.said for each in reversed(done) if each.action == action), None)


def _carry_out(
    house: House, snapshot: Snapshot, action: Action, now: datetime, on_progress: OnProgress | None
) -> Done | None:
    """Run one action under its lease; None where another process holds it, or has just done it."""
    started, cpu = time.monotonic(), time.process_time()
    with tenure.hold(house.store, action.subject) as lease:
        if lease is None:
            return None
        if not house.take(lease):
            taken = {action.dataset} if isinstance(action, Ingest) else ()
            snapshot = survey.observe(house, now, snapshot, taken)
            due = next((a for a in plan(snapshot, now).actions if _same(a, action)), None)
            if due is None:
                return None
            action = due
        try:
            said, failed = _attempt(house, snapshot, action, now, on_progress)
        except LeaseError as error:
            said, failed = f"left to another process: {error.message}", True
            _LOG.warning("%s: %s", headline(action), said)
    return Done(action, said, failed, time.monotonic() - started, time.process_time() - cpu)


def _attempt(
    house: House, snapshot: Snapshot, action: Action, now: datetime, on_progress: OnProgress | None
) -> tuple[str, bool]:
    """What an action said, and whether it failed, which is recorded. Raises LeaseError where the lease was lost."""
    try:
        return _act(house, snapshot, action, now, on_progress), False
    except LeaseError:
        raise
    except ArgosyError as error:
        said = str(error)
    except Exception as error:  # the project's own code runs in here: it must not stop the fleet
        notes = "".join(f", {note}" for note in getattr(error, "__notes__", ()))
        said = f"{type(error).__name__}: {error}{_where(error, house.places.bundles)}{notes}"
        _LOG.exception("%s failed", headline(action))
    try:
        _report(house, action, said, now)
    except LeaseError:
        raise
    except (CapacityError, ConflictError) as error:  # a store that is full or busy takes no report either
        _LOG.error("%s failed and left no event, for %s: %s", headline(action), error.message, said)
    return said, True


def _same(a: Action, b: Action) -> bool:
    return type(a) is type(b) and a.subject == b.subject


def _act(house: House, snapshot: Snapshot, action: Action, now: datetime, on_progress: OnProgress | None) -> str:
    match action:
        case Ingest():
            return ingest.run(house, snapshot, action, now)
        case Materialise():
            return materialise.run(house, snapshot, action, now)
        case Record():
            return record.run(house, snapshot, action, now)
        case Watch():
            return watch.run(house, snapshot, action, now)
        case Finish():
            return finish.run(house, snapshot, action, now)
        case Gate():
            return gate.run(house, snapshot, action, now)
        case Train():
            told = None if on_progress is None else lambda progress: on_progress(action, progress)
            return train.run(house, snapshot, action, now, told).said
        case _:
            return action.why


def _where(error: Exception, bundles: Path) -> str:
    """The line of the project's own code that an error passed last, where it did: ` (flights.py line 93, in name)`."""
    frames = [
        (Path(frame.filename), frame.lineno, frame.name)
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(bundles)
    ]
    if not frames:
        return ""
    file, line, name = frames[-1]
    return f" ({'/'.join(file.relative_to(bundles).parts[1:])} line {line}, in {name})"


def _report(house: House, action: Action, said: str, now: datetime) -> None:
    """Record a failure, once an hour as long as it stays the same: the loop may try again every few seconds.

    What failed under a lost lease is for nobody to mend: its owner does the work again. It raises LeaseError.
    """
    event = events.NewEvent(
        at=now, kind="failed", subject=action.subject, actor=house.actor, message=f"{headline(action)}: {said}"
    )
    with house.write(action.subject) as tx:
        last = next(iter(events.of_subject(tx, action.subject, limit=1)), None)
        if last is None or (last.kind, last.message) != (event.kind, event.message) or last.at <= now - _AGAIN:
            events.add(tx, [event])
