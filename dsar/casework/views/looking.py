"""
One case or mail -> its head, mails, timeline and clock.

Effects: reads the database, and records there who has looked at personal data.
"""

from dataclasses import dataclass
from datetime import datetime

from dsar.casework import intake
from dsar.casework.clocking import clock_of
from dsar.casework.context import App, reason_of, subject_of, triage_of
from dsar.casework.views.references import find_message
from dsar.clock import Clock
from dsar.errors import MalformedMailError
from dsar.model import InboundMail, Triage
from dsar.store.tables import CaseFile, EventRow, Message, Request


@dataclass(frozen=True, kw_only=True)
class ThreadMail:
    """One mail of a case with its triage."""

    role: str
    received_at: datetime
    mail: InboundMail | None  #: None: it cannot be read.
    triage: Triage


def thread(app: App, case: CaseFile, *, actor: str, now: datetime) -> list[ThreadMail]:
    """The mails of a case, oldest first."""
    with app.store.transaction() as tx:
        tx.record("looked_at_messages", actor=actor, at=now, case_id=case.id)
        pairs = tx.case_messages(case.id or 0)
    return [
        ThreadMail(
            role=link.role,
            received_at=message.received_at,
            mail=_readable(app, message),
            triage=triage_of(app, case, message.id or 0, link.sealed_triage),
        )
        for link, message in pairs
    ]


def caseless_mail(app: App, reference: str, *, actor: str, now: datetime) -> ThreadMail | bytes:
    """
    The mail of M-17 with its triage, or its bytes if the program cannot read it.

    Raises: UsageError.
    """
    message = find_message(app, reference)
    with app.store.transaction() as tx:
        tx.record("looked_at_message", actor=actor, at=now, detail={"message": str(message.id)})
    mail = _readable(app, message)
    if mail is None:
        return intake.raw_content(app, message)
    return ThreadMail(
        role=message.disposition or "", received_at=message.received_at, mail=mail, triage=intake.examine(app, mail)
    )


def _readable(app: App, message: Message) -> InboundMail | None:
    try:
        return intake.read(app, message)
    except MalformedMailError:
        return None


@dataclass(frozen=True, kw_only=True)
class CaseView:
    """The head of a case; of a purged one it names nobody."""

    case: CaseFile
    requests: tuple[Request, ...]
    name: str | None
    addresses: tuple[str, ...]


def head(app: App, case: CaseFile, *, actor: str, now: datetime) -> CaseView:
    """What a case is about."""
    with app.store.transaction() as tx:
        tx.record("looked_at_case", actor=actor, at=now, case_id=case.id)
        requests = tuple(tx.requests(case.id or 0))
    if case.purged_at is not None:
        return CaseView(case=case, requests=requests, name=None, addresses=())
    subject = subject_of(app, case)
    addresses = dict.fromkeys([*(each.value for each in subject.proven), subject.reply_address or ""])
    return CaseView(case=case, requests=requests, name=subject.name, addresses=tuple(filter(None, addresses)))


@dataclass(frozen=True, kw_only=True)
class TimelineEntry:
    """An event of a case; the event itself holds no personal data, the reason may."""

    event: EventRow
    reason: str | None  #: That a person gave.


def timeline(app: App, case: CaseFile, *, actor: str, now: datetime) -> tuple[TimelineEntry, ...]:
    """Everything that happened in a case, oldest first."""
    with app.store.transaction() as tx:
        events = tx.events(case.id or 0)
        entries = tuple(TimelineEntry(event=event, reason=reason_of(app, case, event)) for event in events)
        if any(entry.reason for entry in entries):
            tx.record("looked_at_reasons", actor=actor, at=now, case_id=case.id)
    return entries


def clock(app: App, request: Request) -> Clock:
    """The statutory clock of a request as its events have it, with its explanation."""
    with app.store.transaction(read_only=True) as tx:
        return clock_of(app, tx, request)
