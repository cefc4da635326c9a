"""
A plan -> what stays in the records that it empties and could still tell whom they were about.

Recital 26: to find out whether a person is identifiable, "account should be taken of all the means reasonably likely to
be used, such as singling out". The opinion on anonymisation (WP 216) asks three things of what remains: whether it
singles somebody out (a combination that few records have), links to them (their number or address somewhere else in the
record), or lets them be inferred (their name in that of a machine). What is found is overwritten where the declaration
says by what; the rest is a line for a person, and the record is not called anonymous.

Effects: none.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from dsar.declaration import Declaration, DeclaredObject
from dsar.model import FieldChange, Identifier, IdentifierType, PlanStep, Record, StepAction, Text
from dsar.names import fold, name_words

STILL_TELLS = Text(
    sv="Posten är tömd, men det som är kvar kan visa att den gällde dig.",
    en="The record is emptied, but what remains can show that it was about you.",
)
_REMOVE = Text(
    sv="Ta bort eller gör mer allmänt det som kan visa vem posten gällde: {labels}.",
    en="Remove or make more general what can show whom the record was about: {labels}.",
)

#: A shorter text stands in words of other meaning; it must be a word of its own.
_FEWEST_LETTERS = 4
#: Numbers are compared by their last digits, with which they are written in every way.
_DIGITS = {IdentifierType.PHONE: 9, IdentifierType.PERSONNUMMER: 10, IdentifierType.NATIONAL_ID: 7}
#: What names a machine, a deal or an account says nothing by itself; whether anything leads on from it, `tying` judges.
_OF_THINGS = frozenset(
    {IdentifierType.SERIAL, IdentifierType.ORDER_NO, IdentifierType.ORGNR, IdentifierType.CUSTOMER_NO}
)

_Place = tuple[str, str, str]


def judged(
    steps: Sequence[PlanStep],
    records: Sequence[Record],
    declarations: Mapping[str, Declaration],
    *,
    person: Iterable[Identifier] = (),
    harmless: Collection[_Place] = (),
) -> tuple[PlanStep, ...]:
    """
    *steps*, those that empty a record with what must go beside, and a task after each that leaves something telling.

    Args: records: of the person; person: what else is known of them; harmless: records of whose rest somebody has said
    that it tells nobody.
    """
    by_place = {(each.system, each.object, each.key): each for each in records}
    words = frozenset(_words(records, person)) - _written(declarations)
    made: list[PlanStep] = []
    for step in steps:
        place = (step.system, step.object, step.key)
        if step.action is not StepAction.ANONYMISE or place in harmless or place not in by_place:
            made.append(step)
            continue
        declared = declarations[step.system].object(step.object, step.key)
        made += _judged(step, by_place[place], declared, words, records)
    return tuple(made)


def is_found(step: PlanStep) -> bool:
    """Whether a line is there because something that stays may tell the person."""
    rest = _REMOVE.en.partition("{")[0]
    return step.reason == STILL_TELLS or bool(step.reason and step.reason.en.startswith(rest))


def _judged(
    step: PlanStep, record: Record, declared: DeclaredObject, words: frozenset[str], records: Sequence[Record]
) -> list[PlanStep]:
    rule = declared.erase
    gone = {declared.key, *(change.path for change in step.changes), *((*rule.set, *rule.follows) if rule else ())}
    rest = {value.path: value.value for value in record.values if value.path not in gone}
    emptied = {fold(change.before) for change in step.changes if _is_personal(declared, change.path)}
    told = words | {text for text in emptied if len(text) >= _FEWEST_LETTERS}
    about_them = [column for column in rest if _describes_person(declared, column)]
    found = [column for column in about_them if any(_holds(rest[column], word) for word in told)]
    overwritten = rule.rare.set if rule and rule.rare else {}
    found += [column for column in _rare(record, declared, records, rest) if column not in found]
    changes = [
        FieldChange(path=column, label=declared.field(column).label, before=rest[column], after=overwritten[column])
        for column in found
        if column in overwritten and rest[column] != overwritten[column]
    ]
    left = [column for column in found if column not in overwritten]
    step = replace(step, changes=(*step.changes, *changes))
    if not left:
        return [step]
    labels = [declared.field(column).label for column in left]
    reason = Text(
        sv=_REMOVE.sv.format(labels=", ".join(each.sv for each in labels)),
        en=_REMOVE.en.format(labels=", ".join(each.en for each in labels)),
    )
    task = replace(step, action=StepAction.TASK, changes=(), reason=reason, law=None, until=None)
    return [replace(step, reason=step.reason or STILL_TELLS), task]


def _is_personal(declared: DeclaredObject, column: str) -> bool:
    return declared.field(column).category in {"identity", "contact"}


def _describes_person(declared: DeclaredObject, column: str) -> bool:
    """What describes an organisation names its own people, who may have names in common with the person."""
    field = declared.field(column)
    return field.subject == "person" and field.category != "organisation"


# ------------------------------------------------------------------------------------- singling out, by counting


def _rare(
    record: Record, declared: DeclaredObject, records: Sequence[Record], rest: Mapping[str, str]
) -> Iterator[str]:
    """
    Columns of which too few records have the same values; all of them where nobody could count.

    The person's own records do not hide one another.
    """
    rare = declared.erase.rare if declared.erase else None
    columns = [column for column in rare.columns if rest.get(column)] if rare else []
    if rare is None or not columns:
        return
    staying = [column for column in columns if column not in rare.set]
    same, same_staying = record.alike or (0, 0)
    if _others(record, records, rare.columns, same) < rare.fewer_than - 1:
        yield from (column for column in columns if column in rare.set)
        left = tuple(column for column in rare.columns if column not in rare.set)
        if _others(record, records, left, same_staying) < rare.fewer_than - 1:
            yield from staying


def _others(record: Record, records: Sequence[Record], columns: Sequence[str], alike: int) -> int:
    """How many of *alike* records are not this person's."""
    values = _values(record, columns)
    own = sum(
        (each.system, each.object) == (record.system, record.object) and _values(each, columns) == values
        for each in records
    )
    return alike - own


def _values(record: Record, columns: Sequence[str]) -> list[str]:
    held = {value.path: value.value for value in record.values}
    return [held.get(column, "") for column in columns]


# ------------------------------------------------------------------------- linking and inference, by what is known


def _words(records: Sequence[Record], person: Iterable[Identifier]) -> Iterator[str]:
    """Everything by which the person is known, folded: words of names, addresses, numbers."""
    for record in records:
        yield from (word for word in name_words(record.person_name or "") if len(word) > 1)
    for each in {*person, *(own for record in records for own in record.own)}:
        if each.type in _OF_THINGS:
            continue
        if each.type is IdentifierType.NAME:
            yield from (word for word in name_words(each.value) if len(word) > 1)
        elif each.type in _DIGITS:
            yield re.sub(r"\D", "", each.value)[-_DIGITS[each.type] :]
        elif each.type is IdentifierType.EMAIL:
            yield from (fold(each.value), fold(each.value.partition("@")[0]))
        else:
            yield fold(each.value)


def _written(declarations: Mapping[str, Declaration]) -> frozenset[str]:
    """Words that emptying writes in place of a name, which a record that was emptied before gives as its person's."""
    rules = (declared.erase for each in declarations.values() for declared in each.objects)
    return frozenset(word for rule in rules if rule for text in rule.set.values() for word in name_words(text))


def _holds(text: str, word: str) -> bool:
    """Whether *text* holds *word*, folded: anywhere if it is long, as a word of its own if it is short."""
    folded = fold(text)
    if word.isdecimal() and len(word) >= min(_DIGITS.values()):
        return word in re.sub(r"\D", "", folded)
    if len(word) >= _FEWEST_LETTERS:
        return word in folded
    return word in re.findall(r"[^\W\d_]+|\d+", folded)
