"""The shape of a LightGBM text model, proven before the native parser sees it.

LightGBM trusts the text: a count that is too large or a child that points outside its tree reads or
walks memory it does not own. This check accepts what LightGBM writes and nothing looser.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from argosy.errors import CorruptError

_MAX_DEPTH = 4096
_PER_SPLIT = (b"split_feature", b"threshold", b"decision_type", b"left_child", b"right_child")
_PER_SPLIT_MAYBE = (b"split_gain", b"internal_value", b"internal_weight", b"internal_count")
_PER_LEAF_MAYBE = (b"leaf_weight", b"leaf_count")
_HEADER_LIMIT = 16_000_000
_LOOSE = (b"\t", b"\r", b"\v", b"\f", b"= ", b" \n")
_LIST = re.compile(rb"(?:-?(?:\d{1,32}+(?:\.\d{1,32}+)?(?:e[+-]?\d{1,3}+)?|inf|nan)(?: |$))*+")
_INTEGER = re.compile(rb"-?\d{1,9}")

Lines = dict[bytes, bytes]
Integers = npt.NDArray[np.int64]


def check_text(data: bytes) -> None:
    """Raises CorruptError unless every tree has the counts, features and children that it states."""
    read(data)


def read(data: bytes) -> tuple[Lines, list[Lines]]:
    """The lines of the header and of each tree, by their names. Raises as `check_text` does."""
    start = data.find(b"\nTree=0\n", 0, _HEADER_LIMIT) + 1
    if start == 0 or not data.startswith(b"tree\n") or b"\0" in data:
        raise _wrong("it does not start as one")
    if any(space in data for space in _LOOSE) or data.find(b"  ", start, data.rfind(b"end of trees")) >= 0:
        raise _wrong("its lists are not separated by single spaces")
    header = _lines(data[5:start], "the header", flags=True)
    if header.get(b"num_class") != b"1" or header.get(b"num_tree_per_iteration") != b"1":
        raise CorruptError(
            f"a LightGBM model with {header.get(b'num_class', b'?').decode()} outputs where one is served",
            next="train with a binary or regression objective",
        )
    width = _integer(header, b"max_feature_idx", "the header") + 1
    for key in (b"feature_names", b"feature_infos"):
        if len(header.get(key, b"").split()) != width:
            raise _wrong(f"{key.decode()} does not hold {width} entries")
    blocks = _blocks(data, start, _integers(header.get(b"tree_sizes", b"")))
    _check_splits(blocks, width)
    return header, blocks


def _blocks(data: bytes, start: int, sizes: Integers) -> list[Lines]:
    ends = start + np.cumsum(sizes)
    if not len(sizes) or (sizes <= 0).any() or ends[-1] > len(data) or data[ends[-1] :][:12] != b"end of trees":
        raise _wrong("tree_sizes does not cover its trees")
    blocks = []
    for number, end in enumerate(ends.tolist()):
        where = f"tree {number}"
        title, _, body = data[start:end].partition(b"\n")
        if title != b"Tree=%d" % number or b"\n\n" in body.rstrip(b"\n"):
            raise _wrong(f"{where} does not start where tree_sizes says")
        blocks.append(_lines(body, where))
        start = end
    return blocks


def _check_splits(blocks: list[Lines], width: int) -> None:
    leaves = np.array([_integer(block, b"num_leaves", f"tree {n}") for n, block in enumerate(blocks)], dtype=np.int64)
    if (leaves < 1).any():
        raise _wrong("a tree has no leaf")
    for number, (block, count) in enumerate(zip(blocks, leaves.tolist(), strict=True)):
        _check_counts(block, count, f"tree {number}")
    splits = leaves - 1
    limit = np.repeat(splits, splits)
    own = np.arange(len(limit)) - np.repeat(np.cumsum(splits) - splits, splits)
    features = _joined(blocks, b"split_feature")
    if ((features < 0) | (features >= width)).any():
        raise _wrong(f"a split asks for a feature outside 0..{width - 1}")
    for side in (b"left_child", b"right_child"):
        child = _joined(blocks, side)
        inner = (child > own) & (child < limit)
        leaf = (child < 0) & (~child <= limit)
        if not (inner | leaf).all():
            raise _wrong(f"a {side.decode()} points outside its tree")


def _check_counts(block: Lines, leaves: int, where: str) -> None:
    if bad := next((key for key, value in block.items() if not _LIST.fullmatch(value)), None):
        raise _wrong(f"{where} holds a {bad.decode(errors='replace')} that is not a list of numbers")
    _same(block, b"leaf_value", leaves, where)
    split = [*_PER_SPLIT, *(key for key in _PER_SPLIT_MAYBE if block.get(key))] if leaves > 1 else []
    for key in split:
        _same(block, key, leaves - 1, where)
    for key in _PER_LEAF_MAYBE:
        if block.get(key):
            _same(block, key, leaves, where)
    if block.get(b"is_linear", b"0") != b"0":
        raise CorruptError(
            f"a LightGBM model with linear leaves ({where}), which is not served",
            next="train with linear_tree=False",
        )
    if leaves > _MAX_DEPTH:
        _check_depth(block, leaves, where)
    if leaves > 1 and block.get(b"num_cat", b"0") != b"0":
        _check_categories(block, where)


def _check_depth(block: Lines, leaves: int, where: str) -> None:
    depth = [0] * leaves
    sides = zip(_integers(block[b"left_child"]).tolist(), _integers(block[b"right_child"]).tolist(), strict=True)
    for node, children in enumerate(sides):
        for child in children:
            if node < child < leaves:
                depth[child] = depth[node] + 1
    if max(depth) > _MAX_DEPTH:
        raise _wrong(f"{where} is deeper than {_MAX_DEPTH}")


def _check_categories(block: Lines, where: str) -> None:
    count = _integer(block, b"num_cat", where)
    bounds = _integers(block.get(b"cat_boundaries", b""))
    words = len(block.get(b"cat_threshold", b"").split())
    kinds, thresholds = block.get(b"decision_type", b"").split(), block.get(b"threshold", b"").split()
    used = [float(t) for kind, t in zip(kinds, thresholds, strict=True) if float(kind) % 2]
    sound = len(bounds) == count + 1 and bounds[0] == 0 and bounds[-1] == words and (np.diff(bounds) >= 0).all()
    if not sound or any(not 0 <= index < count for index in used):
        raise _wrong(f"{where} has categories outside its list")


def _same(block: Lines, key: bytes, count: int, where: str) -> None:
    value = block.get(key, b"")
    seen = value.count(b" ") + 1 if value else 0
    if seen != count:
        raise _wrong(f"{where} holds {seen} of {count} {key.decode()}")


def _lines(text: bytes, where: str, *, flags: bool = False) -> Lines:
    pairs = [line.partition(b"=") for line in text.split(b"\n") if line]
    lines = {key: value for key, _, value in pairs}
    if len(lines) != len(pairs) or (not flags and not all(equals for _, equals, _ in pairs)):
        raise _wrong(f"{where} repeats a line or holds one that is none")
    return lines


def _integer(lines: Lines, key: bytes, where: str) -> int:
    value = lines.get(key, b"")
    if not _INTEGER.fullmatch(value):
        raise _wrong(f"{where} has {key.decode()}={value[:20].decode(errors='replace')!r}")
    return int(value)


def _joined(blocks: list[Lines], key: bytes) -> Integers:
    return _integers(b" ".join(block.get(key, b"") for block in blocks if block[b"num_leaves"] != b"1"))


def _integers(text: bytes) -> Integers:
    words = text.split()
    try:
        return np.array(list(map(int, words)), dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise _wrong(f"a list of integers does not read ({error})") from error


def _wrong(reason: str) -> CorruptError:
    return CorruptError(f"these bytes are not a LightGBM text model: {reason}", next="register the version again")
