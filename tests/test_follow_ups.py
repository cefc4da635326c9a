"""What a follow-up does to a request, by its state and by who writes: the table of the design, row by row."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from office import Office, open_office

from dsar.casework import (
    answering,
    approving,
    byhand,
    challenging,
    changing,
    identifying,
    intervening,
    searching,
    views,
)
from dsar.errors import ApprovalError
from dsar.lifecycle import State
from dsar.model import Right
from dsar.store.tables import Request

SENDER = "John Whitfield <john.whitfield@example.com>"
STRANGER = "Somebody Else <someone@elsewhere.example>"
ERASE = "Please delete all personal data you hold about me.\n\nJohn Whitfield\n"
REMINDER = "Hello, I am still waiting for your answer about my request. When will it be done?\n"
WITHDRAWAL = "I withdraw my request, please keep my data.\n"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def approved_erasure(office: Office) -> tuple[Request, str]:
    """An erasure that was searched, shown and approved, whose apply has not begun; and the first mail's Message-ID."""
    now = datetime.now(UTC)
    office.receive(SENDER, ERASE)
    identifying.identify(office.app, 1, now=now)
    searching.collect(office.app, 1, attempt=1, now=now)
    (request,) = office.requests()
    case = office.only_case()
    answering.show(office.app, case, request, actor="bo", now=now)
    approving.approve(office.app, case, request, actor="bo", now=now)
    with office.app.store.transaction() as tx:
        sent = tx.outgoing_of_case(1)
    (request,) = office.requests()
    assert request.state == State.APPLYING
    return request, sent[0].message_id


#: State, blocked reason, state of the letter in the outbox -> state after a reminder from the requester.
KNOWN = [
    (State.RECEIVED, "", "held", State.RECEIVED),
    (State.TRIAGE, "", "held", State.TRIAGE),
    (State.IDENTITY, "", "held", State.IDENTITY),
    (State.CLARIFYING, "", "held", State.IDENTITY),  # it answers our question, but not with a code
    (State.SEARCHING, "", "held", State.SEARCHING),
    (State.REVIEW, "", "held", State.REVIEW),
    (State.APPROVED, "", "held", State.REVIEW),  # the approval is void
    (State.APPLYING, "", "held", State.BLOCKED),  # stopped before the next step
    (State.DISPATCHING, "", "ready", State.REVIEW),  # recalled: nobody had begun to send it
    (State.DISPATCHING, "", "sending", State.DISPATCHING),  # under way: it goes out, the flag remains
    (State.BLOCKED, "access_first", "held", State.REVIEW),
    (State.BLOCKED, "uncertain", "uncertain", State.BLOCKED),  # it may have left: no second letter
    (State.CLOSED, "", "sent", State.CLOSED),
]


@pytest.mark.parametrize(("state", "reason", "outbox", "after"), KNOWN, ids=[f"{r[0]}-{r[1] or r[2]}" for r in KNOWN])
def test_reminder_of_the_requester(office: Office, state: State, reason: str, outbox: str, after: State) -> None:
    """A mail from the requester ends what does not know it."""
    request, thread = approved_erasure(office)
    put(office, request, state, reason, outbox)

    message = office.receive(SENDER, REMINDER, in_reply_to=thread)

    (request,) = office.requests()
    assert request.state == after
    assert "follow_up" in office.only_case().flags
    assert message.disposition == "follow_up"
    assert message.status == ("person" if state is State.CLOSED else "sorted")


#: State, blocked reason, state of the letter in the outbox -> state after a withdrawal from the requester, for good.
WITHDRAWN = [
    (State.TRIAGE, "", "held", State.TRIAGE),
    (State.IDENTITY, "", "held", State.IDENTITY),
    (State.CLARIFYING, "", "held", State.CLARIFYING),
    (State.SEARCHING, "", "held", State.SEARCHING),
    (State.REVIEW, "", "held", State.REVIEW),
    (State.APPROVED, "", "held", State.REVIEW),
    (State.APPLYING, "", "held", State.BLOCKED),
    (State.DISPATCHING, "", "ready", State.REVIEW),
    (State.DISPATCHING, "", "sending", State.DISPATCHING),  # under way: nothing can stop it any more
    (State.BLOCKED, "access_first", "held", State.REVIEW),
    (State.BLOCKED, "uncertain", "uncertain", State.BLOCKED),
    (State.CLOSED, "", "sent", State.CLOSED),
]


@pytest.mark.parametrize(
    ("state", "reason", "outbox", "after"), WITHDRAWN, ids=[f"{r[0]}-{r[1] or r[2]}" for r in WITHDRAWN]
)
def test_withdrawal_of_the_requester(office: Office, state: State, reason: str, outbox: str, after: State) -> None:
    """It stops unapplied work in every state: no step goes on, and nobody approves, until a person has decided."""
    request, thread = approved_erasure(office)
    put(office, request, state, reason, outbox)

    office.receive(SENDER, WITHDRAWAL, in_reply_to=thread)
    run_every_step(office)

    (request,) = office.requests()
    assert request.state == after
    assert {"follow_up", "withdrawn"} <= set(office.only_case().flags)
    assert customers(office) == 1
    if after is State.REVIEW:
        case = office.only_case()
        answering.show(office.app, case, request, actor="bo", now=datetime.now(UTC))
        with pytest.raises(ApprovalError, match="takes it back"):
            approving.approve(office.app, case, request, actor="bo", now=datetime.now(UTC))


def test_what_was_not_withdrawn_after_all_goes_on(office: Office) -> None:
    """A person has looked, and says so: the steps that had stopped go on."""
    request, thread = approved_erasure(office)
    put(office, request, State.IDENTITY, "", "held")
    office.receive(SENDER, WITHDRAWAL, in_reply_to=thread)

    intervening.mark_seen(office.app, office.only_case(), actor="anna", now=datetime.now(UTC))
    run_every_step(office)

    (request,) = office.requests()
    assert request.state == State.REVIEW


def run_every_step(office: Office) -> None:
    """Whatever may be due for the one request, in the order in which it would come."""
    now = datetime.now(UTC)
    identifying.identify(office.app, 1, now=now)
    challenging.challenge(office.app, 1, now=now)
    searching.collect(office.app, 1, attempt=1, now=now)
    approving.stop_marketing(office.app, 1, now=now)
    approving.release_erasure(office.app, 1, now=now)
    changing.apply(office.app, 1, now=now)


def customers(office: Office) -> int:
    """How often the requester stands in the business system."""
    with closing(sqlite3.connect(office.data / "business.db")) as database:
        (count,) = database.execute("select count(*) from customers where customer_no = 'K20002'").fetchone()
    return int(count)


def put(office: Office, request: Request, state: State, reason: str, outbox: str) -> None:
    """Set the scene: the request in *state*, its letter in the outbox in the state that goes with it."""
    office.force(request, state=state, blocked_reason=reason)
    with office.app.store.transaction() as tx:
        row = next(row for row in tx.outgoing_of_case(1) if row.letter_id is not None)
        tx.move_outgoing(row, to=outbox, expected=row.state)


@pytest.mark.parametrize("state", list(State))
def test_follow_up_of_a_stranger_changes_no_state(office: Office, state: State) -> None:
    """Whoever knows a reference has proven nothing; only an erasure that has not begun waits until somebody looked."""
    request, thread = approved_erasure(office)
    put(office, request, state, "", "held")

    office.receive(STRANGER, WITHDRAWAL, in_reply_to=thread)

    (request,) = office.requests()
    assert request.state == (State.BLOCKED if state is State.APPLYING else state)
    assert "follow_up_unknown_sender" in office.only_case().flags


def test_forged_follow_up_counts_as_a_stranger(office: Office) -> None:
    """The right address without the mail server's word for it is nobody's."""
    request, thread = approved_erasure(office)
    put(office, request, State.REVIEW, "", "held")
    forged = "mx.xelent.example; dmarc=fail header.from=example.com"
    office.receive(SENDER, WITHDRAWAL, in_reply_to=thread, finding=forged)

    assert "follow_up_unknown_sender" in office.only_case().flags


def test_new_right_in_a_follow_up_gets_a_clock_of_its_own(office: Office) -> None:
    """Art. 12(3) counts from the receipt of each request."""
    _, thread = approved_erasure(office)

    office.receive(SENDER, "I also want a copy of all data you have about me.\n", in_reply_to=thread)

    rights = {request.right: request for request in office.requests()}
    assert set(rights) == {"erase", "access"}
    assert rights["access"].received_at > rights["erase"].received_at


def test_second_mail_outside_the_thread_joins_the_open_case(office: Office) -> None:
    """A reminder written anew is not a second case."""
    approved_erasure(office)

    office.receive(SENDER, ERASE)

    assert len(office.requests()) == 1
    with office.app.store.transaction() as tx:
        assert len(tx.case_messages(1)) == 2


def test_two_alike_requests_by_phone_are_two(office: Office) -> None:
    """Two callers on one day who gave no name must not become one."""
    now = datetime.now(UTC)
    told = byhand.Told(
        channel="phone",
        received_on=now.date() - timedelta(days=1),
        rights=(Right.ACCESS,),
        name=None,
        email=None,
        phone=None,
        customer_no=None,
        language="sv",
        files=(("a\nb.txt", b"note"),),
    )

    opened = {byhand.open_by_hand(office.app, told, actor="anna", now=now) for _ in range(2)}

    assert len(opened) == 2


def test_a_question_that_nobody_answered_in_time_is_a_persons_again(office: Office) -> None:
    """The queue never shows "requester" for something that is overdue."""
    request, _ = approved_erasure(office)
    office.force(request, state=State.CLARIFYING)
    later = datetime.now(UTC) + timedelta(days=60)

    (line,) = [line for line in views.queue(office.app, now=later) if line.state == State.CLARIFYING]

    assert line.waits_for == "person: verify"
