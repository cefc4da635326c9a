"""
What is known of the person beside what a candidate record says, and what in free text is about somebody else.

Both are proposals: a person decides about candidates (P6), and about what is left out for the sake of others
(Art. 15(4)).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dsar.casework.context import CaseSubject
from dsar.identifiers import normalise
from dsar.mentions import find_identifiers
from dsar.model import Identifier, IdentifierType, Record, Strength
from dsar.names import can_be_same_person, name_words

_COMPARED = (
    IdentifierType.NAME,
    IdentifierType.EMAIL,
    IdentifierType.PHONE,
    IdentifierType.PERSONNUMMER,
    IdentifierType.CUSTOMER_NO,
)


@dataclass(frozen=True, kw_only=True)
class Side:
    """One kind of identifier on both sides."""

    type: IdentifierType
    person: tuple[str, ...]  #: Proven in the case, or on records that are certain.
    record: tuple[str, ...]
    agrees: bool | None  #: None: one side says nothing.


@dataclass(frozen=True, kw_only=True)
class Mention:
    """Something in free text that points at another person."""

    path: str  #: Of the value.
    text: str  #: To take out.


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the records of a case tell of its person and of others."""

    own: tuple[Identifier, ...]  #: Proven, followed, and on certain records.
    other_names: tuple[str, ...]  #: Of people on records who cannot be the person.


def know(subject: CaseSubject, records: Sequence[Record]) -> Known:
    """What *records*, all that the latest search found, tell."""
    certain = [each for each in records if each.strength is Strength.CERTAIN]
    names = dict.fromkeys(filter(None, [subject.name, *(each.person_name for each in certain)]))
    own = [Identifier(type=IdentifierType.NAME, value=name) for name in names]
    own += [*subject.proven, *subject.followed, *(each for record in certain for each in record.own)]
    met = sorted({each.person_name for each in records if each.person_name})
    others = (each for each in met if not any(can_be_same_person(each, name) for name in names))
    return Known(own=tuple(dict.fromkeys(own)), other_names=tuple(others))


def sides(known: Known, candidate: Record) -> tuple[Side, ...]:
    """Each kind of identifier that either side has."""
    said = _on(candidate)
    found = []
    for type_ in _COMPARED:
        person = tuple(each.value for each in known.own if each.type is type_)
        record = tuple(dict.fromkeys(each.value for each in said if each.type is type_))
        if person or record:
            found.append(Side(type=type_, person=person, record=record, agrees=_agrees(type_, person, record)))
    return tuple(found)


def foreign_mentions(known: Known, record: Record) -> tuple[Mention, ...]:
    """What of *record*'s free text names somebody else: contact points, numbers, names on other people's records."""
    found = []
    for value in record.values:
        if value.free_text:
            texts = [each.value for each in find_identifiers(value.value) if each not in known.own]
            texts += [name for name in known.other_names if _holds(value.value, name)]
            found += [Mention(path=value.path, text=text) for text in texts]
    return tuple(found)


def _on(record: Record) -> list[Identifier]:
    said = [Identifier(type=IdentifierType.NAME, value=record.person_name)] if record.person_name else []
    said += record.own
    for value in record.values:
        if not value.free_text and value.category in {"identity", "contact"}:
            said += find_identifiers(value.value)
            if value.category == "contact":
                phone = normalise(IdentifierType.PHONE, value.value)
                said += [phone] if phone else []
    return said


def _agrees(type_: IdentifierType, person: Sequence[str], record: Sequence[str]) -> bool | None:
    if not (person and record):
        return None
    if type_ is IdentifierType.NAME:
        return any(can_be_same_person(one, other) for one in person for other in record)
    return bool({*person} & {*record})


def _holds(text: str, name: str) -> bool:
    words, wanted = name_words(text), name_words(name)
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1))
