"""What a product keeps of a record after its erasure: removed with it, or a task (P7)."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from connectors import open_connector
from connectors.conformance import READ_AT, identifier
from dsar.declaration import parse_declaration
from dsar.model import IdentifierType, StepAction

# ruff: noqa: E501  # a TOML inline table stands on one line

DECLARATION = """
name = "erp"
kind = "sql"
label = {sv = "E", en = "E"}

[[object]]
name = "customer"
label = {sv = "Kund", en = "Customer"}
table = "customer"
key = "no"
activities = ["A1"]
person_if = {no = 'P\\d+'}
find = [{by = "email", columns = ["mail"]}, {by = "customer_no", columns = ["no"], pattern = 'P\\d+'}]
emits = {no = "customer_no"}
fields = [
  {column = "no", label = {sv = "N", en = "N"}, category = "identity", asserted_by = "company"},
  {column = "mail", label = {sv = "M", en = "M"}, category = "contact", asserted_by = "company"},
  {column = "state", label = {sv = "L", en = "S"}, category = "order", asserted_by = "company"},
]
erase = {action = "delete", pending = [{object = "customer", column = "state", closed = ["closed"], reason = {sv = "Öppen", en = "Open"}}]}
residue = [
  {label = {sv = "Text", en = "Text"}, table = "text", key = "id", column = "event", of = {table = "event", key = "id", column = "customer"}, set = {body = "gone-{id}"}},
  {label = {sv = "Kö", en = "Queue"}, table = "job", key = "id", column = "data", holding = ["mail"]},
  {label = {sv = "Logg", en = "Log"}, table = "log", key = "id", column = "before", path = "no", where = {kind = "customer"}},
]
"""
TABLES = """
CREATE TABLE customer (no TEXT PRIMARY KEY, mail TEXT, state TEXT);
CREATE TABLE event (id INTEGER PRIMARY KEY, customer TEXT);
CREATE TABLE text (id INTEGER PRIMARY KEY, event INTEGER, body TEXT);
CREATE TABLE log (id INTEGER PRIMARY KEY, kind TEXT, before TEXT);
CREATE TABLE job (id INTEGER PRIMARY KEY, data TEXT);
CREATE TRIGGER keep AFTER DELETE ON customer BEGIN
  INSERT INTO job VALUES (1, '{"user": "Bo@Example.com"}'), (2, '{"user": "jobbo@example.com"}'), (3, '{"user": "eva@example.com"}');
INSERT INTO log (kind, before) VALUES ('customer', json_object('no', OLD.no, 'mail', OLD.mail));
END;
INSERT INTO customer VALUES ('P1', 'bo@example.com', 'closed'), ('P2', 'eva@example.com', 'open'), ('C3', 'info@firm.example', 'closed');
INSERT INTO event VALUES (1, 'P1'), (2, 'P2');
INSERT INTO text VALUES (10, 1, 'Bo rang'), (20, 2, 'Eva rang');
INSERT INTO log (kind, before) VALUES ('customer', '{"no": "P2", "mail": "eva@example.com"}'), ('order', '{"no": "P1"}');
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with sqlite3.connect(tmp_path / "erp.db") as connection:
        connection.executescript(TABLES)
    return tmp_path / "erp.db"


def plan(file: Path, mail: str) -> tuple[Any, Any]:
    options = {"url": f"sqlite:///{file}", "write_url": f"sqlite:///{file}"}
    erp: Any = open_connector(
        "sql", name="erp", declaration=parse_declaration(DECLARATION, source="x"), options=options
    )
    records = erp.search([identifier(IdentifierType.EMAIL, mail)], read_at=READ_AT).records
    return erp, erp.plan_erase(records)


def stored(file: Path, query: str) -> list[Any]:
    with sqlite3.connect(file) as connection:
        return connection.execute(query).fetchall()


def test_residue_goes_with_the_record_and_nobody_elses(file: Path) -> None:
    erp, (step,) = plan(file, "bo@example.com")

    erp.apply(step, key="case-1")
    erp.apply(step, key="case-1")

    assert erp.verify(step).done
    assert stored(file, "SELECT id, body FROM text ORDER BY id") == [(10, "gone-10"), (20, "Eva rang")]
    assert stored(file, "SELECT id FROM job") == [(2,), (3,)]
    assert stored(file, "SELECT kind, json_extract(before, '$.no') FROM log") == [("customer", "P2"), ("order", "P1")]


def test_a_step_is_not_done_while_residue_is_left(file: Path) -> None:
    erp, (step,) = plan(file, "bo@example.com")

    stored(file, "DELETE FROM customer WHERE no = 'P1'")

    assert erp.verify(step).detail == "3 rows are left of what the product itself keeps"


def test_what_is_open_makes_a_task(file: Path) -> None:
    _, (step,) = plan(file, "eva@example.com")

    assert (step.action, step.reason.en) == (StepAction.TASK, "Open")


def test_the_record_of_an_organisation_is_a_candidate_and_leads_nowhere(file: Path) -> None:
    erp, _ = plan(file, "bo@example.com")

    answer = erp.search([identifier(IdentifierType.EMAIL, "info@firm.example")], read_at=READ_AT)
    by_number = erp.search([identifier(IdentifierType.CUSTOMER_NO, "C3")], read_at=READ_AT)

    assert [each.strength for each in answer.records] == ["candidate"]
    assert (answer.emits, by_number.records) == ((), ())
