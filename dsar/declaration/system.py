"""
What a connected system holds, for what, and how it is searched, corrected and erased.

Effects: none.
"""

import re
from datetime import date
from fnmatch import fnmatch
from typing import Literal

from pydantic import Field, model_validator

from dsar.declaration.erasing import Erase, FileResidue, Residue
from dsar.declaration.facts import Name, Pattern, RecipientFact, Said, Strict, Unknown
from dsar.declaration.web import Expression, Form, Http, Inside, Rate, WebRequest, Writes
from dsar.model import Identifier, IdentifierType, Recipient

#: What a requested change may be about (RequestedChange.field), and the parts in which a system may hold a name or an
#: address; connectors.plans takes them apart.
ChangeName = Literal[
    "email",
    "phone",
    "address",
    "bank",
    "name",
    "title",
    "organisation",
    "first_name",
    "last_name",
    "street",
    "postcode",
    "city",
    "postcode_city",
]
Category = Literal[
    "identity",
    "contact",
    "organisation",
    "order",
    "device",
    "note",
    "log",
    "marketing",
    "recruitment",
    "technical",
    "special",  # Art. 9: health, belief, union, origin, ...
    "criminal",  # Art. 10
]
#: How text may be packed in a column; html is read as its visible text.
#: mail is read as its heads and text; date_parts is an object with year, month, day (and hour, minute, second).
Encoding = Literal["base64", "hex", "quoted_printable", "html", "mail", "date_parts"]
AssertedBy = Literal["company", "confirmed", "person"]


class DeclaredField(Strict):
    """One column and what a person must be told to understand it."""

    column: Name
    stored_in: Name | None = None  #: Column of the database that holds it, where that is not *column*.
    decode: tuple[Encoding, ...] = ()  #: How the stored text is packed, outermost first.
    path: Expression | None = None  #: Where it stands in the JSON of the column (sql) or of the row (rest).
    label: Said
    category: Category
    subject: Literal["person", "organisation"] = "person"  #: Whom the value describes.
    asserted_by: AssertedBy = "person"  #: Who vouches for it; the weakest unless declared (P6).
    codes: dict[str, Said] = Field(
        default_factory=dict
    )  #: Stored code -> its meaning; with codes, a value without one blocks approval.
    writable: bool = False
    free_text: bool = False  #: May mention other people; what it holds never makes a record certain.
    source: Said | None = None  #: Where it came from, if not from the person (Art. 15(1)(g)).
    colleague: bool = False  #: Names an employee who may hold more about the person: address or full name.
    changed_at: Name | None = None  #: Column with the time when it was last changed; a contact point must have stood.

    @property
    def vouched(self) -> bool:
        """Whether the company entered or confirmed it, so that a hit makes the record certain (P6)."""
        return self.asserted_by != "person" and not self.free_text and self.subject == "person"

    @property
    def packed(self) -> bool:
        """Whether the stored text must be unpacked before it can be compared, so that no database can look into it."""
        return bool(self.decode or self.path)


class DeclaredDocument(Strict):
    """Where a document of a record is; names are columns, or JMESPath into the record (rest)."""

    label: Said
    name: Expression | None = None  #: Holds its file name.
    media_type: Expression | None = None
    size: Expression | None = None  #: Holds the number of bytes.
    sha256: Expression | None = None
    content: Name | None = None  #: Column with the bytes (sql, memory).
    decode: tuple[Literal["base64", "hex"], ...] = ()  #: How *content* is packed, outermost first.
    file: Name | None = None  #: Column with the path below the folder (files).
    each: Expression | None = None  #: List in the record, one document per item; the names are then of an item (rest).
    key: Expression | None = None  #: Names the document, the `{value}` of *request* (rest).
    request: WebRequest | None = None  #: How it is asked for by `{key}` of the record and `{value}` (rest).
    link: Expression | None = None  #: Holds the address to fetch it from, read anew each time (rest).

    @property
    def stored_columns(self) -> tuple[str, ...]:
        """Columns that are read with every row; never the bytes. An API tells all of it in the record itself."""
        told = (self.name, self.media_type, self.size, self.sha256, self.file)
        return tuple(filter(None, told)) if self.content or self.file else ()


class Find(Strict):
    """How an object is found by one type of identifier."""

    by: IdentifierType
    columns: tuple[Name, ...] = Field(min_length=1)  #: Any of them; for a name their values are read in this order.
    pattern: Pattern | None = None  #: Searched by only if the identifier looks so, as a person's number does.
    exact: tuple[Form, ...] = ()  #: The columns hold the identifier in one of these forms and no other: by index (sql).
    lower: bool = False  #: With exact: an index over lower(column) is there.
    request: WebRequest | None = None  #: How the rows are asked for (rest); without {value}: all rows, matched here.


class ReachedFrom(Strict):
    """How an object is reached from another object of the same system through a company-assigned key."""

    object: Name
    their: Name  #: Column of that object.
    ours: Name  #: Column of this object that holds the same value.
    request: WebRequest | None = None  #: How the rows are asked for by it (rest).
    weak: bool = False  #: What is reached is another's record that mentions the person: a candidate, never more.
    named: Name | None = None  #: Column of this object with a name: only rows that name the person, and as candidates.

    @property
    def points(self) -> bool:
        """Whether what is reached is a candidate at most."""
        return self.weak or self.named is not None


_FIXED_PERIODS = frozenset({"bookkeeping", "oss"})


class Keep(Strict):
    """A law that demands or allows that the record is kept, and until when."""

    #: claims: kept to meet a claim in law, which the person may still raise (Art. 17(3)(e)).
    #: oss: what the VAT of sales to consumers in other EU countries rests on.
    rule: Literal["bookkeeping", "oss", "period", "claims"]
    column: Name  #: Holds the date that the period runs from.
    law: Said  #: With its section.
    fiscal_year_end_month: int = Field(default=12, ge=1, le=12)  #: Month in which our fiscal year ends (bookkeeping).
    years: int = Field(default=0, ge=0)  #: Length of the period.
    months: int = Field(default=0, ge=0)  #: Added to *years*.

    @model_validator(mode="after")
    def _period_has_a_length(self) -> "Keep":
        if (self.rule not in _FIXED_PERIODS) != bool(self.years or self.months):
            raise ValueError("rules 'bookkeeping' and 'oss' take neither years nor months, which the others need")
        return self

    def until(self, starts_on: date) -> date:
        """Last day on which a record dated *starts_on* must be kept."""
        if self.rule == "bookkeeping":
            return bookkeeping_until(starts_on, fiscal_year_end_month=self.fiscal_year_end_month)
        if self.rule == "oss":
            # Art. 369k(2) Directive 2006/112/EC: "for a period of ten years from 31 December of the year during which
            # the transaction was carried out".
            return date(starts_on.year + 10, 12, 31)
        return _add_months(starts_on, 12 * self.years + self.months)


class Part(Strict):
    """
    More of a record, which the API gives by another request (rest); it stands under *name* for `path`.

    The parts are asked for in their order, and a request may name what an earlier one gave.
    """

    name: Name
    request: WebRequest
    later: bool = False  #: Only for records that are found: nothing that is searched by stands in it.


class Mark(Strict):
    """A column of the record, and the value by which the system knows that something holds for it."""

    column: Name
    value: str
    stopped: tuple[str, ...] = ()  #: Other values with which nothing is sent.


def _merged(common: object, own: object) -> object:
    if isinstance(common, dict) and isinstance(own, dict):
        return {**common, **{key: _merged(common.get(key), value) for key, value in own.items()}}
    return own


class DeclaredObject(Strict):
    """
    One kind of thing that the system holds.

    In TOML, a table `request` says what all requests that read it have in common; each adds its own to that.
    """

    name: Name
    label: Said
    table: Name | None = None  #: Table, or schema.table (sql).
    file: Name | None = None  #: Glob below the folder in settings (files), or over MAILBOX/FOLDER (imap).
    base: Name | None = None  #: Distinguished name; the object's entries lie at or below it (ldap).
    filter: Name | None = None  #: Which of them it is, disabled ones included (ldap).
    each: Name | None = None  #: Attribute of which every value is a record, as each member of a group (ldap).
    sheet: Name | None = None  #: The one sheet that is meant (files); without it all, each with this header.
    content: Literal["table", "document"] = "table"  #: Of its files: rows, or running text with columns file and text.
    web: Writes | None = None  #: Reading and changing one record (rest).
    parts: tuple[Part, ...] = ()
    inside: tuple[Inside, ...] = ()  #: Outermost first (rest).
    key: Name | None = None  #: Column that names one record for good; files may do without and use the row number.
    activities: tuple[Name, ...] = Field(min_length=1)  #: Ids in the register.
    person_name: tuple[Name, ...] = ()  #: Columns that hold the name of the record's own person.
    #: Column -> how it looks where the record is a person's. Any other is an organisation's: at most a candidate, and
    #: it leads nowhere.
    person_if: dict[str, Pattern] = Field(default_factory=dict)
    #: Column -> how it looks where the record's person lives with protected identity; one that does is enough.
    protected_if: dict[str, Pattern] = Field(default_factory=dict)
    find: tuple[Find, ...] = ()
    reached_from: tuple[ReachedFrom, ...] = ()
    emits: dict[str, IdentifierType] = Field(default_factory=dict)  #: Column -> the strong identifier that it holds.
    fields: tuple[DeclaredField, ...]
    documents: tuple[DeclaredDocument, ...] = ()
    keep: Keep | None = None
    erase: Erase | None = None  #: None: erasing is a task for a person.
    residue: tuple[Residue, ...] = ()  #: Removed in this order, after each erasure of a record.
    residue_files: tuple[FileResidue, ...] = ()  #: Cleaned after that.
    left_behind: tuple[Said, ...] = ()  #: Residue that no program can remove: each is a task for a person.
    suppress: Mark | None = None  #: What stops marketing to the person.
    restrict: Mark | None = None  #: What locks the record: stored, and not otherwise used (Art. 18, 4(3)).
    update: dict[ChangeName, str] = Field(default_factory=dict)  #: Requested change -> the column that it changes.

    @model_validator(mode="before")
    @classmethod
    def _requests_have_something_in_common(cls, data: object) -> object:
        if not isinstance(data, dict) or not isinstance(data.get("request"), dict):
            return data
        common = data["request"]
        given = {key: value for key, value in data.items() if key != "request"}
        for name in ("find", "reached_from"):
            if isinstance(given.get(name), list):
                given[name] = [
                    {**each, "request": _merged(common, each.get("request", {}))} if isinstance(each, dict) else each
                    for each in given[name]
                ]
        if isinstance(given.get("web"), dict) and "read" in given["web"]:
            given["web"] = {**given["web"], "read": _merged(common, given["web"]["read"])}
        return given

    def has(self, key: str) -> bool:
        """Whether a record with *key* can be of this object: FILE, FILE#KEY or FILE#SHEET!KEY in files."""
        if self.file is None:
            return True
        places = [key, *(key[: match.start()] for match in re.finditer("#", key))]
        place = next((each for each in places if fnmatch(each, self.file.replace("**/", "*"))), None)
        if place is None:
            return False
        return self.sheet is None or key.startswith(f"{place}#{self.sheet}!")

    def field(self, column: str) -> DeclaredField:
        """The declared field of *column*; KeyError if there is none."""
        for declared in self.fields:
            if declared.column == column:
                return declared
        raise KeyError(column)

    @property
    def stored_columns(self) -> tuple[str, ...]:
        """Every column of the table that is read: the key first, then those that hold the fields, each once."""
        stored = (each.stored_in or each.column for each in self.fields)
        return tuple(dict.fromkeys([*([self.key] if self.key else []), *stored, *self._of_documents]))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of every value that is read: the key first, then the fields in their order."""
        columns = (each.column for each in self.fields)
        return tuple(dict.fromkeys([*([self.key] if self.key else []), *columns, *self._of_documents]))

    @property
    def _of_documents(self) -> tuple[str, ...]:
        return tuple(column for each in self.documents for column in each.stored_columns)


class Declaration(Strict):
    """What a connected system holds, for what, and how it is searched, corrected and erased."""

    name: Name
    kind: Name  #: Connector that reads it: sql, files, ...
    label: Said
    processors: tuple[RecipientFact, ...] = ()  #: Who runs the system for us; empty: nobody but ourselves.
    status: Name | None = None  #: How far it was run, where nobody has tried it on the system itself.
    canary: Identifier | None = None  #: Person who must be found, or the system hides something from us.
    http: Http | None = None  #: How the API is spoken to (rest).
    rate: Rate | None = None  #: What any other system bears; None: whatever comes.
    last: bool = False  #: Others refer to it, as to the business system: what it holds is changed after all others.
    objects: tuple[DeclaredObject, ...] = Field(alias="object")

    def object(self, name: str, key: str | None = None) -> DeclaredObject:
        """The object called *name*, the one that has *key* where several files share a name; KeyError if none is."""
        for declared in self.objects:
            if declared.name == name and (key is None or declared.has(key)):
                return declared
        raise KeyError(name)

    @property
    def bears(self) -> Rate | None:
        """How often and how many at a time the system may be called; None: whatever comes."""
        return self.http.rate if self.http else self.rate

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """The processors that are known by name."""
        return tuple(each for each in self.processors if isinstance(each, Recipient))

    @property
    def unknown(self) -> tuple[str, ...]:
        """Missing facts as "fact: who must answer"."""
        tried = (f"status: whoever runs the system: has it been tried there ({self.status})",) if self.status else ()
        processors = (f"processors: {each.unknown}" for each in self.processors if isinstance(each, Unknown))
        return (*tried, *processors, *filter(None, map(_unjudged, self.objects)))


def _unjudged(declared: DeclaredObject) -> str | None:
    """What of a machine or its history stays in emptied records without a word on whether it can be rare."""
    if declared.erase is None or declared.erase.action != "anonymise" or declared.erase.rare:
        return None
    known = {declared.key, *declared.emits, *declared.erase.set, *declared.erase.follows}
    known |= {column for find in declared.find if find.by is IdentifierType.SERIAL for column in find.columns}
    stays = [each.column for each in declared.fields if each.category in {"device", "log"} and each.column not in known]
    if not stays:
        return None
    return f"{declared.name}.erase.rare: whoever knows the data: which of these can be rare ({', '.join(stays)})"


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
