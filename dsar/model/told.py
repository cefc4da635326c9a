"""
casework -> letters: what a letter may say, and the letter.

Effects: none.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dsar.model.asked import Requester
from dsar.model.found import Record, SystemOutcome
from dsar.model.plans import StepOutcome
from dsar.model.terms import Right, Text


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Someone whom data were or will be disclosed to, processors included; by name (C-154/21)."""

    name: str
    role: Text  #: What they do for us, and whether as processor or controller.
    country: str  #: ISO 3166 code of the place of processing.
    transfer_basis: Text | None = None  #: For a third country: adequacy or safeguard, and how to get a copy.
    category_reason: Text | None = None  #: Why only a category can be named.
    #: Address to which changes are communicated (Art. 19); "": it needs no telling; None: nobody has said.
    notify: str | None = None


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
    NOT_REQUEST = "not_request"
    UPDATE_DONE = "update_done"
    UPDATE_REFUSED = "update_refused"
    ERASURE_DONE = "erasure_done"
    ERASURE_PARTLY = "erasure_partly"
    OBJECTION_DONE = "objection_done"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    RESTRICTION_DONE = "restriction_done"
    CONTACT_CHANGED_NOTICE = "contact_changed_notice"
    RECIPIENT_NOTICE = "recipient_notice"
    IDENTITY_WARNING = "identity_warning"
    PASS_PHRASE = "pass_phrase"  # noqa: S105  # on paper only


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
    markdown: str = ""  #: What both were made from, for a letter on paper; "" if it never goes there.
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
class Look:
    """How the company's documents look; the colours as "#1f4e6b"."""

    accent: str = "#1f4e6b"  #: Headings and lines; on white it has a contrast of at least 4.5 (WCAG 2.2, 1.4.3).
    tint: str = "#eef3f7"  #: Ground of boxes and table headers; so has dark text on it.
    logo: bytes | None = None  #: PNG or JPEG.


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
class AnnexedDocument:
    """One line of the list of documents that come with an access answer (Art. 15(3))."""

    filename: str  #: Under which it comes; holds the case reference and a number, never a name.
    label: Text
    name: str  #: As the system calls it; "" if it does not, or if others may stand in it.
    system: Text
    size: int  #: Bytes.
    sha256: str
    redacted: bool  #: Something about others was taken out of it.


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
    documents: tuple[AnnexedDocument, ...] = ()  #: That come with the answer.
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
    by_post: bool = False  #: The letter is printed and posted.
    doubt: str | None = None  #: Why it is not certain who asks: unknown, unconfirmed or new_address.
    reply_by_on: date | None = None
    clock_paused: bool = False  #: The time from this letter until the person's answer does not count (Art. 12(6)).
    contact_points: tuple[str, ...] | None = None  #: Masked addresses and numbers that a marketing stop covers.
    consent: bool = False  #: The objection takes a consent back (Art. 7(3)).
    more_asked: bool = False  #: The person has, or may have, asked for more than this letter answers.
    identity_asked_on: date | None = None  #: When the sender was asked to confirm who they are.
    phrase_by: str | None = None  #: How the pass-phrase of the files comes: sms, letter or voice; None: they are open.
    phrase_to: str | None = None  #: Masked, where it comes to.
    pass_phrase: str | None = None  #: Of the letter that brings it.
    staff_note: str | None = None  #: What a member of staff adds in their own words, shown as such.
    recipients: tuple[str, ...] = ()  #: Names of those to whom we communicate the change (Art. 19).
    recipient_name: str | None = None  #: Who gets a notice of the change.
    about: str | None = None  #: Name and contact points of the person whom such a notice is about.
    ended: str = ""  #: Why nothing more is done: "withdrawn", or "by_hand": a person did it and says so in `reasons`.
