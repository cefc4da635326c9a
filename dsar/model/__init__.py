"""
The frozen values that travel along the flow, one module per arrow.

Effects: none. Every value is keyword-only and each field has its sentence. Times ending in `_at` are aware UTC
datetimes, dates ending in `_on` are Stockholm dates, `language` is ISO 639-1, e-mail addresses are lower-case.

    terms.py  rights, identifiers and texts, of which the others are made
    mails.py  a mail as it lay on the server, and as read
    asked.py  what a mail asks, about whom, by whom
    found.py  who asks, and what the systems hold
    plans.py  the steps of a change plan
    told.py   what a letter may say, and the letter
    times.py  the clock of a request, and what statistics know of it
"""

from dsar.model.asked import (
    Disposition,
    FoundRequest,
    RequestedChange,
    Requester,
    SenderAuthentication,
    Triage,
    TriageSubject,
)
from dsar.model.found import (
    Document,
    IdentityFinding,
    IdentityLevel,
    Record,
    RecordValue,
    SearchResult,
    Strength,
    SystemOutcome,
    SystemResult,
)
from dsar.model.mails import Attachment, AttachmentText, InboundMail, RawMail
from dsar.model.plans import FieldChange, PlanStep, StepAction, StepOutcome
from dsar.model.terms import RIGHTS_IN_ORDER, Identifier, IdentifierType, Right, Text
from dsar.model.times import ClosedOnce, Deadlines, RequestTimes
from dsar.model.told import (
    Activity,
    Annex,
    AnnexedDocument,
    Controller,
    Coverage,
    Letter,
    LetterFacts,
    LetterKind,
    Look,
    Recipient,
    Withheld,
)

__all__ = [
    "RIGHTS_IN_ORDER",
    "Activity",
    "Annex",
    "AnnexedDocument",
    "Attachment",
    "AttachmentText",
    "ClosedOnce",
    "Controller",
    "Coverage",
    "Deadlines",
    "Disposition",
    "Document",
    "FieldChange",
    "FoundRequest",
    "Identifier",
    "IdentifierType",
    "IdentityFinding",
    "IdentityLevel",
    "InboundMail",
    "Letter",
    "LetterFacts",
    "LetterKind",
    "Look",
    "PlanStep",
    "RawMail",
    "Recipient",
    "Record",
    "RecordValue",
    "RequestTimes",
    "RequestedChange",
    "Requester",
    "Right",
    "SearchResult",
    "SenderAuthentication",
    "StepAction",
    "StepOutcome",
    "Strength",
    "SystemOutcome",
    "SystemResult",
    "Text",
    "Triage",
    "TriageSubject",
    "Withheld",
]
