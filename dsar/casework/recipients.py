"""
An applied change -> a notice to each recipient of the data, approved, sent, and followed until they have answered.

Art. 19: "The controller shall communicate any rectification or erasure of personal data or restriction of processing
[...] to each recipient to whom the personal data have been disclosed, unless this proves impossible or involves
disproportionate effort. The controller shall inform the data subject about those recipients".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dsar import approval, letters
from dsar.casework import opening
from dsar.casework.context import PROGRAM, App, subject_of
from dsar.casework.facts import COMMUNICATED, base_facts, recipients_of
from dsar.casework.planning import told_outcomes
from dsar.casework.sending import queue_letter
from dsar.casework.thread.belonging import case_of
from dsar.casework.thread.flags import file_message
from dsar.dispatch import deliverable_address
from dsar.errors import UsageError
from dsar.model import (
    Disposition,
    InboundMail,
    Letter,
    LetterKind,
    PlanStep,
    Record,
    Right,
    SenderAuthentication,
    Triage,
)
from dsar.store import Transaction
from dsar.store.tables import CaseFile, RecipientNotice, Request

#: Whoever has not answered is reminded so often, after so long; then a person looks.
_REMINDERS, _PATIENCE = 2, timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class NoticeLine:
    """One notice as staff see it."""

    number: int
    reference: str  #: D-2026-00042/erase
    recipient: str
    address: str
    state: str
    why: str
    reminders: int
    sent_at: datetime | None


# --------------------------------------------------------------------------------------------------------- preparing


def prepare(
    app: App, tx: Transaction, request: Request, steps: Sequence[PlanStep], records: Sequence[Record], *, now: datetime
) -> None:
    """Propose a notice to each recipient, once; with the caller's transaction."""
    known = {notice.recipient for notice in tx.notices_of(request.id or 0)}
    for one in recipients_of(app, Right(request.right), steps, records):
        if one.name not in known:
            _add(tx, request, one.name, one.notify or "", now=now)


def add(app: App, request: Request, name: str, address: str, *, actor: str, now: datetime) -> int:
    """
    Propose a notice to a recipient whom staff know of, as of a disclosure in this very case; its number.

    Raises: UsageError if there is one already, or the right changes nothing; UndeliverableAddressError.
    """
    if Right(request.right) not in COMMUNICATED:
        raise UsageError("Recipients are told of rectification, erasure and restriction (Art. 19 GDPR).")
    deliverable_address(address)
    with app.store.transaction() as tx:
        if name in {notice.recipient for notice in tx.notices_of(request.id or 0)}:
            raise UsageError("There is a notice to this recipient already.")
        notice = _add(tx, request, name, address, now=now)
        _note(tx, notice, "notice_added", actor=actor, now=now)
    return notice.id or 0


def _add(tx: Transaction, request: Request, name: str, address: str, *, now: datetime) -> RecipientNotice:
    notice = RecipientNotice(request_id=request.id or 0, recipient=name, address=address, prepared_at=now)
    return tx.add_notice(notice)


# ----------------------------------------------------------------------------------------- showing, approving, ending


def lines(app: App, *, case: CaseFile | None = None) -> list[NoticeLine]:
    """All notices, or those of a case, the oldest first."""
    with app.store.transaction(read_only=True) as tx:
        found = tx.notices()
        requests = {notice.request_id: tx.request(notice.request_id) for notice in found}
        references = {each.case_id: tx.case_by_id(each.case_id).reference for each in requests.values()}
    return [
        NoticeLine(
            number=notice.id or 0,
            reference=f"{references[request.case_id]}/{request.right}",
            recipient=notice.recipient,
            address=notice.address,
            state=notice.state,
            why=notice.why,
            reminders=notice.reminders,
            sent_at=notice.sent_at,
        )
        for notice in found
        if (request := requests[notice.request_id]) and (case is None or request.case_id == case.id)
    ]


def letter_of(app: App, number: int, *, actor: str, now: datetime) -> tuple[Letter, str]:
    """The notice as it would be sent, and where to; that *actor* has looked is recorded. Raises: UsageError."""
    with app.store.transaction() as tx:
        notice, request, case = _found(tx, number)
        _note(tx, notice, "looked_at_notice", actor=actor, now=now)
        return _letter(app, tx, notice, request, case, now=now), notice.address


def approve(app: App, number: int, *, actor: str, now: datetime) -> None:
    """
    Send a notice that the same member of staff has looked at.

    Raises: NotPermittedError; UsageError; UndeliverableAddressError.
    """
    approval.check_approver(actor, "approve a notice", app.settings.roles(actor))
    with app.store.transaction() as tx:
        notice, request, case = _found(tx, number)
        if notice.state not in {"prepared", "bounced"}:
            raise UsageError(f"Notice {number} is {notice.state}.")
        if not any(
            event.name == "looked_at_notice" and event.actor == actor and event.detail.get("notice") == str(number)
            for event in tx.events(case.id or 0)
        ):
            raise UsageError(f"Look at it first: 'dsar notices show {number}'.")
        _send(app, tx, notice, request, case, now=now)
        notice.state, notice.approved_by = "approved", actor
        _note(tx, notice, "notice_approved", actor=actor, now=now)


def change_address(app: App, number: int, address: str, *, actor: str, now: datetime) -> None:
    """Another address for a notice that has not left, or came back. Raises: UsageError; UndeliverableAddressError."""
    deliverable_address(address)
    with app.store.transaction() as tx:
        notice, _, _ = _found(tx, number)
        if notice.state not in {"prepared", "bounced"}:
            raise UsageError(f"Notice {number} is {notice.state}.")
        notice.address, notice.state = address, "prepared"
        _note(tx, notice, "notice_readdressed", actor=actor, now=now)


def end(app: App, number: int, *, why: str, actor: str, now: datetime) -> None:
    """
    A recipient has confirmed, or is not told.

    Args: why: it is left out, as impossible or disproportionate; "": they have confirmed. Raises: UsageError.
    """
    with app.store.transaction() as tx:
        notice, _, _ = _found(tx, number)
        if notice.ended_at is not None:
            raise UsageError(f"Notice {number} is {notice.state}.")
        notice.state, notice.why, notice.ended_at = ("left_out" if why else "confirmed"), why, now
        _note(tx, notice, f"notice_{notice.state}", actor=actor, now=now)


def _found(tx: Transaction, number: int) -> tuple[RecipientNotice, Request, CaseFile]:
    notice = tx.notice(number)
    if notice is None:
        raise UsageError(f"There is no notice {number}; 'dsar notices' lists them.")
    request = tx.request(notice.request_id)
    case = tx.case_by_id(request.case_id)
    if case.purged_at is not None:
        raise UsageError(f"{case.reference} is purged.")
    return notice, request, case


def _note(tx: Transaction, notice: RecipientNotice, name: str, *, actor: str, now: datetime) -> None:
    request = tx.request(notice.request_id)
    detail = {"notice": str(notice.id)}
    tx.record(name, actor=actor, at=now, case_id=request.case_id, request_id=request.id, detail=detail)


# ----------------------------------------------------------------------------------------------------------- sending


def _letter(
    app: App, tx: Transaction, notice: RecipientNotice, request: Request, case: CaseFile, *, now: datetime
) -> Letter:
    """The recipient has to know whom it is about: the name, and the contact points by which they were known to us."""
    subject = subject_of(app, case)
    facts = base_facts(app, case, received_at=request.received_at, rights=(Right(request.right),), now=now)
    points = dict.fromkeys(each.value for each in subject.proven)
    facts = replace(
        facts,
        done_on=facts.today,
        about=", ".join(filter(None, (subject.name, *points))),
        recipient_name=notice.recipient,
        outcomes=told_outcomes(app, tx, case, request) if request.right == Right.UPDATE else None,
    )
    return letters.compose(
        LetterKind.RECIPIENT_NOTICE,
        case.language,
        facts,
        templates=app.settings.templates_folder,
        look=app.settings.look,
    )


def _send(
    app: App, tx: Transaction, notice: RecipientNotice, request: Request, case: CaseFile, *, now: datetime
) -> None:
    row = queue_letter(
        app,
        tx,
        case,
        _letter(app, tx, notice, request, case, now=now),
        recipient=notice.address,
        auto_submitted="no",
        letter_id=None,
        threaded=False,
        now=now,
    )
    row.notice_id = notice.id
    tx.enqueue("notice", notice.id or 0, due_at=now + _PATIENCE)


def follow(app: App, number: int, *, now: datetime) -> None:
    """Step: remind who has not answered a notice, or put it before a person."""
    with app.store.transaction() as tx:
        notice = tx.notice(number)
        if notice is None or notice.state != "sent" or notice.sent_at is None or now < notice.sent_at + _PATIENCE:
            return
        request = tx.request(notice.request_id)
        case = tx.case_by_id(request.case_id)
        if notice.reminders >= _REMINDERS or case.purged_at is not None:
            notice.state = "silent"
            _note(tx, notice, "notice_silent", actor=PROGRAM, now=now)
            return
        notice.reminders += 1
        _send(app, tx, notice, request, case, now=now)
        _note(tx, notice, "notice_reminded", actor=PROGRAM, now=now)


def take_answer(
    app: App,
    message_id: int,
    mail: InboundMail,
    triage: Triage,
    *,
    authentication: SenderAuthentication,
    now: datetime,
) -> bool:
    """
    File the answer to a notice with its case; True if the mail is one. A person reads what it says.

    Only a mail in the thread of the notice, from the recipient's own domain as our mail server confirms it.
    """
    with app.store.transaction() as tx:
        notice = next(_answered(tx, mail), None)
        if notice is None or authentication is not SenderAuthentication.PASS:
            return False
        if (mail.sender or "").rpartition("@")[2] != notice.address.rpartition("@")[2].lower():
            return False
        message, case = tx.unsorted(message_id), case_of(app, tx, mail)
        if message is None:
            return True
        if case is None or case.purged_at is not None:
            return False
        opening.join(app, tx, case, message, mail, triage, role="recipient", now=now)
        file_message(message, Disposition.FOLLOW_UP)
        if notice.ended_at is None:
            notice.state = "answered"
        _note(tx, notice, "notice_answered", actor=PROGRAM, now=now)
    return True


def _answered(tx: Transaction, mail: InboundMail) -> Iterator[RecipientNotice]:
    for message_id in (*mail.in_reply_to, *reversed(mail.references)):
        row = tx.outgoing_by_message_id(message_id)
        notice = tx.notice(row.notice_id) if row is not None and row.notice_id else None
        if notice is not None:
            yield notice
