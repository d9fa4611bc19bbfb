"""The process that unpickles: it puts a fence around itself, and then loads and asks what it is told to.

An alarm ends it where a request takes too long, even in native code, and whoever asked is gone.
"""

from __future__ import annotations

import io
import os
import pickle
import signal
import socket
import sys
import warnings
from typing import Any

import numpy as np

from argosy.model.trusted import fence
from argosy.model.trusted.content import misfit, unpack
from argosy.model.trusted.wire import Ask, Broken, Told, receive, send, shown

_MOST = 1 << 31


def main(handle: int, memory: int) -> None:
    """Answer over the socket of a handle until its other end is closed. The process may have `memory` bytes."""
    line = socket.socket(fileno=handle)
    sys.setrecursionlimit(10_000)
    warnings.simplefilter("ignore")
    stands = tuple(fence.raise_(memory))
    sys.path[:] = filter(_lists, sys.path)  # what is out of reach is not there, rather than a file that is refused
    send(line, Told(fence=stands))
    estimators: dict[int, tuple[Any, bool]] = {}
    while True:
        try:
            asked, body = receive(line, Ask, _MOST)
        except Broken:
            return
        signal.setitimer(signal.ITIMER_REAL, asked.seconds)
        try:
            answer = _answer(estimators, asked, body)
        except BaseException as error:  # the estimator's own code may raise anything, SystemExit too
            told, answer = Told(_said(error), number=asked.number), b""
        else:
            told = Told(number=asked.number)
        signal.setitimer(signal.ITIMER_REAL, 0)
        send(line, told, answer)


def _said(error: BaseException) -> str:
    name = MemoryError.__name__ if isinstance(error, MemoryError) else type(error).__name__
    try:
        return shown(f"{name}: {error}")
    except BaseException:  # the same holds for how it puts what it says
        return shown(name)


def _lists(place: str) -> bool:
    try:
        return os.listdir(place) != []
    except OSError:
        return False


def _answer(estimators: dict[int, tuple[Any, bool]], asked: Ask, body: bytearray) -> bytes:
    if asked.verb == "load":
        content = unpack(bytes(body))
        if wrong := misfit(content):
            raise ValueError(wrong)
        estimators[asked.id] = pickle.load(io.BytesIO(content.pickle)), content.task == "binary"
        return b""
    if asked.verb == "drop":
        estimators.pop(asked.id, None)
        return b""
    estimator, binary = estimators[asked.id]
    matrix = np.frombuffer(body).reshape(asked.rows, asked.features)
    found = estimator.predict_proba(matrix)[:, 1] if binary else estimator.predict(matrix)
    answers = np.ascontiguousarray(found, dtype=np.float64).reshape(-1)
    if len(answers) != asked.rows:
        raise ValueError(f"{len(answers)} answers to {asked.rows} rows")
    return answers.tobytes()
