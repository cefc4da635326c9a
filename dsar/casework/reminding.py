"""
A question that waits for its answer -> a reminder after a week, a person when its day has passed, and the neutral
closing when our own answer is due.

Art. 12(3), (4) go on running meanwhile: nothing may wait for the requester for ever.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from dsar import deadlines
from dsar.casework import clocking
from dsar.casework.context import PROGRAM
from dsar.casework.flags import flag
from dsar.casework.thread import WITHDRAWN, resume
from dsar.lifecycle import Event, State
from dsar.model import Right
from dsar.store import Transaction
from dsar.store.tables import CaseFile, EventRow, Request

#: Flag of a case whose requester was asked to confirm and did not answer in time: a person goes on.
NO_REPLY = "no_reply"

#: Event: the requester was reminded. Detail: id of the event that asked.
REMINDED = "identity_reminded"

_REMIND_AFTER = timedelta(days=7)
_MORNING = time(8)

_UNPROVEN = frozenset({State.IDENTITY, State.CLARIFYING})


def plan(tx: Transaction, case: CaseFile, requests: Sequence[Request], *, reply_by_on: date, now: datetime) -> None:
    """What a question makes due: a reminder, its end, and the closing of the requests that it holds up."""
    remind_on = deadlines.received_on(now) + _REMIND_AFTER
    if remind_on < reply_by_on:
        tx.enqueue("remind", case.id or 0, due_at=deadlines.moment(remind_on, _MORNING))
    tx.enqueue("expire", case.id or 0, due_at=end_of(reply_by_on))
    for request in requests:
        tx.enqueue("conclude", request.id or 0, due_at=deadlines.moment(request.send_by_on, time(0)))


def open_question(tx: Transaction, case: CaseFile) -> EventRow | None:
    """The latest question about who asks; None if there was none."""
    return next((event for event in reversed(tx.events(case.id or 0)) if event.name == clocking.IDENTITY_ASKED), None)


def was_reminded(tx: Transaction, case: CaseFile, asked: EventRow) -> bool:
    """Whether the requester was reminded of this very question."""
    return any(
        event.name == REMINDED and event.detail.get("question") == str(asked.id) for event in tx.events(case.id or 0)
    )


def expire(tx: Transaction, case: CaseFile, *, now: datetime) -> None:
    """Put a case whose requester has not answered by the day that the letter gave before a person."""
    for request in tx.requests(case.id or 0):
        asked = clocking.question_of(tx, request)
        if request.state != State.CLARIFYING or asked is None:
            continue
        ends_at = end_of(date.fromisoformat(asked.detail["reply_by"]))
        if now < ends_at:  # asked a second time meanwhile
            tx.enqueue("expire", case.id or 0, due_at=ends_at)
            continue
        tx.advance(request, Event.EXPIRED, actor=PROGRAM, at=now)
        flag(tx, case, NO_REPLY)
        if asked.name != clocking.IDENTITY_ASKED:  # as the letter says: we answer anyway
            resume(tx, request, now=now)


def conclude(tx: Transaction, request: Request, *, now: datetime) -> None:
    """
    Prepare the neutral closing of a request whose sender was asked and is still not known on the day it is to be sent.

    Art. 12(4): "without delay and at the latest within one month"; a person approves it. What protects the person
    whoever asks, above all a marketing stop, goes its own way.
    """
    case = tx.case_by_id(request.case_id)
    if request.state not in _UNPROVEN or request.right == Right.OBJECT or WITHDRAWN in case.flags:
        return
    if deadlines.received_on(now) < request.send_by_on:  # its dates have moved
        tx.enqueue("conclude", request.id or 0, due_at=deadlines.moment(request.send_by_on, time(0)))
        return
    if open_question(tx, case) is not None:
        tx.advance(
            request,
            Event.UNIDENTIFIED,
            actor=PROGRAM,
            at=now,
            decision="unidentified",
            detail={"because": NO_REPLY},
        )


def end_of(day: date) -> datetime:
    """The moment when *day* is over in Stockholm."""
    return deadlines.moment(day + timedelta(days=1), time(0))
