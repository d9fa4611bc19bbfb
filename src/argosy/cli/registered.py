"""What `argosy describe model` tells of a registered model: its aliases, and its versions with the runs they are of."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection

from argosy.cli import show
from argosy.cli.course import cut
from argosy.cli.section import lines, pairs
from argosy.errors import UnknownError
from argosy.spec.quantity import plural
from argosy.store import resources
from argosy.store.models import aliases, registered, search
from argosy.store.models.registered import Registered
from argosy.store.models.versions import NONE, Version
from argosy.store.tracking import identity, labels
from argosy.store.tracking.changes import MODEL, VERSION
from argosy.store.tracking.clause import Clause, Order

_MOST, _ALL, _LONGEST = 30, 1000, 100
_NEWEST = Order("attribute", "version_number", ascending=False)


def tell(conn: Connection, name: str, *, json: bool) -> None:
    """Print what is known of a model and its newest versions. Raises UnknownError; one in the trash says so."""
    model = registered.find(conn, name)
    if model is None:
        raise _absent(conn, name)
    mine = Clause("attribute", "name", "=", model.name)
    found = search.of_versions(conn, [mine], [_NEWEST], limit=_ALL if json else _MOST).items
    pointed = aliases.of(conn, [model.id]).get(model.id, {})
    tags = labels.of(conn, MODEL, [model.entity]).get(model.entity, {})
    tagged = labels.of(conn, VERSION, [each.entity for each in found])
    if json:
        editions = [
            {
                "number": each.number, "description": each.description, "stage": each.stage, "source": each.source,
                "run": each.run, "logged": each.logged, "owner": each.owner, "at": each.at,
                "tags": tagged.get(each.entity, {}),
            }
            for each in found
        ]  # fmt: skip
        known = resources.get(conn, "models", name)
        show.emit({**known, "aliases": pointed, "tags": tags, "editions": editions})
        return
    shorts = identity.shorts(conn, [each.run for each in found if each.run])
    show.put(
        *_head(model), *pairs("aliases", [(alias, f"version {number}") for alias, number in pointed.items()], _MOST)
    )
    show.put(*pairs("tags", [(key, _line(value)) for key, value in tags.items()], _MOST))
    show.put(*lines("versions", [_edition(each, shorts, tagged.get(each.entity, {})) for each in found], _MOST))
    if found and found[-1].number > 1 and len(found) == _MOST:
        show.put("  … those before (--json has them)")
    show.say(f"  next: argosy history model {shlex.quote(name)}")


def _head(model: Registered) -> Iterator[str]:
    yield f"model {model.name}: {plural(model.versions, 'version')}"
    yield f"  made     {show.text(model.at)} UTC"
    yield f"  changed  {show.text(model.updated_at)} UTC"
    if model.description:
        yield f"  about    {_line(model.description)}"


def _edition(each: Version, shorts: Mapping[str, str], tags: Mapping[str, str]) -> str:
    """A version in a line."""
    run = [f"run {shorts.get(each.run, each.run)}"] if each.run else []
    stage = [each.stage] if each.stage != NONE else []
    tagged = [f"{key}={_line(value)}" for key, value in tags.items()]
    about = [_line(each.description)] if each.description else []
    told = [show.text(each.at), *run, *stage, each.logged or each.source, *tagged, *about]
    return f"{each.number}  {', '.join(told)}"


def _line(text: str) -> str:
    return cut(" ".join(text.split()), _LONGEST)


def _absent(conn: Connection, name: str) -> UnknownError:
    if registered.trashed(conn, name):
        return UnknownError(f"model {name!r} is in the trash", next=f"argosy restore model {shlex.quote(name)}")
    return UnknownError(f"there is no model {name!r}", next="argosy get models, or argosy get members, of fleets")
