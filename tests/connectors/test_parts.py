"""A new name or address in systems that hold it in several columns: all of them together, or none."""

import pytest

from connectors import plans
from connectors.conformance import READ_AT
from dsar.declaration import parse_declaration
from dsar.model import (
    Identifier,
    IdentifierType,
    Record,
    RecordValue,
    RequestedChange,
    Strength,
    Text,
)

DECLARATION = """
name = "crm"
kind = "memory"
label = {sv = "K", en = "C"}
[[object]]
name = "person"
label = {sv = "P", en = "P"}
key = "id"
activities = ["A1"]
update = {first_name = "first", last_name = "last", street = "street", postcode = "zip", city = "city"}
fields = [
  {column = "id", label = {sv = "N", en = "N"}, category = "technical", asserted_by = "company"},
  {column = "first", label = {sv = "F", en = "F"}, category = "identity", writable = true},
  {column = "last", label = {sv = "E", en = "L"}, category = "identity", writable = true},
  {column = "street", label = {sv = "G", en = "S"}, category = "contact", writable = true},
  {column = "zip", label = {sv = "P", en = "Z"}, category = "contact", writable = true},
  {column = "city", label = {sv = "O", en = "C"}, category = "contact", writable = true},
]
"""
HELD = {"id": "1", "first": "Eva Maria", "last": "Ek", "street": "Storgatan 2", "zip": "30243", "city": "HALMSTAD"}


def planned(field: str, new: str, old: str | None = None, **held: str) -> dict[str, str | None]:
    """{column: its new value} of the one record that holds HELD."""
    label = Text(sv="x", en="x")
    values = tuple(
        RecordValue(path=path, label=label, value=value, category="identity") for path, value in (HELD | held).items()
    )
    record = Record(
        system="crm",
        object="person",
        object_label=label,
        key="1",
        activities=("A1",),
        strength=Strength.CERTAIN,
        found_by=Identifier(type=IdentifierType.EMAIL, value="eva@example.com"),
        read_at=READ_AT,
        person_name=None,
        values=values,
    )
    change = RequestedChange(field=field, old=old, new=new, valid_from=None)
    steps = plans.plan_update(parse_declaration(DECLARATION, source="x.toml"), [record], [change])
    return {each.path: each.after for step in steps for each in step.changes}


def test_an_address_is_put_into_the_columns_of_its_parts() -> None:
    new = "Nygatan 4, 432 41 Varberg"

    assert planned("address", new) == {"street": "Nygatan 4", "zip": "432 41", "city": "Varberg"}


@pytest.mark.parametrize("old", ["Storgatan 2", "Storgatan 2, 302 43 Halmstad", "STORGATAN 2\nSE-302 43  Halmstad"])
def test_the_old_address_is_known_however_it_is_written(old: str) -> None:
    assert planned("address", "Storgatan 7, 302 43 Halmstad", old) == {"street": "Storgatan 7"}


def test_another_address_than_the_old_one_stays_whole() -> None:
    assert planned("address", "Nygatan 4, 432 41 Varberg", "Parkvägen 9, 302 43 Halmstad") == {}


def test_a_street_alone_is_not_put_before_the_old_city() -> None:
    assert planned("address", "Nygatan 4") == {}


def test_nobody_gets_an_address_where_none_is_held() -> None:
    assert planned("address", "Nygatan 4, 432 41 Varberg", street="", zip="", city="") == {}


def test_a_new_surname_changes_the_surname_alone() -> None:
    assert planned("name", "Eva Maria Ekdahl", "Eva Maria Ek") == {"last": "Ekdahl"}
    assert planned("name", "Anna Ek", "Eva Maria Ek") == {"first": "Anna"}


def test_the_name_of_somebody_else_stays() -> None:
    assert planned("name", "Eva Maria Ekdahl", "Eva Maria Berg") == {}
