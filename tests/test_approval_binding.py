"""What was shown is what is approved, and what was approved is what is sent; in every race that was thought of."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from office import Office, open_office

from dsar.casework import answering, approving, identifying, interim, searching, sending, views
from dsar.errors import ApprovalError, DispatchRefusedError
from dsar.lifecycle import State
from dsar.model import LetterKind
from dsar.outbox import SmtpAccount, SmtpOutbox
from dsar.store.tables import LetterRow, Request

MARIA = "Maria Öberg <maria.oberg@example.se>"
ACCESS = "Jag vill veta vilka personuppgifter ni har om mig.\n\nMaria Öberg\n"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with open_office(tmp_path) as opened:
        yield opened


def in_review(office: Office, *, now: datetime) -> Request:
    """An access request whose letter waits."""
    office.receive(MARIA, ACCESS, at=now)
    identifying.identify(office.app, 1, now=now)
    searching.collect(office.app, 1, attempt=1, now=now)
    return office.requests()[0]


class DeafOutbox(SmtpOutbox):
    """A mail server that must not be asked."""

    def __init__(self) -> None:
        super().__init__(SmtpAccount(host="localhost", port=1, security="plain"))

    def send(self, content: bytes, *, sender: str, recipients: object) -> object:  # type: ignore[override]
        raise AssertionError("a mail was handed over")


class RefusingOutbox(DeafOutbox):
    """A mail server that takes nothing, for good."""

    def send(self, content: bytes, *, sender: str, recipients: object) -> object:  # type: ignore[override]
        raise DispatchRefusedError(550)


def test_refusing_to_approve_an_unseen_letter_does_not_make_it_seen(office: Office) -> None:
    """Trying twice is not reading."""
    now = datetime.now(UTC)
    request = in_review(office, now=now)
    for _ in range(2):
        with pytest.raises(ApprovalError, match="not seen"):
            approving.approve(office.app, office.only_case(), request, actor="bo", now=now)


def test_a_letter_that_a_colleague_has_seen_is_not_seen(office: Office) -> None:
    """Each approver reads for themselves."""
    now = datetime.now(UTC)
    request = in_review(office, now=now)
    answering.show(office.app, office.only_case(), request, actor="anna", now=now)

    with pytest.raises(ApprovalError, match="not seen"):
        approving.approve(office.app, office.only_case(), request, actor="bo", now=now)


def test_a_letter_changed_after_it_was_shown_is_not_the_one_seen(office: Office) -> None:
    """New facts, another letter: the approver looks again."""
    now = datetime.now(UTC)
    request = in_review(office, now=now)
    answering.show(office.app, office.only_case(), request, actor="bo", now=now)
    with office.app.store.transaction() as tx:
        tx.case_by_id(1).handler = "bo"

    with pytest.raises(ApprovalError, match="not seen"):
        approving.approve(office.app, office.only_case(), request, actor="bo", now=now)


def test_a_follow_up_after_the_look_ends_the_approval(office: Office) -> None:
    """A mail that came after the letter was read voids it; approving does not bring it back."""
    now = datetime.now(UTC)
    request = in_review(office, now=now)
    answering.show(office.app, office.only_case(), request, actor="bo", now=now)
    office.receive(MARIA, "Jag väntar fortfarande på svar på min begäran om registerutdrag.\n")
    request = office.requests()[0]

    with pytest.raises(ApprovalError):
        approving.approve(office.app, office.only_case(), request, actor="bo", now=now)

    with office.app.store.transaction() as tx:
        assert [row.status for row in tx.letters_of_case(1)] == ["void"]


def test_a_letter_changed_in_the_database_is_not_sent(office: Office) -> None:
    """The binding is compared again before any mail server hears of it."""
    now = datetime.now(UTC)
    request = in_review(office, now=now)
    answering.show(office.app, office.only_case(), request, actor="bo", now=now)
    approving.approve(office.app, office.only_case(), request, actor="bo", now=now)
    with office.app.store.transaction() as tx:
        row = next(row for row in tx.outgoing_of_case(1) if row.letter_id is not None)
        tx.session.execute(sa.update(LetterRow).values(kind=LetterKind.NOTHING_FOUND))
        tx.approval_of(row.letter_id or 0).binding = {"text": "of another letter"}  # type: ignore[union-attr]

    sending.dispatch_mail(office.app, row.id or 0, outbox=DeafOutbox(), now=now)

    assert office.requests()[0].state == State.REVIEW


def test_an_interim_answer_is_another_letter_than_the_answer(office: Office) -> None:
    """Having read the answer is not having read the interim answer, and sending the one leaves the other."""
    now = datetime.now(UTC)
    request = in_review(office, now=now)
    late = datetime.combine(request.send_by_on, datetime.min.time(), UTC) + timedelta(hours=12)
    answering.show(office.app, office.only_case(), request, actor="bo", now=late)
    with pytest.raises(ApprovalError, match="not seen"):
        interim.send(office.app, office.only_case(), request, reason="x", actor="bo", now=late)

    interim.show(office.app, office.only_case(), request, actor="bo", now=late)
    interim.send(office.app, office.only_case(), request, reason="x", actor="bo", now=late)

    with office.app.store.transaction() as tx:
        row = next(row for row in tx.outgoing_of_case(1) if row.letter_id is not None)
        tx.move_outgoing(row, to="sending", expected="ready", sending_at=late)
    sending.settle_sent(office.app, row.id or 0, evidence="accepted", actor="dsar", now=late)
    assert office.requests()[0].state == State.REVIEW
    with office.app.store.transaction() as tx:
        assert tx.outgoing(row.id or 0).state == "sent"


def test_an_acknowledgement_that_nobody_takes_is_seen_by_staff(office: Office) -> None:
    """A mail that answers no request must not fail in silence."""
    now = datetime.now(UTC)
    in_review(office, now=now)
    with office.app.store.transaction() as tx:
        (row,) = tx.outgoing_of_case(1)

    sending.dispatch_mail(office.app, row.id or 0, outbox=RefusingOutbox(), now=now)

    assert "person: mail failed" in [line.waits_for for line in views.queue(office.app, now=now)]


# ------------------------------------------------------------------------------------------------- what time undoes


class TakingOutbox(DeafOutbox):
    """A mail server that takes everything."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    def send(self, content: bytes, *, sender: str, recipients: object) -> object:  # type: ignore[override]
        self.taken += 1
        return None


def approved(office: Office, *, now: datetime) -> int:
    """Id of the mail of an access answer that was approved."""
    request = in_review(office, now=now)
    answering.show(office.app, office.only_case(), request, actor="bo", now=now)
    approving.approve(office.app, office.only_case(), request, actor="bo", now=now)
    with office.app.store.transaction() as tx:
        (row,) = [each for each in tx.outgoing_of_case(1) if each.letter_id is not None]
    return row.id or 0


@pytest.mark.parametrize(("days", "taken", "state"), [(14, 1, State.CLOSED), (15, 0, State.REVIEW)])
def test_an_approval_counts_for_two_weeks(office: Office, days: int, taken: int, state: State) -> None:
    """What was true when it was read may not be true any more; a person looks again."""
    now = datetime.now(UTC)
    outbox = TakingOutbox()
    sending.dispatch_mail(office.app, approved(office, now=now), outbox=outbox, now=now + timedelta(days=days))
    assert (outbox.taken, office.requests()[0].state) == (taken, state)


def test_what_expired_is_told_in_the_trail(office: Office) -> None:
    now = datetime.now(UTC)
    later = now + timedelta(days=15)
    sending.dispatch_mail(office.app, approved(office, now=now), outbox=DeafOutbox(), now=later)
    with office.app.store.transaction() as tx:
        assert "approval_expired" in {event.name for event in tx.events(1)}
