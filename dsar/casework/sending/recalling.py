"""
A letter that did not reach the person, or must not -> void, its mails stopped, its requests back in review.

Effects: writes the database, in the caller's transaction.
"""

from collections.abc import Sequence
from datetime import datetime

from dsar.casework import phrases
from dsar.casework.context import PROGRAM
from dsar.lifecycle import TRANSITIONS, Event, State
from dsar.store import Transaction
from dsar.store.tables import LetterRow, OutboxRow, Request

#: States of an approved letter that nobody has begun to send or post.
UNSENT = ("ready", "to_post")


def unreachable(tx: Transaction, row: OutboxRow, *, now: datetime) -> None:
    """A mail to a colleague did not arrive: what it asked goes before a person."""
    for task in tx.tasks_of_mail(row.id or 0):
        if task.state == "open":
            task.state, task.why = "person", "unreachable"
            tx.record("task_unreachable", actor=PROGRAM, at=now, case_id=task.case_id, detail={"task": task.reference})


def notice_came_back(tx: Transaction, row: OutboxRow) -> None:
    """A notice to a recipient of the data did not arrive: a person gives another address."""
    notice = tx.notice(row.notice_id) if row.notice_id else None
    if notice is not None and notice.ended_at is None:
        notice.state = "bounced"


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
