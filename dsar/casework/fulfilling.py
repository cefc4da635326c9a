"""
A duty that the program has taken on, on its day -> done, put off, or before a person.

Kept data go when their law's last day has passed, whoever has purged the case by then; what was changed is looked for
once more, because a transfer in the night may have brought it back. Each ends with a note in the trail.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from dsar import deadlines
from dsar.casework import duties, freezing, jobs, removing, timekeeping
from dsar.casework.context import PROGRAM, App
from dsar.casework.flags import flag
from dsar.casework.planning import WRITING, demand_complete, plan, records_for, search_for
from dsar.casework.removing import Ending
from dsar.errors import ClockLeaptError, SystemUnavailableError
from dsar.lifecycle import Outcome, State
from dsar.model import Right
from dsar.store import DO_NOT_RESTORE, ERASE_LATER, VERIFY_AGAIN, Transaction
from dsar.store.tables import CaseFile, Duty, Request

#: Flag of a case whose person a system holds again.
DATA_RETURNED = "data_returned"

#: What stands in the way of an ending that is not done -> what staff read of it.
_PROBLEMS = {
    Ending.ANOTHER: "the record is not the one that was kept: look whose it is",
    Ending.PERSON: "the program cannot erase it: a person does it",
    Ending.REFUSED: "the system refuses to erase it",
    Ending.STAYS: "it was erased and reads back otherwise",
}


def perform(app: App, duty_id: int, *, now: datetime) -> None:
    """
    Step: do what is due; may be repeated after a crash anywhere.

    Raises: SystemUnavailableError: try again later; the queue says so meanwhile. ClockLeaptError.
    """
    with app.store.transaction() as tx:
        duty = tx.duty(duty_id)
    if duty is None or duty.done_at is not None or duty.due_on > deadlines.received_on(now):
        return
    try:
        with app.store.transaction(read_only=True) as tx:  # a look by a wrong calendar finds what is kept, too
            timekeeping.demand_believable(tx, now=now)
        _PERFORM[duty.kind](app, duty, now)
    except SystemUnavailableError:
        with app.store.transaction() as tx:
            _set_problem(tx, duty_id, "the system does not answer: it is tried again")
        raise
    except ClockLeaptError:
        with app.store.transaction() as tx:
            _set_problem(tx, duty_id, "the clock has leapt: 'dsar check' tells more")
        raise


def _set_problem(tx: Transaction, duty_id: int, problem: str) -> None:
    duty = tx.duty(duty_id)
    if duty is not None:
        duty.problem = problem
        tx.session.add(duty)


# -------------------------------------------------------------------------------------------------- kept data


def _erase_later(app: App, duty: Duty, now: datetime) -> None:
    """Art. 17(3)(b) has ended: "to the extent that processing is necessary"."""
    record = removing.look_up(app, duty, now=now)
    if record is None or isinstance(record, Ending):
        _settle(app, duty, removing.Removal(ending=record or Ending.GONE), now=now)
        return
    with app.store.transaction() as tx:
        frozen = freezing.why(app, tx, duty, record)
        if frozen:
            _put_off(tx, duty, problem=frozen, now=now)
            return
    if not removing.is_theirs(app, duty, record):
        _settle(app, duty, removing.Removal(ending=Ending.ANOTHER), now=now)
        return
    _settle(app, duty, removing.remove(app, duty, record, key=f"duty:{duty.id}"), now=now)


def _put_off(tx: Transaction, duty: Duty, *, problem: str, now: datetime) -> None:
    _set_problem(tx, duty.id or 0, problem)
    tx.enqueue("duty", duty.id or 0, due_at=duties.due_at(deadlines.received_on(now) + timedelta(days=1)))


def _settle(app: App, duty: Duty, removal: removing.Removal, *, now: datetime) -> None:
    """Keep how it ended: a closing note, a later day, or a problem for a person."""
    with app.store.transaction() as tx:
        current = tx.duty(duty.id or 0)
        if current is None or current.done_at is not None:
            return
        jobs.forget(tx, current)
        if removal.ending is Ending.KEPT and removal.until:
            current.due_on = removal.until + timedelta(days=1)
            current.problem = ""
            tx.enqueue("duty", duty.id or 0, due_at=duties.due_at(current.due_on))
            _note(tx, current, "kept_longer", now=now)
        elif removal.ending in _PROBLEMS:
            current.problem = _PROBLEMS[removal.ending]
            _note(tx, current, "duty_failed", now=now, ending=removal.ending)
        else:
            for step in removal.left:
                duties.owe_beside(tx, current, "by_hand", now=now, law=step.law)
            current.problem = ""
            duties.owe_beside(tx, current, DO_NOT_RESTORE, now=now)
            tx.end_duty(current, now=now)
            _note(tx, current, "kept_data_erased", now=now, ending=removal.ending)


def _note(tx: Transaction, duty: Duty, name: str, *, now: datetime, ending: str = "") -> None:
    """What the trail keeps: references and the law, no key and no name (P8)."""
    case = duties.case_of(tx, duty)
    detail = {
        "duty": str(duty.id),
        "case": duty.case_reference,
        "system": duty.system,
        "object": duty.object,
        "law": duty.law,
        "due_on": duty.due_on.isoformat(),
        "approved_by": duty.approved_by,
        "ending": ending,
    }
    tx.record(name, actor=PROGRAM, at=now, case_id=case.id if case else None, detail=detail)


# -------------------------------------------------------------------------------------------- looking once more


def _verify_again(app: App, duty: Duty, now: datetime) -> None:
    """Search by everything that is known; what could be changed again has come back, and a person decides (P7)."""
    with app.store.transaction() as tx:
        case = duties.case_of(tx, duty)
        request = _answered(tx, case, Right(duty.right)) if case else None
    if case is None or request is None or case.purged_at is not None:
        _end(app, duty, "verified_again", found=0, now=now)
        return
    result = search_for(app, case, now=now)
    demand_complete(result)
    with app.store.transaction() as tx:
        records = records_for(app, Right(duty.right), result.records, tx.decisions(case.id or 0))
        back = [step for step in plan(app, tx, case, Right(duty.right), records) if step.action in WRITING]
    _end(app, duty, "verified_again", found=len(back), now=now)


def _answered(tx: Transaction, case: CaseFile, right: Right) -> Request | None:
    """The request that was answered by a change; None while it is open, where it is read back anyway."""
    mine = [each for each in tx.requests(case.id or 0) if each.right == right]
    if not mine or mine[-1].state != State.CLOSED or mine[-1].decision:
        return None
    return mine[-1] if mine[-1].outcome in {Outcome.FULFILLED, Outcome.PARTLY} else None


def _end(app: App, duty: Duty, name: str, *, found: int, now: datetime) -> None:
    """End a look, and reopen the request if something came back."""
    with app.store.transaction() as tx:
        current = tx.duty(duty.id or 0)
        if current is None or current.done_at is not None:
            return
        current.problem = ""
        tx.end_duty(current, now=now)
        case = duties.case_of(tx, duty)
        detail = {"duty": str(duty.id), "right": duty.right, "found": str(found)}
        tx.record(name, actor=PROGRAM, at=now, case_id=case.id if case else None, detail=detail)
        request = _answered(tx, case, Right(duty.right)) if case and found else None
        if case and request:
            flag(tx, case, DATA_RETURNED)
            duties.reopen(tx, request, because=DATA_RETURNED, actor=PROGRAM, now=now)


_PERFORM: dict[str, Callable[[App, Duty, datetime], None]] = {
    ERASE_LATER: _erase_later,
    VERIFY_AGAIN: _verify_again,
}
