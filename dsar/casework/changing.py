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
from dsar.casework import duties
from dsar.casework.context import PROGRAM, App, seal_outcomes, seal_steps, steps_of
from dsar.casework.noticing import notify_old_addresses
from dsar.casework.planning import (
    CHANGING,
    WRITING,
    contact_points,
    demand_complete,
    expected,
    plan,
    records_for,
    search_for,
)
from dsar.casework.sending import void_letter
from dsar.connector import Erases, Suppresses, Updates
from dsar.errors import DsarError, SystemUnavailableError
from dsar.lifecycle import Event, State
from dsar.model import PlanStep, Record, Right, StepAction, StepOutcome
from dsar.store import Transaction
from dsar.store.tables import CaseFile, ChangePlan, LedgerEntry, Request, Suppression


def store_plan(
    app: App, tx: Transaction, case: CaseFile, request: Request, letter_id: int, steps: tuple[PlanStep, ...]
) -> None:
    """Keep a plan beside the letter that tells its expected outcome."""
    row = ChangePlan(
        request_id=request.id or 0,
        letter_id=letter_id,
        sha256=approval.sha256_of_plan(steps),
        sealed_steps=seal_steps(app, case, letter_id, steps),
    )
    tx.add_plan(row)


def apply(app: App, request_id: int, *, now: datetime) -> None:
    """
    Step: carry out the approved plan of a request; may be repeated after a crash anywhere.

    Raises: SystemUnavailableError: try again later; what was done is in the ledger.
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
    if not begun and not _still_current(app, case, request, known, now=now):
        _return_to_review(app, case, request_id, known, (), because="changed_before", now=now)
        return
    for position, step in enumerate(steps):
        if step.action in WRITING and not _apply_step(app, case, request_id, known, position, step, now=now):
            break
    _conclude(app, case, request_id, known, steps, now=now)


def _apply_step(
    app: App, case: CaseFile, request_id: int, known: ChangePlan, position: int, step: PlanStep, *, now: datetime
) -> bool:
    """Do one step unless the ledger says it is done; False if it was refused, or the request was stopped meanwhile."""
    with app.store.transaction() as tx:
        if tx.request(request_id).state != State.APPLYING:
            return False
        entry = tx.ledger(known.id or 0).get(position)
        if entry is not None and entry.state != "started":
            return entry.state == "done"
        entry = LedgerEntry(plan_id=known.id or 0, position=position, state="started", started_at=now)
        tx.keep_entry(entry)
    system = app.systems[step.system]
    assert isinstance(system, Updates | Erases | Suppresses)  # noqa: S101  # only such a system gives writing steps
    try:
        system.apply(step, key=f"{case.reference}:{known.sha256}:{position}")
    except SystemUnavailableError:
        raise
    except DsarError as error:
        state, detail = "failed", type(error).__name__
    else:
        state, detail = "done", ""
    with app.store.transaction() as tx:
        tx.keep_entry(
            LedgerEntry(
                plan_id=known.id or 0, position=position, state=state, started_at=now, ended_at=now, detail=detail
            )
        )
        tx.record(
            "step_applied",
            actor=PROGRAM,
            at=now,
            case_id=case.id,
            request_id=request_id,
            detail={"system": step.system, "object": step.object, "action": step.action, "result": state},
        )
    return state == "done"


def _conclude(
    app: App, case: CaseFile, request_id: int, known: ChangePlan, steps: tuple[PlanStep, ...], *, now: datetime
) -> None:
    """Read everything back; the approved letter goes out only if what it says is what is true today."""
    outcomes = verified(app, steps)
    with app.store.transaction() as tx:
        request = tx.request(request_id)
        if request.state != State.APPLYING:
            return
        letter = tx.letter(known.letter_id)
        same = [each.done for each in outcomes] == [each.done for each in expected(steps)]
        same_day = letter.composed_on == deadlines.received_on(now)
    left_over = Right(request.right) is Right.ERASE and same and _finds_more(app, case, steps, now=now)
    if not same or not same_day or left_over:
        because = "another_day" if same and not left_over else "outcome_differs"
        _return_to_review(app, case, request_id, known, outcomes, because=because, now=now)
        return
    with app.store.transaction() as tx:
        request = tx.request(request_id)
        keep_outcomes(app, tx, case, known.letter_id, outcomes)
        _keep_promises(app, tx, case, request, steps, now=now)
        outgoing = tx.outgoing_of_letter(known.letter_id)
        if outgoing is not None and tx.move_outgoing(outgoing, to="ready", expected="held"):
            tx.enqueue("dispatch", outgoing.id or 0, due_at=now)
        tx.advance(request, Event.APPLIED, actor=PROGRAM, at=now, detail={"steps": str(len(steps))})
        notify_old_addresses(app, tx, case, request, steps, now=now)
        _revise_others(tx, request, now=now)


def verified(app: App, steps: Sequence[PlanStep]) -> tuple[StepOutcome, ...]:
    """What reading back by key shows of each step, inactive objects included (P7)."""
    return tuple(_read_back(app, step) for step in steps)


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


def _read_back(app: App, step: PlanStep) -> StepOutcome:
    system = app.systems[step.system]
    if step.action is StepAction.TASK or not isinstance(system, Updates | Erases | Suppresses):
        return StepOutcome(step=step, done=False, detail="a person has to do it")
    return system.verify(step)


def _keep_promises(
    app: App, tx: Transaction, case: CaseFile, request: Request, steps: Sequence[PlanStep], *, now: datetime
) -> None:
    """What is owed from now on: kept data go when their law's last day has passed, stopped marketing stays stopped."""
    duties.take_on(app, tx, case, steps, now=now)
    if request.right in {Right.OBJECT, Right.ERASE}:
        for point in contact_points(app, case):
            tx.suppress(
                Suppression(
                    digest=app.vault.index_identifier(point),
                    channel=point.type,
                    since=now,
                    case_reference=case.reference,
                )
            )


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
        void_letter(tx, tx.letter(known.letter_id), reason=because, now=now)
        request = tx.request(request_id)
        tx.advance(request, Event.DIFFERED, actor=PROGRAM, at=now, detail={"because": because})
        tx.advance(request, Event.REVISED, actor=PROGRAM, at=now)
        tx.enqueue("search", request.case_id, due_at=now)


# ------------------------------------------------------------------------------------------------- searching anew


def _still_current(app: App, case: CaseFile, request: Request, known: ChangePlan, *, now: datetime) -> bool:
    """Whether a fresh search still gives the approved plan: nothing was added, changed or removed meanwhile."""
    records = _records_now(app, case, Right(request.right), now=now)
    with app.store.transaction() as tx:
        return approval.sha256_of_plan(plan(app, tx, case, Right(request.right), records)) == known.sha256


def _finds_more(app: App, case: CaseFile, steps: Sequence[PlanStep], *, now: datetime) -> bool:
    """Whether a fresh search still finds something certain that the plan does not keep or leave to a person."""
    stays = {
        (step.system, step.object, step.key)
        for step in steps
        if step.action in {StepAction.KEEP, StepAction.TASK, StepAction.ANONYMISE}
    }
    records = _records_now(app, case, Right.ERASE, now=now)
    return any((record.system, record.object, record.key) not in stays for record in records)


def _records_now(app: App, case: CaseFile, right: Right, *, now: datetime) -> tuple[Record, ...]:
    result = search_for(app, case, now=now)
    demand_complete(result)
    with app.store.transaction() as tx:
        tx.record("searched_anew", actor=PROGRAM, at=now, case_id=case.id)
        decisions = tx.decisions(case.id or 0)
    return records_for(app, right, result.records, decisions)
