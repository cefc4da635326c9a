"""What staff do outside the straight way: withdraw, recall, reopen, hold, and continue or stop a blocked change."""

from datetime import datetime

from dsar.casework import changing, freezing
from dsar.casework.arrivals import CLOCK_MOVED
from dsar.casework.context import App, seal_reason
from dsar.casework.fulfilling import DATA_RETURNED
from dsar.casework.planning import told_outcomes
from dsar.casework.sending import MAIL_FAILED, SENT_OUT_OF_TURN, UNCERTAIN, stop_unsent, take_letter_back, void_letter
from dsar.casework.tasks import LATE_ANSWER
from dsar.casework.thread import FOLLOW_UP, REMINDER, STRANGER, WITHDRAWN
from dsar.errors import UsageError
from dsar.lifecycle import Event, Outcome, State
from dsar.locale import said
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request

#: State in which changes may have begun -> the event by which a withdrawal takes the request to review, if any.
_LEFT_BY = {State.REVIEW: None, State.APPLYING: Event.WITHDRAWN, State.BLOCKED: Event.VOIDED}


def withdraw(app: App, request: Request, *, actor: str, now: datetime) -> None:
    """
    The requester takes a request back: what is not done yet is not done any more.

    A request whose changes have begun returns to review, because what is applied stays applied and must be told.
    Raises: UsageError while nobody knows whether its letter left; IllegalTransitionError where a letter is on its way:
    recall it first.
    """
    _demand_certain(app, request)
    with app.store.transaction() as tx:
        begun = request.state == State.APPLYING or changing.is_begun(tx, request)
        if request.state in _LEFT_BY and begun and request.decision != "withdrawn":
            event = _LEFT_BY[State(request.state)]
            changing.leave(tx, request, event, because="withdrawn", actor=actor, now=now, decision="withdrawn")
            return
        case = tx.case_by_id(request.case_id)
        if told_outcomes(app, tx, case, request):
            raise UsageError(
                said(
                    "{case}/{right}: the letter that tells what was done waits for approval.",
                    case=case.reference,
                    right=request.right,
                )
            )
        _void_open_letters(tx, request, now=now)
        tx.advance(
            request,
            Event.WITHDRAWN,
            actor=actor,
            at=now,
            outcome=Outcome.WITHDRAWN,
            closed_at=now,
            blocked_reason="",
        )


def recall(app: App, request: Request, *, actor: str, now: datetime) -> None:
    """
    Take an approval back before anything left or was changed.

    Raises: UsageError if it is too late.
    """
    with app.store.transaction() as tx:
        for letter in tx.letters_of(request.id or 0):
            if letter.status != "approved":
                continue
            if request.state == State.DISPATCHING and (row := stop_unsent(tx, letter)):
                take_letter_back(tx, row, Event.RECALLED, actor=actor, now=now)
                return
            if changing.is_begun(tx, request):
                break
            if request.state in {State.APPROVED, State.BLOCKED} and stop_unsent(tx, letter, states=("held",)):
                void_letter(tx, letter, reason="recalled", now=now)
                tx.advance(request, Event.VOIDED, actor=actor, at=now, blocked_reason="")
                return
    raise UsageError("It is too late to recall it: the letter is under way, or changes have begun.")


def reopen(app: App, case: CaseFile, request: Request, *, reason: str, actor: str, now: datetime) -> None:
    """Take a closed request up again; the systems are searched anew."""
    with app.store.transaction() as tx:
        tx.advance(
            request,
            Event.REOPENED,
            actor=actor,
            at=now,
            detail=seal_reason(app, case, Event.REOPENED, reason, at=now),
            outcome=None,
            closed_at=None,
            decision="",
            sealed_grounds=None,
        )
        tx.advance(request, Event.REVISED, actor=actor, at=now)
        tx.enqueue("search", case.id or 0, due_at=now)


def hold(app: App, case: CaseFile, *, on: bool, reason: str, actor: str, now: datetime) -> None:
    """
    Put a case under, or free it from, a hold: IMY or a court looks at it, so nothing about it is erased or purged.

    An erasure that is under way stops before its next step.
    """
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        case.legal_hold = on
        tx.add_case(case)
        name = "hold_set" if on else "hold_ended"
        detail = seal_reason(app, case, name, reason, at=now)
        tx.record(name, actor=actor, at=now, case_id=case.id, detail=detail)
        for request in tx.requests(case.id or 0):
            if on and request.state == State.APPLYING:
                tx.advance(request, Event.BLOCKED, actor=actor, at=now, blocked_reason="hold")


def go_on(app: App, case: CaseFile, request: Request, *, reason: str | None = None, actor: str, now: datetime) -> None:
    """
    Let a blocked change go on as approved.

    Args: reason: why an erasure does not wait for the answer in another case. Raises: UsageError without it; while the
    case is under a hold, while nobody knows whether its letter left, and where no approved plan waits.
    """
    if case.legal_hold:
        raise UsageError(said("{case} is under a hold; 'dsar release {case} --hold' ends it.", case=case.reference))
    _demand_certain(app, request)
    with app.store.transaction() as tx:
        approved = [letter for letter in tx.letters_of(request.id or 0) if letter.status == "approved"]
        if not any(tx.plan_of_letter(letter.id or 0) for letter in approved):
            raise UsageError(
                said(
                    "{case}/{right} has no approved change that could go on.", case=case.reference, right=request.right
                )
            )
        others = freezing.asked_elsewhere(app, tx, case, request)
        if others and not reason:
            raise UsageError(
                said(
                    "The same person asks for access in {others}, which is answered first: say with --reason why it is "
                    "not waited for.",
                    others=", ".join(others),
                )
            )
        detail = seal_reason(app, case, Event.APPLY_STARTED, reason, at=now) if reason else {}
        tx.advance(
            request,
            Event.APPLY_STARTED,
            actor=actor,
            at=now,
            detail=detail | ({"not_awaited": ", ".join(others)} if others else {}),
            blocked_reason="",
            not_awaited=[*request.not_awaited, *others],
        )
        tx.enqueue("apply", request.id or 0, due_at=now)


def stop(app: App, _case: CaseFile, request: Request, *, actor: str, now: datetime) -> None:
    """
    End a blocked change: what was applied stays applied and is told in the next letter, the rest is decided anew.

    Raises: UsageError while nobody knows whether its letter left.
    """
    _demand_certain(app, request)
    with app.store.transaction() as tx:
        changing.leave(tx, request, Event.VOIDED, because="stopped", actor=actor, now=now)


def mark_seen(app: App, case: CaseFile, *, actor: str, now: datetime) -> None:
    """A person has looked at the follow-ups of a case: their flags go, and an erasure that waited for it may go on."""
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        seen = {REMINDER, WITHDRAWN, MAIL_FAILED, SENT_OUT_OF_TURN, CLOCK_MOVED, LATE_ANSWER, DATA_RETURNED}
        if WITHDRAWN in case.flags:  # it is wanted after all: what waited goes on
            tx.enqueue("identify", case.id or 0, due_at=now)
            tx.enqueue("search", case.id or 0, due_at=now)
        case.flags = [flag for flag in case.flags if not flag.startswith(FOLLOW_UP) and flag not in seen]
        tx.add_case(case)
        tx.record("follow_up_seen", actor=actor, at=now, case_id=case.id)
        for request in tx.requests(case.id or 0):
            if request.state != State.BLOCKED:
                continue
            if request.blocked_reason == STRANGER and not case.legal_hold:
                tx.advance(request, Event.APPLY_STARTED, actor=actor, at=now, blocked_reason="")
                tx.enqueue("apply", request.id or 0, due_at=now)
            else:
                tx.enqueue("release_erasure", request.id or 0, due_at=now)


def _demand_certain(app: App, request: Request) -> None:
    """What is done with a request depends on whether its letter left (P2)."""
    if request.state == State.BLOCKED and request.blocked_reason == UNCERTAIN:
        with app.store.transaction() as tx:
            reference = tx.case_by_id(request.case_id).reference
        raise UsageError(
            said(
                "Nobody knows whether the letter of {reference}/{right} left: say 'dsar release {reference} --sent' "
                "or '--resend' first.",
                reference=reference,
                right=request.right,
            )
        )


def _void_open_letters(tx: Transaction, request: Request, *, now: datetime) -> None:
    for letter in tx.letters_of(request.id or 0):
        if letter.status in {"draft", "approved"}:
            void_letter(tx, letter, reason="stopped", now=now)
