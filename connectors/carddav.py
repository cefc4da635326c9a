"""
Address books on a server -> the cards that a person has or is mentioned in, and approved changes to them.

Effects: every search reads all cards and compares them here, for a server's own search spells no phone as we do. A card
that did not come back or cannot be read makes the answer incomplete, never "nothing". With `changes = on` cards are
edited and deleted, guarded by their ETag.

Options: `url` (of an address book, or above them), `user`, `password`; `books` (paths, else all that are found at
`url`), `ca_file`, `changes = on`.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors import attached, check_options, plans
from connectors.cards import Properties, pictures_of
from connectors.confined import each_card_in
from connectors.dav import AddressBooks, StoredCard
from connectors.declared import Row, canary_found, holds_one, looked_up, search_rows
from connectors.tables import decoded
from dsar.connector import Health, SearchAnswer, Turns
from dsar.declaration import Declaration, DeclaredField, DeclaredObject, Find
from dsar.errors import SystemContractError, SystemRefusedError, SystemUnavailableError
from dsar.model import Document, Identifier, PlanStep, Record, StepAction, StepOutcome, Strength
from dsar.names import name_words

REST = "rest"
#: Column -> property; any other column is called as its property, or says it by `stored_in`.
_PROPERTIES = {
    "name": "FN",
    "organisation": "ORG",
    "phone": "TEL",
    "address": "ADR",
    "birthday": "BDAY",
}
_SIZE = re.compile(r"\d+ bytes")
#: About the card itself, not about a person.
_LEFT_OUT = frozenset({"VERSION", "PRODID", "UID", "REV"})
_NUMBERED = re.compile(r"(?P<name>.+?)(?:_(?P<number>[1-9][0-9]?))?")
_LINE = re.compile(
    r"(?P<group>[\w-]+\.)?(?P<name>[A-Za-z0-9-]+)(?P<params>(?:;(?:[^\":;]|\"[^\"]*\")*)*):.*", re.DOTALL
)
#: How the value that is written over was packed (vCard 2.1), or that it was a URI.
_OF_VALUE = re.compile(r";(?:(?:ENCODING|CHARSET|VALUE)=[^;:]*|QUOTED-PRINTABLE|BASE64)(?=;|$)", re.IGNORECASE)
_QUOTED_PRINTABLE = re.compile(r"^[^:]*QUOTED-PRINTABLE[^:]*:", re.IGNORECASE)


def open_carddav(*, name: str, declaration: Declaration, options: Mapping[str, str]) -> "CardsConnector":
    """A CardsEditor with `changes = on`, else a CardsConnector. Raises: SettingsError."""
    kind = CardsEditor if options.get("changes") == "on" else CardsConnector
    return kind(name=name, declaration=declaration, options=options)


class CardsConnector:
    """Searches address books, and hands over the pictures on cards."""

    def __init__(self, *, name: str, declaration: Declaration, options: Mapping[str, str]) -> None:
        check_options(
            name,
            options,
            required=frozenset({"url", "user", "password"}),
            optional=frozenset({"books", "ca_file", "changes"}),
        )
        self.name = name
        self._declaration = declaration
        self._books = AddressBooks(name, options, declaration.rate)

    def share(self, turns: Turns) -> None:
        self._books.share(turns)

    def search(self, identifiers: Sequence[Identifier], *, read_at: datetime) -> SearchAnswer:
        cards = _Cards(self._books)
        records, emits = search_rows(cards, self._declaration, identifiers, system=self.name, read_at=read_at)
        return SearchAnswer(
            records=self._without_own_notes(records), complete=not cards.problem, emits=emits, detail=cards.problem
        )

    def health(self) -> Health:
        try:
            cards = _Cards(self._books)
        except (SystemUnavailableError, SystemContractError, SystemRefusedError) as error:
            return Health(ok=False, detail=str(error))
        missed = "the canary person is not found" if canary_found(cards, self._declaration) is False else ""
        detail = "; ".join(filter(None, (cards.problem, missed)))
        return Health(ok=not detail, detail=detail)

    def fetch(self, record: Record, document: Document) -> bytes:
        declared = self._declaration.object(record.object)
        card = self._books.card(record.key)
        try:
            held = pictures_of(card.content) if card else {}
        except ValueError:
            raise SystemUnavailableError(self.name, "a card cannot be read whole") from None
        return attached.checked(record, document, attached.value_at(declared.documents, held, document.place))

    def _without_own_notes(self, records: Sequence[Record]) -> tuple[Record, ...]:
        """A note on a person's own card is told with the card; as a mention it would be told and changed twice."""
        own = {each.key for each in records if each.strength is Strength.CERTAIN and not self._is_mention(each)}
        return tuple(each for each in records if not (self._is_mention(each) and each.key in own))

    def _is_mention(self, record: Record) -> bool:
        return all(each.free_text for each in self._declaration.object(record.object).fields)


class CardsEditor(plans.Planner, CardsConnector):
    """Searches, and carries out approved steps in the cards."""

    def apply(self, step: PlanStep, *, key: str) -> None:
        declared = self._declaration.object(step.object)
        card = self._books.card(step.key)
        writes = plans.due_writes(self._declaration, step, self._row(declared, card))
        if card is None or writes == {}:
            return
        if writes is None:
            self._books.remove(card, object_=step.object)
        else:
            self._books.replace(card, self._edited(declared, card, writes), object_=step.object)

    def verify(self, step: PlanStep) -> StepOutcome:
        declared = self._declaration.object(step.object)
        row = self._row(declared, self._books.card(step.key))
        if row is None and step.action in plans.REMOVING and self._is_elsewhere(declared, step):
            return StepOutcome(step=step, done=False, detail="the card was moved and is still there")
        return plans.outcome(step, row)

    def look_up(self, object_: str, key: str, *, read_at: datetime) -> Record | None:
        declared = self._declaration.object(object_)
        row = self._row(declared, self._books.card(key))
        return looked_up(declared, row, system=self.name, read_at=read_at) if row else None

    def _is_elsewhere(self, declared: DeclaredObject, step: PlanStep) -> bool:
        """Whether another card says of a person, or mentions, what the one that is gone did (P7)."""
        told = (
            {"identity", "contact"} if step.action is StepAction.ERASE else {each.category for each in declared.fields}
        )
        mine = {each.column for each in declared.fields if each.category in told}
        before = {each.path: each.before for each in step.changes if each.path in mine and each.before}
        rows = (_row(declared, href, properties) for href, properties in _Cards(self._books).read)
        return bool(before) and any(before.items() <= row.values.items() for row in rows)

    def _row(self, declared: DeclaredObject, card: StoredCard | None) -> Row | None:
        if card is None:
            return None
        (properties,) = each_card_in([card.content])
        if properties is None:
            raise SystemUnavailableError(self.name, "a card cannot be read whole")
        return _row(declared, card.href, properties)

    def _edited(self, declared: DeclaredObject, card: StoredCard, writes: dict[str, str]) -> bytes:
        """The card with *writes*, all else byte for byte; proven by reading it. Raises: SystemContractError."""
        lines = _logical_lines(decoded(card.content))
        for column, value in writes.items():
            place = _place(declared.field(column))
            lines = _with_value(lines, place, value)
            if place.name == "FN":
                lines = _with_names(lines, value)
        content = "".join(f"{line}\r\n" for line in lines).encode()
        before = self._row(declared, card)
        after = self._row(declared, StoredCard(href=card.href, etag=card.etag, content=content))
        if before is None or after is None or after.values | {REST: ""} != before.values | writes | {REST: ""}:
            raise SystemContractError(self.name, "a value cannot be written to its card without changing another")
        return content


class _Cards:
    """Every card, read once."""

    def __init__(self, books: AddressBooks) -> None:
        stored, missing = books.cards()
        told = each_card_in([card.content for card in stored])
        self.read = [(card.href, each) for card, each in zip(stored, told, strict=True) if each is not None]
        self._content = {card.href: card.content for card, each in zip(stored, told, strict=True) if each is not None}
        unread = len(stored) - len(self.read)
        faults = {"did not come back": missing, "could not be read whole": unread}
        listed = len(stored) + missing
        #: What could not be read, without the names of cards: these can name people.
        self.problem = "; ".join(f"{count} of {listed} cards {what}" for what, count in faults.items() if count)

    def candidates(self, declared: DeclaredObject, find: Find, identifiers: Sequence[Identifier]) -> Iterator[Row]:
        return (self._whole(declared, row) for row in self._rows(declared) if holds_one(declared, row, identifiers))

    def having(self, declared: DeclaredObject, column: str, values: Collection[str]) -> Iterator[Row]:
        return (self._whole(declared, row) for row in self._rows(declared) if row.values[column] in values)

    def _rows(self, declared: DeclaredObject) -> Iterator[Row]:
        return (_row(declared, href, properties) for href, properties in self.read)

    def _whole(self, declared: DeclaredObject, row: Row) -> Row:
        """*row* with its pictures, which are unpacked for those alone that are found."""
        if not declared.documents:
            return row
        held = pictures_of(self._content[row.key])
        return replace(row, documents=attached.told_by_value(declared.documents, held))


# ------------------------------------------------------------------------------------------------ card -> columns


@dataclass(frozen=True, kw_only=True)
class _Place:
    """The nth property of a name."""

    name: str
    number: int  #: From 0.


def _place(declared: DeclaredField) -> _Place:
    """Column `email_2` is the second EMAIL."""
    said = _NUMBERED.fullmatch(declared.stored_in or declared.column)
    assert said is not None  # noqa: S101  # any text of a character or more
    name = said["name"] if declared.stored_in else _PROPERTIES.get(said["name"], said["name"])
    return _Place(name=name.upper().replace("_", "-"), number=int(said["number"] or 1) - 1)


def _row(declared: DeclaredObject, href: str, properties: Properties) -> Row:
    left = [(name, text) for name, text in properties if text and name not in _LEFT_OUT]
    by_name: dict[str, list[str]] = {}
    for name, text in left:
        by_name.setdefault(name, []).append(text)
    values, taken = {}, set()
    handed_over = {each.content.upper() for each in declared.documents if each.content}
    for field in declared.fields:
        if field.column != REST:
            place = _place(field)
            taken.add(place)
            values[field.column] = "".join(by_name.get(place.name, [])[place.number : place.number + 1])
    rest = [
        f"{name}: {' '.join(text.split())}"
        for name, texts in by_name.items()
        for number, text in enumerate(texts)
        if _Place(name=name, number=number) not in taken
        and not (name in handed_over and _SIZE.fullmatch(text))
        and not (name == "N" and _said_by_name(text, by_name))
    ]
    if any(field.column == REST for field in declared.fields):
        values[REST] = "\n".join(rest)
    return Row(key=href, values=values)


def _said_by_name(text: str, by_name: Mapping[str, Sequence[str]]) -> bool:
    """N mostly says again what FN says; a card may be shown under another name than the person's."""
    return set(name_words(text)) <= set(name_words(" ".join(by_name.get("FN", ()))))


# ------------------------------------------------------------------------------------------------ columns -> card


def _logical_lines(text: str) -> list[str]:
    """Lines of a card, each with what it was folded into."""
    lines: list[str] = []
    for line in re.split(r"\r\n|\n|\r", text):
        soft = bool(lines) and lines[-1].endswith("=") and _QUOTED_PRINTABLE.match(lines[-1])
        if soft or (lines and line.startswith((" ", "\t"))):
            lines[-1] += f"\r\n{line}"  # as it was, for the lines that stay
        elif line:
            lines.append(line)
    return lines


def _with_value(lines: Sequence[str], place: _Place, value: str) -> list[str]:
    """*lines* with *value* at *place*; without that property if *value* is "", with a new one if there is none."""
    found = []
    for at, line in enumerate(lines):
        said = _LINE.fullmatch(re.sub(r"\r\n[ \t]", "", line))
        if said and said["name"].upper() == place.name and said.group(0).partition(":")[2].strip():
            found.append((at, said))
    written = [] if not value else [f":{_escaped(value)}"]
    if place.number < len(found):
        at, said = found[place.number]
        head = f"{said['group'] or ''}{said['name']}{_OF_VALUE.sub('', said['params'])}"
        return [*lines[:at], *(head + each for each in written), *lines[at + 1 :]]
    return [*lines[:-1], *(place.name + each for each in written), lines[-1]]


def _with_names(lines: Sequence[str], name: str) -> list[str]:
    """N says the name, too, and programs show it (RFC 2426 section 3.1.2: family name; given names)."""
    given, _, family = name.rpartition(" ")
    structured = f"N:{_escaped(family)};{_escaped(given)};;;"
    return [structured if re.match(r"(?i)([\w-]+\.)?N[;:]", line) else line for line in lines]


def _escaped(text: str) -> str:
    """RFC 6350 section 3.4."""
    for sign in ("\\", ",", ";"):
        text = text.replace(sign, f"\\{sign}")
    return re.sub(r"\r\n|\r|\n", r"\\n", text)
