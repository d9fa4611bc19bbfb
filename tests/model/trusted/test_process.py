"""The process of trusted estimators: right answers, and whatever becomes of it, others and the next answer are safe."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from argosy.errors import ArgosyError
from argosy.model.matrix import Matrix
from argosy.model.trusted import content
from argosy.model.trusted.process import Ended, Process, Terms, beside, current
from argosy.model.trusted.wire import Told, send
from tests.model.trusted.conftest import Own, does

_EVENTS: list[str] | None = None


def test_it_answers_as_the_estimator_does(own: Own, process: Process) -> None:
    turn = process.load(1, own.data)
    found, now = process.answer(1, own.data, turn, own.matrix)
    np.testing.assert_array_equal(found, own.estimator.predict_proba(own.matrix)[:, 1])
    assert now == turn and len(process.answer(1, own.data, turn, own.matrix[:0])[0]) == 0


def test_nothing_is_unpickled_where_it_is_asked(own: Own, process: Process) -> None:
    global _EVENTS
    if _EVENTS is None:
        _EVENTS = []
        sys.addaudithook(
            lambda event, _: _EVENTS.append(event) if event.startswith("pickle.") and _EVENTS is not None else None
        )
    _EVENTS.clear()
    turn = process.load(2, own.data)
    process.answer(2, own.data, turn, own.matrix)
    assert _EVENTS == []


def test_one_that_was_killed_meanwhile_is_started_again_without_a_word(own: Own, process: Process) -> None:
    turn = process.load(3, own.data)
    assert process.id is not None
    os.kill(process.id, signal.SIGKILL)
    time.sleep(0.2)
    found, now = process.answer(3, own.data, turn, own.matrix[:5])
    np.testing.assert_array_equal(found, own.estimator.predict_proba(own.matrix[:5])[:, 1])
    assert now == turn + 1


def _forever(rows: Matrix) -> None:
    while True:
        pass


def _deaf(rows: Matrix) -> None:
    import signal

    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    _forever(rows)


def _fault(rows: Matrix) -> None:
    import ctypes

    ctypes.string_at(0)


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (_forever, "it took too long"), (_deaf, "it took longer than 1.02 s"), (_fault, "ended by SIGSEGV"),
        (lambda rows: os._exit(7), "exit code 7"), (lambda rows: os.abort(), "ended by SIGABRT"),
    ],
)  # fmt: skip
def test_what_ends_it_is_told_and_others_answer_on(
    own: Own, process: Process, act: Callable[[Matrix], Any], says: str
) -> None:
    turn = process.load(4, own.data)
    process.load(5, data := does(act))
    began = time.monotonic()
    with pytest.raises(Ended, match=says):
        process.answer(5, data, turn, np.zeros((2, 4)))
    assert time.monotonic() - began < 5
    found, now = process.answer(4, own.data, turn, own.matrix[:5])
    np.testing.assert_array_equal(found, own.estimator.predict_proba(own.matrix[:5])[:, 1])
    assert now == turn + 1


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda rows: 1 / 0, "ZeroDivisionError"), (lambda rows: np.ones(len(rows) + 1), "3 answers to 2 rows"),
        (lambda rows: ["x", "y"], "could not convert"), (lambda rows: sys.exit("no"), "SystemExit: no"),
        (lambda rows: (_ for _ in ()).throw(ValueError("x" * 1000)), "x{280}$"),
    ],
)  # fmt: skip
def test_what_it_raises_is_told_and_it_stays(process: Process, act: Callable[[Matrix], Any], says: str) -> None:
    turn = process.load(6, data := does(act))
    with pytest.raises(ArgosyError) as caught:
        process.answer(6, data, turn, np.zeros((2, 4)))
    assert re.search(says, caught.value.message) and not isinstance(caught.value, Ended) and process.turn == turn


class _Trap:
    """A pickle that acts when it is loaded."""

    def __init__(self, act: Callable[..., Any], *given: Any) -> None:
        self.reduced = act, given

    def __reduce__(self) -> Any:
        return self.reduced


def test_a_pickle_that_acts_when_it_is_loaded_does_so_behind_the_fence(process: Process, tmp_path) -> None:  # type: ignore[no-untyped-def]
    turn = process.load(7, does(lambda rows: np.ones(len(rows))))
    place = str(tmp_path / "made")
    for act, given, says in (
        (open, (place, "w"), "PermissionError"), (os.system, (f"touch {place}",), None),
        (os._exit, (5,), "exit code 5"),
    ):  # fmt: skip
        data = content.pack(_Trap(act, *given), 4, "regression", np.zeros((1, 4)))
        if says is None:
            process.load(8, data)
        else:
            with pytest.raises(ArgosyError, match=says):
                process.load(8, data)
    assert not os.path.exists(place) and process.turn == turn


def test_one_of_another_python_is_refused(own: Own, process: Process) -> None:
    data = own.data.replace(b"\xa43.11", b"\xa43.99") if sys.version_info[:2] == (3, 11) else own.data
    if data != own.data:
        with pytest.raises(ArgosyError, match=r"pickled by Python 3.99, and this is 3.11"):
            process.load(9, data)


def test_what_is_dropped_is_gone(process: Process) -> None:
    turn = process.load(10, data := does(lambda rows: np.ones(len(rows))))
    process.drop(10)
    with pytest.raises(ArgosyError, match="KeyError"):
        process.answer(10, data, turn, np.zeros((1, 4)))


def test_threads_share_it(own: Own, process: Process) -> None:
    turn, wrong = process.load(11, own.data), []
    wanted = own.estimator.predict_proba(own.matrix[:40])[:, 1]

    def ask(start: int) -> None:
        for place in range(start, 40, 8):
            found, _ = process.answer(11, own.data, turn, own.matrix[place : place + 1])
            if found[0] != wanted[place]:
                wrong.append(place)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert wrong == []


def test_it_ends_with_whoever_asked(own: Own) -> None:
    made = Process(Terms())
    made.load(1, own.data)
    id = made.id
    assert id is not None
    made.end()
    assert made.id is None
    with pytest.raises(ProcessLookupError):
        os.kill(id, 0)


def _unheard(rows: Matrix) -> None:
    import ctypes
    import threading

    number, process = {"x86_64": 234, "aarch64": 131}[os.uname().machine], os.getpid()
    ctypes.CDLL(None).syscall(number, process, threading.get_native_id(), 40)  # a signal that Python has no name for


def test_a_signal_without_a_name_is_told_by_its_number(process: Process) -> None:
    turn = process.load(12, data := does(_unheard))
    with pytest.raises(Ended, match="ended by signal 40"):
        process.answer(12, data, turn, np.zeros((2, 4)))


class _Speechless(Exception):
    def __str__(self) -> str:
        raise ValueError("no")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("a\udc80b"), r"ValueError: a\udc80b"),
        (ValueError("a\nb\x1b[31m\x00c"), r"ValueError: a b\x1b[31m\x00c"),
        (_Speechless(), "_Speechless"), (type("E" * 100_000, (Exception,), {})("x"), "E" * 100),
    ],
)  # fmt: skip
def test_any_error_is_told_on_one_line_and_ends_nothing(process: Process, error: Exception, says: str) -> None:
    def act(rows: Matrix) -> None:
        raise error

    turn = process.load(13, data := does(act))
    with pytest.raises(ArgosyError) as caught:
        process.answer(13, data, turn, np.zeros((2, 4)))
    assert says in caught.value.message and not isinstance(caught.value, Ended) and process.turn == turn
    assert caught.value.message.isprintable() and len(caught.value.message) < 500


def _says(error: str, body: bytes = b"", *, knows: bool = False) -> Callable[[Matrix], Any]:
    """Have an estimator say something by itself, before its answer of ones; whether it knows what it was asked."""

    def act(rows: Matrix) -> Any:
        frame: Any = sys._getframe()
        while "asked" not in frame.f_locals:
            frame = frame.f_back
        told = Told(error, number=frame.f_locals["asked"].number if knows else 0)
        for each in range(3, 256):  # which it is depends on what was open where it was started
            try:
                send(socket.socket(fileno=os.dup(each)), told, body)
            except OSError:
                continue
        return np.ones(len(rows))

    return act


def test_a_lie_about_what_went_wrong_is_told_on_one_bounded_line(process: Process) -> None:
    turn = process.load(14, data := does(_says("\x1b]0;x\x07\n" * 5_000, knows=True)))
    with pytest.raises(ArgosyError, match="it raises") as caught:
        process.answer(14, data, turn, np.zeros((2, 4)))
    process.end()
    assert caught.value.message.isprintable() and len(caught.value.message) < 500


def test_an_answer_that_was_not_asked_for_is_nobodys(own: Own, process: Process) -> None:
    """Else each that asks later would get the answer of the one before."""
    turn, mine = process.load(20, data := does(_says("", np.zeros(2).tobytes()))), process.load(21, own.data)
    with pytest.raises(Ended, match="it answers what it was not asked"):
        process.answer(20, data, turn, np.zeros((2, 4)))
    found, _ = process.answer(21, own.data, mine, own.matrix[:2])
    np.testing.assert_array_equal(found, own.estimator.predict_proba(own.matrix[:2])[:, 1])


class _Dies:
    """An estimator that ends its process when it is forgotten."""

    def predict(self, rows: Matrix) -> Any:
        return np.ones(len(rows))

    def __del__(self) -> None:
        if "argosy.model.trusted.child" in sys.modules:
            os._exit(9)


def test_one_that_dies_when_it_is_dropped_is_not_blamed_on_the_next(own: Own, process: Process) -> None:
    turn = process.load(15, own.data)
    process.load(16, content.pack(_Dies(), 4, "regression", np.zeros((1, 4))))
    process.drop(16)
    found, now = process.answer(15, own.data, turn, own.matrix[:5])
    np.testing.assert_array_equal(found, own.estimator.predict_proba(own.matrix[:5])[:, 1])
    assert now == turn + 1


def test_memory_that_one_hoards_is_given_back_before_the_next(own: Own) -> None:
    hoard: list[Any] = []

    def hoards(rows: Matrix) -> Any:
        hoard.append(np.ones(100 << 20, dtype=np.uint8))
        return np.ones(len(rows))

    made = Process(Terms(memory=1 << 30))
    try:
        turn, mine = made.load(1, data := does(hoards)), made.load(2, own.data)
        with pytest.raises(Ended, match="it needs more than the 1,024 MB"):
            for _ in range(20):
                _, turn = made.answer(1, data, turn, np.zeros((1, 4)))
        found, now = made.answer(2, own.data, mine, own.matrix[:5])
        assert len(found) == 5 and now == mine + 1
    finally:
        made.end()


def test_a_process_that_was_forked_leaves_that_of_its_parent_alone(own: Own, process: Process) -> None:
    turn = process.load(17, own.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        forked = os.fork()
    if not forked:
        try:
            found, now = process.answer(17, own.data, turn, own.matrix[:5])
            process.end()
            os._exit(0 if len(found) == 5 and now == turn + 1 else 1)
        finally:
            os._exit(2)
    assert os.waitpid(forked, 0)[1] == 0
    assert len(process.answer(17, own.data, turn, own.matrix[:3])[0]) == 3 and process.turn == turn


def test_it_is_ended_without_waiting_for_who_asks(process: Process) -> None:
    turn, told = process.load(18, data := does(_deaf)), list[Exception]()

    def asks() -> None:
        try:
            process.answer(18, data, turn, np.zeros((400, 4)))
        except Exception as error:
            told.append(error)

    thread = threading.Thread(target=asks)
    thread.start()
    time.sleep(0.5)
    began = time.monotonic()
    process.end()
    thread.join()
    assert time.monotonic() - began < 2 and isinstance(told[0], Ended)


def test_a_thread_that_is_beside_those_that_answer_asks_another_process() -> None:
    found: list[Process] = []

    def asks() -> None:
        beside()
        found.extend([current(), current()])

    thread = threading.Thread(target=asks)
    thread.start()
    thread.join()
    assert found[0] is found[1] is not current() and current() is current()
