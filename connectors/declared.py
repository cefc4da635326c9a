"""
(declaration, rows of a system, identifiers) -> SearchAnswer.

Effects: none of its own; it asks the given Rows. This is the search of every connector that reads tables: a row is
found by a declared identifier or reached from a found row through a company-assigned key, and its strength follows from
who asserted the value that matched (promise P6).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, runtime_checkable

from connectors.matching import POINTING, holds
from dsar.declaration import Declaration, DeclaredField, DeclaredObject, Find
from dsar.identifiers import normalise
from dsar.model import Document, Identifier, IdentifierType, Record, RecordValue, Strength
from dsar.names import can_be_same_person


@dataclass(frozen=True, kw_only=True)
class Row:
    """One stored row as text."""

    key: str
    values: dict[str, str]  #: Declared column -> value, "" where nothing is stored.
    documents: tuple[Document, ...] = ()  #: Documents that it carries.


class Rows(Protocol):
    """What a system must be able to give."""

    def candidates(self, declared: DeclaredObject, find: Find, identifiers: Sequence[Identifier]) -> Iterable[Row]:
        """Rows that may hold one of *identifiers* in the columns of *find*; too many, never too few."""
        ...

    def having(self, declared: DeclaredObject, column: str, values: Collection[str]) -> Iterable[Row]:
        """Rows whose *column* is one of *values*."""
        ...


@runtime_checkable
class Counting(Protocol):
    """Rows of a system that can count."""

    def combinations(self, declared: DeclaredObject, columns: Sequence[str]) -> Mapping[tuple[str, ...], int] | None:
        """{values of *columns*: how many rows have them}, over all rows of *declared*; None: it cannot be told."""
        ...


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A row that was found, by what and how surely."""

    declared: DeclaredObject
    row: Row
    strength: Strength
    found_by: Identifier


class _Hits(dict[tuple[str, str], Hit]):
    """(object, key) -> its strongest hit."""

    def improve(self, hit: Hit) -> bool:
        """Take *hit* in unless one as strong is known."""
        place = (hit.declared.name, hit.row.key)
        known = self.get(place)
        if known and (known.strength is Strength.CERTAIN or hit.strength is Strength.CANDIDATE):
            return False
        self[place] = hit
        return True


def search_rows(
    rows: Rows, declaration: Declaration, identifiers: Sequence[Identifier], *, system: str, read_at: datetime
) -> tuple[tuple[Record, ...], tuple[Identifier, ...]]:
    """Records that hold or are reached from *identifiers*, and the strong identifiers of the certain ones."""
    hits = _Hits()
    for declared in declaration.objects:
        for find in declared.find:
            for hit in _find(rows, declared, find, identifiers):
                hits.improve(hit)
    fresh = list(hits.values())
    while fresh:
        fresh = [hit for hit in _reached(rows, declaration, fresh) if hits.improve(hit)]
    certain = [hit for hit in hits.values() if hit.strength is Strength.CERTAIN]
    emits = dict.fromkeys(identifier for hit in certain for identifier in _emitted(hit))
    objects = {id(hit.declared): hit.declared for hit in hits.values()}
    counts = {id_: _counted(rows, declared) for id_, declared in objects.items()}
    records = [
        to_record(hit, system=system, read_at=read_at, alike=_alike(hit.declared, hit.row, counts[id(hit.declared)]))
        for hit in hits.values()
    ]
    return tuple(records), tuple(emits)


def _counted(rows: Rows, declared: DeclaredObject) -> Mapping[tuple[str, ...], int] | None:
    rare = declared.erase.rare if declared.erase else None
    return rows.combinations(declared, rare.columns) if rare and isinstance(rows, Counting) else None


def _alike(declared: DeclaredObject, row: Row, counts: Mapping[tuple[str, ...], int] | None) -> tuple[int, int] | None:
    """What `Record.alike` says."""
    rare = declared.erase.rare if declared.erase else None
    if rare is None or counts is None:
        return None
    mine = tuple(row.values.get(column, "") for column in rare.columns)
    staying = [place for place, column in enumerate(rare.columns) if column not in rare.set]
    same = sum(count for other, count in counts.items() if all(other[place] == mine[place] for place in staying))
    return counts.get(mine, 0), same


def canary_found(rows: Rows, declaration: Declaration) -> bool | None:
    """Whether the canary person is found; None if the declaration names none."""
    canary = declaration.canary
    if canary is None:
        return None
    return any(
        True
        for declared in declaration.objects
        for find in declared.find
        for _ in _find(rows, declared, find, [canary])
    )


def holds_one(declared: DeclaredObject, row: Row, identifiers: Sequence[Identifier]) -> bool:
    """Whether a declared way of finding finds *row* by one of *identifiers*."""
    return any(
        identifier.type is find.by
        and _looks(find.pattern, identifier.value)
        and matching(declared, find, identifier, row)
        for find in declared.find
        for identifier in identifiers
    )


def _find(rows: Rows, declared: DeclaredObject, find: Find, identifiers: Sequence[Identifier]) -> Iterator[Hit]:
    wanted = [each for each in identifiers if each.type is find.by and _looks(find.pattern, each.value)]
    if not wanted:
        return
    for row in rows.candidates(declared, find, wanted):
        for identifier in wanted:
            if columns := matching(declared, find, identifier, row):
                vouched = any(each.vouched for each in columns) and _is_persons(declared, row)
                proves = identifier.type not in POINTING and vouched
                strength = Strength.CERTAIN if proves else Strength.CANDIDATE
                yield Hit(declared=declared, row=row, strength=strength, found_by=identifier)


def _looks(pattern: str | None, text: str) -> bool:
    return pattern is None or re.fullmatch(pattern, text) is not None


def _is_persons(declared: DeclaredObject, row: Row) -> bool:
    """Whether the record is a person's and not that of an organisation, which has people of its own."""
    return all(_looks(pattern, row.values.get(column, "")) for column, pattern in declared.person_if.items())


def _is_marked(declared: DeclaredObject, row: Row) -> bool:
    return any(_looks(pattern, row.values.get(column, "").strip()) for column, pattern in declared.protected_if.items())


def matching(declared: DeclaredObject, find: Find, identifier: Identifier, row: Row) -> list[DeclaredField]:
    """The fields of *find* in which *row* holds *identifier*."""
    fields = [declared.field(column) for column in find.columns]
    alone = [each for each in fields if holds(identifier, [row.values.get(each.column, "")], free_text=each.free_text)]
    if alone or len(fields) == 1:
        return alone
    plain = [each for each in fields if not each.free_text]
    # A name may be spread over columns: first name, surname.
    return plain if holds(identifier, [row.values.get(each.column, "") for each in plain], free_text=False) else []


def _reached(rows: Rows, declaration: Declaration, sources: Sequence[Hit]) -> Iterator[Hit]:
    for declared in declaration.objects:
        for link in declared.reached_from:
            origins = [
                each
                for each in sources
                if each.declared.name == link.object
                and each.row.values.get(link.their)
                and _is_persons(each.declared, each.row)
            ]
            # The surest last, so that it stays where several share a key.
            origins.sort(key=lambda each: each.strength is Strength.CERTAIN)
            by_key = {_as_key(each.row.values[link.their]): each for each in origins}
            if not by_key:
                continue
            for row in rows.having(declared, link.ours, {each.row.values[link.their] for each in origins}):
                source = by_key.get(_as_key(row.values[link.ours]))
                if source is None or (link.named and not _names(row.values.get(link.named, ""), source)):
                    continue
                weak = link.points or not _is_persons(declared, row)
                strength = Strength.CANDIDATE if weak else source.strength
                yield Hit(declared=declared, row=row, strength=strength, found_by=source.found_by)


def _names(text: str, source: Hit) -> bool:
    """Whether *text* is a name that may be that of the person whose record *source* is."""
    name = " ".join(filter(None, (source.row.values.get(column, "") for column in source.declared.person_name)))
    return bool(name and text) and can_be_same_person(name, text)


def _street(declared: DeclaredObject, row: Row) -> Identifier | None:
    """The street of a person's record; behind its comma stand postcode and city, which not every system has."""
    if not declared.person_name or not _is_persons(declared, row):
        return None
    fields = (
        declared.field(column) for find in declared.find if find.by is IdentifierType.ADDRESS for column in find.columns
    )
    texts = (row.values.get(each.column, "") for each in fields if each.vouched and not each.free_text)
    text = next(filter(None, texts), "")
    return normalise(IdentifierType.ADDRESS, re.split(r"[,\n]", text)[0])


def _as_key(text: str) -> str:
    """A key as databases compare it: some ignore case, some pad with blanks."""
    return text.strip().casefold()


def _emitted(hit: Hit) -> Iterator[Identifier]:
    for column, type_ in hit.declared.emits.items():
        identifier = normalise(type_, hit.row.values.get(column, ""))
        if identifier:
            yield identifier


# ---------------------------------------------------------------------------------------------------- row -> Record


def to_record(hit: Hit, *, system: str, read_at: datetime, alike: tuple[int, int] | None = None) -> Record:
    """What was found, with labels, explanations and the law that keeps it. Args: alike: see Record."""
    declared, row = hit.declared, hit.row
    keep = declared.keep
    starts_on = _as_date(row.values.get(keep.column, "")) if keep else None
    name = " ".join(row.values[column] for column in declared.person_name if row.values.get(column))
    return Record(
        system=system,
        object=declared.name,
        object_label=declared.label,
        key=row.key,
        strength=hit.strength,
        found_by=hit.found_by,
        read_at=read_at,
        person_name=name or None,
        activities=declared.activities,
        keep_until=keep.until(starts_on) if keep and starts_on else None,
        keep_law=keep.law if keep else None,
        own=tuple(_emitted(hit)),
        street=_street(declared, row),
        protected=_is_marked(declared, row),
        documents=row.documents,
        alike=alike,
        values=tuple(_value(each, row.values) for each in declared.fields if row.values.get(each.column)),
    )


def looked_up(
    declared: DeclaredObject, row: Row, *, system: str, read_at: datetime, rows: Rows | None = None
) -> Record:
    """A record that was read by its key, which stands for what found it. Args: rows: of its system, to count in."""
    itself = Identifier(type=IdentifierType.ORDER_NO, value=row.key)
    hit = Hit(declared=declared, row=row, strength=Strength.CERTAIN, found_by=itself)
    alike = _alike(declared, row, _counted(rows, declared)) if rows else None
    return to_record(hit, system=system, read_at=read_at, alike=alike)


def _value(declared: DeclaredField, stored: Mapping[str, str]) -> RecordValue:
    text = stored[declared.column]
    return RecordValue(
        path=declared.column,
        label=declared.label,
        value=text,
        category=declared.category,
        explanation=declared.codes.get(text),
        code_unknown=bool(declared.codes) and text not in declared.codes,
        free_text=declared.free_text,
        source=declared.source,
        vouched=declared.vouched,
        confirmed=declared.vouched and declared.asserted_by == "confirmed",
        changed_on=_as_date(stored.get(declared.changed_at, "")) if declared.changed_at else None,
    )


def _as_date(text: str) -> date | None:
    try:
        return datetime.fromisoformat(text.strip()).date()
    except ValueError:
        return None
