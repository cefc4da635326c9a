"""
(declaration, records) -> steps of a change plan, and what a step still has to do to a row.

Effects: none. Shared by the connectors that can write; each of them adds only the writing itself.
"""

from collections.abc import Sequence
from typing import Literal
from zoneinfo import ZoneInfo

from connectors import parts
from connectors.declared import Row
from dsar.declaration import Declaration, DeclaredObject
from dsar.errors import SystemContractError, SystemDriftError
from dsar.model import (
    FieldChange,
    PlanStep,
    Record,
    RequestedChange,
    StepAction,
    StepOutcome,
    Text,
)

_NO_RULE = Text(
    sv="Deklarationen säger inte hur uppgifterna raderas.", en="The declaration does not say how the data are erased."
)
_NO_DATE = Text(
    sv="Datumet som lagringstiden räknas från saknas.", en="The date that the retention period runs from is missing."
)
_WHICH = Text(
    sv="Här står flera värden, och det är inte sagt vilket som ska ändras.",
    en="Several values stand here, and it is not said which one is to be changed.",
)
#: Rule of a keep -> why, as a letter tells it (Art. 17(3)(b): "compliance with a legal obligation").
_KEEP_REASONS = {
    "bookkeeping": Text(
        sv="underlag för bokföringen, som vi är skyldiga att spara",
        en="accounting records, which we are obliged to keep",
    ),
    # Art. 17(3)(e): "for the establishment, exercise or defence of legal claims".
    "claims": Text(
        sv="uppgifter som vi behöver om någon ställer rättsliga krav på oss",
        en="data that we need if somebody makes a legal claim against us",
    ),
    "oss": Text(
        sv="underlag för moms på försäljning till andra EU-länder, som vi är skyldiga att spara",
        en="records of VAT on sales to other EU countries, which we are obliged to keep",
    ),
    "period": Text(sv="uppgifter som en lag ålägger oss att spara", en="data that a law obliges us to keep"),
}
#: What is to leave nothing behind.
REMOVING = frozenset({StepAction.ERASE, StepAction.ANONYMISE})
_WRITES = frozenset(StepAction) - {StepAction.KEEP, StepAction.TASK}


# ------------------------------------------------------------------------------------------------------- planning


class Planner:
    """The plans of a system whose `_declaration` says all that there is to know."""

    _declaration: Declaration
    _removes_residue = True  #: Whether what the product itself keeps of a record can be removed by the program.
    _cleans_files = False  #: The same of what it keeps in files.
    _one_per_line = False  #: Whether a column may hold several values, in alphabetical order, one per line.

    def plan_update(self, records: Sequence[Record], changes: Sequence[RequestedChange]) -> tuple[PlanStep, ...]:
        return plan_update(self._declaration, records, changes, one_per_line=self._one_per_line)

    def plan_erase(self, records: Sequence[Record]) -> tuple[PlanStep, ...]:
        return plan_erase(
            self._declaration, records, removes_residue=self._removes_residue, cleans_files=self._cleans_files
        )

    def plan_suppress(self, records: Sequence[Record]) -> tuple[PlanStep, ...]:
        return plan_suppress(self._declaration, records)

    def plan_restrict(self, records: Sequence[Record]) -> tuple[PlanStep, ...]:
        return plan_restrict(self._declaration, records)


def plan_update(
    declaration: Declaration,
    records: Sequence[Record],
    changes: Sequence[RequestedChange],
    *,
    one_per_line: bool = False,
) -> tuple[PlanStep, ...]:
    """
    One step per record that has a column for one of *changes* and, where the old value is named, holds it.

    Another, a task, where a column holds several values and nobody has said which one is meant.
    """
    steps = []
    for record in records:
        declared = declaration.object(record.object, record.key)
        parted = [part for change in changes for part in parts.of(declared, record, change)]
        wanted = [change for change in parted if change.field in declared.update]
        unclear = [each for each in wanted if one_per_line and _is_unclear(declared, record, each)]
        found = [
            _field_change(declared, record, each, one_per_line=one_per_line) for each in wanted if each not in unclear
        ]
        if changed := tuple(change for change in found if change):
            steps.append(_step(record, StepAction.UPDATE, changes=changed))
        if unclear:
            steps.append(_step(record, StepAction.TASK, reason=_WHICH))
    return tuple(steps)


def _is_unclear(declared: DeclaredObject, record: Record, change: RequestedChange) -> bool:
    return change.old is None and "\n" in _stored(record, declared.update[change.field])  # type: ignore[index]  # looked up


def plan_erase(
    declaration: Declaration, records: Sequence[Record], *, removes_residue: bool = True, cleans_files: bool = False
) -> tuple[PlanStep, ...]:
    """
    One step per record: kept by law, erased, anonymised, or a task where nothing is declared or something is pending.

    Another task for each residue that the product leaves and that the program cannot remove (P7).
    """
    steps: list[PlanStep] = []
    for record in _leaves_first(declaration, records):
        declared = declaration.object(record.object, record.key)
        waits_for = _pending(declared, records)
        step = _step(record, StepAction.TASK, reason=waits_for) if waits_for else _erase_step(declared, record)
        steps.append(step)
        if step.action is StepAction.KEEP:
            # Art. 18, 4(3): what only a law keeps is stored and used for nothing else, where the product can do that.
            steps += plan_restrict(declaration, [record])
        if step.action in REMOVING:
            stays = [
                *declared.left_behind,
                *([] if removes_residue else [each.label for each in declared.residue]),
                *([] if cleans_files else [each.label for each in declared.residue_files]),
            ]
            steps += [_step(record, StepAction.TASK, reason=label) for label in stays]
    return tuple(steps)


def _leaves_first(declaration: Declaration, records: Sequence[Record]) -> list[Record]:
    """What points at another record goes before it, for databases refuse to remove what is pointed at."""
    depths: dict[str, int] = {}

    def depth(name: str) -> int:
        if name not in depths:
            depths[name] = 0  # ends a circle
            depths[name] = max((depth(link.object) + 1 for link in declaration.object(name).reached_from), default=0)
        return depths[name]

    return sorted(records, key=lambda record: -depth(record.object))


def _pending(declared: DeclaredObject, records: Sequence[Record]) -> Text | None:
    """Why a record of *declared* cannot be erased yet: one of the same person's *records* is not over."""
    for rule in declared.erase.pending if declared.erase else ():
        for other in records:
            if other.object == rule.object and _stored(other, rule.column) not in rule.closed:
                return rule.reason
    return None


def plan_suppress(declaration: Declaration, records: Sequence[Record]) -> tuple[PlanStep, ...]:
    """One step per record that still lets marketing through."""
    return _plan_marks(declaration, records, StepAction.SUPPRESS)


def plan_restrict(declaration: Declaration, records: Sequence[Record]) -> tuple[PlanStep, ...]:
    """One step per record that the system can lock and that is not locked."""
    return _plan_marks(declaration, records, StepAction.RESTRICT)


def _plan_marks(
    declaration: Declaration, records: Sequence[Record], action: Literal[StepAction.SUPPRESS, StepAction.RESTRICT]
) -> tuple[PlanStep, ...]:
    steps = []
    for record in records:
        declared = declaration.object(record.object, record.key)
        mark = declared.suppress if action is StepAction.SUPPRESS else declared.restrict
        if mark and _stored(record, mark.column) not in {mark.value, *mark.stopped}:
            steps.append(_step(record, action, changes=(_change(declared, record, mark.column, mark.value),)))
    return tuple(steps)


def _erase_step(declared: DeclaredObject, record: Record) -> PlanStep:
    rule = declared.erase
    if record.keep_law:
        if record.keep_until is None:
            return _step(record, StepAction.TASK, reason=_NO_DATE, law=record.keep_law)
        # Art. 17(3)(b): no erasure while a law demands that the data are kept; after its last day the rule applies.
        if record.keep_until >= record.read_at.astimezone(ZoneInfo("Europe/Stockholm")).date():
            reason = _KEEP_REASONS[declared.keep.rule] if declared.keep else None
            return _step(record, StepAction.KEEP, reason=reason, law=record.keep_law, until=record.keep_until)
    if rule is None or rule.action == "keep":
        return _step(record, StepAction.TASK, reason=_NO_RULE)
    if rule.action == "anonymise":
        changes = [
            _change(declared, record, column, value.replace("{key}", record.key)) for column, value in rule.set.items()
        ]
        return _step(record, StepAction.ANONYMISE, changes=tuple(each for each in changes if each.before != each.after))
    stored = tuple(_change(declared, record, value.path, None) for value in record.values)
    return _step(record, StepAction.ERASE, changes=stored)


def _field_change(
    declared: DeclaredObject, record: Record, change: RequestedChange, *, one_per_line: bool
) -> FieldChange | None:
    column = declared.update[change.field]  # type: ignore[index]  # the caller has looked it up
    before, new = _stored(record, column), change.new or ""
    values = before.split("\n") if one_per_line else [before]
    if one_per_line:  # one value, however many lines it was written in
        new = ", ".join(filter(None, map(str.strip, new.splitlines())))
    old = None if change.old is None else parts.comparable(change.field, change.old)
    stay = [each for each in values if old is not None and parts.comparable(change.field, each) != old]
    if len(stay) == len(values) or before == new:
        return None
    return _change(declared, record, column, "\n".join(sorted({*stay, *([new] if new else [])})))


def _change(declared: DeclaredObject, record: Record, column: str, after: str | None) -> FieldChange:
    return FieldChange(path=column, label=declared.field(column).label, before=_stored(record, column), after=after)


def _stored(record: Record, column: str) -> str:
    return next((value.value for value in record.values if value.path == column), "")


def _step(record: Record, action: StepAction, **said: object) -> PlanStep:
    return PlanStep(
        system=record.system,
        object=record.object,
        object_label=record.object_label,
        key=record.key,
        action=action,
        **said,  # type: ignore[arg-type]
    )


# ------------------------------------------------------------------------------------------------------- applying


def due_writes(declaration: Declaration, step: PlanStep, row: Row | None) -> dict[str, str] | None:
    """
    What *step* has still to write to *row* as {column: value}; None: delete it. {} means that nothing is left to do.

    Args: row: as it is now, None if it is gone, which counts as done for everything but an update.
    Raises: SystemDriftError if the row is no longer what was approved; SystemContractError for a step without a write.
    """
    if step.action not in _WRITES:
        raise SystemContractError(step.system, f"a step {step.action.value!r} writes nothing")
    if row is None:
        if step.action is StepAction.UPDATE:
            raise SystemDriftError(step.system, step.object)
        return {}
    if step.action is StepAction.ERASE:
        before = {change.path: change.before for change in step.changes}
        columns = [each.column for each in declaration.object(step.object, step.key).fields]
        if any(row.values.get(column, "") != before.get(column, "") for column in columns):
            raise SystemDriftError(step.system, step.object)
        return None
    open_changes = [change for change in step.changes if row.values.get(change.path, "") != (change.after or "")]
    if any(row.values.get(change.path, "") != change.before for change in open_changes):
        raise SystemDriftError(step.system, step.object)
    return {change.path: change.after or "" for change in open_changes}


def values_before(step: PlanStep) -> dict[str, str]:
    """{column: what it held when the step was approved}, of what the step removes."""
    return {change.path: change.before for change in step.changes}


def with_residue(outcome: StepOutcome, left: int, *, what: str = "rows") -> StepOutcome:
    """*outcome*, not done while *left* rows, or files, of residue are there."""
    if not (outcome.done and left):
        return outcome
    return StepOutcome(step=outcome.step, done=False, detail=f"{left} {what} are left of what the product itself keeps")


def outcome(step: PlanStep, row: Row | None) -> StepOutcome:
    """What *row*, read back by key, says about *step*."""
    if step.action is StepAction.TASK:
        return StepOutcome(step=step, done=False, detail="a person has to do it")
    if step.action is StepAction.KEEP:
        return StepOutcome(step=step, done=row is not None, detail="kept" if row else "the record is gone")
    if row is None:
        return StepOutcome(step=step, done=step.action is not StepAction.UPDATE, detail="the record is gone")
    if step.action is StepAction.ERASE:
        return StepOutcome(step=step, done=False, detail="the record is still there")
    wrong = sum(row.values.get(change.path, "") != (change.after or "") for change in step.changes)
    detail = f"{wrong} of {len(step.changes)} values differ" if wrong else "read back as planned"
    return StepOutcome(step=step, done=not wrong, detail=detail)
