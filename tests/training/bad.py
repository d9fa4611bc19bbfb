"""Estimators that fail on the members whose first feature says so, and on no other."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier

RAISES, HANGS, DIES = 901.0, 902.0, 903.0


class Fragile(LGBMClassifier):
    """Raises, hangs or dies of a segmentation fault where the first feature holds the number for it."""

    def fit(self, X: Any, y: Any, *rest: Any, **named: Any) -> Fragile:
        worst = np.nanmax(X[:, 0])
        if worst == RAISES:
            raise ValueError("these rows cannot be learned")
        if worst == HANGS:
            time.sleep(600)
        if worst == DIES:
            os.kill(os.getpid(), signal.SIGSEGV)
        super().fit(X, y, *rest, **named)
        return self


class Refuses(LGBMClassifier):
    """Never fits."""

    def fit(self, X: Any, y: Any, *rest: Any, **named: Any) -> Refuses:
        raise RuntimeError("no licence")
