"""
People as a system: what a local office or a colleague says to hold about one person, and changes that they make.

Effects: none of its own; what was asked and answered lies on the Desk of a case. Outside a case nobody is asked. An
answer becomes rows of the declared objects: cells of a register, properties of a contact card, "label: value" lines;
whatever has no place of its own goes into the free text `text`. Rows of a register count only if they hold something
of the person, for colleagues send whole lists; what was written or picked for the person is always shown (P6).

Options: `individuals = on`, for employees' phones and address books instead of one office.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import PurePath

from connectors import check_options, plans
from connectors.cards import Card
from connectors.confined import cards_in, sheets_in
from connectors.declared import Hit, Row, search_rows, to_record
from connectors.documents import text_in
from connectors.tables import SPREADSHEETS, Sheet
from dsar.connector import Desk, Health, Holding, SearchAnswer, Word
from dsar.declaration import Declaration, DeclaredObject, Find
from dsar.errors import SettingsError, SystemContractError
from dsar.model import Identifier, IdentifierType, PlanStep, Record, StepAction, StepOutcome, Strength, Text

#: Declared column that takes what has no column of its own.
TEXT = "text"

_TABLES = frozenset({".csv", ".tsv", *SPREADSHEETS})
_CARDS = frozenset({".vcf", ".vcard"})

_CANNOT = Text(
    sv="Den som har uppgifterna har svarat att det inte går; en person avgör.",
    en="Whoever holds the data has answered that it cannot be done; a person decides.",
)


def open_manual(*, name: str, declaration: Declaration, options: Mapping[str, str]) -> "ManualConnector":
    """Raises: SettingsError."""
    check_options(name, options, required=frozenset(), optional=frozenset({"individuals"}))
    if options.get("individuals", "off") not in {"on", "off"}:
        raise SettingsError([f"system {name}: individuals must be on or off"])
    return ManualConnector(name=name, declaration=declaration, individuals=options.get("individuals") == "on")


class ManualConnector(plans.Planner):
    """Searches what people answered; changes by asking them, and believes their word by its name."""

    def __init__(
        self, *, name: str, declaration: Declaration, individuals: bool = False, desk: Desk | None = None
    ) -> None:
        self.name = name
        self.individuals = individuals
        self._declaration = declaration
        self._desk = desk

    def at(self, desk: Desk) -> "ManualConnector":
        return ManualConnector(name=self.name, declaration=self._declaration, individuals=self.individuals, desk=desk)

    # -------------------------------------------------------------------------------------------------- searching

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        if self._desk is None:
            return SearchAnswer(records=(), complete=True, waiting=True, detail="people are asked within a case only")
        desk = self._desk
        rows = _Rows(desk.holdings)
        records, emits = search_rows(rows, self._declaration, identifiers, system=self.name, read_at=read_at)
        known = {record.key for record in records}
        by_question, _ = search_rows(rows, self._declaration, desk.asked_for, system=self.name, read_at=read_at)
        records += tuple(
            replace(record, strength=Strength.CANDIDATE) for record in by_question if record.key not in known
        )
        records += tuple(self._picked(rows, {record.key for record in records}, identifiers, read_at))
        waiting = desk.waiting_for
        return SearchAnswer(records=records, complete=True, emits=emits, waiting=bool(waiting), detail=waiting)

    def _picked(
        self, rows: "_Rows", known: Collection[str], identifiers: Sequence[Identifier], read_at: datetime
    ) -> Iterator[Record]:
        """What the colleague wrote or chose for this question, although nothing in it is known of the person."""
        found_by = next(iter((*rows.asked(self._desk), *identifiers)), None)
        for key, holding in rows.holdings.items():
            if holding.picked and key not in known and found_by is not None:
                hit = Hit(
                    declared=self._declaration.object(holding.object),
                    row=rows.row(key),
                    strength=Strength.CANDIDATE,
                    found_by=found_by,
                )
                yield to_record(hit, system=self.name, read_at=read_at)

    def health(self) -> Health:
        return Health(ok=True, detail="people answer for it")

    # --------------------------------------------------------------------------------------------------- changing

    def plan_erase(self, records: Sequence[Record]) -> tuple[PlanStep, ...]:
        return tuple(map(self._unless_refused, super().plan_erase(records)))

    def _unless_refused(self, step: PlanStep) -> PlanStep:
        """What its holder cannot do is not asked of them again."""
        if self._desk is None or self._desk.word(step) is not Word.CANNOT:
            return step
        return replace(step, action=StepAction.TASK, reason=_CANNOT)

    def apply(self, step: PlanStep, *, key: str) -> None:
        desk = self._at_work()
        row = _Rows(desk.holdings).find(step.key)
        if plans.due_writes(self._declaration, step, row) != {}:
            desk.order(step)

    def verify(self, step: PlanStep) -> StepOutcome:
        """A colleague's word is not a read-back: the detail says whose it is (P7)."""
        desk = self._at_work()
        word = desk.word(step)
        if word is Word.ASKED:
            return StepOutcome(step=step, done=False, detail="a colleague was asked to do it", waiting=True)
        if word is Word.CANNOT:
            return StepOutcome(step=step, done=False, detail="a colleague says that it cannot be done")
        outcome = plans.outcome(step, _Rows(desk.holdings).find(step.key))
        return replace(outcome, detail="on the word of a colleague") if word is Word.DONE else outcome

    def _at_work(self) -> Desk:
        if self._desk is None:
            raise SystemContractError(self.name, "people are asked within a case only")
        return self._desk

    # ---------------------------------------------------------------------------------------------------- reading

    def read(self, text: str, files: Sequence[tuple[str, bytes]]) -> tuple[Holding, ...]:
        try:
            found = [holding for name, content in files for holding in self._read_file(name, content)]
        except (OSError, ValueError) as error:
            raise SystemContractError(self.name, f"an attached file cannot be read ({type(error).__name__})") from None
        found += self._read_text(text)
        return tuple(found)

    def _read_file(self, name: str, content: bytes) -> list[Holding]:
        ending = PurePath(name).suffix.lower()
        if ending in _TABLES:
            rows = [row for sheet in sheets_in(ending, content) for row in self._read_sheet(sheet)]
        elif ending in _CARDS:
            rows = [self._read_card(card) for card in cards_in(content)]
        else:
            rows = [
                Holding(
                    object=self._declaration.objects[0].name, values=((TEXT, text_in(ending, content)),), picked=True
                )
            ]
        if not rows:
            raise ValueError("nothing is in it")
        return [replace(row, picked=True) for row in rows] if len(rows) == 1 else rows

    def _read_sheet(self, sheet: Sheet) -> Iterator[Holding]:
        first, header = sheet.header()
        declared = max(self._declaration.objects, key=lambda each: sum(map(bool, _columns(each, header))))
        columns = _columns(declared, header)
        start = first if any(columns) else max(first - 1, 0)  # without a header the first row holds data, too
        for number, row in enumerate(sheet.cells[start:], start=start + 1):
            said = sheet.comments.get(number, "")
            if any(row) or said:
                yield _holding(declared, _cells(header if any(columns) else [], columns, row), said)

    def _read_card(self, card: Card) -> Holding:
        """Each property of a contact card goes where the declaration looks for such an identifier."""
        declared = self._declaration.objects[0]
        places: dict[str, str] = {}
        for find in declared.find:
            places.setdefault(find.by, find.columns[0])
        if declared.person_name:
            places[IdentifierType.NAME] = declared.person_name[0]
        pairs = [(places.get(each.kind or "", ""), each.label, each.text) for each in card]
        return _holding(declared, pairs, "")

    def _read_text(self, text: str) -> list[Holding]:
        """Lines "label: value" with a label that is declared are values, the rest is free text."""
        declared = self._declaration.objects[0]
        names = _names(declared)
        pairs: list[tuple[str, str, str]] = []
        rest: list[str] = []
        for line in text.splitlines():
            label, colon, value = line.partition(":")
            column = names.get(label.strip().casefold(), "") if colon else ""
            if column and value.strip():
                pairs.append((column, label.strip(), value.strip()))
            else:
                rest.append(line)
        left = "\n".join(rest).strip()
        return [replace(_holding(declared, pairs, left), picked=True)] if pairs or left else []


def _names(declared: DeclaredObject) -> dict[str, str]:
    """How people may call a column -> the column; `text` is no such column."""
    said = [(name, each.column) for each in declared.fields for name in (each.label.en, each.label.sv, each.column)]
    return {name.casefold(): column for name, column in said if column != TEXT}


def _columns(declared: DeclaredObject, header: Sequence[str]) -> list[str]:
    """The declared column of each cell of a header; "" where there is none."""
    names = _names(declared)
    return [names.get(cell.strip().casefold(), "") for cell in header]


def _cells(header: Sequence[str], columns: Sequence[str], row: Sequence[str]) -> list[tuple[str, str, str]]:
    """(declared column or "", what the register calls it, text) of each cell that holds something."""
    return [
        (columns[at] if at < len(header) else "", header[at] if at < len(header) else "", cell)
        for at, cell in enumerate(row)
        if cell
    ]


def _holding(declared: DeclaredObject, pairs: Sequence[tuple[str, str, str]], rest: str) -> Holding:
    """*pairs* of (declared column or "", label, text) as one holding; several texts of a column stand with commas."""
    values: dict[str, str] = {}
    other: list[str] = []
    for column, label, text in pairs:
        if column:
            values[column] = f"{values[column]}, {text}" if column in values else text
        else:
            other.append(f"{label}: {text}" if label else text)
    if free := "\n".join(filter(None, [*other, rest])):
        values[TEXT] = free
    return Holding(object=declared.name, values=tuple(values.items()), picked=False)


class _Rows:
    """What is held, as rows of the declared objects."""

    def __init__(self, holdings: Mapping[str, Holding]) -> None:
        self.holdings = holdings

    def candidates(self, declared: DeclaredObject, find: Find, identifiers: Sequence[Identifier]) -> Iterator[Row]:
        return (self.row(key) for key, holding in self.holdings.items() if holding.object == declared.name)

    def having(self, declared: DeclaredObject, column: str, values: Collection[str]) -> Iterator[Row]:
        for key, holding in self.holdings.items():
            if holding.object == declared.name and dict(holding.values).get(column) in values:
                yield self.row(key)

    def row(self, key: str) -> Row:
        return Row(key=key, values=dict(self.holdings[key].values))

    def find(self, key: str) -> Row | None:
        return self.row(key) if key in self.holdings else None

    @staticmethod
    def asked(desk: Desk | None) -> Sequence[Identifier]:
        return desk.asked_for if desk is not None else ()
