"""
A mail of a known case joins it, with the effect that its sender may have.

Effects: reads and writes the database.
"""

from datetime import datetime

from dsar.casework import arrivals, opening
from dsar.casework.context import PROGRAM, App
from dsar.casework.flags import FOLLOW_UP, REMINDER, STRANGER, WITHDRAWN, flag
from dsar.casework.thread.belonging import Match, asks, concerns_another, find_case, is_theirs
from dsar.casework.thread.disturbing import disturb, hold_erasures
from dsar.casework.thread.flags import file_message, telling
from dsar.lifecycle import State
from dsar.model import Disposition, InboundMail, Triage
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Message


def join_known_case(app: App, message_id: int, mail: InboundMail, triage: Triage, *, now: datetime) -> bool:
    """
    Let a follow-up join its case, with the effect that its state demands; True if the mail was one.

    A new request outside any thread joins an open case of the same proven sender, so that a reminder is not a second
    case.
    """
    with app.store.transaction() as tx:
        message = tx.unsorted(message_id)
        if message is None:
            return True
        copy = opening.copy_index(app, mail)
        if copy and (copied := tx.cases_indexed(copy)):
            opening.join(app, tx, copied[0], message, mail, triage, role="copy", now=now)
            tx.record("copy", actor=PROGRAM, at=now, case_id=copied[0].id)
            arrivals.note_copy(app, tx, copied[0], message, copy, now=now)
            file_message(message, Disposition.FOLLOW_UP)
            return True
        match = find_case(app, tx, mail, triage)
        if match is None:
            return False
        case = match.case
        requests = tx.requests(case.id or 0)
        if triage.disposition is Disposition.REQUEST and (
            not match.known_sender
            or all(request.state == State.CLOSED for request in requests)
            or not (match.in_thread or is_theirs(app, tx, case))
        ):
            return False  # a request of its own: from somebody else, or after the matter was ended
        about_another = match.known_sender and asks(triage) and concerns_another(app, case, triage)
        if not about_another:
            _join(app, tx, match, message, mail, triage, now=now)
    if about_another:
        opening.open_cases(app, message_id, mail, triage, actor=PROGRAM, now=now)
    return True


def _join(
    app: App, tx: Transaction, match: Match, message: Message, mail: InboundMail, triage: Triage, *, now: datetime
) -> None:
    """Make a mail part of its case, and do there what its sender may do."""
    case = match.case
    requests = tx.requests(case.id or 0)
    role = "follow_up" if match.known_sender else "stranger"
    opening.join(app, tx, case, message, mail, triage, role=role, now=now)
    tx.record("follow_up", actor=PROGRAM, at=now, case_id=case.id, detail={"disposition": triage.disposition})
    file_message(message, Disposition.FOLLOW_UP)
    if match.known_sender:
        _follow_up(app, tx, case, mail, triage, message, now=now)
    else:
        hold_erasures(tx, requests, now=now)
        flag(tx, case, STRANGER)
        if triage.subjects[0].requests:
            message.status = "person"  # what a stranger asks has a clock of its own until somebody has looked
    if triage.disposition is Disposition.AUTHORITY:
        flag(tx, case, "authority")
        message.disposition, message.status = Disposition.AUTHORITY, "person"  # to management, the same day
    if all(request.state == State.CLOSED for request in tx.requests(case.id or 0)):
        message.status = "person"  # nothing of the case is open: reopen it, take it as a new request, or file it


def _follow_up(
    app: App, tx: Transaction, case: CaseFile, mail: InboundMail, triage: Triage, message: Message, *, now: datetime
) -> None:
    """What a mail of the requester changes in the case."""
    requests = tx.requests(case.id or 0)
    new_facts = opening.extend_subject(app, tx, case, mail, triage.subjects[0])
    added = add_new_rights(app, tx, case, triage, message, now=now)
    for request in requests:
        if WITHDRAWN in triage.flags and request.state == State.CLARIFYING:
            continue  # it does not answer our question, and asks for nothing to go on
        disturb(app, tx, request, message, new_facts=new_facts, now=now)
    flags = [FOLLOW_UP, *telling(triage)]
    if triage.is_reminder or (triage.subjects[0].requests and not added):
        flags.append(REMINDER)  # asked again: more urgent, and no second clock
    flag(tx, case, *flags)


def add_new_rights(
    app: App, tx: Transaction, case: CaseFile, triage: Triage, message: Message, *, now: datetime
) -> bool:
    """
    A later mail that adds a right starts a clock for that right (Art. 12(3): "within one month of receipt").

    Returns: whether it added any.
    """
    running = {request.right for request in tx.requests(case.id or 0) if request.state != State.CLOSED}
    added = [found for found in opening.in_order(triage.subjects[0].requests) if found.right not in running]
    received = message.received_at
    for found in added:
        doubt = opening.is_in_doubt(triage, found)
        opening.add_request(app, tx, case, found, message, received=received, doubt=doubt, actor=PROGRAM, now=now)
        if not doubt:
            tx.enqueue("identify", case.id or 0, due_at=now)
    if opening.must_be_read(triage, added):
        message.status = "person"
    return bool(added)
