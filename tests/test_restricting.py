"""Art. 18: records are locked where the system can, a person locks the rest, and what a law keeps is locked, too."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from office import Office, open_office

from dsar.casework import answering, approving, changing, duties, identifying, replaying, searching
from dsar.casework.facts import current_plan
from dsar.errors import UsageError
from dsar.lifecycle import State
from dsar.model import Right, StepAction
from dsar.store.tables import Request
from dsar.wiring import open_session

JOHN = "John Whitfield <john.whitfield@example.com>"
RESTRICT = "Please restrict the processing of my personal data under Article 18 GDPR.\n\nJohn Whitfield\n"
ERASE = "Please delete all personal data you hold about me.\n\nJohn Whitfield\n"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)

#: Object -> the mark by which its system knows that a record is locked.
LOCKS = {
    "business.toml": {"customers": 'restrict = {column = "active", value = "0"}'},
    "webshop.toml": {"orders": 'restrict = {column = "status", value = "cancelled"}'},
}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An office whose business system can lock customers, and whose shop can lock orders."""
    with open_office(tmp_path) as first:
        for name, locks in LOCKS.items():
            path = first.data / name
            text = path.read_text("utf-8")
            for table, lock in locks.items():
                text = text.replace(f'table = "{table}"\n', f'table = "{table}"\n{lock}\n')
            path.write_text(text, "utf-8")
    with open_session(tmp_path / "settings.ini") as session:
        yield Office(session, tmp_path)


def in_review(office: Office, text: str) -> Request:
    office.receive(JOHN, text, at=NOW)
    identifying.identify(office.app, 1, now=NOW)
    searching.collect(office.app, 1, attempt=1, now=NOW)
    (request,) = office.requests()
    assert request.state == State.REVIEW
    return request


def answer(office: Office, request: Request) -> str:
    """The letter, approved and carried out."""
    shown = answering.show(office.app, office.only_case(), request, actor="bo", now=NOW)
    approving.approve(office.app, office.only_case(), request, actor="bo", now=NOW)
    changing.apply(office.app, request.id or 0, now=NOW)
    (request,) = office.requests()
    assert request.state == State.DISPATCHING
    return " ".join(shown.letter.text.split())


def rows(office: Office, system: str, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(office.data / f"{system}.db") as connection:
        return connection.execute(statement).fetchall()


def test_what_a_system_can_lock_is_locked_and_the_rest_is_named_as_to_be_done(office: Office) -> None:
    letter = answer(office, in_review(office, RESTRICT))

    assert rows(office, "business", "SELECT active FROM customers WHERE customer_no = 'K20002'") == [(0,)]
    assert "Customer or contact person" in letter.partition("Still to be restricted")[0]
    assert "Invoice" in letter.partition("Still to be restricted")[2]


def test_the_person_is_told_before_a_restriction_ends(office: Office) -> None:
    """Art. 18(3): somebody looks whether it still stands, and tells the person before it is lifted."""
    answer(office, in_review(office, RESTRICT))

    (owed,) = [duty for duty in duties.open_duties(office.app) if duty.kind == "restriction"]
    assert (owed.law, owed.due_on) == ("Art. 18(3) GDPR: tell the person before it ends", date(2027, 2, 23))


def test_where_nothing_can_be_locked_a_person_does_it_and_says_so(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        request = in_review(office, RESTRICT)

        with pytest.raises(UsageError, match="dsar done"):
            answering.show(office.app, office.only_case(), request, actor="bo", now=NOW)


def test_what_a_law_keeps_after_an_erasure_is_locked_where_the_system_can(office: Office) -> None:
    request = in_review(office, ERASE)
    with office.app.store.transaction() as tx:
        steps = current_plan(office.app, tx, tx.case_by_id(1), Right.ERASE)
    assert [step.action for step in steps if step.object == "order"] == [StepAction.KEEP, StepAction.RESTRICT]

    letter = answer(office, request)

    assert "Where the system can, what is kept is locked" in letter
    assert rows(office, "webshop", "SELECT DISTINCT status FROM orders WHERE delivery_name LIKE 'John%'") == [
        ("cancelled",)
    ]


def test_a_lock_that_a_restored_backup_has_lost_is_set_again(office: Office) -> None:
    """The kept order stays, and is locked; nothing of it is for a person to decide."""
    answer(office, in_review(office, ERASE))
    rows(office, "webshop", "UPDATE orders SET status = 'shipped' WHERE delivery_name LIKE 'John%'")

    found = replaying.replay(office.app, since=NOW.date(), system="webshop", dry_run=False, actor="bo", now=NOW)

    assert {each.object: (each.result, each.needs_person) for each in found}["order"] == ("done again", False)
    assert rows(office, "webshop", "SELECT DISTINCT status FROM orders WHERE delivery_name LIKE 'John%'") == [
        ("cancelled",)
    ]
