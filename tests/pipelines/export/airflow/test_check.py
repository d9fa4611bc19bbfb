"""Each way in which a DAG file may be broken is found, and named by its line."""

from __future__ import annotations

import pytest

from argosy.errors import InputError
from argosy.pipelines.export.airflow.check import check
from argosy.pipelines.export.airflow.file import write
from argosy.pipelines.export.order import Order
from tests.pipelines.export.night import nightly

BREAKS = {
    "syntax": ("def pipeline():", "def pipeline(:", "the file is no Python"),
    "nul": ("def pipeline():", "\0", "the file is no Python"),
    "import": ("from airflow.sdk import", "from airflow.decorators import", "import is 'airflow.decorators'"),
    "other import": ("import string", "import subprocess", "import is 'subprocess'"),
    "no dag": ("@dag(", "@dog(", "the file declares 0 DAGs"),
    "name": ('dag_id="nightly"', 'dag_id="night ly"', "dag_id is 'night ly'"),
    "schedule": ("    schedule=", "    schedules=", "the DAG has no schedule"),
    "catchup": ("catchup=False", "catchup=True", "catchup is True"),
    "cron": ("30 6 * * 1-5", "30 24 * * 1-5", "schedule is '30 24"),
    "zone": ("Asia/Kolkata", "Asia/Kolkatta", "timezone is 'Asia/Kolkatta'"),
    "shards": ("range(1, 4)", "range(1, 300)", "expand is 299"),
    "unrolled": ("[*range(1, 4)]", "numbers", "expand must go over"),
    "secret": ("{{ conn.argosy.password }}", "postgresql://me:you@db/argosy", "ARGOSY_HOME must refer to a connection"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_file_is_found(name: str) -> None:
    text = write(Order(pipeline=nightly, shards=3)).text
    check(text)
    right, wrong, words = BREAKS[name]
    assert right in text
    with pytest.raises(InputError) as raised:
        check(text.replace(right, wrong))
    assert words in str(raised.value)
    assert str(raised.value).startswith(("line ", "the file "))
