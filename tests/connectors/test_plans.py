"""The planning that connectors share, over the reference implementation."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from connectors import conformance
from connectors.memory import MemoryConnector
from dsar.declaration import parse_declaration
from dsar.errors import SystemContractError, SystemDriftError
from dsar.model import IdentifierType, PlanStep, StepAction

DECLARATION = """
name = "ledger"
kind = "memory"
label = {sv = "Reskontran", en = "The ledger"}

[[object]]
name = "customer"
label = {sv = "Kund", en = "Customer"}
key = "no"
activities = ["A1"]
find = [{by = "customer_no", columns = ["no"]}]
erase = {action = "anonymise", set = {name = "Borttagen", note = ""}}
fields = [
  {column = "no", label = {sv = "Nummer", en = "Number"}, category = "identity", asserted_by = "company"},
  {column = "name", label = {sv = "Namn", en = "Name"}, category = "identity", asserted_by = "company"},
  {column = "note", label = {sv = "Notering", en = "Note"}, category = "note", free_text = true},
  {column = "state", label = {sv = "Läge", en = "State"}, category = "log", codes = {A = {sv = "ja", en = "yes"}}},
]

[[object]]
name = "invoice"
label = {sv = "Faktura", en = "Invoice"}
key = "number"
activities = ["A2"]
reached_from = [{object = "customer", their = "no", ours = "customer"}]
keep = {rule = "bookkeeping", column = "on", fiscal_year_end_month = 7, law = {sv = "BFL 7 kap. 2 §", en = "BFL 7:2"}}
erase = {action = "delete"}
fields = [
  {column = "number", label = {sv = "Nummer", en = "Number"}, category = "order", asserted_by = "company"},
  {column = "customer", label = {sv = "Kund", en = "Customer"}, category = "identity", asserted_by = "company"},
  {column = "on", label = {sv = "Datum", en = "Date"}, category = "order", asserted_by = "company"},
]

[[object]]
name = "binder"
label = {sv = "Pärm", en = "Binder"}
key = "id"
activities = ["A1"]
reached_from = [{object = "customer", their = "no", ours = "customer"}]
fields = [
  {column = "id", label = {sv = "Id", en = "Id"}, category = "technical", asserted_by = "company"},
  {column = "customer", label = {sv = "Kund", en = "Customer"}, category = "identity", asserted_by = "company"},
]
"""
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


@pytest.fixture
def rows() -> dict[str, list[dict[str, str]]]:
    return {
        "customer": [{"no": "K1", "name": "Åsa Ek", "note": "ringer ofta", "state": "Q"}],
        "invoice": [
            {"number": "old", "customer": "K1", "on": "2018-07-31"},  # kept through 2025
            {"number": "new", "customer": "K1", "on": "2024-07-31"},  # kept through 2031
            {"number": "odd", "customer": "K1", "on": "i fjol"},
        ],
        "binder": [{"id": "7", "customer": "K1"}],
    }


@pytest.fixture
def ledger(rows: dict[str, list[dict[str, str]]]) -> MemoryConnector:
    return MemoryConnector(name="ledger", declaration=parse_declaration(DECLARATION, source="test"), rows=rows)


def erase_steps(ledger: MemoryConnector) -> dict[str, PlanStep]:
    found = ledger.search([conformance.identifier(IdentifierType.CUSTOMER_NO, "K1")], read_at=NOW)
    return {f"{step.object} {step.key}": step for step in ledger.plan_erase(found.records)}


def test_a_code_that_nobody_explained_is_marked(ledger: MemoryConnector) -> None:
    found = ledger.search([conformance.identifier(IdentifierType.CUSTOMER_NO, "K1")], read_at=NOW)

    assert [value.path for record in found.records for value in record.values if value.code_unknown] == ["state"]


def test_every_record_has_its_own_way_to_end(ledger: MemoryConnector) -> None:
    assert {place: step.action for place, step in erase_steps(ledger).items()} == {
        "customer K1": StepAction.ANONYMISE,
        "invoice old": StepAction.ERASE,  # its period is over
        "invoice new": StepAction.KEEP,
        "invoice odd": StepAction.TASK,  # nobody can tell until when it must be kept
        "binder 7": StepAction.TASK,  # no rule is declared
    }


def test_a_kept_record_carries_law_and_end_date(ledger: MemoryConnector) -> None:
    """The example of BFN: a fiscal year that ends on 31 July 2024."""
    step = erase_steps(ledger)["invoice new"]

    assert step.law is not None
    assert (step.law.sv, step.until) == ("BFL 7 kap. 2 §", date(2031, 12, 31))


@pytest.mark.parametrize("day", ["2025-12-31", "2026-01-01"])
def test_the_last_day_of_keeping_is_a_day_of_keeping(ledger: MemoryConnector, day: str) -> None:
    records = ledger.search([conformance.identifier(IdentifierType.CUSTOMER_NO, "K1")], read_at=NOW).records
    (old,) = (record for record in records if record.key == "old")
    noon = datetime.fromisoformat(f"{day}T12:00:00+00:00")

    (step,) = ledger.plan_erase([replace(old, read_at=noon)])

    assert step.action is (StepAction.KEEP if day == "2025-12-31" else StepAction.ERASE)


def test_anonymising_overwrites_what_identifies_and_is_read_back(
    ledger: MemoryConnector, rows: dict[str, list[dict[str, str]]]
) -> None:
    step = erase_steps(ledger)["customer K1"]

    ledger.apply(step, key="1")

    assert rows["customer"] == [{"no": "K1", "name": "Borttagen", "note": "", "state": "Q"}]
    assert ledger.verify(step).done


def test_an_erase_stops_when_a_value_appeared_meanwhile(
    ledger: MemoryConnector, rows: dict[str, list[dict[str, str]]]
) -> None:
    step = erase_steps(ledger)["invoice old"]
    rows["invoice"][0]["customer"] = "K2"

    with pytest.raises(SystemDriftError):
        ledger.apply(step, key="1")

    assert len(rows["invoice"]) == 3


def test_an_anonymise_goes_on_where_it_was_interrupted(
    ledger: MemoryConnector, rows: dict[str, list[dict[str, str]]]
) -> None:
    step = erase_steps(ledger)["customer K1"]
    rows["customer"][0]["name"] = "Borttagen"  # half of it was written

    ledger.apply(step, key="1")

    assert rows["customer"][0]["note"] == ""


def test_what_is_gone_already_counts_as_done(ledger: MemoryConnector, rows: dict[str, list[dict[str, str]]]) -> None:
    step = erase_steps(ledger)["invoice old"]
    del rows["invoice"][0]

    ledger.apply(step, key="1")

    assert ledger.verify(step).done


@pytest.mark.parametrize("place", ["invoice new", "binder 7"])
def test_a_step_that_writes_nothing_cannot_be_applied(ledger: MemoryConnector, place: str) -> None:
    with pytest.raises(SystemContractError):
        ledger.apply(erase_steps(ledger)[place], key="1")


LOCKING = DECLARATION.replace(
    'activities = ["A2"]\n', 'activities = ["A2"]\nrestrict = {column = "customer", value = "locked"}\n'
)


def test_what_is_kept_is_locked_where_the_system_can(rows: dict[str, list[dict[str, str]]]) -> None:
    """Art. 18, 4(3): stored, and used for nothing else; what is erased needs no lock."""
    connector = MemoryConnector(name="ledger", declaration=parse_declaration(LOCKING, source="test"), rows=rows)
    records = conformance.search(connector, IdentifierType.CUSTOMER_NO, "K1")

    steps = [(step.key, step.action) for step in connector.plan_erase(records) if step.object == "invoice"]

    assert ("new", StepAction.KEEP) in steps
    assert ("new", StepAction.RESTRICT) in steps
    assert ("old", StepAction.RESTRICT) not in steps


def test_a_locked_record_needs_no_second_lock(rows: dict[str, list[dict[str, str]]]) -> None:
    connector = MemoryConnector(name="ledger", declaration=parse_declaration(LOCKING, source="test"), rows=rows)
    records = conformance.search(connector, IdentifierType.CUSTOMER_NO, "K1")
    for step in connector.plan_restrict(records):
        connector.apply(step, key="case-1")
        assert connector.verify(step).done

    again = [connector.look_up("invoice", key, read_at=NOW) for key in ("old", "new", "odd")]
    assert connector.plan_restrict([record for record in again if record]) == ()


def test_vat_of_sales_to_other_eu_countries_is_kept_ten_years_from_the_end_of_the_year() -> None:
    """Art. 369k(2) Directive 2006/112/EC."""
    rule = 'keep = {rule = "oss", column = "on", law = {sv = "ML 22 kap.", en = "VAT Act, chapter 22"}}\n'
    text = "\n".join(rule if line.startswith("keep = ") else line for line in DECLARATION.splitlines())
    keep = parse_declaration(text, source="test").object("invoice").keep

    assert keep is not None
    assert keep.until(date(2024, 7, 31)) == date(2034, 12, 31)
