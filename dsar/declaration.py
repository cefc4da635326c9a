"""
TOML -> Declaration of a connected system, and TOML -> the register of processing activities.

Effects: reads the named file. Both are strict: an unknown key, a missing label or a rule that contradicts another is a
fault, and all faults are reported at once as "file:line: key: what is wrong". A fact that nobody has given yet is
written `{unknown = "who must answer"}`; it is no fault here but blocks the answers that use it.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
    model_validator,
)

from dsar.errors import SettingsError
from dsar.identifiers import normalise
from dsar.model import Activity, Identifier, IdentifierType, Recipient, Text

_Parsed = TypeVar("_Parsed")
_Place = tuple[str | int, ...]  # keys and list positions that lead to one value of the TOML

#: Types that a record may hand on to other systems; a name, an address or a company number never leads anywhere (P6).
EMITTABLE = frozenset(IdentifierType) - {IdentifierType.NAME, IdentifierType.ADDRESS, IdentifierType.ORGNR}

#: What a requested change may be about (RequestedChange.field).
ChangeName = Literal["email", "phone", "address", "name", "title", "organisation"]
Category = Literal[
    "identity", "contact", "organisation", "order", "device", "note", "log", "marketing", "recruitment", "technical"
]
AssertedBy = Literal["company", "confirmed", "person"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _both_languages(text: Text) -> Text:
    if not (text.sv.strip() and text.en.strip()):
        raise ValueError("both sv and en must say something")
    return text


_Said = Annotated[Text, AfterValidator(_both_languages)]
_Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Unknown(_Strict):
    """A fact that is missing, with who must answer."""

    unknown: _Name


def _tag(value: object) -> str:
    return "<unknown>" if isinstance(value, Unknown) or (isinstance(value, dict) and "unknown" in value) else "<known>"


_Fact = Annotated[Annotated[_Said, Tag("<known>")] | Annotated[Unknown, Tag("<unknown>")], Discriminator(_tag)]
_RecipientFact = Annotated[
    Annotated[Recipient, Tag("<known>")] | Annotated[Unknown, Tag("<unknown>")], Discriminator(_tag)
]


# -------------------------------------------------------------------------------------------------- declaration


class DeclaredField(_Strict):
    """One column and what a person must be told to understand it."""

    column: _Name
    label: _Said
    category: Category
    subject: Literal["person", "organisation"] = "person"  #: Whom the value describes.
    asserted_by: AssertedBy = "person"  #: Who vouches for it; the weakest unless declared (P6).
    codes: dict[str, _Said] = {}  #: Stored code -> its meaning; with codes, a value without one blocks approval.
    writable: bool = False
    free_text: bool = False  #: May mention other people; what it holds never makes a record certain.
    source: _Said | None = None  #: Where it came from, if not from the person (Art. 15(1)(g)).

    @property
    def vouched(self) -> bool:
        """Whether the company entered or confirmed it, so that a hit makes the record certain (P6)."""
        return self.asserted_by != "person" and not self.free_text and self.subject == "person"


class Find(_Strict):
    """How an object is found by one type of identifier."""

    by: IdentifierType
    columns: tuple[_Name, ...] = Field(min_length=1)  #: Any of them; for a name their values are read in this order.


class ReachedFrom(_Strict):
    """How an object is reached from another object of the same system through a company-assigned key."""

    object: _Name
    their: _Name  #: Column of that object.
    ours: _Name  #: Column of this object that holds the same value.


class Keep(_Strict):
    """A law that demands that the record is kept, and until when."""

    rule: Literal["bookkeeping", "period"]
    column: _Name  #: Holds the date that the period runs from.
    law: _Said  #: With its section.
    fiscal_year_end_month: int = Field(default=12, ge=1, le=12)  #: Month in which our fiscal year ends (bookkeeping).
    years: int = Field(default=0, ge=0)  #: Length of the period.
    months: int = Field(default=0, ge=0)  #: Added to *years*.

    @model_validator(mode="after")
    def _period_has_a_length(self) -> "Keep":
        if (self.rule == "period") != bool(self.years or self.months):
            raise ValueError("rule 'period' needs years or months, rule 'bookkeeping' takes neither")
        return self

    def until(self, starts_on: date) -> date:
        """Last day on which a record dated *starts_on* must be kept."""
        if self.rule == "bookkeeping":
            return bookkeeping_until(starts_on, fiscal_year_end_month=self.fiscal_year_end_month)
        return _add_months(starts_on, 12 * self.years + self.months)


class Erase(_Strict):
    """What erasing a record means in this system, once no law keeps it."""

    action: Literal["delete", "anonymise", "keep"]  #: keep: a person decides when the law's period has passed.
    set: dict[str, str] = {}  #: anonymise: column -> what is written over it; "" empties it.


class Suppress(_Strict):
    """What stops marketing to the person."""

    column: _Name
    value: str


class DeclaredObject(_Strict):
    """One kind of thing that the system holds."""

    name: _Name
    label: _Said
    table: _Name | None = None  #: Table, or schema.table (sql).
    file: _Name | None = None  #: Glob below the folder in settings (files).
    key: _Name | None = None  #: Column that names one record for good; files may do without and use the row number.
    activities: tuple[_Name, ...] = Field(min_length=1)  #: Ids in the register.
    person_name: tuple[_Name, ...] = ()  #: Columns that hold the name of the record's own person.
    find: tuple[Find, ...] = ()
    reached_from: tuple[ReachedFrom, ...] = ()
    emits: dict[str, IdentifierType] = {}  #: Column -> the strong identifier that it holds.
    fields: tuple[DeclaredField, ...]
    keep: Keep | None = None
    erase: Erase | None = None  #: None: erasing is a task for a person.
    suppress: Suppress | None = None
    update: dict[ChangeName, str] = {}  #: Requested change -> the column that it changes.

    def field(self, column: str) -> DeclaredField:
        """The declared field of *column*; KeyError if there is none."""
        for declared in self.fields:
            if declared.column == column:
                return declared
        raise KeyError(column)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read: the key first, then the fields in their order."""
        return tuple(dict.fromkeys([*([self.key] if self.key else []), *(each.column for each in self.fields)]))


class Declaration(_Strict):
    """What a connected system holds, for what, and how it is searched, corrected and erased."""

    name: _Name
    kind: _Name  #: Connector that reads it: sql, files, ...
    label: _Said
    processors: tuple[_RecipientFact, ...] = ()  #: Who runs the system for us; empty: nobody but ourselves.
    canary: Identifier | None = None  #: Person who must be found, or the system hides something from us.
    objects: tuple[DeclaredObject, ...] = Field(alias="object")

    def object(self, name: str) -> DeclaredObject:
        """The object called *name*; KeyError if there is none."""
        for declared in self.objects:
            if declared.name == name:
                return declared
        raise KeyError(name)

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """The processors that are known by name."""
        return tuple(each for each in self.processors if isinstance(each, Recipient))

    @property
    def unknown(self) -> tuple[str, ...]:
        """Missing facts as "fact: who must answer"."""
        return tuple(f"processors: {each.unknown}" for each in self.processors if isinstance(each, Unknown))


def load_declaration(path: Path) -> Declaration:
    """
    The declaration in the TOML file *path*.

    Raises: SettingsError with every fault as "file:line: key: what is wrong".
    """
    return parse_declaration(_read(path), source=str(path))


def parse_declaration(text: str, *, source: str) -> Declaration:
    """The declaration in TOML *text*; *source* names it in faults. Raises: SettingsError."""
    declaration = _parse(text, source, Declaration.model_validate)
    _raise_faults(text, source, _contradictions(declaration))
    return declaration


# ----------------------------------------------------------------------------------------------- keep periods


def bookkeeping_until(day: date, *, fiscal_year_end_month: int = 12) -> date:
    """
    Last day on which accounting information dated *day* must be kept.

    Args: fiscal_year_end_month: 1 to 12, the month in which the company's fiscal year ends.
    Source: BFL (1999:1078) 7 kap. 2 §: "till och med det sjunde året efter utgången av det kalenderår då räkenskapsåret
    avslutades". A fiscal year that ended on 31 July 2024 is kept through 31 December 2031.
    """
    ended_in = day.year if day.month <= fiscal_year_end_month else day.year + 1
    return date(ended_in + 7, 12, 31)


def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for day_of_month in range(day.day, 27, -1):  # the last day of a shorter month stands in for a missing day
        try:
            return date(year, month + 1, day_of_month)
        except ValueError:
            continue
    return date(year, month + 1, day.day)


# --------------------------------------------------------------------------------------------------- register


class _DeclaredActivity(_Strict):
    id: _Name
    label: _Said
    purposes: _Fact
    legal_basis: _Fact
    categories: _Fact
    recipients: tuple[_RecipientFact, ...]
    retention: _Fact
    source: _Fact | None = None
    automated_decisions: _Fact | None = None
    portable: bool = False
    objectable: bool = False

    def activity(self) -> Activity:
        texts = {name: getattr(self, name) for name in _TEXT_FACTS}
        missing = [f"{name}: {fact.unknown}" for name, fact in texts.items() if isinstance(fact, Unknown)]
        missing += [f"recipients: {each.unknown}" for each in self.recipients if isinstance(each, Unknown)]
        return Activity(
            id=self.id,
            label=self.label,
            recipients=tuple(each for each in self.recipients if isinstance(each, Recipient)),
            portable=self.portable,
            objectable=self.objectable,
            unknown=tuple(missing),
            **{name: Text(sv="", en="") if isinstance(fact, Unknown) else fact for name, fact in texts.items()},
        )


_TEXT_FACTS = ("purposes", "legal_basis", "categories", "retention", "source", "automated_decisions")


class _Register(_Strict):
    activities: tuple[_DeclaredActivity, ...] = Field(alias="activity")


def load_register(path: Path) -> dict[str, Activity]:
    """
    The register of processing activities in the TOML file *path*: {id: Activity} in the file's order.

    A missing text fact is an empty Text and named in Activity.unknown.
    Raises: SettingsError with every fault as "file:line: key: what is wrong".
    """
    text = _read(path)
    register = _parse(text, str(path), _Register.model_validate)
    ids = [each.id for each in register.activities]
    twice: list[tuple[_Place, str]] = [
        (("activity", index, "id"), "another activity has this id")
        for index, id_ in enumerate(ids)
        if id_ in ids[:index]
    ]
    _raise_faults(text, str(path), twice)
    return {each.id: each.activity() for each in register.activities}


def unregistered_activities(declaration: Declaration, register: Mapping[str, Activity]) -> tuple[str, ...]:
    """Faults "system: object: activity" for the activities that *declaration* names and *register* lacks."""
    return tuple(
        f"{declaration.name}: {declared.name}: activity {id_!r} is not in the register"
        for declared in declaration.objects
        for id_ in declared.activities
        if id_ not in register
    )


# ------------------------------------------------------------------------------------- rules between the keys


def _contradictions(declaration: Declaration) -> Iterator[tuple[_Place, str]]:
    if not declaration.objects:
        yield (), "at least one [[object]] is needed"
    canary = declaration.canary
    if canary and normalise(canary.type, canary.value) != canary:
        yield ("canary",), f"the value is no {canary.type} in normal form"
    names = [declared.name for declared in declaration.objects]
    for index, declared in enumerate(declaration.objects):
        place: _Place = ("object", index)
        if declared.name in names[:index]:
            yield (*place, "name"), "another object has this name"
        if declaration.kind == "sql" and not (declared.table and declared.key):
            yield place, "an object of a database needs table and key"
        if declaration.kind == "files" and not declared.file:
            yield place, "an object of kind files needs file"
        for check in (_column_faults, _strength_faults, _change_faults):
            for tail, fault in check(declared):
                yield (*place, *tail), fault
        for at, link in enumerate(declared.reached_from):
            if broken := _link_fault(declaration, declared, link):
                yield (*place, "reached_from", at), broken


def _column_faults(declared: DeclaredObject) -> Iterator[tuple[_Place, str]]:
    columns = [each.column for each in declared.fields]
    if not columns:
        yield ("fields",), "at least one field is needed"
    for at, column in enumerate(columns):
        if column in columns[:at]:
            yield ("fields", at, "column"), f"column {column!r} is declared twice"
    used: list[tuple[_Place, str]] = [(("person_name",), column) for column in declared.person_name]
    used += [(("find", at, "columns"), column) for at, find in enumerate(declared.find) for column in find.columns]
    used += [(("emits",), column) for column in declared.emits]
    used += [(("update",), column) for column in declared.update.values()]
    used += [(("keep", "column"), declared.keep.column)] if declared.keep else []
    used += [(("erase", "set"), column) for column in declared.erase.set] if declared.erase else []
    used += [(("suppress", "column"), declared.suppress.column)] if declared.suppress else []
    for place, column in used:
        if column not in columns:
            yield place, f"column {column!r} is not among the fields"


def _strength_faults(declared: DeclaredObject) -> Iterator[tuple[_Place, str]]:
    fields = {each.column: each for each in declared.fields}
    for column, type_ in declared.emits.items():
        if type_ not in EMITTABLE:
            yield ("emits",), f"{type_} leads to other people and cannot be emitted"
        if column in fields and not fields[column].vouched:
            yield ("emits",), f"column {column!r} must be the person's own and asserted by company or confirmed"


def _change_faults(declared: DeclaredObject) -> Iterator[tuple[_Place, str]]:
    fields = {each.column: each for each in declared.fields}
    for column in declared.update.values():
        if column in fields and not fields[column].writable:
            yield ("update",), f"column {column!r} is not writable"
    erase = declared.erase
    if erase is None:
        return
    if erase.action == "keep" and declared.keep is None:
        yield ("erase",), "action 'keep' needs a keep rule with its law"
    if (erase.action == "anonymise") != bool(erase.set):
        yield ("erase",), "'set' belongs to action 'anonymise', which needs it"
    if erase.action == "anonymise":
        # Recital 26: anonymous only if the person is no longer identifiable; whatever identifies must go.
        for each in declared.fields:
            identifies = each.free_text or (each.subject == "person" and each.category in {"identity", "contact"})
            if identifies and each.column not in erase.set and each.column != declared.key:
                yield ("erase",), f"anonymising leaves column {each.column!r}, which identifies the person"


def _link_fault(declaration: Declaration, declared: DeclaredObject, link: ReachedFrom) -> str | None:
    try:
        ends = (declaration.object(link.object).field(link.their), declared.field(link.ours))
    except KeyError as missing:
        return f"{missing.args[0]!r} is not declared"
    if all(end.vouched and end.asserted_by == "company" for end in ends):
        return None
    return "only a person's own company-assigned key leads from one object to another"


# ------------------------------------------------------------------------------------------- faults with lines


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}:1: the file cannot be read ({type(error).__name__})"]) from error


def _parse(text: str, source: str, validate: Callable[[Any], _Parsed]) -> _Parsed:
    try:
        return validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise SettingsError([f"{source}:{line[1] if line else 1}: not TOML: {error}"]) from error
    except ValidationError as error:
        faults = [(each["loc"], each["msg"].removeprefix("Value error, ")) for each in error.errors()]
        raise SettingsError(_with_lines(text, source, faults)) from error


def _raise_faults(text: str, source: str, faults: Iterator[tuple[_Place, str]] | list[tuple[_Place, str]]) -> None:
    if lines := _with_lines(text, source, list(faults)):
        raise SettingsError(lines)


def _with_lines(text: str, source: str, faults: list[tuple[_Place, str]]) -> list[str]:
    lines = _line_numbers(text)
    found = []
    for loc, fault in faults:
        place = tuple(part for part in loc if not str(part).startswith("<"))
        line = next((lines[place[:end]] for end in range(len(place), 0, -1) if place[:end] in lines), 1)
        key = ".".join(str(part + 1) if isinstance(part, int) else part for part in place) or "file"
        found.append((line, f"{source}:{line}: {key}: {fault}"))
    return [message for _, message in sorted(found)]


_TABLE_LINE = re.compile(r"\s*(\[{1,2})\s*([^\[\]]+?)\s*\]{1,2}\s*(?:#.*)?$")
_KEY_LINE = re.compile(r"""\s*["']?([\w-]+)["']?\s*(?:\.[^=]*)?=""")
_ITEM_LINE = re.compile(r"\s*\{")


def _line_numbers(text: str) -> dict[_Place, int]:
    """Where each table, key and one-line list item of TOML *text* stands, as far as the layout shows it."""
    numbers: dict[_Place, int] = {}
    tables: dict[_Place, int] = {}  # path of an array of tables -> how many were seen
    here: _Place = ()
    key: _Place = ()
    items = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if table := _TABLE_LINE.match(line):
            here = _table_place(table[2].split("."), tables, repeated=table[1] == "[[")
            numbers[here], key = number, here
        elif found := _KEY_LINE.match(line):
            key, items = (*here, found[1]), 0
            numbers.setdefault(key, number)
        elif _ITEM_LINE.match(line):
            numbers[(*key, items)] = number
            items += 1
    return numbers


def _table_place(parts: list[str], tables: dict[_Place, int], *, repeated: bool) -> _Place:
    place: _Place = ()
    for at, part in enumerate(parts):
        place = (*place, part.strip().strip("\"'"))
        if repeated and at == len(parts) - 1:
            tables[place] = tables.get(place, 0) + 1
        if place in tables:
            place = (*place, tables[place] - 1)
    return place
