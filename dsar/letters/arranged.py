"""
LetterFacts -> the names that templates use, with records and outcomes arranged for reading.

Effects: none. A fact that is None has no name, so that a template that says it anyway fails.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date

from dsar.letters.annexes import portable_part
from dsar.letters.rules import EEA, UNFINISHED
from dsar.model import LetterFacts, Recipient, Record, StepAction, StepOutcome, Text

#: Steps that each kind of letter tells of; a task is done by hand whatever the letter is about.
_ERASURES = frozenset({StepAction.ERASE, StepAction.ANONYMISE, StepAction.TASK})
_RESTRICTIONS = frozenset({StepAction.RESTRICT, StepAction.TASK})
_UPDATES = frozenset({StepAction.UPDATE, StepAction.TASK})


#: So many like records read better as one table with a row per record (logs, orders): with few columns always, with up
#: to six if they hold no more characters from side to side than a line does.
_LIST_FROM = 4
_FEW_FIELDS, _LIST_FIELDS = 4, 6
_LIST_CHARACTERS = 100


@dataclass(frozen=True, kw_only=True)
class Group:
    """Records that are shown together: like ones in a table with a row each, or a single one with a row per value."""

    records: tuple[Record, ...]
    is_list: bool

    @property
    def first(self) -> Record:
        """What all records of the group have in common is read from the first."""
        return self.records[0]

    @property
    def categories(self) -> list[str]:
        return list(dict.fromkeys(value.category for record in self.records for value in record.values))


@dataclass(frozen=True, kw_only=True)
class System:
    """The records of one system, those of one object side by side."""

    label: Text | str
    groups: tuple[Group, ...]


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
        "takes_along": facts.portability and portable_part(facts) is not None,
        **_records(facts, systems),
        **_outcomes(facts, facts.outcomes or (), systems),
    }


def _records(facts: LetterFacts, labels: dict[str, Text]) -> dict[str, object]:
    records = facts.records or ()
    activities = facts.activities or ()
    order = dict.fromkeys([*labels, *(record.system for record in records)])
    return {
        "systems": [
            System(label=labels.get(name, name), groups=tuple(_groups(mine)))
            for name in order
            if (mine := [record for record in records if record.system == name])
        ],
        "transfers": _transfers(recipient for activity in activities for recipient in activity.recipients),
        "objectable": [activity for activity in activities if activity.objectable],
        "portable": [activity for activity in activities if activity.portable],
        "kept_by_law": any(record.keep_until for record in records),
    }


def _groups(records: Sequence[Record]) -> Iterator[Group]:
    alike: dict[tuple[object, ...], list[Record]] = {}
    for record in sorted(records, key=lambda record: record.object):
        fields = tuple((value.path, value.label) for value in record.values)
        shared = (record.object, record.read_at, record.found_by.type, record.keep_until, record.keep_law, fields)
        alike.setdefault(shared, []).append(record)
    for group in alike.values():
        if len(group) >= _LIST_FROM and _fits_in_rows(group):
            yield Group(records=tuple(group), is_list=True)
        else:
            yield from (Group(records=(record,), is_list=False) for record in group)


def _fits_in_rows(group: Sequence[Record]) -> bool:
    columns = zip(*(record.values for record in group), strict=True)
    widest = [max(len(value.value) for value in column) for column in columns]
    return len(widest) <= _LIST_FIELDS and (len(widest) <= _FEW_FIELDS or sum(widest) <= _LIST_CHARACTERS)


def _transfers(recipients: Iterable[Recipient]) -> list[Recipient]:
    """Recipients in third countries, each once (Art. 15(2))."""
    return list(dict.fromkeys(recipient for recipient in recipients if recipient.country not in EEA))


def _outcomes(facts: LetterFacts, outcomes: Sequence[StepOutcome], systems: dict[str, Text]) -> dict[str, object]:
    done = [outcome for outcome in outcomes if outcome.done]
    kept = [outcome for outcome in outcomes if outcome.step.action is StepAction.KEEP]
    # A reason of an emptied record says that it can still be traced; pseudonymised is not erased (Art. 4(5), P7).
    emptied = [each for each in done if each.step.action is StepAction.ANONYMISE and each.step.reason]
    open_ = [outcome for outcome in outcomes if not outcome.done and outcome.step.action is not StepAction.KEEP]

    def lines(chosen: Iterable[StepOutcome]) -> list[Line]:
        groups: dict[tuple[object, ...], list[StepOutcome]] = {}
        for outcome in chosen:
            step = outcome.step
            same = (step.system, step.object_label, step.action, step.reason, step.law, step.until)
            groups.setdefault(same, []).append(outcome)
        return [_line(group, systems) for group in groups.values()]

    return {
        "erased": lines(outcome for outcome in done if outcome.step.action in _ERASURES and outcome not in emptied),
        "emptied": lines(emptied),
        "anonymised": any(each.step.action is StepAction.ANONYMISE and each not in emptied for each in done),
        "locked": any(outcome.step.action is StepAction.RESTRICT for outcome in done),
        "suppressed": bool(facts.contact_points),
        "done": lines(outcome for outcome in done if outcome.step.action is not StepAction.KEEP),
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
