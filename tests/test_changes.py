"""Change plans in hard cases: drift, refusal, crashes, access before erasure, holds; nothing untrue is ever sent."""

import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from office import Office, open_office

from dsar.casework import (
    answering,
    approving,
    changing,
    duties,
    identifying,
    intervening,
    searching,
    sending,
    verifying,
    views,
)
from dsar.casework.context import reason_of, steps_of, subject_of
from dsar.errors import ApprovalError, SystemUnavailableError, UsageError
from dsar.identity import CheckMethod
from dsar.lifecycle import State
from dsar.store.tables import Request
from dsar.wiring import open_session

SENDER = "John Whitfield <john.whitfield@example.com>"
PETER = "Peter Sandberg <peter.sandberg@example.se>"
ERASE = "Please delete all personal data you hold about me.\n\nJohn Whitfield\n"
BOTH = "I want a copy of all data you have about me. Then delete everything.\n\nJohn Whitfield\n"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def in_review(office: Office, text: str, *, now: datetime) -> list[Request]:
    """A case whose requests wait for approval."""
    office.receive(SENDER, text, at=now)
    identifying.identify(office.app, 1, now=now)
    searching.collect(office.app, 1, attempt=1, now=now)
    return office.requests()


def approve(office: Office, request: Request, *, now: datetime) -> None:
    """Look at the letter, then approve it."""
    answering.show(office.app, office.only_case(), request, actor="bo", now=now)
    approving.approve(office.app, office.only_case(), request, actor="bo", now=now)


def business(office: Office, statement: str) -> list[tuple[object, ...]]:
    """Run SQL in the business system, as its own users do."""
    with sqlite3.connect(office.data / "business.db") as connection:
        return connection.execute(statement).fetchall()


def letters(office: Office) -> list[tuple[str, str]]:
    """(kind, status) of every letter of the case."""
    with office.app.store.transaction() as tx:
        return [(row.kind, row.status) for row in tx.letters_of_case(1)]


def outgoing(office: Office) -> dict[str, str]:
    """{kind: state} of the mails of the case."""
    with office.app.store.transaction() as tx:
        return {row.kind: row.state for row in tx.outgoing_of_case(1)}


def test_an_invoice_written_after_approval_voids_it_before_anything_is_erased(office: Office) -> None:
    """The plan is made anew before the first write; another plan means back to review with nothing touched."""
    now = datetime.now(UTC)
    (request,) = in_review(office, ERASE, now=now)
    approve(office, request, now=now)
    business(
        office,
        "INSERT INTO invoices SELECT 'F26-9999', customer_no, '2026-11-25', recipient, recipient_address, description, "
        "amount, status FROM invoices WHERE customer_no = 'K20002' LIMIT 1",
    )

    changing.apply(office.app, request.id or 0, now=now)

    (request,) = office.requests()
    assert request.state == State.SEARCHING
    assert business(office, "SELECT last_name FROM customers WHERE customer_no = 'K20002'") == [("Whitfield",)]
    assert letters(office) == [("erasure_partly", "void")]
    assert outgoing(office)["erasure_partly"] == "recalled"


def test_a_row_changed_after_approval_voids_it(office: Office) -> None:
    """What is stored is no longer what was shown with before and after."""
    now = datetime.now(UTC)
    (request,) = in_review(office, ERASE, now=now)
    approve(office, request, now=now)
    business(office, "UPDATE customers SET street = 'Nygatan 1' WHERE customer_no = 'K20002'")

    changing.apply(office.app, request.id or 0, now=now)

    assert business(office, "SELECT street FROM customers WHERE customer_no = 'K20002'") == [("Nygatan 1",)]
    assert letters(office) == [("erasure_partly", "void")]


def test_a_refusing_system_returns_the_request_with_what_was_really_done(office: Office) -> None:
    """What was applied stays applied; the approved letter is void, and the next one tells the truth."""
    now = datetime.now(UTC)
    (request,) = in_review(office, ERASE, now=now)
    approve(office, request, now=now)
    business(
        office,
        "CREATE TRIGGER no_change BEFORE UPDATE ON customers BEGIN SELECT RAISE(ABORT, 'open rental'); END",
    )

    changing.apply(office.app, request.id or 0, now=now)

    (request,) = office.requests()
    assert request.state == State.SEARCHING
    assert letters(office) == [("erasure_partly", "void")]
    business(office, "DROP TRIGGER no_change")
    searching.collect(office.app, 1, attempt=1, now=now)
    (request,) = office.requests()
    text = answering.show(office.app, office.only_case(), request, actor="bo", now=now).letter.text
    assert "Note" in text
    assert "Equipment" in text


def test_an_outcome_of_another_day_is_approved_anew(office: Office) -> None:
    """A letter bears its date: applied after midnight, the same truth needs a letter of today."""
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    (request,) = in_review(office, ERASE, now=now)
    approve(office, request, now=now)

    changing.apply(office.app, request.id or 0, now=now + timedelta(days=1))

    assert letters(office) == [("erasure_partly", "void")]
    searching.collect(office.app, 1, attempt=1, now=now + timedelta(days=1))
    (request,) = office.requests()
    current = answering.show(office.app, office.only_case(), request, actor="bo", now=now + timedelta(days=1))
    assert current.letter.kind == "erasure_partly"
    assert "26 November 2026" in current.letter.text


def test_kept_records_become_duties_that_name_nobody(office: Office) -> None:
    """What a law keeps is erased when its time has passed, whoever has purged the case by then."""
    now = datetime.now(UTC)
    (request,) = in_review(office, ERASE, now=now)
    approve(office, request, now=now)

    changing.apply(office.app, request.id or 0, now=now)

    owed = [duty for duty in duties.open_duties(office.app) if duty.kind == "erase_later"]
    assert [(duty.kind, duty.system, duty.object) for duty in owed] == [
        ("erase_later", "business", "invoice"),
        ("erase_later", "webshop", "order"),
        ("erase_later", "business", "invoice"),
    ]
    assert all("Whitfield" not in repr(duty) for duty in owed)


def test_erasure_waits_for_the_access_answer_and_for_a_bounce(office: Office) -> None:
    """EDPB 01/2022: never erase to avoid answering; three working days must pass without the answer coming back."""
    friday = datetime(2026, 11, 20, 12, tzinfo=UTC)
    access, erase = in_review(office, BOTH, now=friday)
    approve(office, erase, now=friday)
    (access, erase) = office.requests()
    assert (erase.state, erase.blocked_reason) == (State.BLOCKED, "access_first")
    assert not approving.release_erasure(office.app, erase.id or 0, now=friday)

    approve(office, access, now=friday)
    send(office, "access_answer", now=friday)
    wednesday = friday + timedelta(days=5)

    assert not approving.release_erasure(office.app, erase.id or 0, now=friday + timedelta(days=4))
    assert approving.release_erasure(office.app, erase.id or 0, now=wednesday)
    assert office.requests()[1].state == State.APPLYING


ELSEWHERE = "I want a copy of all data you have about me, john.whitfield@example.com.\n\nJohn Whitfield\n"


def asks_elsewhere(office: Office, *, now: datetime) -> None:
    """John asks from another address, in a case of its own, to see what is held."""
    office.receive("John <john@elsewhere.example>", ELSEWHERE, at=now)


def block(office: Office) -> tuple[str, str]:
    (request,) = office.requests()
    return request.state, request.blocked_reason


def test_an_erasure_of_whom_asks_for_access_in_another_case_waits_when_it_is_approved(office: Office) -> None:
    """EDPB 01/2022 s. 2.3.4: the answer comes first, whichever address was written from."""
    now = datetime.now(UTC)
    (request,) = in_review(office, ERASE, now=now)
    asks_elsewhere(office, now=now)

    approve(office, request, now=now)

    assert block(office) == (State.BLOCKED, "access_elsewhere")


def test_an_erasure_that_was_approved_waits_when_its_person_asks_for_access_in_another_case(office: Office) -> None:
    now = datetime.now(UTC)
    (request,) = in_review(office, ERASE, now=now)
    approve(office, request, now=now)
    asks_elsewhere(office, now=now)

    changing.apply(office.app, request.id or 0, now=now)

    assert business(office, "SELECT last_name FROM customers WHERE customer_no = 'K20002'") == [("Whitfield",)]
    assert block(office) == (State.BLOCKED, "access_elsewhere")


def steps_done(office: Office) -> int:
    """How many steps of the plan are done, by its ledger."""
    with office.app.store.transaction() as tx:
        entries = [entry for plan in tx.plans_of(1) for entry in tx.ledger(plan.id or 0).values()]
    return sum(entry.state == "done" for entry in entries)


@pytest.fixture
def begun(office: Office) -> Office:
    """An erasure of which one step is done when its worker is killed; then John asks elsewhere for access."""
    now = datetime.now(UTC)
    (request,) = in_review(office, ERASE, now=now)
    approve(office, request, now=now)
    kill_after_commits(office.app.settings.file, request.id or 0, commits=6, now=now)
    asks_elsewhere(office, now=now)
    assert steps_done(office) == 1
    return office


@pytest.mark.sqlite_file
def test_of_an_erasure_that_has_begun_what_is_not_done_yet_waits(begun: Office) -> None:
    changing.apply(begun.app, 1, now=datetime.now(UTC))

    assert block(begun) == (State.BLOCKED, "access_elsewhere")
    assert steps_done(begun) == 1
    (line, _) = sorted(views.queue(begun.app, now=datetime.now(UTC)), key=lambda line: line.reference)
    assert (line.reference, line.waits_for, line.blockers) == (
        f"{begun.only_case().reference}/erase",
        "person: release",
        ("access_elsewhere",),
    )
    assert line.send_by_on == begun.requests()[0].send_by_on


@pytest.mark.sqlite_file
def test_an_erasure_that_has_begun_cannot_be_recalled_as_if_nothing_was_done(begun: Office) -> None:
    changing.apply(begun.app, 1, now=datetime.now(UTC))

    with pytest.raises(UsageError, match="too late"):
        intervening.recall(begun.app, begun.requests()[0], actor="bo", now=datetime.now(UTC))


@pytest.mark.sqlite_file
def test_a_person_lets_it_go_on_with_a_reason_and_not_without(begun: Office) -> None:
    now = datetime.now(UTC)
    changing.apply(begun.app, 1, now=now)
    with pytest.raises(UsageError, match=r"asks for access in D-\d{4}-00002"):
        intervening.go_on(begun.app, begun.only_case(), begun.requests()[0], actor="bo", now=now)

    reason = "He has told us on the telephone that he does not want the copy any more."
    intervening.go_on(begun.app, begun.only_case(), begun.requests()[0], reason=reason, actor="bo", now=now)
    changing.apply(begun.app, 1, now=now)

    assert begun.requests()[0].state == State.DISPATCHING
    with begun.app.store.transaction() as tx:
        told = [event for event in tx.events(1) if "not_awaited" in event.detail]
        assert [reason_of(begun.app, tx.case_by_id(1), event) for event in told] == [reason]


@pytest.mark.parametrize(("days", "state"), [(4, State.BLOCKED), (5, State.APPLYING)])
def test_it_goes_on_by_itself_when_the_other_answer_has_left_and_did_not_come_back(
    office: Office, days: int, state: State
) -> None:
    """As within one case: three working days must pass."""
    friday = datetime(2026, 11, 20, 12, tzinfo=UTC)
    (request,) = in_review(office, ERASE, now=friday)
    asks_elsewhere(office, now=friday)
    approve(office, request, now=friday)
    assert not approving.release_erasure(office.app, 1, now=friday)
    with office.app.store.transaction() as tx:
        (other,) = tx.requests(2)
    office.force(other, state=State.CLOSED, closed_at=friday, outcome="fulfilled")

    approving.release_erasure(office.app, 1, now=friday + timedelta(days=days))

    assert office.requests()[0].state == state


def test_past_its_own_day_it_goes_on_by_a_person_only(office: Office) -> None:
    """Art. 12(3): its time limit runs on, and the queue has it; nobody erases late by surprise."""
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    (request,) = in_review(office, ERASE, now=now)
    asks_elsewhere(office, now=now)
    approve(office, request, now=now)
    with office.app.store.transaction() as tx:
        (other,) = tx.requests(2)
    office.force(other, state=State.CLOSED, closed_at=now, outcome="fulfilled")

    assert approving.release_erasure(office.app, 1, now=now + timedelta(days=60))

    assert block(office) == (State.BLOCKED, "access_elsewhere")


def test_somebody_elses_open_request_for_access_stops_no_erasure(office: Office) -> None:
    now = datetime.now(UTC)
    (request,) = in_review(office, ERASE, now=now)
    office.receive(PETER, "I want a copy of all data you have about me.\n\nPeter Sandberg\n", at=now)

    approve(office, request, now=now)

    assert office.requests()[0].state == State.APPLYING


def send(office: Office, kind: str, *, now: datetime) -> None:
    """Let a mail of the case have been taken by the mail server."""
    with office.app.store.transaction() as tx:
        row = next(row for row in tx.outgoing_of_case(1) if row.kind == kind)
        tx.move_outgoing(row, to="sending", expected="ready", sending_at=now)
    sending.settle_sent(office.app, row.id or 0, evidence="accepted", actor="dsar", now=now)


def test_nothing_is_erased_under_a_hold(office: Office) -> None:
    """IMY or a court looks at the case: approval is refused, and what is under way stops."""
    now = datetime.now(UTC)
    (request,) = in_review(office, ERASE, now=now)
    answering.show(office.app, office.only_case(), request, actor="bo", now=now)
    intervening.hold(office.app, office.only_case(), on=True, reason="IMY", actor="anna", now=now)

    with pytest.raises(ApprovalError, match="hold"):
        approving.approve(office.app, office.only_case(), request, actor="bo", now=now)


def test_recall_before_the_first_write_leaves_everything_as_it_was(office: Office) -> None:
    """An erasure that waits for the access answer can still be taken back."""
    now = datetime.now(UTC)
    _, erase = in_review(office, BOTH, now=now)
    approve(office, erase, now=now)
    (_, erase) = office.requests()

    intervening.recall(office.app, erase, actor="bo", now=now)

    assert office.requests()[1].state == State.REVIEW
    assert outgoing(office)["erasure_partly"] == "recalled"


def test_stop_after_some_steps_tells_what_was_done(office: Office) -> None:
    """A person stops a change half-way: the next draft tells the steps that were really carried out."""
    now = datetime.now(UTC)
    (request,) = in_review(office, ERASE, now=now)
    approve(office, request, now=now)
    kill_after_commits(office.app.settings.file, request.id or 0, commits=6, now=now)
    (request,) = office.requests()
    office.force(request, state=State.BLOCKED, blocked_reason="follow_up")
    (request,) = office.requests()

    intervening.stop(office.app, office.only_case(), request, actor="anna", now=now)
    searching.collect(office.app, 1, attempt=1, now=now)

    with office.app.store.transaction() as tx:
        assert len(tx.applied_plans(request.id or 0)) == 1
    assert office.requests()[0].state == State.REVIEW


def kill_after_commits(settings: Path, request_id: int, *, commits: int, now: datetime) -> bool:
    """Apply in a child process that is killed (SIGKILL) at its nth commit; True if it was."""
    child = os.fork()
    if child == 0:
        with open_session(settings) as session:
            seen = 0

            @sa.event.listens_for(session.app.store.engine, "commit")
            def committed(_connection: sa.Connection) -> None:
                nonlocal seen
                seen += 1
                if seen > commits:
                    os.kill(os.getpid(), signal.SIGKILL)

            changing.apply(session.app, request_id, now=now)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def backup(source: Path, target: Path) -> None:
    """Copy a database that is open, as `sqlite3 .backup` does."""
    with sqlite3.connect(source) as opened, sqlite3.connect(target) as copied:
        opened.backup(copied)


@pytest.mark.sqlite_file
def test_killed_at_any_commit_the_apply_ends_in_the_same_state(office: Office, tmp_path: Path) -> None:
    """kill -9 at each commit of apply, then once more: the same rows, ledger, letter and state as without a kill."""
    now = datetime.now(UTC)
    (request,) = in_review(office, ERASE, now=now)
    approve(office, request, now=now)
    results, commits, killed = [], 0, True
    while killed:
        copy = tmp_path / f"copy{commits}"
        copy.mkdir()
        shutil.copy(tmp_path / "settings.ini", copy)
        for name in ("dsar.db", "dsar-keys.db"):
            backup(tmp_path / name, copy / name)
        shutil.copytree(tmp_path / "data", copy / "data")
        killed = kill_after_commits(copy / "settings.ini", request.id or 0, commits=commits, now=now)
        with open_session(copy / "settings.ini") as session:
            changing.apply(session.app, request.id or 0, now=now)
            with session.app.store.transaction() as tx:
                mails = [(row.kind, row.state) for row in tx.outgoing_of_case(1)]
                results.append((tx.request(request.id or 0).state, mails, len(tx.open_duties())))
        with sqlite3.connect(copy / "data" / "business.db") as connection:
            assert connection.execute("SELECT count(*) FROM customers WHERE last_name = 'Whitfield'").fetchone() == (0,)
        commits += 1
    assert commits > 10
    assert set(map(str, results)) == {str(results[-1])}
    assert results[-1][0] == State.DISPATCHING


@pytest.mark.parametrize(
    "text",
    [
        "Under Article 21(1) I object to your profiling of me for service predictions.\n",
        "Jag invänder enligt artikel 21.1 mot att ni behandlar mina uppgifter för att förutse servicebehov.\n",
    ],
)
def test_an_objection_that_is_not_about_marketing_waits_for_a_person(office: Office, text: str) -> None:
    """Art. 21(1) is weighed; "you get no more marketing" would be no answer to it."""
    now = datetime.now(UTC)
    office.receive(PETER, text, at=now)
    (request,) = office.requests()
    assert request.right == "object"
    office.force(request, state=State.REVIEW)
    searching.collect(office.app, 1, attempt=1, now=now)

    approving.stop_marketing(office.app, request.id or 0, now=now)

    assert office.requests()[0].state == State.REVIEW
    with pytest.raises(UsageError, match="more than marketing"):
        answering.show(office.app, office.only_case(), office.requests()[0], actor="bo", now=now)


MOVED_PHONE = """Hi, I have a new phone number: +46 70 174 06 88. My old one is +46 70 174 06 06. Please update it.

John Whitfield
"""


@pytest.mark.parametrize(("contact", "owed"), [("john.whitfield@example.com", 0), ("john@other.example", 1)])
def test_an_old_phone_number_is_told_by_a_person_unless_the_answer_tells_it(
    office: Office, contact: str, owed: int
) -> None:
    """Who proved themselves at another address could be somebody else: the old number hears of the change."""
    now = datetime.now(UTC)
    in_review(office, MOVED_PHONE, now=now)
    method = CheckMethod.ID_SHOWN
    verifying.verify(office.app, office.only_case(), method=method, contact=contact, actor="anna", now=now)
    searching.collect(office.app, 1, attempt=1, now=now)
    with office.app.store.transaction() as tx:  # the case holds the records of both addresses
        subject = subject_of(office.app, tx.case_by_id(1))
    assert contact in {each.value for each in subject.proven}
    (request,) = office.requests()
    approve(office, request, now=now)
    changing.apply(office.app, request.id or 0, now=now)

    found = [duty for duty in duties.open_duties(office.app) if duty.kind == "notice"]
    assert len(found) == owed
    assert all("06 06" in duty.key or "0606" in duty.key for duty in found)


# ------------------------------------------------------------------------------------------------ update everywhere

MOVED = """Hi, I have a new phone number: +46 70 174 06 88. My old one is +46 70 174 06 06. Please update it.

John Whitfield
"""
NEW_ADDRESS = """Hello, my e-mail address has changed from john.whitfield@example.com to john@other.example.
Please update it.

John Whitfield
"""


def checked(office: Office, text: str, *, now: datetime) -> Request:
    """An update in review, whose sender has shown who they are."""
    in_review(office, text, now=now)
    contact = "john.whitfield@example.com"
    verifying.verify(
        office.app, office.only_case(), method=CheckMethod.ID_SHOWN, contact=contact, actor="anna", now=now
    )
    searching.collect(office.app, 1, attempt=1, now=now)
    (request,) = office.requests()
    return request


def shop(office: Office, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(office.data / "webshop.db") as connection:
        return connection.execute(statement).fetchall()


def test_a_system_that_is_down_is_waited_for_and_nothing_is_done_twice(office: Office) -> None:
    """One system takes the change, the other is away; when it is back the rest follows and the letter leaves."""
    now = datetime.now(UTC)
    request = checked(office, MOVED, now=now)
    approve(office, request, now=now)
    with office.app.store.transaction() as tx:
        case = tx.case_by_id(1)
        letter = next(row for row in tx.letters_of(request.id or 0) if row.status == "approved")
        known = tx.plan_of_letter(letter.id or 0)
        assert known is not None
        assert [step.system for step in steps_of(office.app, case, known)] == ["webshop", "business"]
    kill_after_commits(office.app.settings.file, request.id or 0, commits=4, now=now)
    (office.data / "business.db").rename(office.data / "away.db")

    with pytest.raises(SystemUnavailableError):
        changing.apply(office.app, request.id or 0, now=now)

    assert office.requests()[0].state == State.APPLYING
    assert outgoing(office)["update_done"] == "held"
    (office.data / "away.db").rename(office.data / "business.db")
    changing.apply(office.app, request.id or 0, now=now)
    assert office.requests()[0].state == State.DISPATCHING
    assert business(office, "SELECT mobile FROM customers WHERE customer_no = 'K20002'") == [("+46701740688",)]
    assert shop(office, "SELECT phone FROM accounts WHERE account_no = 'W1003'") == [("+46701740688",)]


def test_what_cannot_be_read_back_goes_before_a_person_and_is_not_tried_for_ever(office: Office) -> None:
    """A system that is no longer as declared will not be so in an hour either."""
    now = datetime.now(UTC)
    request = checked(office, MOVED, now=now)
    approve(office, request, now=now)
    kill_after_commits(office.app.settings.file, request.id or 0, commits=4, now=now)
    business(office, "ALTER TABLE customers RENAME COLUMN street TO road")

    changing.apply(office.app, request.id or 0, now=now)

    assert office.requests()[0].state == State.SEARCHING
    assert letters(office) == [("update_done", "void")]


def test_an_address_that_is_taken_is_a_line_for_a_person_and_never_an_answer(office: Office) -> None:
    """Klarna, 9 January 2024: that an address cannot be changed is no answer; the letter says what remains."""
    now = datetime.now(UTC)
    business(office, "UPDATE customers SET email = 'john@other.example' WHERE customer_no = 'K20017'")
    business(office, "CREATE UNIQUE INDEX one_each ON customers (email) WHERE email LIKE 'john@%'")
    request = checked(office, NEW_ADDRESS, now=now)
    searching.decide(office.app, office.only_case(), (), accepted=False, actor="anna", now=now)  # somebody else's
    approve(office, request, now=now)

    changing.apply(office.app, request.id or 0, now=now)
    searching.collect(office.app, 1, attempt=1, now=now)

    (request,) = office.requests()
    assert request.state == State.REVIEW
    text = answering.show(office.app, office.only_case(), request, actor="bo", now=now).letter.text
    assert "Still to be changed" in text
    assert "cannot" not in text
