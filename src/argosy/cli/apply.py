"""`argosy apply`: a project's declarations become facts."""

from __future__ import annotations

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.controller import apply as applying
from argosy.controller.apply import Difference
from argosy.controller.bundle import locate
from argosy.spec.quantity import plural

_SIGNS = {"add": "+", "change": "~", "remove": "-"}
_SHOWN = 6


def apply(project: str = ".", /, *, take_from: str | None = None, common: Common | None = None) -> int:
    """Record what a project declares, with its code, in one transaction.

    Doing it again changes nothing, but that another commit, which holds the same code, is recorded as applied. This
    imports the project's module, so its code runs. The home is made where it is missing.

    For example:
      argosy apply
      argosy apply flights.py
      argosy apply flights.py --home postgresql://argosy@db/argosy
      argosy apply delays.py --take-from flights    (the module was called flights.py)

    Parameters
    ----------
    project
        The module, the directory of one, or a package.
    take_from
        A project, by the name of its module, whose declarations pass to this one where it declares them too.
    """
    given = common or Common()
    module = locate(project)
    with home.open(given.home, module, create=True) as store:
        done = applying.apply(store, module, home.clock(store).now(), home.actor(), take_from)
        address = store.shown
    if given.json:
        show.emit(
            {"home": address, **{name: getattr(done, name) for name in ("project", "bundle", "differences", "files")}}
        )
        return 0
    for each in done.differences:
        show.put(*lines(each))
    code = f"{done.message}, recorded" if done.message else "nothing changed"
    what = f"{plural(len(done.differences), 'declaration')} recorded" if done.differences else code
    show.say(f"project {done.project}: {what} in {address}", *entering(done.files))
    if done.differences:
        show.say("  next: argosy plan, then argosy up")
    return 0


def entering(files: tuple[str, ...]) -> list[str]:
    """A line that names the files that enter a project's bundle, if there are any; what is secret may be among them."""
    shown = ", ".join(files[:_SHOWN]) + (f" and {len(files) - _SHOWN:,} more" if len(files) > _SHOWN else "")
    return [f"  new in its bundle: {shown}"] if files else []


def lines(difference: Difference) -> list[str]:
    """A difference as people read it: one line, and one for each field that changes."""
    head = f"{_SIGNS[difference.verb]} {difference.kind.replace('_', ' ')} {difference.name}"
    return [head, *(f"    {change}" for change in difference.changes)]
