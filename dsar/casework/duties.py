"""
What is owed to a person after the answer: kept data go when the law's last day has passed, and people do what programs
cannot.

Duties have a key of their own and name nobody, so that they survive the purge of their case (promise P7).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from dsar import deadlines
from dsar.casework.context import App, outcomes_of, seal_outcomes
from dsar.casework.planning import told_outcomes
from dsar.errors import UsageError
from dsar.lifecycle import Event, Outcome, State
from dsar.locale import said
from dsar.model import PlanStep, Right, StepAction
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Duty

#: Key of the vault that seals which record a duty is about.
_KEY = "duties"

#: Time after which a person looks whether a restriction still stands.
_LOOK_AGAIN = timedelta(days=90)


@dataclass(frozen=True, kw_only=True)
class OpenDuty:
    """One duty that is not done."""

    number: int
    #: erase_later: a law's time has passed on due_on; by_hand: a person does it; restriction: look again; notice: tell
    #: the old contact point in `key`
    kind: str
    system: str
    object: str
    key: str  #: Of the record in the system.
    law: str
    due_on: date
    case_reference: str


def take_on(
    app: App, tx: Transaction, case: CaseFile, right: Right, steps: Sequence[PlanStep], *, now: datetime
) -> None:
    """Owe what the steps of an applied plan leave: later erasure of what is kept, and work by hand; each thing once."""
    app.vault.create_key(_KEY)
    owed = {
        (row.kind, row.system, row.object, key_of(app, row))
        for row in tx.open_duties()
        if row.case_reference == case.reference
    }
    for step in steps:
        if step.action is StepAction.KEEP and step.until is not None and right is Right.ERASE:
            kind, due_on = "erase_later", step.until + timedelta(days=1)
        elif step.action is StepAction.TASK:
            kind, due_on = "by_hand", deadlines.received_on(now)
        else:
            continue
        if (kind, step.system, step.object, step.key) in owed:
            continue
        tx.add_duty(
            Duty(
                kind=kind,
                system=step.system,
                object=step.object,
                sealed_key=app.vault.seal(_KEY, _context(step.system, step.object), step.key.encode()),
                law=step.law.en if step.law else "",
                due_on=due_on,
                case_reference=case.reference,
            )
        )


def watch_restriction(app: App, tx: Transaction, case: CaseFile, *, now: datetime) -> None:
    """Art. 18(3): the person "shall be informed [...] before the restriction of processing is lifted"."""
    app.vault.create_key(_KEY)
    tx.add_duty(
        Duty(
            kind="restriction",
            system="case",
            object="restriction",
            sealed_key=app.vault.seal(_KEY, _context("case", "restriction"), case.reference.encode()),
            law="Art. 18(3) GDPR: tell the person before it ends",
            due_on=deadlines.received_on(now) + _LOOK_AGAIN,
            case_reference=case.reference,
        )
    )


def owe_notice(
    app: App, tx: Transaction, case: CaseFile, step: PlanStep, *, kind: str, old: str, now: datetime
) -> Duty:
    """Somebody tells an old contact point, by call or letter, that it was replaced; the old value is sealed."""
    app.vault.create_key(_KEY)
    duty = Duty(
        kind="notice",
        system=step.system,
        object=step.object,
        sealed_key=app.vault.seal(_KEY, _context(step.system, step.object), old.encode()),
        law=f"Art. 32 GDPR: tell the old {kind} that it was replaced",
        due_on=deadlines.received_on(now),
        case_reference=case.reference,
    )
    tx.add_duty(duty)
    return duty


def open_duties(app: App, *, due_by: date | None = None) -> list[OpenDuty]:
    """Duties that are not done, the next one first; with *due_by* only those due by then."""
    with app.store.transaction() as tx:
        rows = tx.open_duties(due_by=due_by)
    return [
        OpenDuty(
            number=row.id or 0,
            kind=row.kind,
            system=row.system,
            object=row.object,
            key=key_of(app, row),
            law=row.law,
            due_on=row.due_on,
            case_reference=row.case_reference,
        )
        for row in rows
    ]


def end(app: App, number: int, *, actor: str, now: datetime) -> None:
    """
    Record that a member of staff has done a duty; the last work by hand of a case reopens it for its closing letter.

    Raises: UsageError if there is no such open duty.
    """
    with app.store.transaction() as tx:
        duty = next((row for row in tx.open_duties() if row.id == number), None)
        if duty is None:
            raise UsageError(said("There is no open duty {number}; 'dsar duties' lists them.", number=number))
        tx.end_duty(duty, now=now)
        tx.record("duty_done", actor=actor, at=now, detail={"duty": str(number), "case": duty.case_reference})
        case = tx.case(duty.case_reference)
        if duty.kind == "by_hand" and case.purged_at is None:
            _note_done(app, tx, case, duty)
            if not any(row.kind == "by_hand" and row.case_reference == case.reference for row in tx.open_duties()):
                _reopen(app, tx, case, actor=actor, now=now)


def _note_done(app: App, tx: Transaction, case: CaseFile, duty: Duty) -> None:
    """The plans that left this to a person know that it is done."""
    done = (duty.system, duty.object, key_of(app, duty))
    for known in [plan for request in tx.requests(case.id or 0) for plan in tx.applied_plans(request.id or 0)]:
        outcomes = tuple(
            replace(each, done=True, detail="done by hand") if _is_task(each.step, done) else each
            for each in outcomes_of(app, case, known)
        )
        known.sealed_outcomes = seal_outcomes(app, case, known.letter_id, outcomes)


def _is_task(step: PlanStep, place: tuple[str, str, str]) -> bool:
    return step.action is StepAction.TASK and (step.system, step.object, step.key) == place


def _reopen(app: App, tx: Transaction, case: CaseFile, *, actor: str, now: datetime) -> None:
    """The letter promised word when everything is done: what was answered in part is searched anew and answered."""
    for request in tx.requests(case.id or 0):
        if request.state != State.CLOSED or request.outcome != Outcome.PARTLY or request.decision:
            continue
        if any(each.step.action is StepAction.TASK for each in told_outcomes(app, tx, case, request)):
            again = {"outcome": None, "closed_at": None}
            tx.advance(request, Event.REOPENED, actor=actor, at=now, detail={"because": "done_by_hand"}, **again)
            tx.advance(request, Event.REVISED, actor=actor, at=now)
            tx.enqueue("search", case.id or 0, due_at=now)


def key_of(app: App, duty: Duty) -> str:
    """What a duty is about: the key of the record, or the old contact point."""
    return app.vault.unseal(_KEY, _context(duty.system, duty.object), duty.sealed_key).decode()


def _context(system: str, object_name: str) -> str:
    return f"duty.key:{system}:{object_name}"
