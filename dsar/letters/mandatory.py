"""
The fields of an access answer -> whether each is said, by the name under which staff and lawyers know it.

Effects: none. Whatever an installation's own template leaves out of what is known, the answer is refused and the field
named: F of the front part, D of the data, I of the information (Art. 15(1)-(3), 12(4), 13).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dsar.letters.rules import EEA
from dsar.markdown import escape, words
from dsar.model import LetterFacts, RecordValue


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field, and what must be said of it."""

    name: str  #: e.g. "F07 what was searched for"
    values: Callable[[LetterFacts], Iterator[object]]  #: Texts, dates, ...; empty ones need not be said.


def _controller(facts: LetterFacts) -> Iterator[object]:
    us = facts.controller
    yield from (us.name, us.orgnr, us.address, us.postcode_city, us.email)


def _first_of_each(facts: LetterFacts) -> Iterator[RecordValue]:
    """One value of each field of each kind of record: to look for every value would take as long as to write them."""
    seen: set[tuple[str, str, str]] = set()
    for record in facts.records or ():
        for value in record.values:
            key = (record.system, record.object, value.path)
            if value.value.strip() and key not in seen:
                seen.add(key)
                yield value


def _transfers(facts: LetterFacts) -> Iterator[object]:
    for activity in facts.activities or ():
        for recipient in activity.recipients:
            if recipient.country not in EEA:
                yield recipient.transfer_basis


def _of_activities(name: str) -> Callable[[LetterFacts], Iterator[object]]:
    return lambda facts: (getattr(activity, name) for activity in facts.activities or ())


FIELDS: tuple[Field, ...] = (
    Field(name="F01 case and date", values=lambda facts: iter((facts.case_reference, facts.today))),
    Field(name="F02 controller", values=_controller),
    Field(name="F03 data protection officer", values=lambda facts: iter((facts.controller.dpo,))),
    Field(name="F04 date of receipt", values=lambda facts: iter((facts.received_on,))),
    Field(name="F05 reference time", values=lambda facts: iter((facts.reference_on,))),
    Field(name="F07 what was searched for", values=lambda facts: iter(facts.search_keys or ())),
    Field(name="F08 places searched", values=lambda facts: (each.label for each in facts.coverage or ())),
    Field(
        name="F09 what is left out",
        values=lambda facts: (said for each in facts.withheld for said in (each.what, each.ground)),
    ),
    Field(name="F10 other rights", values=lambda facts: iter(facts.other_outcomes)),
    Field(
        name="D01 the data",
        values=lambda facts: (said for each in _first_of_each(facts) for said in (each.label, each.value)),
    ),
    Field(name="D02 explanation of codes", values=lambda facts: (each.explanation for each in _first_of_each(facts))),
    Field(name="D04 source of a value", values=lambda facts: (each.source for each in _first_of_each(facts))),
    Field(
        name="D07 documents",
        values=lambda facts: (said for each in facts.documents for said in (each.filename, each.label)),
    ),
    Field(name="I01 purposes", values=_of_activities("purposes")),
    Field(name="I02 legal basis", values=_of_activities("legal_basis")),
    Field(name="I03 categories", values=_of_activities("categories")),
    Field(
        name="I04 recipients",
        values=lambda facts: (
            said
            for activity in facts.activities or ()
            for recipient in activity.recipients
            for said in (recipient.name, recipient.role)
        ),
    ),
    Field(name="I05 retention", values=_of_activities("retention")),
    Field(name="I11 source", values=_of_activities("source")),
    Field(name="I12 automated decisions", values=_of_activities("automated_decisions")),
    Field(name="I13 transfers", values=_transfers),
)


def unsaid(facts: LetterFacts, shown: str, say: Callable[[object], str]) -> list[str]:
    """
    Names of the fields of which something known is not said.

    Args: shown: the words of the answer; say: how a value is said in its language.
    """
    text = shown.casefold()
    return [
        field.name for field in FIELDS if any(_words(say(value)) not in text for value in field.values(facts) if value)
    ]


def _words(said: str) -> str:
    return words(escape(said, keep_lines=True)).casefold()
