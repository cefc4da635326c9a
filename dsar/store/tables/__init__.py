"""
The tables. Columns named sealed_* hold what the vault encrypted; all others hold references, codes, counts and times.

Blind indexes (`*_index`) are keyed digests; they are deleted with their case.

    base.py       what all tables share
    mail.py       mails, and where they lie
    cases.py      cases, their requests, and codes that prove who asks
    found.py      what the systems hold
    tasks.py      questions to colleagues
    letters.py    letters, the outbox, pass-phrases
    duties.py     what outlives the answer to a case
    work.py       due steps, and the workers that do them
    audit.py      the audit trail

and what is only loaded with its first use, for a class of a table takes 3 ms to make, and a look at the queue needs
these not:

    contents.py   the bytes of mails
    belonging.py  how a mail finds its case
    closings.py   what statistics keep of a request
    decided.py    a person's word on what the systems hold
    answers.py    what colleagues answered
    approvals.py  a letter's files, requests and approvals
    plans.py      change plans as they are carried out
    machines.py   what the processes on all machines share besides work
    seals.py      the chain over the audit trail
"""

from importlib import import_module
from typing import TYPE_CHECKING

from sqlalchemy.orm import configure_mappers

from dsar.store.tables.audit import EventRow
from dsar.store.tables.base import Row
from dsar.store.tables.cases import CaseFile, Challenge, Request
from dsar.store.tables.duties import Duty, RecipientNotice
from dsar.store.tables.found import SystemRow
from dsar.store.tables.letters import LetterRow, OutboxRow, PassPhrase
from dsar.store.tables.mail import Message, Sighting
from dsar.store.tables.tasks import Task
from dsar.store.tables.work import Work, Worker

if TYPE_CHECKING:
    from dsar.store.tables.answers import TaskAnswer, TaskMail
    from dsar.store.tables.approvals import ApprovalRow, LetterAnnex, LetterRequest
    from dsar.store.tables.belonging import CaseIndex, CaseMessage, Counter
    from dsar.store.tables.closings import Closing
    from dsar.store.tables.contents import Folder, RawContent, RawPiece
    from dsar.store.tables.decided import CaseDocument, Decision, Redaction
    from dsar.store.tables.machines import CallPause, CallTurn, HealthMark, Lease, SchemaFloor
    from dsar.store.tables.plans import ChangePlan, LedgerEntry, PlanLine, Suppression
    from dsar.store.tables.seals import Seal

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
    "load_all",
]

#: Module -> tables that are loaded with their first use. They refer to each other or to those above only.
LATER = {
    "answers": ("TaskAnswer", "TaskMail"),
    "approvals": ("ApprovalRow", "LetterAnnex", "LetterRequest"),
    "belonging": ("CaseIndex", "CaseMessage", "Counter"),
    "closings": ("Closing",),
    "contents": ("Folder", "RawContent", "RawPiece"),
    "decided": ("CaseDocument", "Decision", "Redaction"),
    "machines": ("CallPause", "CallTurn", "HealthMark", "Lease", "SchemaFloor"),
    "plans": ("ChangePlan", "LedgerEntry", "PlanLine", "Suppression"),
    "seals": ("Seal",),
}


def load_all() -> None:
    """
    Make every class: for migrations, for what copies whole databases, and before threads that ask the database.

    SQLAlchemy takes no new class while another thread goes through those it has.
    """
    for module in LATER:
        import_module(f"{__name__}.{module}")
    configure_mappers()


if not TYPE_CHECKING:  # a misspelt name is an error to the type checker

    def __getattr__(name: str) -> type[Row]:
        for module, names in LATER.items():
            if name in names:
                table = getattr(import_module(f"{__name__}.{module}"), name)
                globals()[name] = table
                return table
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
