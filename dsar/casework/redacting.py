"""
Passages about other people in an access answer -> a person's word on each.

Whatever is decided changes what the letter is made from, so a draft that was shown before is no longer the one that can
be approved (P3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dsar.casework import protecting
from dsar.casework.context import App, audit_index, passage_index, passage_of, seal_passage
from dsar.casework.facts import accepted_records, proposed_passages
from dsar.casework.searching import note_obstacles, numbered_records
from dsar.errors import UsageError
from dsar.locale import said
from dsar.model import Right
from dsar.redaction import Ground, Kind, Passage
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Redaction


@dataclass(frozen=True, kw_only=True)
class Numbered:
    """A passage as `dsar redact` lists it."""

    number: int  #: From 1.
    passage: Passage
    removed: bool | None  #: A person's word; None: undecided.
    context: str  #: The words around it.


_AROUND = 60  #: Characters of context on each side.


def passages(app: App, case: CaseFile) -> list[Numbered]:
    """Everything that is proposed for removal, and what a person marked besides."""
    with app.store.transaction() as tx:
        return _passages(app, tx, case)


def decide(app: App, case: CaseFile, numbers: Sequence[int], *, removed: bool, actor: str, now: datetime) -> int:
    """
    Record a person's word on passages.

    Args: numbers: as `passages` gives them. Returns: how many. Raises: UsageError for an unknown number, or for none.
    """
    if not numbers:
        raise UsageError("Say which passages: they are decided one by one.")
    with app.store.transaction() as tx:
        listed = {each.number: each.passage for each in _passages(app, tx, case)}
        if wrong := [str(number) for number in numbers if number not in listed]:
            raise UsageError(
                said(
                    "No passage has number {listed}; 'dsar redact {case}' lists them.",
                    listed=", ".join(wrong),
                    case=case.reference,
                )
            )
        for number in numbers:
            _keep(app, tx, case, listed[number], removed=removed, actor=actor, now=now)
        note_obstacles(app, tx, tx.case_by_id(case.id or 0), now=now)
    return len(numbers)


def mark(app: App, case: CaseFile, record: int, text: str, ground: Ground, *, actor: str, now: datetime) -> int:
    """
    Remove words of a record that nobody proposed.

    Args: record: number in `dsar show --data`; text: exactly as it stands there.
    Returns: in how many values of the record it was found. Raises: UsageError if in none, or for an unknown number.
    """
    records = {number: each for number, each, _word in numbered_records(app, case)}
    if record not in records:
        raise UsageError(
            said(
                "No record has number {record}; 'dsar show {case} --data' lists them.",
                record=record,
                case=case.reference,
            )
        )
    held = records[record]
    found = [value.path for value in held.values if value.free_text and text in value.value]
    if not text.strip() or not found:
        raise UsageError(
            said("These words stand in no free text of record {record}, exactly as they were given.", record=record)
        )
    with app.store.transaction() as tx:
        for path in found:
            passage = Passage(
                system=held.system,
                object=held.object,
                key=held.key,
                path=path,
                text=text,
                kind=Kind.TEXT,
                ground=ground,
            )
            _keep(app, tx, case, passage, removed=True, actor=actor, now=now)
        note_obstacles(app, tx, tx.case_by_id(case.id or 0), now=now)
    return len(found)


def _passages(app: App, tx: Transaction, case: CaseFile) -> list[Numbered]:
    rows = {row.passage_index: row for row in tx.redactions(case.id or 0)}
    decided = {
        passage_index(app, passage): passage for passage in (passage_of(app, case, row) for row in rows.values())
    }
    proposed = {passage_index(app, passage): passage for passage in proposed_passages(app, tx, case)}
    values = {
        (record.system, record.object, record.key, value.path): value.value
        for record in protecting.hidden(case, accepted_records(app, tx, case, Right.ACCESS))
        for value in record.values
    }
    return [
        Numbered(
            number=number,
            passage=passage,
            removed=rows[index].removed if index in rows else None,
            context=_context(values.get(passage.place[:4], ""), passage.text),
        )
        for number, (index, passage) in enumerate((proposed | decided).items(), 1)
    ]


def _context(text: str, passage: str) -> str:
    before, found, after = text.partition(passage)
    return " ".join(f"{before[-_AROUND:]}>>{passage}<<{after[:_AROUND]}".split()) if found else passage


def _keep(
    app: App, tx: Transaction, case: CaseFile, passage: Passage, *, removed: bool, actor: str, now: datetime
) -> None:
    index = passage_index(app, passage)
    tx.redact(
        Redaction(
            case_id=case.id or 0,
            passage_index=index,
            removed=removed,
            actor=actor,
            at=now,
            sealed_passage=seal_passage(app, case, index, passage),
        )
    )
    tx.record(
        "redacted",
        actor=actor,
        at=now,
        case_id=case.id,
        detail={
            "passage": audit_index(app, case, "passage", index),
            "removed": str(removed),
            "ground": passage.ground.value,
        },
    )
