"""The clock of a request replayed from its events: what left, what came, what came back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from office import Office, open_office
from test_challenging import code_sent, identity_steps, outgoing
from test_threads import bounce

from dsar.casework import answering, clocking, searching, sending
from dsar.clock import Clock
from dsar.lifecycle import State

UNKNOWN = "Maria Öberg <maria@other.example>"
ON_FILE = "maria.oberg@example.se"
REQUEST = "Jag vill ha ett registerutdrag. Mitt kundnummer är K20004.\n\nMaria Öberg\n"
DAY = timedelta(days=1)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def letters_leave(office: Office) -> None:
    for row in outgoing(office):
        with office.app.store.transaction() as tx:
            tx.move_outgoing(tx.outgoing(row.id or 0), to="sending", expected="ready")
        sending.settle_sent(office.app, row.id or 0, evidence="accepted", actor="dsar", now=datetime.now(UTC))


def clock(office: Office) -> Clock:
    with office.app.store.transaction() as tx:
        return clocking.clock_of(office.app, tx, tx.requests(1)[0])


def test_the_days_until_the_answer_reached_our_server_do_not_count(office: Office) -> None:
    """Not those until we read it: the mail lay unread for two days."""
    office.receive(UNKNOWN, REQUEST)
    identity_steps(office)
    letters_leave(office)
    before = clock(office)
    code, message_id = code_sent(office)
    with office.app.store.transaction() as tx:
        challenge = tx.challenges(1)[0]
        challenge.expires_at += 10 * DAY

    office.receive(ON_FILE, f"Koden är {code}\n", in_reply_to=message_id, at=datetime.now(UTC) + 7 * DAY)

    after = clock(office)
    (request,) = office.requests()
    assert (after.paused_days, request.paused_days) == (7, 7)
    assert after.nominal_on == before.nominal_on + 7 * DAY
    assert (request.send_by_on, request.legal_on) == (after.send_by_on, after.legal_on)


def test_a_question_that_never_left_pauses_nothing(office: Office) -> None:
    """The mail server was down: whoever was not asked cannot be waited for."""
    office.receive(UNKNOWN, REQUEST)
    identity_steps(office)
    code, message_id = code_sent(office)
    with office.app.store.transaction() as tx:
        tx.challenges(1)[0].expires_at += 10 * DAY
    office.receive(ON_FILE, f"Koden är {code}\n", in_reply_to=message_id, at=datetime.now(UTC) + 7 * DAY)
    assert clock(office).paused_days == 0


def test_a_question_that_came_back_pauses_nothing(office: Office) -> None:
    office.receive(UNKNOWN, REQUEST)
    identity_steps(office)
    letters_leave(office)
    with office.app.store.transaction() as tx:
        for row in tx.outgoing_of_case(1):
            tx.record("mail_bounced", actor="dsar", at=datetime.now(UTC), case_id=1, detail={"mail": str(row.id)})
    office.force(office.requests()[0], state=State.CLARIFYING)
    office.receive(UNKNOWN, "Här är jag.\n", in_reply_to=outgoing(office)[0].message_id)
    assert clock(office).paused_days == 0


def test_a_letter_written_for_a_clock_that_moves_back_is_written_anew(office: Office) -> None:
    """The question that had stopped the clock came back: the week until the answer is ours after all."""
    office.receive(UNKNOWN, REQUEST)
    identity_steps(office)
    letters_leave(office)
    with office.app.store.transaction() as tx:
        tx.challenges(1)[0].expires_at += 10 * DAY
    code, message_id = code_sent(office)
    office.receive(ON_FILE, f"Koden är {code}\n", in_reply_to=message_id, at=datetime.now(UTC) + 7 * DAY)
    searching.collect(office.app, 1, attempt=1, now=datetime.now(UTC))
    (request,) = office.requests()
    answering.show(office.app, office.only_case(), request, actor="bo", now=datetime.now(UTC))
    office.force(request, state=State.APPROVED)
    asked = outgoing(office)[0]

    office.take(bounce(asked))

    (request,) = office.requests()
    with office.app.store.transaction() as tx:
        letters = [(letter.kind, letter.status) for letter in tx.letters_of(1)]
    assert (request.paused_days, request.state, letters) == (0, State.REVIEW, [("access_answer", "void")])


def test_a_marketing_stop_in_the_same_mail_has_its_own_clock(office: Office) -> None:
    office.receive(
        UNKNOWN, "Sluta skicka reklam. Jag vill också ha ett registerutdrag. Kundnummer K20004.\n\nMaria Öberg\n"
    )
    identity_steps(office)
    letters_leave(office)
    by_right = {request.right: request for request in office.requests()}
    assert by_right["object"].send_by_on < by_right["access"].send_by_on - 14 * DAY
    assert by_right["object"].state == State.SEARCHING
