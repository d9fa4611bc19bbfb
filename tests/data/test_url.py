from __future__ import annotations

from pathlib import Path

import pytest

from argosy.data.url import fill
from argosy.errors import InputError, UnknownError

URL = "postgresql+psycopg://${WHO}:${SECRET}@${HOST}:5432/shop?sslpassword=${KEY}&application_name=argosy"
GIVEN = {"WHO": "ann@shop", "SECRET": "p@ss:w@rd", "HOST": "db.example", "KEY": "open-sesame"}


def test_what_the_environment_fills_in_stands_for_itself(tmp_path: Path) -> None:
    filled = fill("orders", URL, GIVEN, tmp_path)
    url = filled.url
    assert (url.username, url.password, url.host, url.database) == ("ann@shop", "p@ss:w@rd", "db.example", "shop")
    assert dict(url.query)["sslpassword"] == "open-sesame"
    escaped = fill("orders", URL, GIVEN | {"SECRET": "p%40ss%3Aw%40rd"}, tmp_path)
    assert escaped.url.password == "p@ss:w@rd"


def test_neither_password_nor_options_are_shown(tmp_path: Path) -> None:
    filled = fill("orders", URL, GIVEN, tmp_path)
    assert filled.shown == "postgresql+psycopg://ann%40shop:***@db.example:5432/shop"
    said = filled.hide("connection to db.example failed: p@ss:w@rd and open-sesame are wrong")
    assert said == "connection to db.example failed: *** and *** are wrong"


@pytest.mark.parametrize(
    ("url", "given", "error"),
    [
        ("postgresql://${REST}", {"REST": "ann:se@cret@db/shop"}, InputError),
        ("postgresql://${REST}", {"REST": "ann:se@x:cret@db/shop"}, InputError),
        ("postgresql://ann:${SECRET}@db:${PORT}/shop", {"SECRET": "hidden", "PORT": "cret"}, InputError),
        ("postgresql://ann:${SECRET}@db/${SHOP}", {"SECRET": "cret"}, UnknownError),
    ],
)
def test_a_url_that_cannot_be_filled_in_names_the_dataset_and_shows_no_value(
    tmp_path: Path, url: str, given: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"^orders: ") as raised:
        fill("orders", url, given, tmp_path)
    assert "cret" not in str(raised.value).replace("SECRET", "")
