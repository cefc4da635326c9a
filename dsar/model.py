"""
The frozen values that travel along the flow, one section per arrow.

Effects: none. Every value is keyword-only and each field has its sentence. Times ending in `_at` are aware UTC
datetimes, dates ending in `_on` are Stockholm dates, `language` is ISO 639-1, e-mail addresses are lower-case.
"""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import BinaryIO

from dsar.lifecycle import Outcome

# --------------------------------------------------------------------------------------------------------- rights


class Right(StrEnum):
    """The right of the GDPR that a request exercises."""

    ACCESS = "access"  #: Art. 15, with Art. 20 as the flag `portability`.
    UPDATE = "update"  #: Art. 16, rectification and completion.
    ERASE = "erase"  #: Art. 17.
    OBJECT = "object"  #: Art. 21 and Art. 7(3): marketing stop, objection, withdrawn consent.
    RESTRICT = "restrict"  #: Art. 18.


#: Order inside a case: the protective and fast ones first, access always before erasure (EDPB 01/2022 s. 2.3).
RIGHTS_IN_ORDER = (Right.OBJECT, Right.RESTRICT, Right.ACCESS, Right.UPDATE, Right.ERASE)


class IdentifierType(StrEnum):
    """What kind of identifier a value is; the comment gives its normal form."""

    EMAIL = "email"  #: lower-case, domain in Unicode
    PHONE = "phone"  #: E.164, e.g. +46701234567
    PERSONNUMMER = "personnummer"  #: 12 digits, coordination numbers too
    NATIONAL_ID = "national_id"  #: another country's personal number, as written
    ORGNR = "orgnr"  #: NNNNNN-NNNN
    CUSTOMER_NO = "customer_no"  #: upper-case, without spaces
    USERNAME = "username"  #: as written
    NAME = "name"  #: NFC, single spaces
    ADDRESS = "address"  #: street address on one line
    ORDER_NO = "order_no"  #: order or invoice number, upper-case
    SERIAL = "serial"  #: serial number of equipment, upper-case


@dataclass(frozen=True, kw_only=True, order=True)
class Identifier:
    """One thing that points at a person, in the normal form of its type (see dsar.identifiers)."""

    type: IdentifierType
    value: str


@dataclass(frozen=True, kw_only=True)
class Text:
    """The same words in the languages of our letters."""

    sv: str
    en: str

    def in_language(self, language: str) -> str:
        """Swedish for "sv", English for every other language."""
        return self.sv if language == "sv" else self.en


# --------------------------------------------------------------------------------------- inbox -> mime: RawMail


@dataclass(frozen=True, kw_only=True)
class RawMail:
    """One mail as it lay on the server; evidence, never reserialised."""

    mailbox: str  #: Name of the mailbox in settings.
    folder: str  #: IMAP folder it was seen in.
    uid_validity: int  #: Epoch of *uid*.
    uid: int  #: UID within the folder and epoch.
    received_at: datetime  #: INTERNALDATE: arrival at the mail server, where the legal clock starts.
    content: bytes  #: The exact bytes; b"" of a mail too big for memory, which lies in `spool`.
    spool: BinaryIO | None = field(default=None, repr=False)  #: Temporary file with the exact bytes of a big mail.
    stated_size: int | None = None  #: RFC822.SIZE, which some servers get wrong; only ever compared with itself.

    def pieces(self) -> Iterator[bytes]:
        """The exact bytes, in order; at most 1 MB at a time from a file."""
        if self.spool is None:
            yield self.content
            return
        self.spool.seek(0)
        while piece := self.spool.read(1 << 20):
            yield piece

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self.content) if self.spool is None else self.spool.seek(0, io.SEEK_END)

    @cached_property
    def sha256(self) -> str:
        """Identity of the mail: hex digest of the exact bytes."""
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest()


# ----------------------------------------------------------------------------------- mime -> triage: InboundMail


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A part of a mail that is not its text; nothing in it is opened or unpacked here."""

    filename: str  #: Base name without control or bidi characters; "" if the mail gave none.
    content_type: str  #: As declared, lower-case.
    content: bytes  #: Decoded bytes.


@dataclass(frozen=True, kw_only=True)
class AttachmentText:
    """What an attached document says."""

    filename: str  #: As in Attachment.
    text: str  #: Visible text, free of control and bidi characters.
    from_picture: bool = False  #: A machine read it from a picture or a scan; any letter may be wrong.


@dataclass(frozen=True, kw_only=True)
class InboundMail:
    """A mail as read: headers that matter and text as a person would see it, free of control and bidi characters."""

    message_id: str | None  #: With its angle brackets; a hint, never a key.
    in_reply_to: tuple[str, ...]  #: Message-IDs.
    references: tuple[str, ...]  #: Message-IDs, oldest first.
    sender: str | None  #: The one address of the one From header; None if missing, several or ambiguous.
    sender_name: str  #: Display name, "" if none.
    reply_to: tuple[str, ...]  #: Addresses.
    to: tuple[str, ...]  #: Addresses.
    cc: tuple[str, ...]  #: Addresses.
    subject: str
    text: str  #: The whole visible text.
    own_text: str  #: *text* without quoted earlier mail, the signature delimiter's tail, *signature* and legal footers.
    quoted_text: str  #: What *own_text* and *signature* leave out.
    attachments: tuple[Attachment, ...]
    authentication_results: tuple[str, ...]  #: Values of those headers, topmost first.
    machine_signs: tuple[str, ...]  #: Why no machine answer may go out, e.g. "auto-submitted", "null-return-path".
    is_bounce: bool  #: It reports that a mail could not be delivered for good.
    own_message_ids: tuple[str, ...]  #: Message-IDs of our own letters found anywhere in the raw mail.
    hidden_text: bool  #: The HTML holds text that a person would not see; it is not part of *text*.
    defects: tuple[str, ...]  #: What was wrong with the mail, in words without its content.
    signature: str = ""  #: The sign-off that ends *own_text* and the writer's name and address below it.
    attachment_texts: tuple[AttachmentText, ...] = ()  #: Of the attached documents that can be read.
    unread: tuple[str, ...] = ()  #: What of the mail only a person can read, and why: "the mail is encrypted".
    hops: tuple[str, ...] = ()  #: Servers that say they took the mail in, by their Received headers, topmost first.
    hops_above: tuple[int, ...] = ()  #: For each of *authentication_results*: how many Received headers are above it.
    arc: bool = False  #: A relay sealed what it found out (RFC 8617).
    is_delay: bool = False  #: It reports that a mail was not delivered yet.
    written_on: date | None = None  #: Day of the Date header as its sender wrote it; never where a clock starts.
    failed_recipients: tuple[str, ...] = ()  #: Addresses that a bounce says were not reached for good.


# --------------------------------------------------------------------------------------------- triage -> Triage


class Disposition(StrEnum):
    """What a mail is."""

    REQUEST = "request"
    FOLLOW_UP = "follow_up"  #: Belongs to a matter that goes on.
    QUESTION = "question"  #: A question about privacy that exercises no right.
    NOT_REQUEST = "not_request"  #: Noise: sales, spam, printer support, ...
    BOUNCE = "bounce"
    AUTO_REPLY = "auto_reply"
    AUTHORITY = "authority"  #: IMY, police, court, Kronofogden: to management, never answered by a machine.
    UNCLEAR = "unclear"
    INTERNAL = "internal"  #: Task reply, code reply, self-test, own copy; only where the database knows the reference.


class Requester(StrEnum):
    """In which role the sender writes."""

    SELF = "self"
    AGENT = "agent"
    PARENT = "parent"
    ESTATE = "estate"
    EMPLOYER = "employer"
    SERVICE = "service"
    COLLEAGUE_FORWARD = "colleague_forward"
    WEB_FORM = "web_form"


class SenderAuthentication(StrEnum):
    """What our own mail server found out about the sender address."""

    PASS = "pass"  # noqa: S105  #: DMARC pass, aligned with the From address.
    FAIL = "fail"  #: DMARC, or all of SPF and DKIM, failed.
    NONE = "none"  #: No trusted finding.


@dataclass(frozen=True, kw_only=True)
class FoundRequest:
    """One right that a mail exercises."""

    right: Right
    portability: bool = False  #: Access is wanted in a machine-readable form (Art. 20).
    general: bool = False  #: An objection that is not plainly about marketing (Art. 21(1)): a person weighs it.
    evidence: str  #: The sentence of the mail that says so, verbatim.
    reason: str  #: Which rule found it, in words.


@dataclass(frozen=True, kw_only=True)
class RequestedChange:
    """One value that the person wants changed."""

    field: str  #: email, phone, address, name, title, organisation, other
    old: str | None
    new: str | None
    valid_from: str | None  #: First day, ISO 8601; None if at once.


@dataclass(frozen=True, kw_only=True)
class TriageSubject:
    """One person whom a mail is about."""

    name: str | None
    identifiers: tuple[Identifier, ...]
    requests: tuple[FoundRequest, ...]
    changes: tuple[RequestedChange, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Triage:
    """What a mail asks, about whom, by whom, with the evidence."""

    disposition: Disposition
    subjects: tuple[TriageSubject, ...]  #: Never empty; the first is the one that the JSON's top-level fields repeat.
    language: str
    requester: Requester
    flags: tuple[str, ...]  #: breach, complaint, protected_identity, minor, deceased, threat, sender_mismatch, ...
    sender_authentication: SenderAuthentication
    needs_person: bool  #: A person must sort it before anything happens.
    reasons: tuple[str, ...]  #: Every rule that hit, and why a person is needed, in words.
    asked_by: str | None = None  #: Address of who asks: the sender, who wrote what is forwarded, or as a form says.
    sender_evidence: tuple[str, ...] = ()  #: What speaks for or against the sender, for staff; never proof.
    first_received_at: datetime | None = None  #: When a colleague got what is forwarded, as far as it can be read.
    is_reminder: bool = False  #: It asks after an earlier request.


# ----------------------------------------------------------------------------------- identity -> IdentityFinding


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
    documents: tuple[Document, ...] = ()  #: Those that belong to it (Art. 15(3)).


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

    @property
    def records(self) -> tuple[Record, ...]:
        return tuple(record for system in self.systems for record in system.records)


# ------------------------------------------------------------------------------------------------ change plan


class StepAction(StrEnum):
    """What a step of a change plan does to one record."""

    UPDATE = "update"
    ERASE = "erase"  #: The record is deleted.
    ANONYMISE = "anonymise"  #: Every field that ties it to the person is emptied or overwritten.
    SUPPRESS = "suppress"  #: Marketing to the person is stopped.
    RESTRICT = "restrict"
    KEEP = "keep"  #: It stays, and the law and end date say why.
    TASK = "task"  #: A person has to do it.


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """Before and after of one field."""

    path: str
    label: Text
    before: str
    after: str | None  #: None: the value goes.


@dataclass(frozen=True, kw_only=True)
class PlanStep:
    """One step of a change plan, for one record of one system."""

    system: str
    object: str
    object_label: Text
    key: str
    action: StepAction
    changes: tuple[FieldChange, ...] = ()
    reason: Text | None = None  #: Of a keep or a task.
    law: Text | None = None  #: Law and section of a keep.
    until: date | None = None  #: Last day of a keep.


@dataclass(frozen=True, kw_only=True)
class StepOutcome:
    """What reading back showed after a step."""

    step: PlanStep
    done: bool
    detail: str  #: In words without personal data.


# ------------------------------------------------------------------------- facts about processing (Art. 15(1)(a)-(h))


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Someone whom data were or will be disclosed to, processors included; by name (C-154/21)."""

    name: str
    role: Text  #: What they do for us, and whether as processor or controller.
    country: str  #: ISO 3166 code of the place of processing.
    transfer_basis: Text | None = None  #: For a third country: adequacy or safeguard, and how to get a copy.
    category_reason: Text | None = None  #: Why only a category can be named.


@dataclass(frozen=True, kw_only=True)
class Activity:
    """One processing activity of the register, as told to a person whom it concerns."""

    id: str  #: e.g. "A1"
    label: Text
    purposes: Text
    legal_basis: Text
    categories: Text
    recipients: tuple[Recipient, ...]
    retention: Text  #: Period, or criteria that let the person compute the end date.
    source: Text | None = None  #: Of data that are not from the person (Art. 15(1)(g)).
    automated_decisions: Text | None = None  #: None: no decisions under Art. 22, as confirmed in the register.
    portable: bool = False  #: Art. 20 applies: consent or contract with the person, automated.
    objectable: bool = False  #: Art. 21 applies.
    marketing: bool = False  #: Direct marketing: Art. 21(2), (3) end it at once.
    unknown: tuple[str, ...] = ()  #: Facts still missing: "fact: who must answer"; each blocks an answer that uses it.


# ---------------------------------------------------------------------------------------- letters -> Letter


class LetterKind(StrEnum):
    """Names of the templates under letter_templates/<language>/."""

    ACKNOWLEDGEMENT = "acknowledgement"
    ACCESS_ANSWER = "access_answer"
    NOTHING_FOUND = "nothing_found"
    REFUSAL = "refusal"
    EXTENSION = "extension"
    UNIDENTIFIED = "unidentified"
    IDENTITY_CHECK = "identity_check"
    IDENTITY_REMINDER = "identity_reminder"
    QUESTION = "question"
    CLARIFICATION = "clarification"
    MANDATE_REQUEST = "mandate_request"
    DECEASED = "deceased"
    UPDATE_DONE = "update_done"
    UPDATE_REFUSED = "update_refused"
    ERASURE_DONE = "erasure_done"
    ERASURE_PARTLY = "erasure_partly"
    OBJECTION_DONE = "objection_done"
    RESTRICTION_DONE = "restriction_done"
    CONTACT_CHANGED_NOTICE = "contact_changed_notice"


@dataclass(frozen=True, kw_only=True)
class Annex:
    """A file that goes with a letter."""

    filename: str  #: Holds the case reference only, never a name.
    content_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A letter, ready to be shown, approved and sent."""

    kind: LetterKind
    language: str
    subject: str  #: Case reference only (P9).
    text: str  #: text/plain body.
    html: str  #: text/html body.
    annexes: tuple[Annex, ...] = ()
    template_sha256: str  #: Of the template sources it was made from.


@dataclass(frozen=True, kw_only=True)
class Controller:
    """Who we are, for letterheads and Art. 13/15."""

    name: str
    orgnr: str
    address: str
    postcode_city: str
    country: str
    email: str
    phone: str = ""
    website: str = ""
    dpo: str = ""  #: Contact of the data protection officer; "" if none is appointed.


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """One line of the table of places searched (Art. 15(1); promise P5)."""

    label: Text
    outcome: SystemOutcome
    searched_on: date


@dataclass(frozen=True, kw_only=True)
class Withheld:
    """Something left out of an access answer, with its ground (Art. 15(4), 12(4))."""

    what: Text
    ground: Text


@dataclass(frozen=True, kw_only=True)
class LetterFacts:
    """
    All that a letter may say. Requester text never decides what a template does; a template that uses a fact which is
    None fails.
    """

    case_reference: str
    controller: Controller
    today: date
    received_on: date
    nominal_on: date  #: The statutory date that letters name, never the shifted one.
    rights: tuple[Right, ...] = ()  #: What this letter answers.
    handler: str | None = None  #: Name of the member of staff.
    person_name: str | None = None  #: For the salutation; None: no name is used.
    case_retention_months: int = 24
    backup_days: int | None = None  #: Rotation time of backup copies.
    reference_on: date | None = None  #: Data are shown as they were on this day.
    coverage: tuple[Coverage, ...] | None = None
    search_keys: tuple[str, ...] | None = None  #: Masked, as shown to the person.
    records: tuple[Record, ...] | None = None  #: Certain and accepted ones only.
    system_labels: tuple[tuple[str, Text], ...] = ()  #: (system name, what to call it).
    activities: tuple[Activity, ...] | None = None  #: Only those that concern this person.
    withheld: tuple[Withheld, ...] = ()
    portability: bool = False  #: The data are wanted in a machine-readable form to take along (Art. 20).
    other_outcomes: tuple[str, ...] = ()  #: Results of other rights in the same case, in the letter's language.
    reasons: str | None = None  #: Of a refusal, question or extension, or what was done by hand; written by staff.
    legal_ground: str | None = None  #: Article and section that a refusal rests on; written by staff.
    extended_nominal_on: date | None = None
    outcomes: tuple[StepOutcome, ...] | None = None  #: What was changed, erased or kept.
    done_on: date | None = None
    code: str | None = None  #: One-time code of an identity check.
    overview: str | None = None  #: What we process about the person, of a question about what they want.
    choices: str | None = None  #: What they may choose between; both written by staff.
    requester: Requester | None = None  #: In which role the sender writes.
    by_post: bool = False  #: The code is printed and posted.
    doubt: str | None = None  #: Why it is not certain who asks: unknown, unconfirmed or new_address.
    reply_by_on: date | None = None
    clock_paused: bool = False  #: The time from this letter until the person's answer does not count (Art. 12(6)).
    contact_points: tuple[str, ...] | None = None  #: Masked addresses and numbers that a marketing stop covers.
    identity_asked_on: date | None = None  #: When the sender was asked to confirm who they are.
    ended: str = ""  #: Why nothing more is done: "withdrawn", or "by_hand": a person did it and says so in `reasons`.


# ------------------------------------------------------------------------------------------------- statistics


@dataclass(frozen=True, kw_only=True, slots=True)
class ClosedOnce:
    """One time that a request was closed."""

    at: datetime
    outcome: Outcome
    legal_on: date  #: Last day allowed by law as it stood then, extension included.
    ground: str = ""  #: Of a refusal: the article that it rests on, e.g. "12(5)".
    paused_days: int = 0
    reopened_at: datetime | None = None  #: When it was taken up again.


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestTimes:
    """What statistics need to know of one request; it survives the purge of its case and names nobody."""

    reference: str  #: Of the case, or of a mail without one.
    right: Right | None  #: None: a mail that nobody has sorted yet; in doubt it is a request.
    received_at: datetime
    legal_on: date  #: Last day allowed by law, extension included.
    closings: tuple[ClosedOnce, ...] = ()  #: In order.
    paused_days: int = 0
    is_sorted: bool = True  #: False: it waits for a person who says what it asks for.
    extended_because: str | None = None  #: clock.ExtensionReason; None: it was not extended.
    asked_on: date | None = None  #: When the sender was first asked to confirm who they are.
    stopped_at: datetime | None = None  #: When marketing was stopped.


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """The statutory clock of one request, all Stockholm dates (see dsar.deadlines)."""

    received_on: date
    nominal_on: date  #: One calendar month; the date that letters name.
    legal_on: date  #: Outer limit after weekends and holidays.
    send_by_on: date  #: Planning date: the last open day on or before nominal_on.
    extended_nominal_on: date
    extended_legal_on: date
    extended_send_by_on: date
    explanation: tuple[str, ...] = field(default_factory=tuple)  #: Each step with its source, in words.
