"""Columns that are packed: JSON, base64, quoted-printable, hex, HTML; and keys that an index finds; real databases."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from databases import Server

from connectors import conformance, open_connector
from dsar.declaration import parse_declaration
from dsar.errors import SettingsError, SystemContractError
from dsar.model import IdentifierType

pytestmark = pytest.mark.xdist_group("databases")  # one server of each for all

DECLARATION = """
name = "desk"
kind = "sql"
label = {sv = "Ärenden", en = "Tickets"}
[[object]]
name = "ticket"
label = {sv = "Ärende", en = "Ticket"}
table = "ticket"
key = "id"
activities = ["A4"]
find = [
  {by = "email", columns = ["mail"]},
  {by = "phone", columns = ["phone"], exact = ["plain", "national"]},
  {by = "name", columns = ["body"]}, {by = "name", columns = ["qp"]}, {by = "email", columns = ["dump"]},
]
fields = [
  {column = "mail", stored_in = "data", path = "contact.email", label = {sv = "E-post", en = "E-mail"}, category = "contact", asserted_by = "company"},
  {column = "city", stored_in = "data", path = "contact.cities[]", label = {sv = "Ort", en = "City"}, category = "contact"},
  {column = "body", decode = ["base64", "html"], label = {sv = "Text", en = "Text"}, category = "note", free_text = true},
  {column = "qp", decode = ["quoted_printable"], label = {sv = "Text", en = "Text"}, category = "note", free_text = true},
  {column = "dump", decode = ["hex"], label = {sv = "Kopia", en = "Dump"}, category = "log", free_text = true},
  {column = "phone", label = {sv = "Telefon", en = "Phone"}, category = "contact", asserted_by = "company"},
]
"""  # noqa: E501  # a TOML inline table stands on one line
STORED = {
    "data": '{"contact": {"email": "Asa.Lindqvist@example.se", "cities": ["Varberg", "Borås"]}}',
    "body": "PHA+SGVqIGZyJmFyaW5nO24gPGI+w4VzYTwvYj4gTGluZHF2aXN0PC9wPg==",  # <p>Hej fr&aring;n <b>Åsa</b> ...
    "qp": "Bo =C3=96berg, V=C3=A4stergatan 9",  # which a search that does not decode misses
    "dump": "626f406578616d706c652e636f6d",
    "phone": "0701740605",
}


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    server: Server | None = None if request.param == "sqlite" else request.getfixturevalue(request.param)
    engine = sa.create_engine(server.new_database() if server else f"sqlite:///{tmp_path}/desk.db")
    with engine.begin() as connection:
        json_type = {"sqlite": "TEXT", "postgresql": "JSONB", "mariadb": "JSON"}[request.param]
        connection.exec_driver_sql(
            f"CREATE TABLE ticket (id INT PRIMARY KEY, data {json_type},"
            " body TEXT, qp TEXT, dump TEXT, phone VARCHAR(30))"
        )
        insert = sa.text(f"INSERT INTO ticket VALUES (1, {_json(request.param)}, :body, :qp, :dump, :phone)")  # noqa: S608
        connection.execute(insert, STORED)
    yield engine
    engine.dispose()


def _json(database: str) -> str:
    return "CAST(:data AS JSONB)" if database == "postgresql" else ":data"


def connect(engine: sa.Engine) -> Any:
    url = engine.url.render_as_string(hide_password=False)
    declaration = parse_declaration(DECLARATION, source="desk")
    return open_connector("sql", name="desk", declaration=declaration, options={"url": url})


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        (IdentifierType.EMAIL, "asa.lindqvist@example.se"),  # in JSON
        (IdentifierType.EMAIL, "bo@example.com"),  # in hex
        (IdentifierType.NAME, "Åsa Lindqvist"),  # in HTML in base64
        (IdentifierType.NAME, "Bo Öberg"),  # in quoted-printable
        (IdentifierType.PHONE, "+46 70 174 06 05"),  # through the index, in its national form
    ],
)
def test_a_person_is_found_in_what_is_packed(engine: sa.Engine, type_: IdentifierType, text: str) -> None:
    (record,) = conformance.search(connect(engine), type_, text)

    assert {value.path: value.value for value in record.values} == {
        "mail": "Asa.Lindqvist@example.se",
        "city": "Varberg, Borås",
        "body": "Hej från Åsa Lindqvist",
        "qp": "Bo Öberg, Västergatan 9",
        "dump": "bo@example.com",
        "phone": "0701740605",
    }


def test_what_is_not_packed_as_declared_is_an_error_and_not_nothing(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ticket SET dump = 'no hex'")

    with pytest.raises(SystemContractError, match="'dump' is not packed as declared"):
        conformance.search(connect(engine), IdentifierType.NAME, "Bo Öberg")


def test_a_packed_column_is_not_written() -> None:
    text = DECLARATION.replace('asserted_by = "company"}', 'asserted_by = "company", writable = true}').replace(
        'activities = ["A4"]', 'activities = ["A4"]\nupdate = {email = "mail"}'
    )

    with pytest.raises(SettingsError, match="packed in another and cannot be written"):
        parse_declaration(text, source="desk")
