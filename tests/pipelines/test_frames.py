"""Frames: a traceback is told from the project's own code on."""

from __future__ import annotations

import json
import traceback

import pytest

from argosy.errors import InputError
from argosy.pipelines import format, frames
from argosy.store import Blobs

WORKER = f'  File "{frames.__file__}", line 7, in perform\n    found = call(*args)\n            ^^^^^^^^^^^\n'
BUNDLE = f"/home/ann/.argosy/bundles/{'0a' * 32}"
OWN = f'  File "{BUNDLE}/shop/flow.py", line 3, in fit\n    json.loads(text)\n'
LIBRARY = f'  File "{json.__file__}", line 9, in loads\n    raise\n'
HEAD = "Traceback (most recent call last):\n"
CHAIN = "\nDuring handling of the above exception, another exception occurred:\n\n"


def test_it_begins_with_the_first_own_frame() -> None:
    told = frames.told(HEAD + WORKER + LIBRARY + OWN + LIBRARY + "ValueError: no\n  such thing\n")
    own = '  File "shop/flow.py", line 3, in fit\n    json.loads(text)\n'
    assert told == HEAD + own + LIBRARY + "ValueError: no\n  such thing\n"


def test_each_error_of_a_chain_begins_so() -> None:
    lone = f"{HEAD}{LIBRARY}KeyError: 1\n"
    told = frames.told(f"{lone}{CHAIN}{HEAD}{WORKER}{OWN}ValueError: no\n")
    assert told == f"{lone}{CHAIN}{HEAD}{OWN.replace(BUNDLE + '/', '')}ValueError: no\n"


def test_the_end_of_a_long_one_stays_as_it_is() -> None:
    end = f'y", line 3\n{LIBRARY}{OWN}ValueError: no\n'
    assert frames.told(end) == end.replace(BUNDLE + "/", "")


def test_what_holds_no_own_code_is_whole() -> None:
    assert frames.told(HEAD + WORKER + LIBRARY + "KeyError: 1\n") == HEAD + WORKER + LIBRARY + "KeyError: 1\n"


def test_what_argosy_says_of_a_value_has_none(tmp_path) -> None:
    with pytest.raises(InputError) as caught:
        format.save(object(), Blobs(tmp_path))
    here, error = caught.value.__traceback__, caught.value
    assert here is not None
    assert frames.told("".join(traceback.format_exception(error.with_traceback(here.tb_next)))) == ""
