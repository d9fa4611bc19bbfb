"""What a blob holds: the parts of datasets and the models of versions whose bytes lie in it."""

from __future__ import annotations

from sqlalchemy import Connection, literal, select, union_all

from argosy.store import schema

_SHOWN = 3


def held(conn: Connection, digest: str) -> str:
    """What would be lost with a blob, in words: `part of orders@3`; one query. Empty where nothing known is in it."""
    part, version, member, artifact = schema.part.c, schema.version.c, schema.member.c, schema.artifact.c
    packed = select(artifact.digest).where(artifact.pack == digest)
    parts = select(
        literal("part").label("kind"), part.dataset.label("name"), literal("").label("key"),
        part.from_version.label("number"),
    ).where(part.digest == digest)  # fmt: skip
    models = (
        select(literal("model"), version.fleet, member.key, version.number)
        .join_from(schema.version, schema.member, member.id == version.member_id)
        .where((version.artifact == digest) | version.artifact.in_(packed) | (version.signature == digest))
    )
    rows = conn.execute(union_all(parts, models).order_by("kind", "name", "key", "number")).all()
    said = []
    for kind in ("part", "model"):
        names = [f"{name}{'/' * bool(key)}{key}@{number}" for each, name, key, number in rows if each == kind]
        more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
        said += [f"{kind} of {', '.join(names[:_SHOWN])}{more}"] if names else []
    return "; ".join(said)
