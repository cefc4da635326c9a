"""
What a later mail does to the work that goes on.

Effects: reads and writes the database.
"""

from collections.abc import Sequence
from datetime import datetime

from dsar.casework import clocking
from dsar.casework.context import PROGRAM, App
from dsar.casework.flags import FOLLOW_UP, STRANGER
from dsar.casework.sending import UNCERTAIN, recall_unsent, void_letter
from dsar.lifecycle import Event, State
from dsar.model import Right
from dsar.store import Transaction
from dsar.store.tables import Message, Request


def hold_erasures(tx: Transaction, requests: Sequence[Request], *, now: datetime) -> None:
    """Somebody unknown writes: nothing changes, but an erasure not begun waits until a person has looked."""
    for request in requests:
        if request.right == Right.ERASE and request.state == State.APPLYING and not tx.is_begun(request):
            detail = {"because": STRANGER}
            tx.advance(request, Event.BLOCKED, actor=PROGRAM, at=now, detail=detail, blocked_reason=STRANGER)


#: What a follow-up from the requester does to a request in each state; in the others the work just goes on.
DISTURBED: dict[State, Event] = {
    State.CLARIFYING: Event.ANSWERED,  # with something that is no code: a person looks
    State.APPROVED: Event.VOIDED,  # what was approved answers a mail that is no longer the last word
    State.APPLYING: Event.BLOCKED,  # stop before the next step; a person continues or stops (`dsar release`)
    State.DISPATCHING: Event.RECALLED,  # if nobody has begun to send it; else it is sent, and the flag remains
    State.BLOCKED: Event.VOIDED,  # not where a mail may have left already
}


#: Step that new identifiers repeat.
_TRIED_ANEW = {State.IDENTITY: "identify", State.SEARCHING: "search"}


def disturb(app: App, tx: Transaction, request: Request, message: Message, *, new_facts: bool, now: datetime) -> None:
    """A follow-up ends approvals that do not know it, and new identifiers start a new search."""
    state = State(request.state)
    if state is State.DISPATCHING:
        recall_unsent(tx, request, now=now)  # one under way goes out, and the flag remains
    elif state is State.BLOCKED and (request.blocked_reason == UNCERTAIN or tx.is_begun(request)):
        return  # a person decides, who sees the flag: it may have left, or changes have begun
    elif state in DISTURBED:
        reason = FOLLOW_UP if DISTURBED[state] is Event.BLOCKED else ""
        detail = {"because": FOLLOW_UP} | clocking.arrived(message.received_at)
        tx.advance(request, DISTURBED[state], actor=PROGRAM, at=now, detail=detail, blocked_reason=reason)
    if state is State.CLARIFYING:
        clocking.refresh(app, tx, request, now=now)
        if clocking.is_identified(tx, request):
            resume(tx, request, now=now)
    if state in {State.REVIEW, State.APPROVED, State.BLOCKED}:
        for letter in tx.letters_of(request.id or 0):
            if letter.status in {"draft", "approved"}:
                void_letter(tx, letter, reason=FOLLOW_UP, now=now)
    if new_facts and request.state == State.REVIEW and not request.decision:
        tx.advance(request, Event.REVISED, actor=PROGRAM, at=now, detail={"because": "new_identifiers"})
    if new_facts and request.state in _TRIED_ANEW:
        tx.enqueue(_TRIED_ANEW[State(request.state)], request.case_id, due_at=now)


def resume(tx: Transaction, request: Request, *, now: datetime) -> None:
    """A question that was not about who asks has ended: the work goes on with what is known."""
    case = tx.case_by_id(request.case_id)
    detail = {"level": case.identity_level, "method": case.identity_method}
    tx.advance(request, Event.IDENTIFIED, actor=PROGRAM, at=now, detail=detail)
    tx.enqueue("search", request.case_id, due_at=now)
