"""The templates that set a model card, and how they write numbers and times."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from argosy.spec.quantity import plural


def render(template: str, card: object) -> str:
    """One of the templates beside this module, over a card."""
    return _environment().get_template(template).render(card=card)


def _number(value: float | None, digits: int = 4) -> str:
    return "—" if value is None else f"{value:.{digits}g}"


def _moment(value: datetime | None) -> str:
    return "—" if value is None else f"{value:%Y-%m-%d %H:%M}"


def _spent(cost: dict[str, float]) -> list[tuple[str, str]]:
    """What a version cost and costs, as names and values with their units, in the order in which people ask."""
    said = []
    if "cpu_s" in cost:
        wall = f", {_number(cost['wall_s'], 3)} s on the clock" if "wall_s" in cost else ""
        said.append(("Training", f"{_number(cost['cpu_s'], 3)} s of CPU{wall}"))
    if "peak_bytes" in cost:
        said.append(("Memory", f"{cost['peak_bytes'] / 1e6:,.0f} MB at most, in training"))
    if "latency_p99_ms" in cost:
        half = f", {_number(cost['latency_p50_ms'], 3)} ms for half of them" if "latency_p50_ms" in cost else ""
        said.append(("Latency", f"{_number(cost['latency_p99_ms'], 3)} ms for 99 of 100 single rows{half}"))
    if "size_kb" in cost:
        said.append(("Size", f"{_number(cost['size_kb'], 3)} kB"))
    return said


def _proof(largest: float) -> str:
    """How far the stored model is from the estimator that was fitted."""
    if not largest:
        return "answers as the estimator does, bit for bit"
    return f"differs from the estimator by at most {largest:.1e}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cell(value: object) -> str:
    """Text that keeps within one cell of a Markdown table."""
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("argosy.registry"), autoescape=lambda name: bool(name and name.endswith(".html")),
        trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined, keep_trailing_newline=True,
    )  # fmt: skip
    made.filters.update(
        number=_number, moment=_moment, cell=_cell, spent=_spent, proof=_proof, sentence=_sentence, plural=plural
    )  # fmt: skip
    return made
