"""
A letter -> the outbox -> the mail server, exactly once.

The outbox row with its Message-ID and the hash of its bytes is committed before any server hears of it (P2). One
window is unsafe: after the content was handed over and before the reply was stored nobody knows whether the mail left.
It ends in state "uncertain", is settled by evidence (a copy with that Message-ID in our own mailbox), and otherwise
waits for a person.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from dsar import approval, dispatch, letters
from dsar.casework import clocking, phrases, unasked
from dsar.casework.context import PROGRAM, App, case_key, outgoing_key, steps_of, stored_letter, subject_of
from dsar.casework.facts import base_facts
from dsar.casework.flags import flag
from dsar.casework.protecting import POST
from dsar.errors import (
    DispatchRefusedError,
    DispatchUncertainError,
    MailTooBigError,
    OutboxUnavailableError,
    UndeliverableAddressError,
)
from dsar.inbox import ImapInbox
from dsar.lifecycle import TRANSITIONS, Event, Outcome, State
from dsar.model import InboundMail, Letter, LetterKind, Requester, StepAction, Triage
from dsar.outbox import SmtpOutbox
from dsar.store import Transaction
from dsar.store.tables import CaseFile, LetterRow, OutboxRow, Request

#: How a request ends when the letter that answers it has left.
OUTCOME_OF_LETTER = {
    LetterKind.ACCESS_ANSWER: Outcome.FULFILLED,
    LetterKind.NOTHING_FOUND: Outcome.NOTHING_FOUND,
    LetterKind.REFUSAL: Outcome.REFUSED,
    LetterKind.UNIDENTIFIED: Outcome.UNIDENTIFIED,
    LetterKind.DECEASED: Outcome.NOT_A_REQUEST,
    LetterKind.UPDATE_DONE: Outcome.FULFILLED,
    LetterKind.UPDATE_REFUSED: Outcome.REFUSED,
    LetterKind.ERASURE_DONE: Outcome.FULFILLED,
    LetterKind.ERASURE_PARTLY: Outcome.PARTLY,
    LetterKind.OBJECTION_DONE: Outcome.FULFILLED,
    LetterKind.RESTRICTION_DONE: Outcome.FULFILLED,
}

#: A copy that is on its way into the mailbox gets this long before an uncertain mail goes before a person.
EVIDENCE_GRACE = timedelta(minutes=10)

#: States of an approved letter that nobody has begun to send or post.
UNSENT = ("ready", "to_post")

#: Flags of a case of which a mail did not arrive, or left although its request had moved on.
MAIL_FAILED = "mail_failed"
SENT_OUT_OF_TURN = "sent_out_of_turn"

#: Reason of a request whose letter may have left, or not.
UNCERTAIN = "uncertain"

_ACKNOWLEDGED_REQUESTERS = frozenset({Requester.SELF, Requester.AGENT, Requester.PARENT, Requester.ESTATE})


# --------------------------------------------------------------------------------------------------- into the outbox


def queue_letter(
    app: App,
    tx: Transaction,
    case: CaseFile,
    letter: Letter,
    *,
    recipient: str,
    auto_submitted: Literal["no", "auto-replied"],
    letter_id: int | None,
    held: bool = False,
    threaded: bool = True,
    part: tuple[int, int] = (1, 1),
    now: datetime,
) -> OutboxRow:
    """
    Build the mail once and commit it to the outbox with the caller's transaction.

    Args: letter_id: of the approved letter, None for a mail that needs no approval; held: it waits until the plan that
    it tells of has been carried out and read back; threaded: it answers the requester's mails; False for a mail to
    somebody who may be another person and must not see their headers; part: which of how many mails of the letter.
    Raises: UndeliverableAddressError.
    """
    message_id = dispatch.new_message_id(case.reference, secrets.token_hex(8), app.settings.own_domain)
    subject = subject_of(app, case)
    thread = subject.thread if threaded else ()
    content = dispatch.build_mime(
        letter,
        sender=app.settings.smtp_sender,
        sender_name=app.settings.smtp_sender_name,
        recipient=recipient,
        reply_to=dispatch.tagged(app.settings.smtp_sender, subject.tag) if app.settings.smtp.tag else None,
        message_id=message_id,
        date=now,
        in_reply_to=thread[-1] if thread else None,
        references=thread,
        auto_submitted=auto_submitted,
        boundary_seed=message_id,
    )
    row = tx.add_outgoing(
        OutboxRow(
            case_id=case.id,
            letter_id=letter_id,
            kind=letter.kind,
            part=part[0],
            parts=part[1],
            message_id=message_id,
            mime_sha256=hashlib.sha256(content).hexdigest(),
            sealed_mime=app.vault.seal(case_key(case), f"outbox.mime:{message_id}", content),
            sealed_recipient=app.vault.seal(case_key(case), f"outbox.recipient:{message_id}", recipient.encode()),
            created_at=now,
            state="held" if held else "ready",
        )
    )
    if not held:
        tx.enqueue("dispatch", row.id or 0, due_at=now)
    return row


def queue_paper(
    app: App,
    tx: Transaction,
    case: CaseFile,
    letter: Letter,
    content: bytes,
    *,
    recipient: str,
    letter_id: int | None,
    held: bool,
    now: datetime,
) -> OutboxRow:
    """
    Commit a letter that goes by post, with the caller's transaction; it is never mailed.

    Args: content: what is printed; recipient: as the approval binds it; the rest as of queue_letter().
    """
    message_id = dispatch.new_message_id(case.reference, secrets.token_hex(8), app.settings.own_domain)
    row = tx.add_outgoing(
        OutboxRow(
            case_id=case.id,
            letter_id=letter_id,
            kind=letter.kind,
            channel=POST,
            message_id=message_id,
            mime_sha256=hashlib.sha256(content).hexdigest(),
            sealed_mime=app.vault.seal(case_key(case), f"outbox.mime:{message_id}", content),
            sealed_recipient=app.vault.seal(case_key(case), f"outbox.recipient:{message_id}", recipient.encode()),
            created_at=now,
            state="held" if held else "ready",
        )
    )
    if not held:
        tx.enqueue("dispatch", row.id or 0, due_at=now)
    return row


def acknowledge(app: App, tx: Transaction, case: CaseFile, mail: InboundMail, triage: Triage, *, now: datetime) -> bool:
    """
    Queue the automatic acknowledgement if promise P3(a) allows one: once per case and once per sender and day (RFC
    3834), quoting nothing, confirming nothing, never to machines, forged senders, protected identities or minors.
    """
    if not _may_acknowledge(app, tx, mail, triage, now=now) or mail.sender is None:
        return False
    received = tx.requests(case.id or 0)[0].received_at
    facts = base_facts(app, case, received_at=received, rights=(), now=now)
    letter = letters.compose(LetterKind.ACKNOWLEDGEMENT, case.language, facts, templates=app.settings.templates_folder)
    try:
        queue_letter(
            app, tx, case, letter, recipient=mail.sender, auto_submitted="auto-replied", letter_id=None, now=now
        )
    except UndeliverableAddressError:
        return False
    tx.record("acknowledged", actor=PROGRAM, at=now, case_id=case.id)
    return True


def _may_acknowledge(app: App, tx: Transaction, mail: InboundMail, triage: Triage, *, now: datetime) -> bool:
    if not app.settings.automatic_acknowledgement or unasked.why_not(app, tx, mail, triage, now=now):
        return False
    if triage.requester not in _ACKNOWLEDGED_REQUESTERS:
        return False
    return not unasked.wrote_lately(app, tx, mail, LetterKind.ACKNOWLEDGEMENT, now=now)


# ----------------------------------------------------------------------------------------------- out of the outbox


def dispatch_mail(app: App, outbox_id: int, *, outbox: SmtpOutbox, now: datetime) -> None:
    """
    Step: hand one mail to the mail server.

    Raises: OutboxUnavailableError: nothing left, try again later.
    """
    with app.store.transaction() as tx:
        row = tx.outgoing(outbox_id)
        if row.state == "sending":  # an earlier attempt began and never ended: nobody knows whether it left
            _make_uncertain(tx, row, now=now)
            return
        if row.state != "ready":
            return
        key = outgoing_key(tx, row)
        content = app.vault.unseal(key, f"outbox.mime:{row.message_id}", row.sealed_mime)
        recipient = app.vault.unseal(key, f"outbox.recipient:{row.message_id}", row.sealed_recipient)
        same_bytes = hashlib.sha256(content).hexdigest() == row.mime_sha256
        approved = same_bytes and _is_approved(app, tx, row, recipient.decode())
        if approved and row.channel == POST:
            tx.move_outgoing(row, to="to_post", expected="ready")
            return  # a person prints and posts it
        attempts = row.attempts + 1
        if approved and not tx.move_outgoing(row, to="sending", expected="ready", sending_at=now, attempts=attempts):
            return  # another worker was first
    if not approved:
        _fail(app, outbox_id, expected="ready", event="approval_broken", now=now)
        return
    try:
        outbox.send(content, sender=app.settings.smtp_sender, recipients=(recipient.decode(),))
    except OutboxUnavailableError:
        with app.store.transaction() as tx:
            tx.move_outgoing(tx.outgoing(outbox_id), to="ready", expected="sending")
        raise
    except MailTooBigError as error:
        note_size_limit(app, error.limit or len(content) - 1, now=now)
        _fail(app, outbox_id, expected="sending", event="mail_too_big", now=now)
    except DispatchRefusedError:
        _fail(app, outbox_id, expected="sending", event="mail_refused", now=now)
    except DispatchUncertainError:
        with app.store.transaction() as tx:
            _make_uncertain(tx, tx.outgoing(outbox_id), now=now)
    else:
        settle_sent(app, outbox_id, evidence="accepted", actor=PROGRAM, now=now)


def _is_approved(app: App, tx: Transaction, row: OutboxRow, recipient: str) -> bool:
    """Whether the approval of the letter still holds for exactly this mail; what needs none has none to hold."""
    if row.letter_id is None:
        return True
    approved = tx.approval_of(row.letter_id)
    letter = tx.letter(row.letter_id)
    case = tx.case_by_id(letter.case_id)
    plan = tx.plan_of_letter(row.letter_id)
    phrase = tx.pass_phrase_of(row.letter_id)
    now_bound = approval.binding(
        stored_letter(app, tx, case, letter),
        recipient=recipient,
        channel=row.channel,
        plan_sha256=plan.sha256 if plan else None,
        mime_sha256s=[part.mime_sha256 for part in tx.outgoing_of_letter(row.letter_id)],
        phrase_to=str(phrases.way_of(app, case, phrase)) if phrase else None,
    )
    return approved is not None and approval.still_holds(approved.binding, now_bound)


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
        if row.letter_id is None or any(part.state != "sent" for part in tx.outgoing_of_letter(row.letter_id)):
            return
        letter = tx.letter(row.letter_id)
        letter.status = "sent"
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
    outcome = OUTCOME_OF_LETTER[LetterKind(letter.kind)]
    some = request.decision == "withdrawn" or any(step.action is StepAction.TASK for step in steps)
    return Outcome.PARTLY if some and outcome is Outcome.FULFILLED else outcome


#: Mark: the biggest mail that our mail server has said to take, in bytes.
SIZE_LIMIT = "smtp_size_limit"


def note_size_limit(app: App, limit: int, *, now: datetime) -> None:
    """Remember it, so that the letter is divided when it is approved again."""
    with app.store.transaction() as tx:
        tx.set_mark(SIZE_LIMIT, at=now, detail=str(limit))


def give_up(app: App, outbox_id: int, *, now: datetime) -> None:
    """No mail server has taken the mail for days: a person looks."""
    _fail(app, outbox_id, expected="ready", event="mail_given_up", now=now)


def _fail(app: App, outbox_id: int, *, expected: str, event: str, now: datetime) -> None:
    with app.store.transaction() as tx:
        row = tx.outgoing(outbox_id)
        if not tx.move_outgoing(row, to="failed", expected=expected):
            return
        tx.record(event, actor=PROGRAM, at=now, case_id=row.case_id, detail={"kind": row.kind})
        if row.case_id is None:
            unreachable(tx, row, now=now)
        elif row.letter_id is None:
            flag(tx, tx.case_by_id(row.case_id), MAIL_FAILED)
        take_letter_back(tx, row, Event.UNDELIVERABLE, actor=PROGRAM, now=now)


def unreachable(tx: Transaction, row: OutboxRow, *, now: datetime) -> None:
    """A mail to a colleague did not arrive: what it asked goes before a person."""
    for task in tx.tasks_of_mail(row.id or 0):
        if task.state == "open":
            task.state, task.why = "person", "unreachable"
            tx.record("task_unreachable", actor=PROGRAM, at=now, case_id=task.case_id, detail={"task": task.reference})


def take_letter_back(tx: Transaction, row: OutboxRow, event: Event, *, actor: str, now: datetime) -> None:
    """
    The letter did not reach the person, or must not: its approval ends and its requests return to review.

    A request that has moved on meanwhile, e.g. was reopened, stays where it is.
    """
    if row.letter_id is None:
        return
    void_letter(tx, tx.letter(row.letter_id), reason=event, now=now)
    for request in tx.requests_of_letter(row.letter_id):
        if event in TRANSITIONS[State(request.state)]:
            tx.advance(request, event, actor=actor, at=now, outcome=None, closed_at=None)


def recall_unsent(tx: Transaction, request: Request, *, now: datetime) -> None:
    """Stop a letter that nobody has begun to send; one under way goes out."""
    for letter in tx.letters_of(request.id or 0):
        if row := stop_unsent(tx, letter):
            take_letter_back(tx, row, Event.RECALLED, actor=PROGRAM, now=now)


def stop_unsent(tx: Transaction, letter: LetterRow, *, states: Sequence[str] = UNSENT) -> OutboxRow | None:
    """Stop every mail of a letter; None, and nothing is stopped, if one was begun already."""
    rows = tx.outgoing_of_letter(letter.id or 0)
    if not rows or any(row.state not in states for row in rows):
        return None
    stopped = [row for row in rows if tx.move_outgoing(row, to="recalled", expected=row.state)]
    return stopped[0] if stopped else None


def void_letter(tx: Transaction, letter: LetterRow, *, reason: str, now: datetime) -> None:
    """End a letter and its approval; the next draft is made anew."""
    letter.status = "void"
    for outgoing in tx.outgoing_of_letter(letter.id or 0):
        if outgoing.state in {"held", *UNSENT}:
            tx.move_outgoing(outgoing, to="recalled", expected=outgoing.state)
    phrases.end(tx, letter.id or 0)
    approval = tx.approval_of(letter.id or 0)
    if approval is not None:
        approval.voided_at = now
        approval.void_reason = reason


def _make_uncertain(tx: Transaction, row: OutboxRow, *, now: datetime) -> None:
    if not tx.move_outgoing(row, to="uncertain", expected="sending"):
        return
    tx.record("mail_uncertain", actor=PROGRAM, at=now, case_id=row.case_id, detail={"kind": row.kind})
    tx.enqueue("reconcile", row.id or 0, due_at=now)
    if row.letter_id is not None:
        for request in tx.requests_of_letter(row.letter_id):
            if request.state != State.BLOCKED:  # by another mail of the same letter
                tx.advance(request, Event.BLOCKED, actor=PROGRAM, at=now, blocked_reason=UNCERTAIN)


# ---------------------------------------------------------------------------------------------------- afterwards


def reconcile(app: App, outbox_id: int, *, inbox: ImapInbox, now: datetime) -> bool:
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
    return row.sending_at is None or now > row.sending_at + EVIDENCE_GRACE


def decide_uncertain(app: App, case: CaseFile, *, sent: bool, actor: str, now: datetime) -> int:
    """
    A person's word on the uncertain mails of a case: they left, or they are to be sent again as they are.

    Returns: number of mails decided. Raises: NotPermittedError: it may send a letter twice, so it needs an approver.
    """
    approval.check_approver(actor, "decide about an uncertain mail", app.settings.roles(actor))
    with app.store.transaction() as tx:
        rows = [row for row in tx.outgoing_of_case(case.id or 0) if row.state == "uncertain"]
    for row in rows:
        if sent:
            settle_sent(app, row.id or 0, evidence="person", actor=actor, now=now)
            continue
        with app.store.transaction() as tx:
            voided = row.letter_id is not None and tx.letter(row.letter_id).status == "void"
            if not tx.move_outgoing(row, to="recalled" if voided else "ready", expected="uncertain") or voided:
                continue  # settled meanwhile, or nobody's approval stands behind it any more
            tx.enqueue("dispatch", row.id or 0, due_at=now)
            for request in tx.requests_of_letter(row.letter_id or 0):
                if request.state == State.BLOCKED:
                    tx.advance(request, Event.DISPATCH_STARTED, actor=actor, at=now, blocked_reason="")
    return len(rows)


def file_copy(app: App, outbox_id: int, *, inbox: ImapInbox, now: datetime) -> None:
    """
    Step: see to it that a copy of a sent mail lies in the sent folder, once; some providers file it themselves.

    Raises: InboxUnavailableError; it never touches the state of sending.
    """
    with app.store.transaction() as tx:
        row = tx.outgoing(outbox_id)
        if row.state != "sent" or row.filed_at is not None:
            return
        key = outgoing_key(tx, row)
    if row.sealed_mime and not inbox.find_sent(row.message_id):
        inbox.append_sent(app.vault.unseal(key, f"outbox.mime:{row.message_id}", row.sealed_mime))
    with app.store.transaction() as tx:
        tx.outgoing(outbox_id).filed_at = now
