"""A candidate that staff accept leads on to what is behind it, and a word taken back undoes that (P5, P6)."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from office import Office, open_office

from dsar.casework import searching
from dsar.casework.facts import accepted_records
from dsar.model import Right, Strength

NOW = datetime.now(UTC)
SENDER = "John Whitfield <john.whitfield@example.com>"
REQUEST = "Please send me a copy of all personal data you hold about me.\n\nJohn Whitfield\n"
#: An account with his phone and Åsa's customer number, which anybody can type, and an address that was confirmed.
ACCOUNT = (
    "INSERT INTO accounts VALUES ('W1077', 'jw', 'J W', 'jw@private.example', '2020-01-01 00:00:00',"
    " '070-174 06 06', 'K20001', NULL, 0, NULL, NULL)"
)
#: What the company knows of the owner of that address.
CUSTOMER = (
    "INSERT INTO customers VALUES ('K20077', 'J', 'Whitfield', NULL, NULL, 'P', NULL, NULL, NULL,"
    " 'jw@private.example', NULL, NULL, '070-174 06 77', 'Nygatan 1', '432 43 Varberg', 1, NULL, 1, '2020-01-01')"
)
INVOICE = "INSERT INTO invoices VALUES ('F20-77', 'K20077', '2020-02-02', 'J W', 'Nygatan 1', 'Toner', '1', 'paid')"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """John has asked for his data, was recognised by his address on file, and searched for."""
    with open_office(tmp_path) as opened:
        for name, statements in {"business": [CUSTOMER, INVOICE], "webshop": [ACCOUNT]}.items():
            with sqlite3.connect(opened.data / f"{name}.db") as database:
                for statement in statements:
                    database.execute(statement)
        opened.receive(SENDER, REQUEST, at=NOW)
        opened.session.run_due()
        yield opened


def strengths(office: Office) -> dict[str, Strength]:
    return {record.key: record.strength for _, record, _ in searching.numbered_records(office.app, office.only_case())}


def decide(office: Office, key: str, *, accepted: bool) -> None:
    case = office.only_case()
    (number,) = [each for each, record, _ in searching.numbered_records(office.app, case) if record.key == key]
    searching.decide(office.app, case, [number], accepted=accepted, actor="anna", now=NOW)
    office.session.run_due()


def told(office: Office) -> set[str]:
    """Keys of the records that the answer would hold."""
    case = office.only_case()
    with office.app.store.transaction() as tx:
        return {each.key for each in accepted_records(office.app, tx, case, Right.ACCESS)}


def test_what_is_behind_a_candidate_is_unknown_until_it_is_accepted(office: Office) -> None:
    assert strengths(office)["W1077"] is Strength.CANDIDATE
    assert not {"K20077", "F20-77"} & set(strengths(office))


def test_an_accepted_candidate_leads_on_through_what_was_confirmed(office: Office) -> None:
    decide(office, "W1077", accepted=True)

    assert {strengths(office)[key] for key in ("K20077", "F20-77")} == {Strength.CERTAIN}
    assert {"W1077", "K20077", "F20-77"} <= told(office)


def test_what_anybody_could_type_on_an_accepted_candidate_leads_nowhere(office: Office) -> None:
    decide(office, "W1077", accepted=True)

    assert "K20001" not in strengths(office)


def test_the_case_is_before_a_person_again(office: Office) -> None:
    decide(office, "W1077", accepted=True)

    (request,) = office.requests()
    assert request.state == "review"
    assert office.only_case().undecided == 0


def test_a_word_taken_back_takes_back_what_it_led_to(office: Office) -> None:
    decide(office, "W1077", accepted=True)
    decide(office, "W1077", accepted=False)

    assert strengths(office)["W1077"] is Strength.CANDIDATE
    assert not {"W1077", "K20077", "F20-77"} & told(office)


def test_a_candidate_that_is_left_out_starts_no_search(office: Office) -> None:
    before = office.only_case().search_run

    decide(office, "W1077", accepted=False)

    assert office.only_case().search_run == before
