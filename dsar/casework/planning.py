"""
What was found -> what would be done about it: the change plan, made and shown before anything is touched.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from dsar import search
from dsar.casework import correcting, desks, traces, tying
from dsar.casework.context import App, LineChoice, outcomes_of, record_index, subject_of, triage_of
from dsar.connector import Erases, Restricts, Searches, Suppresses, Updates
from dsar.declaration import Declaration, DeclaredObject
from dsar.errors import SystemUnavailableError
from dsar.identifiers import normalise
from dsar.model import (
    FieldChange,
    FoundRequest,
    Identifier,
    IdentifierType,
    PlanStep,
    Record,
    RecordValue,
    RequestedChange,
    Requester,
    Right,
    SearchResult,
    StepAction,
    StepOutcome,
    Strength,
    SystemOutcome,
    SystemResult,
    Text,
    Triage,
)
from dsar.names import fold, name_words
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request

#: Rights that are answered by changing something.
CHANGING = frozenset({Right.UPDATE, Right.ERASE, Right.OBJECT, Right.RESTRICT})

#: Roles of a sender who writes for somebody else: their own address is not the person's.
FOR_ANOTHER = frozenset({Requester.AGENT, Requester.PARENT, Requester.ESTATE, Requester.EMPLOYER, Requester.SERVICE})

#: Mails that are the requester's own word: not what a stranger wrote, nor a copy of whatever came before.
_HEARD = frozenset({"request", "follow_up", "answer"})

#: Steps that write; the others tell what stays, or what a person has to do.
WRITING = frozenset(StepAction) - {StepAction.KEEP, StepAction.TASK}

_CONTACT_POINTS = frozenset({IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.ADDRESS})

_COMPARED_AS = {"email": IdentifierType.EMAIL, "phone": IdentifierType.PHONE}

_POSTCODE = re.compile(r"\b\d{3} ?\d{2}\b")

_NOT_ALTERED = Text(sv="underlag som inte får ändras i efterhand", en="records that may not be altered afterwards")

_BY_HAND = Text(
    sv="Systemet kan inte ändras av programmet; en person gör det.",
    en="The system cannot be changed by the program; a person does it.",
)


def plan(app: App, tx: Transaction, case: CaseFile, right: Right, records: Sequence[Record]) -> tuple[PlanStep, ...]:
    """
    Every step for *records*, in the order in which they are done; touches nothing.

    Systems in reverse order of settings, those that others refer to last, and objects in reverse order of their
    declaration: what points at something goes before what it points at. Within an object as its connector says.
    """
    said = correcting.corrections_of(app, tx, case, _latest(tx, case, right))
    by_key = sorted(correcting.freed(app, said, records), key=lambda record: record.key)
    steps: list[PlanStep] = []
    systems = desks.systems_of(app, tx, case)
    places = {name: (app.declarations[name].last, -place) for place, name in enumerate(systems)}
    for name in sorted(systems, key=places.__getitem__):
        held = [record for record in by_key if record.system == name]
        if not held:
            continue
        found = _plan_system(app, tx, case, right, systems[name], held)
        found = correcting.corrected(app, said, systems[name], held, found)
        order = [declared.name for declared in reversed(app.declarations[name].objects)]
        steps += sorted(found, key=lambda step: order.index(step.object))
    marked = tying.mark(steps, records, app.declarations)
    harmless = frozenset(index for index, word in said.words.items() if word.choice is LineChoice.HARMLESS)
    judged = {(each.system, each.object, each.key) for each in records if record_index(app, each) in harmless}
    person = subject_of(app, case).facts
    found = traces.judged(marked, records, app.declarations, person=person, harmless=judged)
    return tuple(step for step in found if step.changes or step.action is not StepAction.ANONYMISE)  # emptied before


def _latest(tx: Transaction, case: CaseFile, right: Right) -> Request | None:
    """The request of a case that exercises *right*, the one that is open if there was one before."""
    mine = [request for request in tx.requests(case.id or 0) if request.right == right]
    return mine[-1] if mine else None


def _plan_system(
    app: App, tx: Transaction, case: CaseFile, right: Right, system: Searches, records: Sequence[Record]
) -> Sequence[PlanStep]:
    declaration = app.declarations[records[0].system]
    if right is Right.UPDATE:
        return _plan_update(system, declaration, records, wanted_changes(app, tx, case))
    if right is Right.OBJECT:
        return _plan_stop(app, system, declaration, records, by_hand=done_by_hand(app, tx, case))
    if right is Right.RESTRICT:
        return _plan_restrict(system, declaration, records)
    if not isinstance(system, Erases):
        return [_task(record) for record in records]
    return system.plan_erase(records)


def _task(record: Record, *changes: FieldChange) -> PlanStep:
    return _step(record, StepAction.TASK, reason=_BY_HAND, changes=changes)


def _step(record: Record, action: StepAction, **said: Any) -> PlanStep:  # noqa: ANN401  # further fields of PlanStep
    return PlanStep(
        system=record.system,
        object=record.object,
        object_label=record.object_label,
        key=record.key,
        action=action,
        **said,
    )


def _plan_restrict(system: Searches, declaration: Declaration, records: Sequence[Record]) -> list[PlanStep]:
    """
    Art. 4(3): "the marking of stored personal data"; what the system cannot mark is a person's task.

    What it has marked before needs nothing more.
    """
    steps = list(system.plan_restrict(records)) if isinstance(system, Restricts) else []
    can = isinstance(system, Restricts)
    left = [each for each in records if not (can and declaration.object(each.object, each.key).restrict)]
    return [*steps, *map(_task, left)]


# -------------------------------------------------------------------------------------------------- marketing stop


def _plan_stop(
    app: App,
    system: Searches,
    declaration: Declaration,
    records: Sequence[Record],
    *,
    by_hand: frozenset[tuple[str, str, str]],
) -> list[PlanStep]:
    """
    The system stops the marketing that it can stop; what else is used for marketing is a person's task.

    Args: by_hand: (system, object, key) of what a person has said to be done, where no value can show it.
    """
    steps = list(system.plan_suppress(records)) if isinstance(system, Suppresses) else []
    for record in records:
        declared = declaration.object(record.object, record.key)
        if declared.suppress is None:
            told = (record.system, record.object, record.key) in by_hand
            left = not told and _is_for_marketing(app, record)
        else:
            held = next((each.value for each in record.values if each.path == declared.suppress.column), "")
            left = not isinstance(system, Suppresses) and held != declared.suppress.value
        if left:
            steps.append(_task(record))
    return steps


def _is_for_marketing(app: App, record: Record) -> bool:
    says_so = any(value.category == "marketing" and value.value for value in record.values)
    return says_so or any(app.register[name].marketing for name in record.activities if name in app.register)


# --------------------------------------------------------------------------------------------------- rectification


def _plan_update(
    system: Searches, declaration: Declaration, records: Sequence[Record], changes: Sequence[RequestedChange]
) -> list[PlanStep]:
    """
    The system makes the changes that it can make; where else the old value stands it is kept by a law or a task.

    Art. 5(1)(d), 16: every reasonable step, so a place that the program cannot write to is named, not passed over.
    """
    steps = list(system.plan_update(records, changes)) if isinstance(system, Updates) else []
    planned = {(step.object, step.key, change.path) for step in steps for change in step.changes}
    for record in records:
        declared = declaration.object(record.object, record.key)
        left = tuple(
            FieldChange(path=value.path, label=value.label, before=value.value, after=change.new)
            for change in changes
            if change.old or change.field not in declared.update or not isinstance(system, Updates)
            for value in _values_of(declared, record, change)
            if (record.object, record.key, value.path) not in planned and _is_outdated(value.value, change)
        )
        if left and record.keep_law and record.keep_until:
            keep = {"reason": _NOT_ALTERED, "law": record.keep_law, "until": record.keep_until}
            steps.append(_step(record, StepAction.KEEP, **keep))
        elif left:
            steps.append(_task(record, *left))
    return steps


def _values_of(declared: DeclaredObject, record: Record, change: RequestedChange) -> list[RecordValue]:
    """The values of a record that are of the kind that *change* is about, or that are the old value itself."""
    columns = {column for field, column in declared.update.items() if field == change.field}
    columns.update(find.columns[0] for find in declared.find if find.by == change.field and len(find.columns) == 1)
    if change.field in _COMPARED_AS:
        columns.update(column for find in declared.find if find.by == change.field for column in find.columns)
    return [
        value
        for value in record.values
        if value.value
        and not value.free_text
        and declared.field(value.path).subject == "person"
        and (value.path in columns or (change.old and _same(change.field, value.value, change.old)))
    ]


def _is_outdated(stored: str, change: RequestedChange) -> bool:
    """Whether a value is the old one, or, where no old one was named, any but the new one."""
    if change.new and _same(change.field, stored, change.new):
        return False
    return not change.old or _same(change.field, stored, change.old)


def _same(field: str, one: str, other: str) -> bool:
    return _comparable(field, one) == _comparable(field, other)


def _comparable(field: str, text: str) -> object:
    if field == "name":  # "Öberg, Anna" is Anna Öberg
        return sorted(name_words(text))
    type_ = _COMPARED_AS.get(field)
    return (normalise(type_, text) if type_ else None) or " ".join(fold(text).split())


def wanted_changes(app: App, tx: Transaction, case: CaseFile) -> tuple[RequestedChange, ...]:
    """What the requester's mails want changed, the latest word per field."""
    changes = {
        change.field: change
        for link, message in tx.case_messages(case.id or 0)
        if link.role in _HEARD
        for person in triage_of(app, case, message.id or 0, link.sealed_triage).subjects
        for change in person.changes
    }
    return tuple(changes.values())


def is_general_objection(app: App, tx: Transaction, case: CaseFile) -> bool:
    """Whether the case objects to more than direct marketing: Art. 21(1) is weighed by a person."""
    return any(found.general for found in _asked(app, tx, case))


def takes_consent_back(app: App, tx: Transaction, case: CaseFile) -> bool:
    """Whether the case says no to marketing by taking a consent back (Art. 7(3))."""
    return any(found.consent for found in _asked(app, tx, case))


def may_ask_more(app: App, tx: Transaction, case: CaseFile, right: Right) -> bool:
    """Whether the mails of the case ask for more than *right*, or may do so."""
    triages = list(_triages(app, tx, case))
    rights = {found.right for triage in triages for person in triage.subjects for found in person.requests}
    return rights != {right} or any(triage.needs_person for triage in triages)


def _asked(app: App, tx: Transaction, case: CaseFile) -> Iterator[FoundRequest]:
    """What the mails of the case ask."""
    for triage in _triages(app, tx, case):
        for person in triage.subjects:
            yield from person.requests


def _triages(app: App, tx: Transaction, case: CaseFile) -> Iterator[Triage]:
    for link, message in tx.case_messages(case.id or 0):
        yield triage_of(app, case, message.id or 0, link.sealed_triage)


def expected(steps: Sequence[PlanStep]) -> tuple[StepOutcome, ...]:
    """What reading back should show after *steps*; a person's task is not done by approving it."""
    return tuple(StepOutcome(step=step, done=step.action is not StepAction.TASK, detail="") for step in steps)


def told_outcomes(app: App, tx: Transaction, case: CaseFile, request: Request) -> tuple[StepOutcome, ...]:
    """What earlier plans of this request have really done, and what people have said to have done by hand."""
    return tuple(
        outcome
        for known in tx.applied_plans(request.id or 0)
        for outcome in outcomes_of(app, case, known)
        if outcome.done and outcome.step.action in WRITING | {StepAction.TASK}
    )


def done_by_hand(app: App, tx: Transaction, case: CaseFile) -> frozenset[tuple[str, str, str]]:
    """(system, object, key) of every task of the case that a person has said to be done."""
    return frozenset(
        (outcome.step.system, outcome.step.object, outcome.step.key)
        for request in tx.requests(case.id or 0)
        for outcome in told_outcomes(app, tx, case, request)
        if outcome.step.action is StepAction.TASK
    )


def contact_points(app: App, case: CaseFile) -> tuple[Identifier, ...]:
    """
    Where marketing is to stop: the person's own address, and what the mails state plainly.

    Art. 21(3): no identity beyond the contact point is needed to stop marketing to it.
    """
    subject = subject_of(app, case)
    sender = subject.reply_address if case.requester not in FOR_ANOTHER else None
    own = [Identifier(type=IdentifierType.EMAIL, value=sender)] if sender else []
    return tuple(dict.fromkeys([*own, *(each for each in subject.identifiers if each.type in _CONTACT_POINTS)]))


def stopped_points(app: App, case: CaseFile, right: Right, records: Sequence[Record]) -> tuple[Identifier, ...]:
    """
    Where marketing is stopped by a request; an erasure stops it wherever the erased records reached the person.

    Once they are gone nothing else could tell a bought register that this person has said no.
    """
    points = contact_points(app, case)
    if right is not Right.ERASE:
        return points
    own = [each for record in records for each in record.own if each.type in _CONTACT_POINTS]
    return tuple(dict.fromkeys([*points, *own, *filter(None, map(_postal_address, records))]))


def _postal_address(record: Record) -> Identifier | None:
    """The person's own postal address, as far as the company vouches for one with a postcode."""
    lines = [
        value.value
        for value in record.values
        if value.vouched
        and value.category == "contact"
        and not normalise(IdentifierType.EMAIL, value.value)
        and not normalise(IdentifierType.PHONE, value.value)
    ]
    text = ", ".join(lines)
    return normalise(IdentifierType.ADDRESS, text) if _POSTCODE.search(text) else None


# ------------------------------------------------------------------------------------------------------- searching


def search_for(
    app: App, case: CaseFile, *, kept: Mapping[str, SystemResult] | None = None, now: datetime
) -> SearchResult:
    """
    The search of a case, from what is proven of the person.

    While nothing is proven only a marketing stop is searched for, by the contact points to which it applies.
    Args: kept: whole answers of the latest search, which began from the same facts.
    """
    subject = subject_of(app, case)
    known = (*subject.proven, *subject.accepted, *subject.followed)
    claimed = tuple(each for each in subject.identifiers if each not in known)
    if not known:
        known = contact_points(app, case)
    with app.store.transaction(read_only=True) as tx:
        systems = desks.systems_of(app, tx, case)
    return search.search(systems, known, claimed=claimed, kept=kept, now=now)


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
