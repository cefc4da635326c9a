"""
What is owed to a person after the answer: kept data go when the law's last day has passed, and people do what programs
cannot.

Duties have a key of their own and name nobody, so that they survive the purge of their case (promise P7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dsar import deadlines
from dsar.casework.context import App
from dsar.errors import UsageError
from dsar.model import PlanStep, StepAction
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Duty

#: Key of the vault that seals which record a duty is about.
_KEY = "duties"


@dataclass(frozen=True, kw_only=True)
class OpenDuty:
    """One duty that is not done."""

    number: int
    kind: str  #: erase_later: the law's time has passed on due_on; by_hand: a person does it now
    system: str
    object: str
    key: str  #: Of the record in the system.
    law: str
    due_on: date
    case_reference: str


def take_on(app: App, tx: Transaction, case: CaseFile, steps: Sequence[PlanStep], *, now: datetime) -> None:
    """Owe what the steps of an applied plan leave: later erasure of what is kept, and work by hand."""
    app.vault.create_key(_KEY)
    for step in steps:
        if step.action is StepAction.KEEP and step.until is not None:
            kind, due_on = "erase_later", step.until + timedelta(days=1)
        elif step.action is StepAction.TASK:
            kind, due_on = "by_hand", deadlines.received_on(now)
        else:
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
            key=app.vault.unseal(_KEY, _context(row.system, row.object), row.sealed_key).decode(),
            law=row.law,
            due_on=row.due_on,
            case_reference=row.case_reference,
        )
        for row in rows
    ]


def end(app: App, number: int, *, actor: str, now: datetime) -> None:
    """
    Record that a member of staff has done a duty.

    Raises: UsageError if there is no such open duty.
    """
    with app.store.transaction() as tx:
        duty = next((row for row in tx.open_duties() if row.id == number), None)
        if duty is None:
            raise UsageError(f"There is no open duty {number}; 'dsar duties' lists them.")
        tx.end_duty(duty, now=now)
        tx.record("duty_done", actor=actor, at=now, detail={"duty": str(number), "case": duty.case_reference})


def _context(system: str, object_name: str) -> str:
    return f"duty.key:{system}:{object_name}"
