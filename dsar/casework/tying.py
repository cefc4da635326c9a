"""
A plan -> which of its emptied records can still be traced to the person through what remains.

Recital 26: data are anonymous only if the person is "no longer identifiable". A machine may stay with its history, or a
customer number without a name; but while an invoice that is kept bears both the number and the name, that is
pseudonymised (Art. 4(5)) and never called erased (P7).

Effects: none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dsar.declaration import Declaration, DeclaredObject
from dsar.identifiers import normalise
from dsar.model import Identifier, PlanStep, Record, StepAction, Text

STILL_TIED = Text(
    sv="Posten är tömd på dina uppgifter, men kan kopplas till dig genom det som sparas eller återstår.",
    en="The record holds none of your data, but can be connected with you through what is kept or remains.",
)

#: Steps after which a record still says who it is about.
_REMAINS = frozenset({StepAction.KEEP, StepAction.TASK})

_Place = tuple[str, str, str]


def mark(
    steps: Sequence[PlanStep], records: Sequence[Record], declarations: Mapping[str, Declaration]
) -> tuple[PlanStep, ...]:
    """*steps*, with STILL_TIED as the reason of each that empties a record which what remains leads to."""
    told = {(each.system, each.object, each.key): _Told.of(each, declarations) for each in records}
    remaining = [told[place] for step in steps if step.action in _REMAINS and (place := _place(step)) in told]
    return tuple(
        replace(step, reason=STILL_TIED)
        if step.action is StepAction.ANONYMISE and _is_tied(step, told[_place(step)], remaining, [*told.values()])
        else step
        for step in steps
    )


def _place(step: PlanStep) -> _Place:
    return step.system, step.object, step.key


@dataclass(frozen=True, kw_only=True)
class _Told:
    """A record as its declaration reads it."""

    record: Record
    declared: DeclaredObject
    values: Mapping[str, str]  #: The key among them.

    @classmethod
    def of(cls, record: Record, declarations: Mapping[str, Declaration]) -> "_Told":
        declared = declarations[record.system].object(record.object, record.key)
        values = {value.path: value.value for value in record.values}
        return cls(record=record, declared=declared, values={declared.key or "": record.key} | values)

    def without(self, columns: set[str]) -> "_Told":
        return replace(self, values={column: text for column, text in self.values.items() if column not in columns})

    @property
    def identifiers(self) -> set[Identifier]:
        """Everything by which the record is found, or that it hands on."""
        columns = [(find.by, column) for find in self.declared.find for column in find.columns]
        columns += [(type_, column) for column, type_ in self.declared.emits.items()]
        plain = [each for each in columns if not self.declared.field(each[1]).free_text]
        return {found for type_, column in plain if (found := normalise(type_, self.values.get(column, "")))}

    @property
    def leads_to(self) -> set[tuple[str, str, str]]:
        """(object, its column, value) of every record of its system that it points at."""
        links = ((link.object, link.their, self.values.get(link.ours, "")) for link in self.declared.reached_from)
        return {link for link in links if link[2]}

    def is_at(self, place: tuple[str, str, str]) -> bool:
        """Whether it is the record that another one points at."""
        object_, column, value = place
        return self.declared.name == object_ and self.values.get(column) == value


def _is_tied(step: PlanStep, emptied: _Told, remaining: Sequence[_Told], all_told: Sequence[_Told]) -> bool:
    left = emptied.without({change.path for change in step.changes})
    others = [each for each in remaining if each.record is not emptied.record]
    mine = [each for each in all_told if each.record.system == step.system]
    return any(
        left.identifiers & other.identifiers or (other.record.system == step.system and _are_linked(left, other, mine))
        for other in others
    )


def _are_linked(left: _Told, other: _Told, mine: Sequence[_Told]) -> bool:
    """Whether one of two records points at the other, or both at the same record of the person."""
    shared = left.leads_to & other.leads_to
    return (
        any(left.is_at(place) for place in other.leads_to)
        or any(other.is_at(place) for place in left.leads_to)
        or any(each.is_at(place) for place in shared for each in mine)
    )
