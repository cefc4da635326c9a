"""
identity, search -> casework: who asks, and what the systems hold.

Effects: none.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from dsar.model.terms import Identifier, Text


class IdentityLevel(StrEnum):
    """How sure we are who asks (law: GDPR Art. 12(6); levels are ours)."""

    L0 = "L0"  #: Nothing but a name.
    L1 = "L1"  #: Mail from an address on file with aligned DMARC pass, or a code answered from a contact point on file.
    L2 = "L2"  #: L1 and facts known to both, or call-back, or shop log-in.
    L3 = "L3"  #: E-ID, or ID shown at an office.


@dataclass(frozen=True, kw_only=True)
class IdentityFinding:
    """What is known about who asks; never the evidence itself."""

    level: IdentityLevel
    method: str  #: e.g. "address_on_file", "code", "call_back", "id_shown", "none"
    reason: str  #: Why, in words without personal data.
    proven: tuple[Identifier, ...] = ()  #: Contact points proven to be the requester's in this case.


# ------------------------------------------------------------------------------------------ search -> SearchResult


class Strength(StrEnum):
    """How surely a record is about this person (promise P6)."""

    CERTAIN = "certain"
    CANDIDATE = "candidate"  #: A person decides.


class SystemOutcome(StrEnum):
    """How the search of one system ended (promise P5)."""

    FOUND = "found"
    NOTHING = "nothing"
    PARTIAL = "partial"  #: Part of it could not be read: never "nothing found".
    FAILED = "failed"
    WAITING = "waiting"  #: Somebody has still to answer.


@dataclass(frozen=True, kw_only=True)
class RecordValue:
    """One value of a record, with what a layperson needs to understand it."""

    path: str  #: Column or path inside the record.
    label: Text
    value: str  #: Exactly as stored, as text.
    category: str  #: As declared: dsar.declaration.system.Category
    explanation: Text | None = None  #: Of a code or technical value.
    code_unknown: bool = False  #: The field holds codes and this one has no explanation: blocks approval.
    free_text: bool = False  #: May mention other people.
    source: Text | None = None  #: Where it came from, if not from the person (Art. 15(1)(g)).
    vouched: bool = False  #: The person's own, entered or confirmed by the company: on file once it has stood (P6).
    confirmed: bool = False  #: Vouched for because the person proved it, e.g. by a link: they can change it themselves.
    changed_on: date | None = None  #: When it was last changed; None: the system does not tell.


@dataclass(frozen=True, kw_only=True)
class Document:
    """
    A document that a record carries, told without its bytes; a connector that Attaches fetches them.

    Name and type are what the system says: neither is proof of what the bytes are, and a name may name people.
    """

    label: Text  #: What such a document is, for the person.
    name: str  #: File name in the system; "" if it has none.
    media_type: str  #: "application/octet-stream" if nothing tells.
    place: str  #: Which of the record's documents; only its connector can read it.
    size: int | None = None  #: Bytes; None: the system tells only with the document.
    sha256: str | None = None  #: Of the bytes, in hexadecimal; None as with *size*.


@dataclass(frozen=True, kw_only=True)
class Record:
    """One thing that a system holds; system, object, key, read_at and found_by are every value's provenance."""

    system: str  #: Name in settings.
    object: str  #: Object name in the declaration.
    object_label: Text
    key: str  #: Primary key in the system, as text.
    strength: Strength
    found_by: Identifier
    read_at: datetime
    person_name: str | None  #: The name that the record itself gives the person, to tell namesakes apart.
    activities: tuple[str, ...]  #: Processing activities (register) that this record serves.
    keep_until: date | None = None  #: Last day on which a law demands that it is kept.
    keep_law: Text | None = None  #: That law with its section.
    values: tuple[RecordValue, ...]
    own: tuple[Identifier, ...] = ()  #: The person's, as the company entered or confirmed them on this record.
    street: Identifier | None = None  #: Where the person lives, as the company entered or confirmed it on this record.
    protected: bool = False  #: The system marks its person as living with protected identity.
    documents: tuple[Document, ...] = ()  #: Those that belong to it (Art. 15(3)).
    #: Records of its system with the same values where an emptied record may be rare, this one among them; the second
    #: number is of those values that stay in any case. None: nobody has counted, or nothing is declared.
    alike: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class SystemResult:
    """How the search of one system ended, and what it gave."""

    system: str
    outcome: SystemOutcome
    detail: str  #: In words without personal data; "" if there is nothing to say.
    searched_at: datetime
    records: tuple[Record, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """The whole coverage: one line per connected system."""

    systems: tuple[SystemResult, ...]
    identifiers: tuple[Identifier, ...]  #: All that certain records gave; the search has followed them.
    protected: bool = False  #: It met a person with protected identity, whose addresses it leaves out.

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(record for system in self.systems for record in system.records)
