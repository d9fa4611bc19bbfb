"""What an export comes to: the text of a file, and what the target cannot do."""

from __future__ import annotations

import msgspec

from argosy.pipelines.export.order import Order


class Written(msgspec.Struct, frozen=True):
    """The text of a file; `notes` say what of the pipeline is not in it, each by the name of what is declared."""

    text: str
    notes: tuple[str, ...]


def head(order: Order, target: str, needs: tuple[str, ...], notes: tuple[str, ...]) -> str:
    """The comment that a file begins with: `#` before each line, whatever the notes hold."""
    lines = [
        f"Pipeline {order.pipeline.name} of Argosy, for {target}.",
        "Written by argosy export: change the pipeline and write it again. All that it does is to start argosy run.",
        *needs,
        *(f"Not in here: {each}" for each in notes),
    ]
    return "".join(f"# {_line(each)}\n" for each in lines)


def left_out(order: Order, target: str, asks: bool = True) -> tuple[str, ...]:
    """What no target takes over: triggers, and parameters whose default no text can give (where the target `asks`)."""
    known = {each.name for each in order.entries()} | set(order.given)
    closed = [each.name for each in order.pipeline.parameters if each.name not in known] if asks else []
    return (
        *(f"on '{each}'; {target} does not hear of it, argosy up does" for each in order.pipeline.on),
        *(f"parameter {each}; a text cannot give its default, so it stays as it is" for each in closed),
    )


def _line(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in " ".join(text.split()))
