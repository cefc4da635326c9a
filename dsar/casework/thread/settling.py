"""
Mails of machines that belong to something known: copies of our own letters, bounces, automatic replies.

Effects: reads and writes the database.
"""

from collections.abc import Sequence
from datetime import datetime

from dsar import guard
from dsar.casework import arrivals, clocking
from dsar.casework.context import PROGRAM, App, outgoing_key
from dsar.casework.flags import flag
from dsar.casework.sending import CAME_BACK, notice_came_back, settle_sent, take_letter_back, unreachable
from dsar.casework.thread.belonging import case_of
from dsar.casework.thread.flags import file_message
from dsar.errors import MalformedMailError, WrongKeyError
from dsar.lifecycle import Event
from dsar.model import Disposition, InboundMail, Requester, SenderAuthentication, Triage
from dsar.store import Transaction
from dsar.store.tables import CaseFile, OutboxRow


def settle_own_copy(
    app: App, message_id: int, mail: InboundMail, *, authentication: SenderAuthentication, now: datetime
) -> bool:
    """
    A copy of our own letter in our own mailbox is evidence that it left; True if the mail is one.

    Everybody who got the letter knows its Message-ID and our address: only a mail that says the very same is our copy.
    Args: authentication: what our mail server found out about the sender.
    """
    if mail.message_id is None or authentication is SenderAuthentication.FAIL:
        return False
    with app.store.transaction() as tx:
        row = tx.outgoing_by_message_id(mail.message_id)
        if row is None or mail.sender != app.settings.smtp_sender:
            return False
        key = outgoing_key(tx, row)
    if not _says_the_same(app, key, row, mail):
        return False
    if row.state == "uncertain":
        settle_sent(app, row.id or 0, evidence="found_copy", actor=PROGRAM, now=now)
    with app.store.transaction() as tx:  # filed last: a crash before it repeats what is above
        file_message(tx.unsorted(message_id), Disposition.INTERNAL)
    return True


def _says_the_same(app: App, key: str, row: OutboxRow, mail: InboundMail) -> bool:
    """Whether a mail is what we sent; headers change on the way, text and files do not."""
    try:
        content = app.vault.unseal(key, f"outbox.mime:{row.message_id}", row.sealed_mime)
        sent = guard.read_mail(content, own_domain=app.settings.own_domain)
    except (WrongKeyError, MalformedMailError):
        return False  # the case was purged, so that nobody can tell any more
    return _contents(sent) == _contents(mail)


def _contents(mail: InboundMail) -> tuple[object, ...]:
    files = [(each.filename, each.content) for each in mail.attachments]
    return (mail.subject, mail.text, files, mail.hidden_text, any("different" in each for each in mail.defects))


def settle_bounce(app: App, message_id: int, mail: InboundMail, *, now: datetime) -> bool:
    """
    A bounce of one of our mails is recorded; one for good reopens what the mail answered and shows on the case.

    A bounce is evidence, too, that the mail had left. One for good that names no mail of ours goes before a person: it
    may be about an answer that never arrived (P1). Returns: True if the mail is one.
    """
    if not (mail.is_bounce or mail.is_delay):
        return False
    with app.store.transaction() as tx:
        rows = [row for row in map(tx.outgoing_by_message_id, mail.own_message_ids) if row is not None]
    evidence = CAME_BACK if mail.is_bounce else "delay"
    for row in rows:
        settle_sent(app, row.id or 0, evidence=evidence, actor=PROGRAM, now=now)
    with app.store.transaction() as tx:
        message = tx.unsorted(message_id)
        if message is None:
            return True
        for row in [tx.outgoing(row.id or 0) for row in rows]:
            name = "mail_bounced" if mail.is_bounce else "mail_delayed"
            detail = {"kind": row.kind, clocking.MAIL: str(row.id)}
            tx.record(name, actor=PROGRAM, at=now, case_id=row.case_id, detail=detail)
            if mail.is_bounce and row.state == "sent":
                tx.move_outgoing(row, to="failed", expected="sent")
                if row.case_id is None:
                    unreachable(tx, row, now=now)
                    continue
                if row.notice_id:
                    notice_came_back(tx, row)
                    continue
                for moved in clocking.mail_came_back(app, tx, tx.case_by_id(row.case_id), now=now):
                    arrivals.end_letters(tx, moved, now=now)
                take_letter_back(tx, row, Event.BOUNCED, actor=PROGRAM, now=now)
                flag(tx, tx.case_by_id(row.case_id), "bounced")
        for case in [] if rows else _cases_written_to(app, tx, mail.failed_recipients):
            tx.record("mail_may_have_bounced", actor=PROGRAM, at=now, case_id=case.id)
            flag(tx, case, "may_have_bounced")
        file_message(message, Disposition.BOUNCE)
        if mail.is_bounce and not rows:
            message.status = "person"
    return True


def _cases_written_to(app: App, tx: Transaction, addresses: Sequence[str]) -> list[CaseFile]:
    """Cases whose requester has one of these addresses and was sent something: a bounce may not name the mail."""
    found = [case for address in addresses for case in tx.cases_indexed(app.vault.index("sender", address))]
    return [case for case in found if any(row.state == "sent" for row in tx.outgoing_of_case(case.id or 0))]


#: Signs that a program answered by itself (RFC 3834).
_ANSWERED_BY_MACHINE = frozenset({"auto-submitted", "auto-replied", "null-return-path", "report"})


def settle_machine_reply(app: App, message_id: int, mail: InboundMail, triage: Triage, *, now: datetime) -> bool:
    """
    File an automatic reply; it joins no case and changes nothing. True if the mail is one.

    One that asks for something goes before a person: a request can come from a machine.
    """
    is_reply = triage.disposition is Disposition.AUTO_REPLY
    by_itself = bool(_ANSWERED_BY_MACHINE & set(mail.machine_signs)) and triage.requester is not Requester.WEB_FORM
    if not (is_reply or by_itself):
        return False
    with app.store.transaction() as tx:
        message, case = tx.unsorted(message_id), case_of(app, tx, mail)
        if message is None:
            return True
        if case is None and not is_reply:
            return False
        if case is not None:
            tx.record("machine_replied", actor=PROGRAM, at=now, case_id=case.id)
        file_message(message, Disposition.AUTO_REPLY)
        asks = triage.needs_person if is_reply else bool(triage.subjects[0].requests)
        if asks:
            message.status = "person"
    return True
