"""
The events of a request -> its clock (P12): pauses and an extension count from what really left and really came.

The dates in the table of requests are what this computes, kept there for the queue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from dsar import clock, deadlines
from dsar.casework.context import PROGRAM, App
from dsar.casework.flags import flag
from dsar.clock import Clock, Extension, Question, QuestionKind
from dsar.lifecycle import Event, State
from dsar.model import Right
from dsar.store import Transaction
from dsar.store.tables import CaseFile, EventRow, OutboxRow, Request

#: Events of a case that tell of a question, and the kind of it. Detail: mail, grounded, and for whom it was.
IDENTITY_ASKED, SCOPE_ASKED, OTHER_ASKED = "identity_asked", "scope_asked", "other_asked"
_QUESTIONS = {
    IDENTITY_ASKED: QuestionKind.IDENTITY,
    SCOPE_ASKED: QuestionKind.SCOPE,
    OTHER_ASKED: QuestionKind.OTHER,
}

#: Event of a request: the notice of its extension was approved, or has left. Detail: mail, because, until.
EXTENSION_APPROVED, EXTENDED = "extension_approved", "extended"

#: Flag of a case whose notice of extension left too late, or came back: the first date stands.
EXTENSION_VOID = "extension_void"

#: In the detail of an event: number of the mail that left or came back, and when the answer reached our mail server.
MAIL, ARRIVED = "mail", "arrived"

#: What a requester did to leave State.CLARIFYING; anything else is no answer.
_ANSWERS = frozenset({Event.ANSWERED, Event.IDENTIFIED})


def begin(app: App, right: Right, received: datetime) -> dict[str, Any]:
    """The columns of a request whose clock starts at *received*."""
    found = clock.run(deadlines.received_on(received), right, closures=app.settings.closures)
    return {"received_at": received, "send_by_on": found.send_by_on, "legal_on": found.legal_on}


def clock_of(app: App, tx: Transaction, request: Request, *, received: datetime | None = None) -> Clock:
    """The clock of *request* as its events have it. Args: received: instead of the time of receipt that is kept."""
    events = tx.events(request.case_id)
    return clock.run(
        deadlines.received_on(received or request.received_at),
        Right(request.right),
        questions=_questions(request, events),
        extension=_extension(request, events),
        closures=app.settings.closures,
    )


def refresh(app: App, tx: Transaction, request: Request, *, now: datetime) -> bool:
    """Bring the dates that are kept up to date with what has happened; a change, if there is one, is recorded."""
    found = clock_of(app, tx, request)
    before = (request.send_by_on, request.legal_on)
    request.paused_days = found.paused_days
    request.send_by_on, request.legal_on = found.send_by_on, found.legal_on
    if not found.extended:
        request.extended_at = None
    moved = before != (found.send_by_on, found.legal_on)
    if moved:
        tx.record(
            "dates_moved",
            actor=PROGRAM,
            at=now,
            case_id=request.case_id,
            request_id=request.id,
            detail={"send_by": found.send_by_on.isoformat(), "legal": found.legal_on.isoformat()},
        )
    return moved


def arrived(at: datetime) -> dict[str, str]:
    """Detail of an event by which a requester answers: when their mail reached us, not when we read it."""
    return {ARRIVED: at.isoformat()}


# ---------------------------------------------------------------------------------------------------- the questions


def question_of(tx: Transaction, request: Request) -> EventRow | None:
    """The question that a request waits for, or waited for last; None if it never did."""
    latest, waited_for = None, None
    for event in tx.events(request.case_id):
        if event.name in _QUESTIONS:
            latest = event
        if event.request_id == request.id and event.name == Event.ASKED:
            waited_for = latest
    return waited_for


def is_identified(tx: Transaction, request: Request) -> bool:
    """Whether a request that waits for an answer was asked something else than who asks, so that it is identified."""
    asked = question_of(tx, request)
    return asked is not None and asked.name != IDENTITY_ASKED


@dataclass
class _Asked:
    """A question while the events are read."""

    question: Question
    mail: str


def _questions(request: Request, events: Sequence[EventRow]) -> tuple[Question, ...]:
    """The questions that this request has waited for, with the day on which each left; one that never left is none."""
    left = _left(events)
    known: list[_Asked] = []
    latest: EventRow | None = None
    waiting: _Asked | None = None
    for event in events:
        if event.name in _QUESTIONS:
            latest = event
        if event.request_id != request.id:
            continue
        if event.name == Event.ASKED and latest is not None:
            waiting = _asked(latest)
            known.append(waiting)
        elif event.from_state == State.CLARIFYING and waiting is not None:
            if event.name in _ANSWERS:
                waiting.question = replace(waiting.question, answered_on=_arrived_on(event))
            waiting = None
    return tuple(replace(each.question, left_on=left[each.mail]) for each in known if each.mail in left)


def _asked(event: EventRow) -> _Asked:
    question = Question(
        kind=_QUESTIONS[event.name],
        left_on=deadlines.received_on(event.at),
        answered_on=None,
        grounded=event.detail.get("grounded") == "True",
    )
    return _Asked(question=question, mail=event.detail.get(MAIL, ""))


def _left(events: Sequence[EventRow]) -> Mapping[str, date]:
    """Number of a mail -> the day on which it left; a mail that came back never reached the person."""
    sent = {event.detail[MAIL]: event for event in events if event.name == "mail_sent" and MAIL in event.detail}
    back = {event.detail.get(MAIL) for event in events if event.name == "mail_bounced"}
    return {mail: deadlines.received_on(event.at) for mail, event in sent.items() if mail not in back}


def _arrived_on(event: EventRow) -> date:
    stated = event.detail.get(ARRIVED)
    return deadlines.received_on(datetime.fromisoformat(stated) if stated else event.at)


# ----------------------------------------------------------------------------------------------------- the extension


def _extension(request: Request, events: Sequence[EventRow]) -> Extension | None:
    """The notice of extension that left; None if none did, or it came back."""
    left = _left(events)
    for event in events:
        if event.name == EXTENDED and event.request_id == request.id and event.detail.get(MAIL) in left:
            until = event.detail.get("until")
            return Extension(left_on=left[event.detail[MAIL]], until=date.fromisoformat(until) if until else None)
    return None


def extension_left(app: App, tx: Transaction, row: OutboxRow, *, now: datetime) -> None:
    """A letter has left: if it is the notice of an extension, that counts from now on, or is shown to be too late."""
    for event in tx.events(row.case_id or 0):
        if event.name != EXTENSION_APPROVED or event.detail.get("letter") != str(row.letter_id):
            continue
        request = tx.request(event.request_id or 0)
        detail = {key: event.detail[key] for key in ("because", "until") if key in event.detail}
        tx.record(
            EXTENDED,
            actor=event.actor,
            at=now,
            case_id=row.case_id,
            request_id=request.id,
            detail=detail | {MAIL: str(row.id)},
        )
        request.extended_at = now
        refresh(app, tx, request, now=now)
        if not clock_of(app, tx, request).extended:
            flag(tx, tx.case_by_id(request.case_id), EXTENSION_VOID)


def mail_came_back(app: App, tx: Transaction, case: CaseFile, *, now: datetime) -> list[Request]:
    """
    A mail of the case bounced: a question or notice that did not arrive moves no date (Art. 12(3): "inform").

    Returns: the requests whose dates have moved back.
    """
    moved = []
    for request in tx.requests(case.id or 0):
        was_extended = request.extended_at is not None
        if refresh(app, tx, request, now=now):
            moved.append(request)
        if was_extended and request.extended_at is None:
            flag(tx, case, EXTENSION_VOID)
    return moved


# --------------------------------------------------------------------------------------------------------- the alarms

#: Calendar days from receipt, whatever was paused, on which somebody is told of an open request.
ALARM_DAYS = (14, 21, 26)

#: The same for a marketing stop, which is due on the next working day.
_ALARM_DAYS_OF_STOP = (3, *ALARM_DAYS)

#: Event of a request: somebody was told. Detail: the day, or LATE; number of mails.
ALARM_RAISED = "clock_alarm"

LATE = "late"

_MORNING = time(7)


def watch(tx: Transaction, request: Request) -> None:
    """Make the next look at an open request due."""
    due_on = next_alarm(tx, request)[1]
    tx.enqueue("alarm", request.id or 0, due_at=deadlines.moment(due_on, _MORNING))


def next_alarm(tx: Transaction, request: Request, *, today: date | None = None) -> tuple[str, date]:
    """
    Name and day of the first alarm that was not raised yet; the last one is for a request that is late.

    Args: today: of several that have passed by then the last one counts, as after an outage.
    """
    raised = [
        int(event.detail["day"])
        for event in tx.events(request.case_id)
        if event.name == ALARM_RAISED and event.request_id == request.id and event.detail["day"] != LATE
    ]
    received_on = deadlines.received_on(request.received_at)
    days = _ALARM_DAYS_OF_STOP if request.right == Right.OBJECT else ALARM_DAYS
    left = [day for day in days if day > max(raised, default=0)]
    passed = [day for day in left if today is not None and received_on + timedelta(days=day) <= today]
    if left:
        day = passed[-1] if passed else left[0]
        return str(day), received_on + timedelta(days=day)
    return LATE, request.legal_on + timedelta(days=1)
