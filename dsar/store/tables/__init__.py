"""
The tables. Columns named sealed_* hold what the vault encrypted; all others hold references, codes, counts and times.

Blind indexes (`*_index`) are keyed digests; they are deleted with their case.

    base.py     what all tables share
    mail.py     mails as they came, and where they lay
    cases.py    cases, their requests and what proves who asks
    audit.py    the audit trail
    found.py    what the systems hold, and a person's word on it
    tasks.py    questions to colleagues
    letters.py  letters, approvals, the outbox, pass-phrases
    plans.py    change plans, and what outlives a case
    work.py     due steps, leases, workers, and calls to systems that are counted
"""

from dsar.store.tables.audit import EventRow, Seal
from dsar.store.tables.base import Row
from dsar.store.tables.cases import CaseFile, CaseIndex, CaseMessage, Challenge, Closing, Counter, Request
from dsar.store.tables.found import CaseDocument, Decision, Redaction, SystemRow
from dsar.store.tables.letters import ApprovalRow, LetterAnnex, LetterRequest, LetterRow, OutboxRow, PassPhrase
from dsar.store.tables.mail import Folder, Message, RawContent, RawPiece, Sighting
from dsar.store.tables.plans import ChangePlan, Duty, LedgerEntry, PlanLine, RecipientNotice, Suppression
from dsar.store.tables.tasks import Task, TaskAnswer, TaskMail
from dsar.store.tables.work import CallPause, CallTurn, HealthMark, Lease, SchemaFloor, Work, Worker

__all__ = [
    "ApprovalRow",
    "CallPause",
    "CallTurn",
    "CaseDocument",
    "CaseFile",
    "CaseIndex",
    "CaseMessage",
    "Challenge",
    "ChangePlan",
    "Closing",
    "Counter",
    "Decision",
    "Duty",
    "EventRow",
    "Folder",
    "HealthMark",
    "Lease",
    "LedgerEntry",
    "LetterAnnex",
    "LetterRequest",
    "LetterRow",
    "Message",
    "OutboxRow",
    "PassPhrase",
    "PlanLine",
    "RawContent",
    "RawPiece",
    "RecipientNotice",
    "Redaction",
    "Request",
    "Row",
    "SchemaFloor",
    "Seal",
    "Sighting",
    "Suppression",
    "SystemRow",
    "Task",
    "TaskAnswer",
    "TaskMail",
    "Work",
    "Worker",
]
