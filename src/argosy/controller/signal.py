"""Names of the signals that the controller's actions record and its decisions read."""

from __future__ import annotations

ROWS = "rows"
"""Labelled rows of the member that are known."""
TRAINED = "trained"
"""When the member was last brought up to date by training, seconds since 1970 UTC."""
TRAINED_ROWS = "trained_rows"
"""Labelled rows that were known then."""
REVISION = "revision"
"""The revision of the training-relevant declaration that it was trained under."""
DRIFT = "drift"
"""The worst drift monitor's distance over its limit; above 1 the member drifted."""
DRIFT_VALUE = "drift_value"
"""That monitor's distance itself."""
DEGRADED = "degraded"
"""1 where a performance monitor's limit is broken, else 0."""
SCORE = "score"
"""The search's metric on the rows of the monitors' window whose labels have arrived."""
SCORE_ROWS = "score_rows"
"""How many rows that is."""
ESTIMATE = "estimate"
"""That metric over all rows of the window, those without a label by calibrated probabilities; none where few wait."""
QUALITY = "quality"
"""The worst rise of bad values (null, out of range, unseen) over its limit; above 1 a monitor's limit is passed."""
JUDGED = "judged"
"""The id of the newest version that gates were asked about."""
CANARY = "canary"
"""What the rows say of a running canary: -1 worse, 0 not known yet, 1 not worse."""
CANARY_VERSION = "canary_version"
"""The id of the version that CANARY speaks of."""
LIBRARIES = "libraries"
"""The id of the fact that tells the versions of the libraries that it was last trained with."""
ASKED = "asked"
"""When a person asked that the member be trained, seconds since 1970 UTC; unknown again once it was."""
SERVED = "served"
"""Rows answered in the last day of the watch."""

ALL = (
    ROWS, TRAINED, TRAINED_ROWS, REVISION, DRIFT, DRIFT_VALUE, DEGRADED, SCORE, SCORE_ROWS, ESTIMATE, QUALITY, JUDGED,
    CANARY, CANARY_VERSION, LIBRARIES, ASKED, SERVED,
)  # fmt: skip
