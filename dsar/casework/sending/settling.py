"""
A mail that has left -> its requests closed, its copy filed; one of which nobody knows -> evidence or a person's word.

Effects: reads and writes the mailbox and the database.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from dsar import approval
from dsar.casework import clocking, phrases, timekeeping
from dsar.casework.context import PROGRAM, App, outgoing_key, steps_of
from dsar.casework.flags import flag
from dsar.casework.protecting import POST
from dsar.errors import UsageError
from dsar.lifecycle import TRANSITIONS, Event, Outcome, State
from dsar.locale import said
from dsar.model import LetterKind, StepAction
from dsar.store import Transaction
from dsar.store.tables import CaseFile, LetterRow, OutboxRow, Request

if TYPE_CHECKING:  # what only looks at cases need not load IMAP
    from dsar.inbox import ImapInbox

#: How a request ends when the letter that answers it has left.
_OUTCOME_OF_LETTER = {
    LetterKind.ACCESS_ANSWER: Outcome.FULFILLED,
    LetterKind.NOTHING_FOUND: Outcome.NOTHING_FOUND,
    LetterKind.REFUSAL: Outcome.REFUSED,
    LetterKind.UNIDENTIFIED: Outcome.UNIDENTIFIED,
    LetterKind.DECEASED: Outcome.NOT_A_REQUEST,
    LetterKind.UPDATE_DONE: Outcome.FULFILLED,
    LetterKind.UPDATE_REFUSED: Outcome.REFUSED,
    LetterKind.ERASURE_DONE: Outcome.FULFILLED,
    LetterKind.ERASURE_PARTLY: Outcome.PARTLY,
    LetterKind.NOT_REQUEST: Outcome.NOT_A_REQUEST,
    LetterKind.OBJECTION_DONE: Outcome.FULFILLED,
    LetterKind.CONSENT_WITHDRAWN: Outcome.FULFILLED,
    LetterKind.RESTRICTION_DONE: Outcome.FULFILLED,
}

#: A copy that is on its way into the mailbox gets this long before an uncertain mail goes before a person.
_EVIDENCE_GRACE = timedelta(minutes=10)

#: Flag of a case of which a mail left although its request had moved on.
SENT_OUT_OF_TURN = "sent_out_of_turn"


#: Evidence that a mail had left: it came back. What opens it stays where it is.
CAME_BACK = "bounce"


def settle_sent(app: App, outbox_id: int, *, evidence: str, actor: str, now: datetime) -> None:
    """The mail has left: close what it answers, and have a copy filed. *evidence* says how we know."""
    with app.store.transaction() as tx:
        row = tx.outgoing(outbox_id)
        if row.state not in {"sending", "uncertain", "to_post"}:
            return
        tx.move_outgoing(row, to="sent", expected=row.state, sent_at=now, evidence=evidence)
        if row.channel != POST:
            tx.enqueue("file_copy", outbox_id, due_at=now)
        detail = {"kind": row.kind, "evidence": evidence, clocking.MAIL: str(row.id)}
        tx.record("mail_sent", actor=actor, at=now, case_id=row.case_id, detail=detail)
        if row.notice_id and (notice := tx.notice(row.notice_id)) and notice.state in {"approved", "sent"}:
            notice.state, notice.sent_at = "sent", now
        if row.letter_id is None or any(part.state != "sent" for part in tx.outgoing_of_letter(row.letter_id)):
            return
        letter = tx.letter(row.letter_id)
        letter.status = "sent"
        if evidence != CAME_BACK:
            phrases.release(tx, row.letter_id, now=now)
        clocking.extension_left(app, tx, row, now=now)
        for request in tx.requests_of_letter(row.letter_id):
            if Event.DISPATCHED not in TRANSITIONS[State(request.state)]:  # a mail that left is never left unrecorded
                flag(tx, tx.case_by_id(request.case_id), SENT_OUT_OF_TURN)
                continue
            outcome = _outcome(app, tx, letter, request)
            tx.advance(
                request, Event.DISPATCHED, actor=actor, at=now, outcome=outcome, closed_at=now, blocked_reason=""
            )


def _outcome(app: App, tx: Transaction, letter: LetterRow, request: Request) -> Outcome:
    """How a request ends by a letter; what is left to a person or was taken back half-way is not all that was asked."""
    plan = tx.plan_of_letter(letter.id or 0)
    steps = steps_of(app, tx.case_by_id(letter.case_id), plan) if plan else ()
    outcome = _OUTCOME_OF_LETTER[LetterKind(letter.kind)]
    some = request.decision == "withdrawn" or any(step.action is StepAction.TASK for step in steps)
    return Outcome.PARTLY if some and outcome is Outcome.FULFILLED else outcome


def reconcile(app: App, outbox_id: int, *, inbox: "ImapInbox", now: datetime) -> bool:
    """
    Step: look for evidence that an uncertain mail left.

    Returns: True when there is nothing more to do here: it is settled, or waits for a person.
    Raises: InboxUnavailableError.
    """
    with app.store.transaction() as tx:
        row = tx.outgoing(outbox_id)
    if row.state != "uncertain":
        return True
    if inbox.find_sent(row.message_id):
        settle_sent(app, outbox_id, evidence="found_in_sent", actor=PROGRAM, now=now)
        return True
    return row.sending_at is None or timekeeping.has_passed(_EVIDENCE_GRACE, since=row.sending_at, now=now)


def uncertain_mails(app: App, case: CaseFile) -> list[OutboxRow]:
    """The mails of a case of which nobody knows whether they left, oldest first."""
    with app.store.transaction(read_only=True) as tx:
        return [row for row in tx.outgoing_of_case(case.id or 0) if row.state == "uncertain"]


def decide_uncertain(
    app: App, case: CaseFile, *, sent: bool, mail: int | None = None, actor: str, now: datetime
) -> None:
    """
    A person's word on an uncertain mail of a case: it left, or it is to be sent again as it is.

    Args: mail: its number; None: the only one.
    Raises: NotPermittedError: it may send a letter twice, so it needs an approver; UsageError if there is none, or if
    there are several and nobody says which: of two one may have left, and the other not (P2).
    """
    approval.check_approver(actor, "decide about an uncertain mail", app.settings.roles(actor))
    rows = [row for row in uncertain_mails(app, case) if mail in {None, row.id}]
    if not rows:
        raise UsageError(said("No mail of {case} is uncertain.", case=case.reference))
    if len(rows) > 1:
        told = "; ".join(described(row) for row in rows)
        raise UsageError(said("Say which with --mail NUMBER: {mails}.", mails=told))
    (row,) = rows
    if sent:
        settle_sent(app, row.id or 0, evidence="person", actor=actor, now=now)
        return
    with app.store.transaction() as tx:
        voided = row.letter_id is not None and tx.letter(row.letter_id).status == "void"
        if not tx.move_outgoing(row, to="recalled" if voided else "ready", expected="uncertain") or voided:
            return  # settled meanwhile, or nobody's approval stands behind it any more
        tx.enqueue("dispatch", row.id or 0, due_at=now)
        for request in tx.requests_of_letter(row.letter_id or 0):
            if request.state == State.BLOCKED:
                tx.advance(request, Event.DISPATCH_STARTED, actor=actor, at=now, blocked_reason="")


def described(row: OutboxRow) -> str:
    """An uncertain mail so that it is found in a mail server's log: number, kind, Message-ID, time of the try."""
    at = f", {row.sending_at:%Y-%m-%d %H:%M} UTC" if row.sending_at else ""
    return f"{row.id} ({row.kind}, {row.message_id}{at})"


def file_copy(app: App, outbox_id: int, *, inbox: "ImapInbox", now: datetime) -> None:
    """
    Step: see to it that a copy of a sent mail lies in the sent folder, once; some providers file it themselves.

    Raises: InboxUnavailableError; it never touches the state of sending.
    """
    with app.store.transaction() as tx:
        row = tx.outgoing(outbox_id)
        if row.state != "sent" or row.filed_at is not None:
            return
        key = outgoing_key(tx, row)
    number, newest = row.id or 0, partial(_newest, app)
    if row.sealed_mime and not inbox.find_sent(row.message_id, number=number, newest=newest):
        inbox.append_sent(app.vault.unseal(key, f"outbox.mime:{row.message_id}", row.sealed_mime))
    with app.store.transaction() as tx:
        tx.outgoing(outbox_id).filed_at = now


def _newest(app: App) -> int:
    """Number of the newest mail of the outbox."""
    with app.store.transaction(read_only=True) as tx:
        return tx.newest_outgoing()
