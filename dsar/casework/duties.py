"""
What is owed to a person after the answer: kept data go when the law's last day has passed, and people do what programs
cannot.

Duties have a key of their own and name nobody, so that they survive the purge of their case (promise P7).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from dsar import deadlines
from dsar.casework.context import App, outcomes_of, seal_outcomes
from dsar.casework.planning import told_outcomes
from dsar.connector import Asks
from dsar.errors import UnknownCaseError, UsageError
from dsar.lifecycle import Event, Outcome, State
from dsar.locale import said
from dsar.model import PlanStep, Record, Right, StepAction, Text
from dsar.store import DO_NOT_RESTORE, DONE_BY_PROGRAM, ERASE_LATER, VERIFY_AGAIN, Transaction
from dsar.store.tables import CaseFile, Duty, Request

#: Key of the vault that seals which record a duty is about, and what is being done to it.
KEY = "duties"

#: Days after which it is read back once more.
_VERIFIED_AFTER = (1, 7)

#: A name, an address and a number or two tell a record's person; more tells nothing more.
_MOST_MARKS = 8

#: Time after which a person looks whether a restriction still stands.
_LOOK_AGAIN = timedelta(days=90)


@dataclass(frozen=True, kw_only=True)
class OpenDuty:
    """One duty that is not done."""

    number: int
    #: The program: erase_later: a law's time has passed on due_on; verify_again: whether anything came back.
    #: A person: by_hand; restriction: look again; notice: tell the old contact point in `key`
    kind: str
    system: str
    object: str
    key: str  #: Of the record in the system.
    law: str
    due_on: date
    case_reference: str
    problem: str  #: Why it is due and not done.


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A plan that was carried out and read back."""

    right: Right
    steps: Sequence[PlanStep]
    records: Sequence[Record]  #: As they were when the plan was made.
    approved_by: str


def take_on(app: App, tx: Transaction, case: CaseFile, plan: Applied, *, now: datetime) -> None:
    """
    Owe what an applied plan leaves, each thing once.

    Later erasure of what a law keeps, work by hand, another look after 1 and 7 days whether anything came back, and
    what must not come back from a backup.
    """
    app.vault.create_key(KEY)
    owed = {
        (row.kind, row.system, row.object, key_of(app, row), row.right if row.kind == VERIFY_AGAIN else "")
        for row in tx.duties_of(case.reference)
        if row.done_at is None
    }
    by_place = {(each.system, each.object, each.key): each for each in plan.records}
    today = deadlines.received_on(now)
    for step in plan.steps:
        found = _owed(plan.right, step, today)
        if found and found[0] == DO_NOT_RESTORE and isinstance(app.systems.get(step.system), Asks):
            continue  # people are not restored from backups
        if found is None or (found[0], step.system, step.object, step.key, "") in owed:
            continue
        record = by_place.get((step.system, step.object, step.key))
        duty = Duty(
            kind=found[0],
            system=step.system,
            object=step.object,
            sealed_key=_sealed(app, step.system, step.object, step.key),
            law=step.law.en if step.law else "",
            due_on=found[1],
            case_reference=case.reference,
            right=Right.RESTRICT if step.action is StepAction.RESTRICT else plan.right,  # of what is kept, too
            approved_by=plan.approved_by,
            marks=marks_of(app, record) if record else [],
        )
        _add(tx, duty)
    if (VERIFY_AGAIN, "case", plan.right, case.reference, plan.right) not in owed:
        for days in _VERIFIED_AFTER:
            look_again(app, tx, case, plan.right, due_on=today + timedelta(days=days))


def _owed(right: Right, step: PlanStep, today: date) -> tuple[str, date] | None:
    """(kind of duty, first day) that a step leaves."""
    if step.action is StepAction.KEEP:
        return (ERASE_LATER, step.until + timedelta(days=1)) if step.until and right is Right.ERASE else None
    if step.action is StepAction.TASK:
        return "by_hand", today
    return (DO_NOT_RESTORE, today) if step.action is not StepAction.UPDATE else None


def owe_beside(tx: Transaction, duty: Duty, kind: str, *, now: datetime, law: Text | None = None) -> None:
    """Owe something more about the record of *duty*, which has been done as far as the program can."""
    beside = Duty(
        kind=kind,
        system=duty.system,
        object=duty.object,
        sealed_key=duty.sealed_key,
        law=law.en if law else "",
        due_on=deadlines.received_on(now),
        case_reference=duty.case_reference,
        right=duty.right,
        approved_by=duty.approved_by,
        marks=duty.marks,
    )
    _add(tx, beside)


def case_of(tx: Transaction, duty: Duty) -> CaseFile | None:
    """The case that a duty comes from; None once its line in the register is gone."""
    try:
        return tx.case(duty.case_reference)
    except UnknownCaseError:
        return None


def look_again(app: App, tx: Transaction, case: CaseFile, right: Right, *, due_on: date) -> None:
    """The systems are searched once more for what a request has changed: nightly transfers bring people back."""
    app.vault.create_key(KEY)
    duty = Duty(
        kind=VERIFY_AGAIN,
        system="case",
        object=right,
        sealed_key=_sealed(app, "case", right, case.reference),
        law="",
        due_on=due_on,
        case_reference=case.reference,
        right=right,
    )
    _add(tx, duty)


def _add(tx: Transaction, duty: Duty) -> None:
    """What the program does is done on its day, by whichever worker is free then."""
    tx.add_duty(duty)
    if duty.kind in DONE_BY_PROGRAM:
        tx.enqueue("duty", duty.id or 0, due_at=due_at(duty.due_on))


def due_at(day: date) -> datetime:
    """When what is due on *day* is done: after the transfers of the night, before people come to work."""
    return datetime.combine(day, time(6), tzinfo=deadlines.STOCKHOLM)


def marks_of(app: App, record: Record) -> list[str]:
    """
    Keyed digests of what in *record* tells whose it is.

    A key may be given to somebody else's record in seven years, or in a restored database: by these it is known (P6).
    """
    told = [value for value in record.values if value.category in {"identity", "contact"} and not value.free_text]
    place = f"{record.system}\0{record.object}"
    return [app.vault.index("duty_mark", f"{place}\0{value.path}\0{value.value}") for value in told[:_MOST_MARKS]]


def watch_restriction(app: App, tx: Transaction, case: CaseFile, *, now: datetime) -> None:
    """Art. 18(3): the person "shall be informed [...] before the restriction of processing is lifted"."""
    app.vault.create_key(KEY)
    tx.add_duty(
        Duty(
            kind="restriction",
            system="case",
            object="restriction",
            sealed_key=_sealed(app, "case", "restriction", case.reference),
            law="Art. 18(3) GDPR: tell the person before it ends",
            due_on=deadlines.received_on(now) + _LOOK_AGAIN,
            case_reference=case.reference,
        )
    )


def owe_notice(
    app: App, tx: Transaction, case: CaseFile, step: PlanStep, *, kind: str, old: str, now: datetime
) -> Duty:
    """Somebody tells an old contact point, by call or letter, that it was replaced; the old value is sealed."""
    app.vault.create_key(KEY)
    duty = Duty(
        kind="notice",
        system=step.system,
        object=step.object,
        sealed_key=_sealed(app, step.system, step.object, old),
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
            problem=row.problem,
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
        case = case_of(tx, duty)
        if duty.kind == "by_hand" and case and case.purged_at is None:
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
            reopen(tx, request, because="done_by_hand", actor=actor, now=now)


def reopen(tx: Transaction, request: Request, *, because: str, actor: str, now: datetime) -> None:
    """A closed request is searched anew and answered once more."""
    again = {"outcome": None, "closed_at": None}
    tx.advance(request, Event.REOPENED, actor=actor, at=now, detail={"because": because}, **again)
    tx.advance(request, Event.REVISED, actor=actor, at=now)
    tx.enqueue("search", request.case_id, due_at=now)


def key_of(app: App, duty: Duty) -> str:
    """What a duty is about: the key of the record, or the old contact point."""
    return app.vault.unseal(KEY, _context(duty.system, duty.object), duty.sealed_key).decode()


def _sealed(app: App, system: str, object_name: str, key: str) -> bytes:
    return app.vault.seal(KEY, _context(system, object_name), key.encode())


def _context(system: str, object_name: str) -> str:
    return f"duty.key:{system}:{object_name}"
