"""
One mail of the outbox -> the mail server, and what became of it.

Effects: sends mail; writes the database before and after.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Literal

from dsar import approval
from dsar.casework import phrases
from dsar.casework.context import PROGRAM, App, outgoing_key, stored_letter
from dsar.casework.flags import MAIL_FAILED, flag
from dsar.casework.protecting import POST
from dsar.casework.sending.recalling import notice_came_back, take_letter_back, unreachable
from dsar.casework.sending.settling import settle_sent
from dsar.errors import (
    DispatchRefusedError,
    DispatchUncertainError,
    MailTooBigError,
    OutboxUnavailableError,
    StaleStateError,
    TooManyMailsError,
)
from dsar.lifecycle import Event, State
from dsar.outbox import SmtpOutbox
from dsar.store import Transaction
from dsar.store.tables import OutboxRow

#: Reason of a request whose letter may have left, or not.
UNCERTAIN = "uncertain"


def dispatch_mail(app: App, outbox_id: int, *, outbox: SmtpOutbox, now: datetime) -> None:
    """
    Step: hand one mail to the mail server.

    Raises: OutboxUnavailableError, TooManyMailsError: nothing left, try again later; StaleStateError: the worker that
    this step was taken over from lives, and may yet give the mail back, so that the step is not over.
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
        broken = _broken(app, tx, row, content, recipient.decode(), now=now)
        if not broken and row.channel == POST:
            tx.move_outgoing(row, to="to_post", expected="ready")
            return  # a person prints and posts it
        attempts = row.attempts + 1
        if not broken:
            _check_limits(app, tx, now=now)
        if not broken and not tx.move_outgoing(row, to="sending", expected="ready", sending_at=now, attempts=attempts):
            raise StaleStateError(f"Mail {outbox_id}")
    if broken:
        _fail(app, outbox_id, expected="ready", event=broken, now=now)
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


def _check_limits(app: App, tx: Transaction, *, now: datetime) -> None:
    """Providers lock an account that sends more than they allow. Raises: TooManyMailsError."""
    smtp = app.settings.smtp
    for most, time in ((smtp.per_minute, timedelta(minutes=1)), (smtp.per_day, timedelta(days=1))):
        earlier = tx.handed_over(before_the_last=most - 1, until=now + time) if most else None
        if earlier and earlier + time > now:
            raise TooManyMailsError(earlier + time)


def _broken(
    app: App, tx: Transaction, row: OutboxRow, content: bytes, recipient: str, *, now: datetime
) -> Literal["approval_broken", "approval_expired"] | None:
    """Why the approval does not hold for exactly this mail; what needs none has none to hold."""
    if hashlib.sha256(content).hexdigest() != row.mime_sha256:
        return "approval_broken"
    if row.letter_id is None:
        return None
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
    if approved is None or not approval.still_holds(approved.binding, now_bound):
        return "approval_broken"
    expires_at = approved.at + timedelta(days=app.settings.letters.approval_days)
    return "approval_expired" if now > expires_at else None


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
        elif row.notice_id:
            notice_came_back(tx, row)
        elif not tx.answered_by(row):
            flag(tx, tx.case_by_id(row.case_id), MAIL_FAILED)
        take_letter_back(tx, row, Event.UNDELIVERABLE, actor=PROGRAM, now=now)


def _make_uncertain(tx: Transaction, row: OutboxRow, *, now: datetime) -> None:
    if not tx.move_outgoing(row, to="uncertain", expected="sending"):
        raise StaleStateError(f"Mail {row.id}")
    detail = {"kind": row.kind, "mail": f"{row.id}"}
    tx.record("mail_uncertain", actor=PROGRAM, at=now, case_id=row.case_id, detail=detail)
    tx.enqueue("reconcile", row.id or 0, due_at=now)
    if row.letter_id is not None:
        for request in tx.requests_of_letter(row.letter_id):
            if request.state != State.BLOCKED:  # by another mail of the same letter
                tx.advance(request, Event.BLOCKED, actor=PROGRAM, at=now, blocked_reason=UNCERTAIN)
