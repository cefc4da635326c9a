"""
LetterFacts -> the names that templates use, with records and outcomes arranged for reading.

Effects: none. A fact that is None has no name, so that a template that says it anyway fails.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date

from dsar.letters.rules import EEA, UNFINISHED
from dsar.model import LetterFacts, Recipient, Record, StepAction, StepOutcome, Text

#: Steps that each kind of letter tells of; a task is done by hand whatever the letter is about.
_ERASURES = frozenset({StepAction.ERASE, StepAction.ANONYMISE, StepAction.TASK})
_RESTRICTIONS = frozenset({StepAction.RESTRICT, StepAction.TASK})
_UPDATES = frozenset({StepAction.UPDATE, StepAction.TASK})


@dataclass(frozen=True, kw_only=True)
class System:
    """The records of one system."""

    label: Text | str
    records: tuple[Record, ...]


@dataclass(frozen=True, kw_only=True)
class Line:
    """Steps of one kind on one kind of object, as one line of a table."""

    label: Text
    system: Text | str
    action: StepAction
    count: int
    reason: Text | None
    law: Text | None
    until: date | None


@dataclass(frozen=True, kw_only=True)
class Change:
    """One changed value."""

    label: Text
    before: str
    after: str | None
    system: Text | str


def names(facts: LetterFacts) -> dict[str, object]:
    """All names that a template may use."""
    given = {field.name: getattr(facts, field.name) for field in fields(facts)}
    systems = dict(facts.system_labels)
    return {name: value for name, value in given.items() if value is not None} | {
        "unfinished": [place for place in facts.coverage or () if place.outcome in UNFINISHED],
        "annexes": [],
        **_records(facts, systems),
        **_outcomes(facts.outcomes or (), systems),
    }


def _records(facts: LetterFacts, labels: dict[str, Text]) -> dict[str, object]:
    records = facts.records or ()
    activities = facts.activities or ()
    order = [*labels, *dict.fromkeys(record.system for record in records)]
    return {
        "systems": [
            System(label=labels.get(name, name), records=mine)
            for name in dict.fromkeys(order)
            if (mine := tuple(sorted((r for r in records if r.system == name), key=lambda r: r.object)))
        ],
        "transfers": _transfers(recipient for activity in activities for recipient in activity.recipients),
        "objectable": [activity for activity in activities if activity.objectable],
        "portable": [activity for activity in activities if activity.portable],
        "kept_by_law": any(record.keep_until for record in records),
    }


def _transfers(recipients: Iterable[Recipient]) -> list[Recipient]:
    """Recipients in third countries, each once (Art. 15(2))."""
    return list(dict.fromkeys(recipient for recipient in recipients if recipient.country not in EEA))


def _outcomes(outcomes: Sequence[StepOutcome], systems: dict[str, Text]) -> dict[str, object]:
    done = [outcome for outcome in outcomes if outcome.done]
    kept = [outcome for outcome in outcomes if outcome.step.action is StepAction.KEEP]
    open_ = [outcome for outcome in outcomes if not outcome.done and outcome.step.action is not StepAction.KEEP]

    def lines(chosen: Iterable[StepOutcome]) -> list[Line]:
        groups: dict[tuple[object, ...], list[StepOutcome]] = {}
        for outcome in chosen:
            step = outcome.step
            same = (step.system, step.object_label, step.action, step.reason, step.law, step.until)
            groups.setdefault(same, []).append(outcome)
        return [_line(group, systems) for group in groups.values()]

    return {
        "erased": lines(outcome for outcome in done if outcome.step.action in _ERASURES),
        "anonymised": any(outcome.step.action is StepAction.ANONYMISE for outcome in done),
        "suppressed": any(outcome.step.action is StepAction.SUPPRESS for outcome in done),
        "restricted": lines(outcome for outcome in done if outcome.step.action in _RESTRICTIONS),
        "kept": lines(kept),
        "open": lines(open_),
        "changed": [
            Change(
                label=change.label,
                before=change.before,
                after=change.after,
                system=systems.get(outcome.step.system, outcome.step.system),
            )
            for outcome in done
            for change in outcome.step.changes
            if outcome.step.action in _UPDATES
        ],
    }


def _line(group: Sequence[StepOutcome], systems: dict[str, Text]) -> Line:
    step = group[0].step
    return Line(
        label=step.object_label,
        system=systems.get(step.system, step.system),
        action=step.action,
        count=len(group),
        reason=step.reason,
        law=step.law,
        until=step.until,
    )
