"""Whether a command printed what a page shows: words are compared, figures of the day are not."""

from __future__ import annotations

import re

_VOLATILE = (
    (re.compile(r"^ *[\d,]+ calls? done, [\d,]+ at work, .*\n", re.MULTILINE), ""),
    (re.compile(r"\x1b\[[0-9;]*[A-Za-z]"), ""),
    (re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?)?"), "DATE"),
    (re.compile(r"\b[0-9a-f]{10,64}\b"), "DIGEST"),
    (re.compile(r"\btoken=[\w-]+"), "token=SECRET"),
    (re.compile(r"(?<![\w.])-?\d[\d,]*\.\d+(e[+-]?\d+)?"), "DECIMAL"),
    (re.compile(r"\b\d+(ms|s|m|h|d)\b"), "SPAN"),
    (re.compile(r"─+"), "─"),
    (re.compile(r"[ \t]+"), " "),
)


def like(shown: str, printed: str) -> bool:
    """Whether `printed` is what `shown` says.

    A line of `...` alone stands for any lines, `...` within one for any text. Times, digests, decimals, durations, the
    width of tables and how far a run is after some seconds are not compared: they differ from run to run.
    """
    return re.fullmatch(_pattern(shown), _plain(printed)) is not None


def _plain(text: str) -> str:
    for expression, stand_in in _VOLATILE:
        text = expression.sub(stand_in, text)
    return "".join(f"{line.strip()}\n" for line in text.strip().splitlines())


def _pattern(shown: str) -> str:
    lines = _plain(shown).splitlines()
    if not lines:
        return r"(?s:.*)"
    return "".join(
        r"(?:[^\n]*\n)*?" if line == "..." else re.escape(line).replace(re.escape("..."), r"[^\n]*?") + r"\n"
        for line in lines
    )
