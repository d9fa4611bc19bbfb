from __future__ import annotations

import os
import signal
import threading

import pytest

from argosy.controller.interrupt import deferred


def test_ctrl_c_is_heeded_where_it_is_asked_for() -> None:
    said = []
    with pytest.raises(KeyboardInterrupt), deferred() as heed:
        heed()
        os.kill(os.getpid(), signal.SIGINT)
        said.append("nothing is half done")
        heed()
    assert said and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_one_is_heeded_at_once_and_one_is_never_lost() -> None:
    with pytest.raises(KeyboardInterrupt), deferred():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("the second is not heeded")
    with pytest.raises(KeyboardInterrupt), deferred():
        os.kill(os.getpid(), signal.SIGINT)


def test_what_ctrl_c_means_elsewhere_stays() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with deferred() as heed:
            os.kill(os.getpid(), signal.SIGINT)
            heed()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    thread = threading.Thread(target=lambda: deferred().__enter__()())
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
