"""What "on file" means (P6): entered by the company or confirmed, and unchanged for [identity] on_file_days."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from builders import value
from office import Office, open_office

from dsar.casework import challenging, identifying
from dsar.deadlines import STOCKHOLM
from dsar.identity import OnFile, on_file
from dsar.lifecycle import State
from dsar.model import RecordValue

TODAY = date(2026, 11, 26)
REQUEST = "Jag vill ha ett registerutdrag.\n\nMaria Öberg\n"
SENDER, ADDRESS = "Maria Öberg <maria.oberg@example.se>", "maria.oberg@example.se"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def change(office: Office, system: str, statement: str, *arguments: str) -> None:
    with sqlite3.connect(office.data / f"{system}.db") as database:
        database.execute(statement, arguments)


def ago(days: int) -> str:
    """As a system in Varberg writes it: around midnight its day is not the day in UTC."""
    return (datetime.now(STOCKHOLM) - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S")


def asks(office: Office) -> tuple[str, list[str]]:
    """State of the request and flags of the case after the sender was looked at."""
    office.receive(SENDER, REQUEST)
    identifying.identify(office.app, 1, now=datetime.now(UTC))
    return office.requests()[0].state, office.only_case().flags


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (value(vouched=False), OnFile.NO),
        (value(vouched=True, changed_on=TODAY - timedelta(days=30)), OnFile.YES),
        (value(vouched=True, changed_on=TODAY - timedelta(days=29)), OnFile.FRESH),
        (value(vouched=True, confirmed=True, changed_on=TODAY - timedelta(days=31)), OnFile.YES),
        (value(vouched=True), OnFile.YES),  # staff entered it, when is not told: nobody else could
        (value(vouched=True, confirmed=True), OnFile.FRESH),  # the person can change it, when is not told
    ],
    ids=["typed by anybody", "30 days", "29 days", "confirmed 31 days ago", "entered some day", "confirmed some day"],
)
def test_on_file(stored: RecordValue, expected: OnFile) -> None:
    assert on_file(stored, today=TODAY, days=30) is expected


def test_an_address_that_has_stood_passes_at_once(office: Office) -> None:
    assert asks(office) == (State.SEARCHING, [])


def test_an_address_that_was_changed_lately_proves_nothing(office: Office) -> None:
    """Somebody opened an account or took one over last week: a person looks, and no code goes there."""
    change(office, "business", "UPDATE customers SET email = NULL WHERE customer_no = 'K20004'")
    change(office, "webshop", "UPDATE accounts SET email_confirmed_at = ? WHERE account_no = 'W1004'", ago(29))

    state, flags = asks(office)
    challenging.challenge(office.app, 1, now=datetime.now(UTC))

    assert (state, flags) == (State.IDENTITY, ["fresh_contact"])
    with office.app.store.transaction() as tx:
        assert tx.challenges(1) == []


def test_a_day_later_it_has_stood(office: Office) -> None:
    change(office, "business", "UPDATE customers SET email = NULL WHERE customer_no = 'K20004'")
    change(office, "webshop", "UPDATE accounts SET email_confirmed_at = ? WHERE account_no = 'W1004'", ago(31))
    assert asks(office)[0] == State.SEARCHING


def test_the_setting_is_what_counts(tmp_path: Path) -> None:
    with open_office(tmp_path, more={"identity": "on_file_days = 3000\n"}) as office:
        change(office, "business", "UPDATE customers SET email = NULL WHERE customer_no = 'K20004'")
        assert asks(office) == (State.IDENTITY, ["fresh_contact"])


def test_where_systems_disagree_a_person_decides(office: Office) -> None:
    """The shop leads to the customer by the address itself; the customer has another one now."""
    change(office, "business", "UPDATE customers SET email = 'maria@annan.example' WHERE customer_no = 'K20004'")
    change(office, "business", "UPDATE customers SET phone = '070-174 06 08' WHERE customer_no = 'K20004'")
    declared = office.data / "webshop.toml"
    declared.write_text(
        declared.read_text("utf-8")
        .replace('emits = {email = "email"}', 'emits = {email = "email", customer_no = "customer_no"}')
        .replace(
            'en = "Customer number given by the account"}, category = "identity"}',
            'en = "Customer number"}, category = "identity", asserted_by = "company"}',
        ),
        "utf-8",
    )
    change(office, "webshop", "UPDATE accounts SET customer_no = 'K20004' WHERE account_no = 'W1004'")
    with open_again(office) as reopened:
        assert asks(reopened) == (State.IDENTITY, ["systems_disagree"])


def open_again(office: Office):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """The same installation with its declarations as they are now."""
    from contextlib import contextmanager

    from dsar.wiring import open_session

    @contextmanager
    def opened() -> Iterator[Office]:
        with open_session(office.data.parent / "settings.ini") as session:
            yield Office(session, office.data.parent)

    return opened()
