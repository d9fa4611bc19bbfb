from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from argosy.data.url import check, fill
from argosy.errors import DeclarationError, InputError, UnknownError

URL = "postgresql+psycopg://ann:${SECRET}@${HOST}:${PORT}/shop?sslpassword=${KEY}&application_name=argosy"
GIVEN = {"SECRET": "p@ss:w@rd", "HOST": "db.example", "PORT": "5432", "KEY": "open-sesame"}
PIECES = st.sampled_from(["ann", "hidden", ":", "@", "/", "?", "&", "=", "[", "]", "%40", "password", "Api_Key", "+"])


def test_what_the_environment_fills_in_stands_for_itself(tmp_path: Path) -> None:
    filled = fill("orders", URL.replace("ann", "${WHO}"), GIVEN | {"WHO": "a/n:n@shop"}, tmp_path)
    url = filled.url
    assert (url.username, url.password, url.host, url.port) == ("a/n:n@shop", "p@ss:w@rd", "db.example", 5432)
    assert dict(url.query) == {"sslpassword": "open-sesame", "application_name": "argosy"}
    escaped = fill("orders", URL, GIVEN | {"SECRET": "p%40ss%3Aw%40rd"}, tmp_path)
    assert escaped.url.password == "p@ss:w@rd"


@pytest.mark.parametrize("value", ["tok&en", "tok=en", "tok#en", "tok+en", "50%25", "a b?c/d:e@f", "ü"])
def test_an_option_is_filled_in_whole_and_hidden_whole(tmp_path: Path, value: str) -> None:
    filled = fill("orders", "postgresql://db/shop?password=${KEY}&user=ann", {"KEY": value}, tmp_path)
    assert dict(filled.url.query) == {"password": value, "user": "ann"}
    assert filled.hide(f"'{value}' is wrong") == "'***' is wrong"


def test_neither_password_nor_options_are_shown(tmp_path: Path) -> None:
    filled = fill("orders", URL, GIVEN, tmp_path)
    assert filled.shown == "postgresql+psycopg://ann:***@db.example:5432/shop"
    said = filled.hide("connection of ann to db.example failed: p@ss:w@rd and open-sesame are wrong")
    assert said == "connection of ann to db.example failed: *** and *** are wrong"


def test_a_user_that_the_environment_gives_may_be_a_secret(tmp_path: Path) -> None:
    for url in ("postgresql://${SECRET}@db/shop", "postgresql://${SECRET}:${SECRET}@db/shop", "postgresql://${ALL}"):
        filled = fill("orders", url, {"SECRET": "hidden", "ALL": "hidden@db/shop"}, tmp_path)
        assert filled.url.username == "hidden"
        assert filled.shown == "postgresql://db/shop"
        assert filled.hide('no role "hidden"') == 'no role "***"'


def test_a_secret_is_hidden_however_it_is_escaped(tmp_path: Path) -> None:
    filled = fill("orders", "postgresql://ann:${SECRET}@db/shop", {"SECRET": "p@ß /w"}, tmp_path)
    for form in ("p@ß /w", "p%40%C3%9F%20%2Fw", "p%40%c3%9f+/w", "p@%c3%9F%20/w"):
        assert filled.hide(f"of postgresql://ann:{form}@db/shop") == "of postgresql://ann:***@db/shop"
    odbc = fill("orders", "mssql+pyodbc:///?odbc_connect=${ALL}", {"ALL": "UID=ann;PWD={hid;den}"}, tmp_path)
    assert odbc.url.query["odbc_connect"] == "UID=ann;PWD={hid;den}"
    assert odbc.hide("UID=ann;PWD={hid;den} is wrong, hid is") == "*** is wrong, *** is"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann:hidden@db/shop",
        "postgresql://ann:hidden/x@db/shop",
        "postgresql://ann:x/hidden?@db/shop",
        "postgresql://ann@corp:hidden@db/shop",
        "postgresql://ann/x:hidden@db/shop",
        "postgresql://ann:${SECRET}hidden@db/shop",
        "postgresql://ann:hidden${SECRET}@db/shop",
        "postgresql://db:hidden",
        "databricks://token:hidden@db",
        *(
            f"postgresql://db/shop?user=ann&{name}=hidden"
            for name in ("password", "sslPassword", "pass", "apikey", "api_key", "X-Api-Key", "token", "Authorization")
        ),
        "bigquery://shop?credentials_base64=hidden",
        "snowflake://ann@db?private_key_file_pwd=hidden",
        "mssql+pyodbc:///?odbc_connect=DRIVER%3DX%3BUID%3Dann%3BPWD%3Dhidden",
        "mssql+pyodbc:///?odbc_connect=DRIVER=X;Pwd+%3D+%7Bhidden%7D;UID=ann",
        "postgresql://db/shop?dsn=user%3Dann%20password%3Dhidden",
    ],
)
def test_a_secret_that_is_written_out_is_refused_and_not_shown(tmp_path: Path, url: str) -> None:
    for refuse in (check, lambda dataset, url: fill(dataset, url, {"SECRET": "x"}, tmp_path)):
        with pytest.raises(DeclarationError, match=r"^orders: ") as raised:
            refuse("orders", url)
        assert raised.value.next and "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "postgresql://ann@db/shop?user=ann&passfile=/keys/pass&sslkey=/keys/key&sslmode=require",
        "${DIALECT}://${WHO}:${A}${B}@[${ADDRESS}]:${PORT}/${SHOP}?options=a@b",
        "postgresql+psycopg://${REST}",
        "bigquery://shop?credentials_path=/keys/key.json",
        "mssql+pyodbc:///?odbc_connect=DRIVER%3DX%3BUID%3Dann%3BPWD%3D${SECRET}",
        "postgresql://db/shop?dsn=password%3D${SECRET}%20user%3Dann",
        "sqlite:////data/ann@corp/shop.db",
    ],
)
def test_users_files_and_what_the_environment_gives_may_be_named(url: str) -> None:
    check("orders", url)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_password_that_sqlalchemy_would_read_passes(rest: str) -> None:
    try:
        read = make_url(f"postgresql://{rest}")
    except (ArgumentError, ValueError):
        return
    if read.password or any(read.query.get(name) for name in ("password", "Api_Key")):
        with pytest.raises(DeclarationError):
            check("orders", f"postgresql://{rest}")


@pytest.mark.parametrize(
    ("url", "given", "error"),
    [
        ("postgresql://${REST}", {"REST": "ann:se@cret@db/shop"}, InputError),
        ("postgresql://${REST}", {"REST": "ann:se@x:cret@db/shop"}, InputError),
        ("postgresql://${REST}", {"REST": "ann/x:cret@db/shop"}, InputError),
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
