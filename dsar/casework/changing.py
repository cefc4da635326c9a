"""
An approved change plan -> changed systems, read back, and the letter that tells it or a return to review.

The plan is made from what was found, shown with before and after, and approved together with the letter for its
expected outcome. Before the first write everything is searched anew: if the plan would now be another one, nothing is
written. Each step is written to the ledger before and after it is done. What was applied stays applied; only if the
verified outcome is the expected one, on the same day, does the approved letter go out (P3, P7).
"""

from collections.abc import Sequence
from datetime import datetime

from dsar import approval, deadlines
from dsar.casework import desks, duties, freezing, jobs, recipients, suppressing, timekeeping
from dsar.casework.arrivals import moved_since_approval
from dsar.casework.context import PROGRAM, App, seal_outcomes, seal_steps, steps_of
from dsar.casework.facts import accepted_records
from dsar.casework.noticing import tell_old_contact_points
from dsar.casework.planning import (
    CHANGING,
    WRITING,
    demand_complete,
    expected,
    plan,
    records_for,
    search_for,
    stopped_points,
)
from dsar.casework.sending import void_letter
from dsar.connector import Erases, Restricts, Suppresses, Updates
from dsar.errors import DsarError, RefusedError, SystemRefusedError, SystemUnavailableError
from dsar.lifecycle import Event, State
from dsar.model import PlanStep, Record, Right, StepAction, StepOutcome
from dsar.store import Transaction
from dsar.store.tables import CaseFile, ChangePlan, LedgerEntry, Request

#: How a step ended.
_DONE, _REFUSED = "done", "refused"


def store_plan(
    app: App, tx: Transaction, case: CaseFile, request: Request, letter_id: int, steps: tuple[PlanStep, ...]
) -> None:
    """Keep a plan beside the letter that tells its expected outcome."""
    row = ChangePlan(
        request_id=request.id or 0,
        letter_id=letter_id,
        sha256=_digest(app, steps),
        sealed_steps=seal_steps(app, case, letter_id, steps),
    )
    tx.add_plan(row)


def _digest(app: App, steps: Sequence[PlanStep]) -> str:
    """Tells one plan from another; keyed, so that it gives away nothing once the plan is gone (P9)."""
    return app.vault.index("plan", approval.sha256_of_plan(steps))


def apply(app: App, request_id: int, *, now: datetime) -> None:
    """
    Step: carry out the approved plan of a request; may be repeated after a crash anywhere.

    Raises: SystemUnavailableError: try again later; what was done is in the ledger. ClockLeaptError.
    """
    with app.store.transaction() as tx:
        request = tx.request(request_id)
        if request.state != State.APPLYING:
            return
        case = tx.case_by_id(request.case_id)
        letter = next(row for row in tx.letters_of(request_id) if row.status == "approved")
        known = tx.plan_of_letter(letter.id or 0)
        if known is None:
            raise SystemUnavailableError(case.reference, "its plan is missing")
        steps = steps_of(app, case, known)
        begun = bool(tx.ledger(known.id or 0))
        if not begun and request.right == Right.ERASE:  # what is kept by law is told by the calendar
            timekeeping.demand_believable(tx, now=now)
    if not begun and not _still_current(app, case, request, known, now=now):
        _return_to_review(app, case, request_id, known, (), because="changed_before", now=now)
        return
    refusing: set[str] = set()
    for position, step in enumerate(steps):
        if step.action not in WRITING or step.system in refusing:
            continue
        state = _apply_step(app, case, request_id, known, position, steps, now=now)
        if state == _REFUSED:  # what it refers to would be refused, too; other systems know nothing of that
            refusing.add(step.system)
        elif state != _DONE:
            break
    _conclude(app, case, request_id, known, steps, now=now)


def _apply_step(
    app: App,
    case: CaseFile,
    request_id: int,
    known: ChangePlan,
    position: int,
    steps: Sequence[PlanStep],
    *,
    now: datetime,
) -> str:
    """Do one step unless the ledger says it is done; _DONE, _REFUSED, or "" if nothing more may be done."""
    step = steps[position]
    with app.store.transaction() as tx:
        request = tx.request(request_id)
        if request.state != State.APPLYING:
            return ""
        entry = tx.ledger(known.id or 0).get(position)
        if entry is not None and entry.state != "started":
            return _ended(entry)
        if others := freezing.asked_elsewhere(app, tx, case, request):  # also of a step that a dead process began
            freezing.wait(tx, request, others, now=now)
            return ""
        if entry is None:
            tx.keep_entry(LedgerEntry(plan_id=known.id or 0, position=position, state="started", started_at=now))
    system = jobs.of_step(app, case, known, position, desks.system_of(app, case, step.system, now=now))
    assert isinstance(system, Updates | Erases | Suppresses | Restricts)  # noqa: S101  # only such a system gives writing steps
    try:
        system.apply(step, key=f"{case.reference}:{known.sha256}:{position}")
    except SystemUnavailableError:
        raise
    except DsarError as error:
        state, detail = "failed", type(error).__name__
    else:
        state, detail = "done", ""
    entry = LedgerEntry(
        plan_id=known.id or 0, position=position, state=state, started_at=now, ended_at=now, detail=detail
    )
    with app.store.transaction() as tx:
        other = tx.ledger(known.id or 0, keep=True)[position]
        # Another worker may have it, too: what was done counts, though that one was refused, and is told once.
        if other.state == "done" or (other.state != "started" and state != "done"):
            return _ended(other)
        tx.keep_entry(entry)
        tx.record(
            "step_applied",
            actor=PROGRAM,
            at=now,
            case_id=case.id,
            request_id=request_id,
            detail={"system": step.system, "object": step.object, "action": step.action, "result": state},
        )
        request = tx.request(request_id)
        if state == "done":  # once per step: from here on the ledger says that it is done
            tell_old_contact_points(app, tx, case, request, step, told=steps[:position], now=now)
        if request.state in {State.SEARCHING, State.REVIEW}:  # it was left while the system worked: read back anew
            tx.plan_of_letter(known.letter_id).sealed_outcomes = None  # type: ignore[union-attr]
            tx.enqueue("search", request.case_id, due_at=now)
    return _ended(entry)


def _ended(entry: LedgerEntry) -> str:
    if entry.state == "done":
        return _DONE
    return _REFUSED if entry.detail == SystemRefusedError.__name__ else ""


def _conclude(
    app: App, case: CaseFile, request_id: int, known: ChangePlan, steps: tuple[PlanStep, ...], *, now: datetime
) -> None:
    """
    Read everything back; the approved letter goes out only if what it says is what is true today.

    While a colleague has still to make a change, the letter waits: their answer makes this step due again.
    """
    outcomes = verified(app, case, steps)
    if any(each.waiting for each in outcomes):
        return
    with app.store.transaction() as tx:
        request = tx.request(request_id)
        if request.state != State.APPLYING:
            return
        letter = tx.letter(known.letter_id)
        same = [each.done for each in outcomes] == [each.done for each in expected(steps)]
        same_day = letter.composed_on == deadlines.received_on(now) and not moved_since_approval(tx, letter)
    left_over = Right(request.right) is Right.ERASE and same and _finds_more(app, case, steps, now=now)
    if not same or not same_day or left_over:
        because = "another_day" if same and not left_over else "outcome_differs"
        _return_to_review(app, case, request_id, known, outcomes, because=because, now=now)
        return
    with app.store.transaction() as tx:
        request = tx.request(request_id)
        keep_outcomes(app, tx, case, known.letter_id, outcomes)
        _keep_promises(app, tx, case, request, known.letter_id, steps, now=now)
        for outgoing in tx.outgoing_of_letter(known.letter_id):
            if tx.move_outgoing(outgoing, to="ready", expected="held"):
                tx.enqueue("dispatch", outgoing.id or 0, due_at=now)
        tx.advance(request, Event.APPLIED, actor=PROGRAM, at=now, detail={"steps": str(len(steps))})
        _revise_others(tx, request, now=now)


def verified(app: App, case: CaseFile, steps: Sequence[PlanStep]) -> tuple[StepOutcome, ...]:
    """What reading back by key shows of each step, inactive objects included (P7)."""
    return tuple(_read_back(app, case, step) for step in steps)


def keep_outcomes(app: App, tx: Transaction, case: CaseFile, letter_id: int, outcomes: tuple[StepOutcome, ...]) -> None:
    """Keep what is true of a plan, for the letters that tell it."""
    row = tx.plan_of_letter(letter_id)
    if row is not None:
        row.sealed_outcomes = seal_outcomes(app, case, letter_id, outcomes)


def _revise_others(tx: Transaction, changed: Request, *, now: datetime) -> None:
    """Plans of other requests of the case show values that stood before this change: they are made anew."""
    for other in tx.requests(changed.case_id):
        if other.state == State.REVIEW and Right(other.right) in CHANGING and not other.decision:
            tx.advance(other, Event.REVISED, actor=PROGRAM, at=now, detail={"because": f"{changed.right}_applied"})
            tx.enqueue("search", other.case_id, due_at=now)


def _read_back(app: App, case: CaseFile, step: PlanStep) -> StepOutcome:
    system = desks.system_of(app, case, step.system)
    if step.action is StepAction.TASK or not isinstance(system, Updates | Erases | Suppresses | Restricts):
        return StepOutcome(step=step, done=False, detail="a person has to do it")
    try:
        return system.verify(step)
    except RefusedError as error:  # waiting would not help: what cannot be read back is not done, and a person looks
        return StepOutcome(step=step, done=False, detail=type(error).__name__)


def _keep_promises(
    app: App,
    tx: Transaction,
    case: CaseFile,
    request: Request,
    letter_id: int,
    steps: Sequence[PlanStep],
    *,
    now: datetime,
) -> None:
    """What is owed from now on: kept data go when their law's last day has passed, stopped marketing stays stopped."""
    approval_row = tx.approval_of(letter_id)
    applied = duties.Applied(
        right=Right(request.right),
        steps=steps,
        records=accepted_records(app, tx, case, Right(request.right)),
        approved_by=approval_row.actor if approval_row else "",
    )
    duties.take_on(app, tx, case, applied, now=now)
    recipients.prepare(app, tx, request, steps, applied.records, now=now)
    if request.right == Right.RESTRICT:
        duties.watch_restriction(app, tx, case, now=now)
    if request.right in {Right.OBJECT, Right.ERASE}:
        points = stopped_points(app, case, Right(request.right), applied.records)
        suppressing.put(app, tx, case, points, now=now)


def _return_to_review(
    app: App,
    case: CaseFile,
    request_id: int,
    known: ChangePlan,
    outcomes: tuple[StepOutcome, ...],
    *,
    because: str,
    now: datetime,
) -> None:
    """The approved letter would say something untrue: it is void, and the search is made anew for the next draft."""
    with app.store.transaction() as tx:
        if outcomes:
            keep_outcomes(app, tx, case, known.letter_id, outcomes)
            changed = [each.step for each in outcomes if each.done]
            records = accepted_records(app, tx, case, Right(tx.request(request_id).right))
            recipients.prepare(app, tx, tx.request(request_id), changed, records, now=now)
        void_letter(tx, tx.letter(known.letter_id), reason=because, now=now)
        request = tx.request(request_id)
        tx.advance(request, Event.DIFFERED, actor=PROGRAM, at=now, detail={"because": because})
        tx.advance(request, Event.REVISED, actor=PROGRAM, at=now)
        tx.enqueue("search", request.case_id, due_at=now)


# --------------------------------------------------------------------------------------------- leaving it half-way


def is_begun(tx: Transaction, request: Request) -> bool:
    """Whether a step of any plan of *request* was begun."""
    return bool(_begun_plans(tx, request))


def leave(
    tx: Transaction,
    request: Request,
    event: Event | None,
    *,
    because: str,
    actor: str,
    now: datetime,
    **changes: object,
) -> None:
    """
    End the work on a plan: its letters are void, what was done stays and is told, the rest is decided anew.

    The search that follows reads back what the ledger has begun (`read_back_left`).
    Args: event: that leads to review; None if the request is there; changes: columns of the request to set.
    """
    for letter in tx.letters_of(request.id or 0):
        if letter.status in {"draft", "approved"}:
            void_letter(tx, letter, reason=because, now=now)
    detail = {"because": because}
    if event is not None:
        tx.advance(request, event, actor=actor, at=now, detail=detail, blocked_reason="")
    tx.advance(request, Event.REVISED, actor=actor, at=now, detail=detail, **changes)
    tx.enqueue("search", request.case_id, due_at=now)


def read_back_left(app: App, case_id: int) -> None:
    """
    Keep, for the letters that tell it, what is true of the plans that were begun and then left.

    Raises: SystemUnavailableError: try again later.
    """
    with app.store.transaction() as tx:
        case = tx.case_by_id(case_id)
        waiting = [each for each in tx.requests(case_id) if each.state in {State.SEARCHING, State.REVIEW}]
        left = [
            (known, tx.ledger(known.id or 0))
            for request in waiting
            for known in _begun_plans(tx, request)
            if known.sealed_outcomes is None
        ]
    for known, ledger in left:
        steps = steps_of(app, case, known)
        outcomes = tuple(
            _read_back(app, case, step)
            if position in ledger
            else StepOutcome(step=step, done=False, detail="not begun")
            for position, step in enumerate(steps)
        )
        with app.store.transaction() as tx:
            keep_outcomes(app, tx, case, known.letter_id, outcomes)


def _begun_plans(tx: Transaction, request: Request) -> list[ChangePlan]:
    plans = [tx.plan_of_letter(letter.id or 0) for letter in tx.letters_of(request.id or 0)]
    return [known for known in plans if known is not None and tx.ledger(known.id or 0)]


# ------------------------------------------------------------------------------------------------- searching anew


def _still_current(app: App, case: CaseFile, request: Request, known: ChangePlan, *, now: datetime) -> bool:
    """Whether a fresh search still gives the approved plan: nothing was added, changed or removed meanwhile."""
    records = _records_now(app, case, Right(request.right), now=now)
    with app.store.transaction() as tx:
        return _digest(app, plan(app, tx, case, Right(request.right), records)) == known.sha256


def _finds_more(app: App, case: CaseFile, steps: Sequence[PlanStep], *, now: datetime) -> bool:
    """Whether a fresh search still finds something to be done that the plan does not keep or leave to a person."""
    stays = {
        (step.system, step.object, step.key)
        for step in steps
        if step.action in {StepAction.KEEP, StepAction.TASK, StepAction.ANONYMISE}
    }
    records = _records_now(app, case, Right.ERASE, now=now)
    with app.store.transaction() as tx:
        again = plan(app, tx, case, Right.ERASE, records)
    return any((step.system, step.object, step.key) not in stays for step in again)


def _records_now(app: App, case: CaseFile, right: Right, *, now: datetime) -> tuple[Record, ...]:
    result = search_for(app, case, now=now)
    demand_complete(result)
    with app.store.transaction() as tx:
        tx.record("searched_anew", actor=PROGRAM, at=now, case_id=case.id)
        decisions = tx.decisions(case.id or 0)
    return records_for(app, right, result.records, decisions)
