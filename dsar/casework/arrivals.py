"""
A mail turns out to have reached us earlier -> earlier clocks, and no letter that tells of the later ones.

It was seen in another mailbox or folder, as the same bytes or as a copy that a relay encoded anew. Art. 12(3) GDPR
counts from receipt, whichever of our mailboxes it was; a clock moves only ever back (P12).
"""

from datetime import datetime

from dsar.casework import clocking
from dsar.casework.context import PROGRAM, App
from dsar.casework.flags import flag
from dsar.casework.sending import UNCERTAIN, recall_unsent, void_letter
from dsar.lifecycle import Event, State
from dsar.store import Transaction
from dsar.store.tables import CaseFile, LetterRow, Message, Request

#: Flag of a case whose clock moved back, and reason of a letter that ended for it.
CLOCK_MOVED = "clock_moved"


def move_clocks(app: App, tx: Transaction, message: Message, *, was: datetime, now: datetime) -> None:
    """
    The requests that *message* began were received with it, and not at *was*; one that is answered counts, too.

    A request whose day a person set keeps it.
    """
    for case in tx.cases_of_message(message.id or 0):
        asked = [request for request in tx.requests(case.id or 0) if request.message_id == message.id]
        begun = [request for request in asked if request.received_at == was]
        for request in begun:
            request.received_at = message.received_at
            clocking.refresh(app, tx, request, now=now)
            end_letters(tx, request, now=now)
        if begun:
            flag(tx, case, CLOCK_MOVED)
            detail = {"from": was.isoformat(), "to": message.received_at.isoformat(), "requests": str(len(begun))}
            tx.record(CLOCK_MOVED, actor=PROGRAM, at=now, case_id=case.id, detail=detail)


def note_copy(app: App, tx: Transaction, case: CaseFile, copy: Message, index: str, *, now: datetime) -> None:
    """
    *copy* says what a mail of the case says: whichever came first is when that was received.

    Args: index: what both have in common: Message-ID, sender, own words and files.
    """
    first = tx.message_indexed(case.id or 0, index)
    if first is not None and copy.received_at < first.received_at:
        was, first.received_at = first.received_at, copy.received_at
        move_clocks(app, tx, first, was=was, now=now)


def moved_since_approval(tx: Transaction, letter: LetterRow) -> bool:
    """Whether the case of an approved letter was found to have begun on another day than the letter says."""
    approval = tx.approval_of(letter.id or 0)
    moves = [event.at for event in tx.events(letter.case_id) if event.name == CLOCK_MOVED]
    return approval is not None and any(at >= approval.at for at in moves)


def end_letters(tx: Transaction, request: Request, *, now: datetime) -> None:
    """
    A letter that has not left names the day of receipt, or days that follow from it: it is written and approved anew.

    What is being carried out goes on, for nobody asked for anything else; its letter ends when it has been read back.
    A letter that may have left stays as it is.
    """
    state = State(request.state)
    if state is State.DISPATCHING:
        recall_unsent(tx, request, now=now)
        return
    is_blocked = state is State.BLOCKED
    if state is State.APPLYING or (is_blocked and (request.blocked_reason == UNCERTAIN or tx.is_begun(request))):
        return
    for letter in tx.letters_of(request.id or 0):
        if letter.status in {"draft", "approved"}:
            void_letter(tx, letter, reason=CLOCK_MOVED, now=now)
    if is_blocked or state is State.APPROVED:
        tx.advance(request, Event.VOIDED, actor=PROGRAM, at=now, detail={"because": CLOCK_MOVED}, blocked_reason="")
