"""
What was found -> what would be done about it: the change plan, made and shown before anything is touched.
"""

from collections.abc import Sequence
from datetime import datetime

from dsar import search
from dsar.casework.context import App, outcomes_of, record_index, subject_of, triage_of
from dsar.connector import Erases, Suppresses, Updates
from dsar.errors import SystemUnavailableError
from dsar.model import (
    Identifier,
    IdentifierType,
    PlanStep,
    Record,
    RequestedChange,
    Right,
    SearchResult,
    StepAction,
    StepOutcome,
    Strength,
    SystemOutcome,
    Text,
)
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request

#: Rights that are answered by changing something.
CHANGING = frozenset({Right.UPDATE, Right.ERASE, Right.OBJECT})

#: Steps that write; the others tell what stays, or what a person has to do.
WRITING = frozenset({StepAction.UPDATE, StepAction.ERASE, StepAction.ANONYMISE, StepAction.SUPPRESS})

_CONTACT_POINTS = frozenset({IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.ADDRESS})

_BY_HAND = Text(
    sv="Systemet kan inte ändras av programmet; en person gör det.",
    en="The system cannot be changed by the program; a person does it.",
)


def plan(app: App, tx: Transaction, case: CaseFile, right: Right, records: Sequence[Record]) -> tuple[PlanStep, ...]:
    """
    Every step for *records*, in the order in which they are done; touches nothing.

    Systems in reverse order of settings and objects in reverse order of their declaration: what points at something
    goes before what it points at, the business system last.
    """
    steps: list[PlanStep] = []
    for name in reversed(tuple(app.systems)):
        held = [record for record in records if record.system == name]
        if not held:
            continue
        found = _plan_system(app, tx, case, right, name, held)
        order = [declared.name for declared in reversed(app.declarations[name].objects)]
        steps += sorted(found, key=lambda step: (order.index(step.object), step.key))
    return tuple(steps)


def _plan_system(
    app: App, tx: Transaction, case: CaseFile, right: Right, name: str, records: Sequence[Record]
) -> Sequence[PlanStep]:
    system = app.systems[name]
    if right is Right.UPDATE and isinstance(system, Updates):
        return system.plan_update(records, wanted_changes(app, tx, case))
    if right is Right.ERASE and isinstance(system, Erases):
        steps = system.plan_erase(records)
        return [step for step in steps if step.changes or step.action is not StepAction.ANONYMISE]  # emptied before
    if right is Right.OBJECT:
        return system.plan_suppress(records) if isinstance(system, Suppresses) else ()
    if right is Right.UPDATE and not _concerned(records, wanted_changes(app, tx, case)):
        return ()
    return [
        PlanStep(
            system=name,
            object=record.object,
            object_label=record.object_label,
            key=record.key,
            action=StepAction.TASK,
            reason=_BY_HAND,
        )
        for record in records
    ]


def _concerned(records: Sequence[Record], changes: Sequence[RequestedChange]) -> bool:
    old = {change.old.casefold() for change in changes if change.old}
    return any(value.value.casefold() in old for record in records for value in record.values)


def wanted_changes(app: App, tx: Transaction, case: CaseFile) -> tuple[RequestedChange, ...]:
    """What the mails of the case want changed, the latest word per field; what a stranger wrote is not followed."""
    changes = {
        change.field: change
        for link, message in tx.case_messages(case.id or 0)
        if link.role != "stranger"
        for person in triage_of(app, case, message.id or 0, link.sealed_triage).subjects
        for change in person.changes
    }
    return tuple(changes.values())


def is_general_objection(app: App, tx: Transaction, case: CaseFile) -> bool:
    """Whether the case objects to more than direct marketing: Art. 21(1) is weighed by a person."""
    return any(
        found.general
        for link, message in tx.case_messages(case.id or 0)
        for person in triage_of(app, case, message.id or 0, link.sealed_triage).subjects
        for found in person.requests
    )


def expected(steps: Sequence[PlanStep]) -> tuple[StepOutcome, ...]:
    """What reading back should show after *steps*; a person's task is not done by approving it."""
    return tuple(StepOutcome(step=step, done=step.action is not StepAction.TASK, detail="") for step in steps)


def told_outcomes(app: App, tx: Transaction, case: CaseFile, request: Request) -> tuple[StepOutcome, ...]:
    """What earlier, partly successful plans of this request have really done."""
    return tuple(
        outcome
        for known in tx.applied_plans(request.id or 0)
        for outcome in outcomes_of(app, case, known)
        if outcome.done and outcome.step.action in WRITING
    )


def contact_points(app: App, case: CaseFile) -> tuple[Identifier, ...]:
    """
    Where marketing is to stop: the sender's own address, and what the mails state plainly.

    Art. 21(3): no identity beyond the contact point is needed to stop marketing to it.
    """
    subject = subject_of(app, case)
    own = [Identifier(type=IdentifierType.EMAIL, value=subject.reply_address)] if subject.reply_address else []
    return tuple(dict.fromkeys([*own, *(each for each in subject.identifiers if each.type in _CONTACT_POINTS)]))


# ------------------------------------------------------------------------------------------------------- searching


def search_for(app: App, case: CaseFile, *, now: datetime) -> SearchResult:
    """
    The search of a case, from what is proven of the person.

    While nothing is proven only a marketing stop is searched for, by the contact points to which it applies.
    """
    subject = subject_of(app, case)
    known = (*subject.proven, *subject.followed)
    claimed = tuple(each for each in subject.identifiers if each not in known)
    if not known:
        known = contact_points(app, case)
    return search.search(app.systems, known, claimed=claimed, now=now)


def records_for(app: App, right: Right, records: Sequence[Record], decisions: dict[str, bool]) -> tuple[Record, ...]:
    """
    Which records a right is about: certain ones, and candidates that a person accepted (P6).

    A marketing stop is protective: it reaches every record that holds the contact point, whoever's it is.
    """
    return tuple(
        record
        for record in records
        if record.strength is Strength.CERTAIN
        or decisions.get(record_index(app, record), False)
        or (right is Right.OBJECT and record.found_by.type in _CONTACT_POINTS)
    )


def demand_complete(result: SearchResult) -> None:
    """Raises: SystemUnavailableError if a system did not answer in full."""
    for system in result.systems:
        if system.outcome not in {SystemOutcome.FOUND, SystemOutcome.NOTHING}:
            raise SystemUnavailableError(system.system, system.detail or "it did not answer in full")
