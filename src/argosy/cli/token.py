"""`argosy token`: who may ask the servers of a home."""

from __future__ import annotations

from typing import Literal

from argosy.cli import home, show
from argosy.cli.option import Common
from argosy.controller.clock import SystemClock
from argosy.errors import UsageError
from argosy.server import secret
from argosy.spec import duration
from argosy.store import tokens
from argosy.store.store import Store

_NEVER = "never"
_USUAL = "90d"
_MAY = {secret.VIEWER: "look", secret.CALLER: "ask for predictions", secret.ADMIN: "look, ask and write"}


def token(
    verb: Literal["list", "create", "revoke"] = "list", name: str | None = None, /, *,
    role: Literal["viewer", "caller", "admin"] | None = None, expires: str | None = None, common: Common | None = None,
) -> int:  # fmt: skip
    """List, make or end the tokens that open the servers of a home. Each change is an event.

    A token is printed once, when it is made; the home keeps its SHA-256 only.

    For example:
      argosy token
      argosy token create dashboard                    (may look, for 90 days)
      argosy token create shop --role caller           (may ask for predictions, and for nothing else)
      argosy token create ci --role admin --expires 7d
      argosy token revoke dashboard

    Parameters
    ----------
    verb
        What to do.
    name
        What the token is called: writes are recorded under this name. `revoke` takes the beginning of a digest too.
    role
        viewer may look, caller may ask the inference server for predictions, admin may do all. Default: viewer.
    expires
        How long it holds, as 12h or 90d, or never. Default: 90d.
    """
    given = common or Common()
    if verb != "create" and (role is not None or expires is not None):
        raise UsageError(f"argosy token {verb} takes neither --role nor --expires", next="argosy token create NAME")
    if (name is None) != (verb == "list"):
        raise UsageError(
            f"argosy token {verb} takes {'no name' if verb == 'list' else 'a name'}", next="argosy token --help"
        )
    with home.open(given.home) as store:
        if name is None:
            _list(store, json=given.json)
        elif verb == "create":
            _create(store, name, role or secret.VIEWER, expires or _USUAL, json=given.json)
        else:
            _revoke(store, name, json=given.json)
    return 0


def _list(store: Store, *, json: bool) -> None:
    """Tokens run on the machine's time, whatever the home's clock: a replay must not revive one."""
    now = SystemClock().now()
    with store.read() as conn:
        found = tokens.each(conn)
    if json:
        show.emit({"items": [{**_plain(each), "state": each.state(now)} for each in found]})
    elif found:
        rows = [
            (t.name, t.role, t.state(now), t.at, t.revoked_at or t.expires_at or _NEVER, t.digest[:8]) for t in found
        ]
        show.table(("name", "role", "state", "made", "ends", "digest"), rows)
    else:
        show.say("no tokens yet; argosy up makes its own")


def _create(store: Store, name: str, role: str, expires: str, *, json: bool) -> None:
    now = SystemClock().now()
    lifetime = None if expires == _NEVER else duration.parse(expires, "expires")
    text = secret.issue(
        store, name, role, now, lifetime, actor=home.actor(), at=home.clock(store).now(), alone=True
    )  # fmt: skip
    ends = None if lifetime is None else now + lifetime
    if json:
        show.emit({"token": text, "name": name, "role": role, "expires_at": ends, "digest": secret.digest(text)})
        return
    show.put(text)
    until = "no expiry" if ends is None else f"until {show.text(ends)} UTC"
    show.say(f"{name} may {_MAY[role]}, {until}. It is not shown again.")


def _revoke(store: Store, which: str, *, json: bool) -> None:
    ended = secret.revoke(store, which, SystemClock().now(), actor=home.actor(), at=home.clock(store).now())
    said = f"{ended.name} ({ended.digest[:12]}) opens nothing any more"
    show.emit({"done": said, "digest": ended.digest}) if json else show.say(said)


def _plain(token: tokens.Token) -> dict[str, object]:
    return {field: getattr(token, field) for field in token.__struct_fields__}
