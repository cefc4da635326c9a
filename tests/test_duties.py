"""What is owed after an answer: kept data go on their day, data that return reopen the case, restored data go again."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from office import Office, open_office

from dsar.casework import (
    duties,
    fulfilling,
    intervening,
    purging,
    replaying,
    searching,
    sending,
    views,
)
from dsar.casework.facts import current_plan
from dsar.errors import SystemUnavailableError
from dsar.lifecycle import State
from dsar.model import Right
from dsar.store.tables import Duty, Request

SENDER = "John Whitfield <john.whitfield@example.com>"
ERASE = "Please delete all personal data you hold about me.\n\nJohn Whitfield\n"
ACCESS = "I want a copy of all data you have about me.\n\nJohn Whitfield\n"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
#: The day after the last invoice and order of John Whitfield may go.
LATE = datetime(2034, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


@pytest.fixture
def erased(office: Office) -> Office:
    """John Whitfield's data are erased but for what the law keeps, and the letter has left."""
    answered(office, ERASE)
    return office


def answered(office: Office, text: str) -> Request:
    """The first request of the case, approved, carried out and told."""
    office.carried_out(SENDER, text, now=NOW)
    send_all(office)
    (request,) = office.requests()
    assert request.state == State.CLOSED
    return request


def send_all(office: Office) -> None:
    """Let every letter of the case have been taken by the mail server."""
    with office.app.store.transaction() as tx:
        rows = [row for row in tx.outgoing_of_case(1) if row.state == "ready" and row.letter_id]
        for row in rows:
            tx.move_outgoing(row, to="sending", expected="ready", sending_at=NOW)
    for row in rows:
        sending.settle_sent(office.app, row.id or 0, evidence="accepted", actor="dsar", now=NOW)


def rows_of(office: Office, system: str, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(office.data / f"{system}.db") as connection:
        return connection.execute(statement).fetchall()


def due(office: Office, kind: str) -> list[Duty]:
    with office.app.store.transaction() as tx:
        return [duty for duty in tx.open_duties() if duty.kind == kind]


def perform_all(office: Office, kind: str, *, now: datetime) -> None:
    for duty in due(office, kind):
        fulfilling.perform(office.app, duty.id or 0, now=now)


def trail(office: Office) -> list[tuple[str, dict[str, str]]]:
    with office.app.store.transaction() as tx:
        return [(event.name, event.detail) for event in tx.events(1)]


# -------------------------------------------------------------------------------------------------- kept, then erased


def test_kept_data_are_erased_on_their_day_although_the_case_is_purged(erased: Office) -> None:
    assert rows_of(erased, "business", "SELECT count(*) FROM invoices WHERE customer_no = 'K20002'") == [(2,)]
    purging.purge(erased.app, now=NOW + timedelta(days=1000))
    assert erased.only_case().purged_at is not None

    perform_all(erased, "erase_later", now=LATE)

    assert rows_of(erased, "business", "SELECT count(*) FROM invoices WHERE customer_no = 'K20002'") == [(0,)]
    assert due(erased, "erase_later") == []


def test_the_trail_tells_that_kept_data_went_by_which_law_and_whose_approval(erased: Office) -> None:
    perform_all(erased, "erase_later", now=LATE)

    told = [detail for name, detail in trail(erased) if name == "kept_data_erased"]
    assert {(each["object"], each["approved_by"], each["ending"]) for each in told} == {
        ("invoice", "bo", "done"),
        ("order", "bo", "done"),
    }
    assert all("Bookkeeping Act" in each["law"] for each in told)
    assert not any("Whitfield" in json.dumps(each) or "F2" in json.dumps(each) for each in told)


def test_a_worker_that_was_killed_after_it_had_erased_ends_the_duty_when_it_is_done_again(erased: Office) -> None:
    """The record is gone, and the duty does not know it yet."""
    rows_of(erased, "business", "DELETE FROM invoices WHERE customer_no = 'K20002'")

    perform_all(erased, "erase_later", now=LATE)

    assert due(erased, "erase_later") == []
    assert {detail["ending"] for name, detail in trail(erased) if name == "kept_data_erased"} == {"gone", "done"}


def test_nothing_is_erased_before_its_day(erased: Office) -> None:
    perform_all(erased, "erase_later", now=NOW + timedelta(days=300))

    assert rows_of(erased, "business", "SELECT count(*) FROM invoices WHERE customer_no = 'K20002'") == [(2,)]


def test_a_key_that_was_given_to_somebody_elses_record_is_left_to_a_person(erased: Office) -> None:
    rows_of(
        erased,
        "business",
        "UPDATE invoices SET recipient = 'X', recipient_address = 'Y', customer_no = 'K20004', "
        "invoice_no = invoice_no WHERE customer_no = 'K20002'",
    )

    perform_all(erased, "erase_later", now=LATE)

    assert rows_of(erased, "business", "SELECT count(*) FROM invoices WHERE recipient = 'X'") == [(2,)]
    problems = {(each.object, each.problem) for each in duties.open_duties(erased.app) if each.kind == "erase_later"}
    assert problems == {("invoice", "the record is not the one that was kept: look whose it is")}
    queued = [line for line in views.queue(erased.app, now=LATE) if line.state == "erase_later"]
    assert any("look whose it is" in line.blockers[0] for line in queued)


def test_a_system_that_is_down_is_tried_again_and_the_queue_says_so(erased: Office) -> None:
    (erased.data / "business.db").rename(erased.data / "away.db")
    invoice = next(duty for duty in due(erased, "erase_later") if duty.object == "invoice")

    with pytest.raises(SystemUnavailableError):
        fulfilling.perform(erased.app, invoice.id or 0, now=LATE)

    assert (
        "does not answer" in next(each for each in duties.open_duties(erased.app) if each.number == invoice.id).problem
    )
    (erased.data / "away.db").rename(erased.data / "business.db")
    fulfilling.perform(erased.app, invoice.id or 0, now=LATE)
    assert invoice.id not in {each.number for each in duties.open_duties(erased.app)}


def test_nothing_goes_by_schedule_while_its_person_has_asked_to_see_it(erased: Office) -> None:
    erased.receive(SENDER, ACCESS, at=LATE - timedelta(days=2))

    perform_all(erased, "erase_later", now=LATE)

    assert rows_of(erased, "business", "SELECT count(*) FROM invoices WHERE customer_no = 'K20002'") == [(2,)]
    frozen = [each for each in duties.open_duties(erased.app) if each.kind == "erase_later"]
    assert {each.problem for each in frozen} == {"D-2033-00001 asks for access"}


def test_nothing_goes_by_schedule_under_a_hold(erased: Office) -> None:
    intervening.hold(erased.app, erased.only_case(), on=True, reason="IMY", actor="bo", now=LATE)

    perform_all(erased, "erase_later", now=LATE)

    assert rows_of(erased, "business", "SELECT count(*) FROM invoices WHERE customer_no = 'K20002'") == [(2,)]
    assert {each.problem for each in duties.open_duties(erased.app) if each.kind == "erase_later"} == {
        "its case is under a hold"
    }


# -------------------------------------------------------------------------------------------------- data that return


def restore_customer(office: Office) -> None:
    """A transfer in the night writes the customer into the shop again."""
    rows_of(
        office,
        "webshop",
        "INSERT INTO accounts (account_no, username, name, email, email_confirmed_at, newsletter) "
        "VALUES ('W-999', 'johnw', 'John Whitfield', 'john.whitfield@example.com', '2020-01-01', 1)",
    )


@pytest.mark.parametrize("days", [1, 7])
def test_a_nightly_transfer_that_brings_the_person_back_reopens_the_case(erased: Office, days: int) -> None:
    for duty in due(erased, "verify_again"):
        if duty.due_on < (NOW + timedelta(days=days)).date():
            fulfilling.perform(erased.app, duty.id or 0, now=NOW + timedelta(days=days))
    assert erased.requests()[0].state == State.CLOSED
    restore_customer(erased)

    perform_all(erased, "verify_again", now=NOW + timedelta(days=days))

    (request,) = erased.requests()
    assert (request.state, request.outcome) == (State.SEARCHING, None)
    assert "data_returned" in erased.only_case().flags
    searching.collect(erased.app, 1, attempt=1, now=NOW + timedelta(days=days))
    with erased.app.store.transaction() as tx:
        steps = current_plan(erased.app, tx, tx.case_by_id(1), Right.ERASE)
    assert ("webshop", "W-999", "erase") in {(step.system, step.key, step.action) for step in steps}


def test_what_stays_away_is_looked_for_after_one_day_and_after_seven_and_no_more(erased: Office) -> None:
    assert [duty.due_on for duty in due(erased, "verify_again")] == [date(2026, 11, 26), date(2026, 12, 2)]

    perform_all(erased, "verify_again", now=NOW + timedelta(days=7))

    assert erased.requests()[0].state == State.CLOSED
    assert due(erased, "verify_again") == []
    assert [detail["found"] for name, detail in trail(erased) if name == "verified_again"] == ["0", "0"]


# -------------------------------------------------------------------------------------------------- restored backups


def test_what_a_restored_backup_brings_back_is_erased_again(office: Office) -> None:
    backup = {name: (office.data / f"{name}.db").read_bytes() for name in ("business", "webshop")}
    answered(office, ERASE)
    for name, content in backup.items():
        (office.data / f"{name}.db").write_bytes(content)
    assert rows_of(office, "business", "SELECT count(*) FROM customers WHERE last_name = 'Whitfield'") == [(1,)]

    found = replaying.replay(
        office.app, since=date(2026, 11, 20), system=None, dry_run=False, actor="bo", now=NOW + timedelta(days=3)
    )

    assert {each.result for each in found} == {"done again"}
    assert rows_of(office, "business", "SELECT count(*) FROM customers WHERE last_name = 'Whitfield'") == [(0,)]
    assert rows_of(office, "business", "SELECT count(*) FROM notes WHERE customer_no = 'K20002'") == [(0,)]
    assert rows_of(office, "webshop", "SELECT count(*) FROM accounts WHERE email LIKE 'john.whit%'") == [(0,)]
    again = replaying.replay(
        office.app, since=date(2026, 11, 20), system=None, dry_run=False, actor="bo", now=NOW + timedelta(days=3)
    )
    assert {each.result for each in again} == {"not there", "as it was left"}


def test_what_a_backup_brings_back_waits_while_its_person_has_asked_to_see_it(office: Office) -> None:
    backup = (office.data / "business.db").read_bytes()
    answered(office, ERASE)
    (office.data / "business.db").write_bytes(backup)
    office.receive(SENDER, ACCESS, at=NOW + timedelta(days=2))

    found = replaying.replay(
        office.app, since=date(2026, 11, 20), system="business", dry_run=False, actor="bo", now=NOW + timedelta(days=3)
    )

    assert {(each.result, each.needs_person) for each in found} == {("waits: D-2026-00002 asks for access", True)}
    assert rows_of(office, "business", "SELECT count(*) FROM customers WHERE last_name = 'Whitfield'") == [(1,)]


def test_a_row_with_the_key_of_an_erased_one_is_somebody_elses_and_stays(erased: Office) -> None:
    """SQLite and others give the number of an erased row to the next one."""
    statement = "INSERT INTO notes VALUES (2, 'K20004', '2026-11-26', 'AB', 'Somebody else')"
    assert rows_of(erased, "business", "SELECT count(*) FROM notes WHERE id = 2") == [(0,)]
    rows_of(erased, "business", statement)

    replaying.replay(erased.app, since=date(2026, 11, 20), system=None, dry_run=False, actor="bo", now=NOW)

    assert rows_of(erased, "business", "SELECT count(*) FROM notes WHERE body = 'Somebody else'") == [(1,)]


def test_the_list_goes_when_no_backup_is_so_old(erased: Office) -> None:
    purging.purge(erased.app, now=NOW + timedelta(days=402))

    with erased.app.store.transaction() as tx:
        assert tx.not_to_restore(since=date(2020, 1, 1)) == []
