"""
A case -> the record of how it was handled: what Art. 5(2) GDPR calls being "able to demonstrate compliance".

Made for the supervisory authority. It holds times, decisions, names of staff, hashes and codes; the mails themselves
go beside it as they came and as they were sent, as long as they are kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from dsar import __version__, approval, deadlines
from dsar.casework import intake, printing
from dsar.casework.context import App, case_key, reason_of, triage_of
from dsar.letters.record import record_markdown
from dsar.store import Transaction
from dsar.store.audit import ChainReport
from dsar.store.tables import CaseFile, LetterRow, OutboxRow, Request


@dataclass(frozen=True, kw_only=True)
class RequestRecord:
    """One right and its clock."""

    right: str
    portability: bool
    received_at: datetime
    received_by: str  #: "mail server": its time of arrival; "person": a member of staff said when it came.
    nominal_on: date  #: One month later; the date that letters name.
    legal_on: date  #: Outer limit as it stands, pauses and extension included.
    extended_at: datetime | None
    paused_days: int
    state: str
    outcome: str | None
    closed_at: datetime | None
    gross_days: int | None  #: Calendar days from receipt to closing.
    net_days: int | None  #: Without those that were paused.


@dataclass(frozen=True, kw_only=True)
class MailRecord:
    """A mail of the thread."""

    received_at: datetime
    mailbox: str
    role: str
    sha256: str
    disposition: str | None
    reasons: tuple[str, ...]  #: Why it was sorted so; names of rules, not words of the mail.


@dataclass(frozen=True, kw_only=True)
class LetterRecord:
    """A letter that was approved, or a mail that went out without approval."""

    kind: str
    language: str | None
    composed_on: date | None
    approved_by: str | None
    approved_at: datetime | None
    template_sha256: str | None
    annexes: Mapping[str, str]  #: {file name: SHA-256}
    message_id: str
    mime_sha256: str
    state: str
    sent_at: datetime | None
    evidence: str  #: How we know that it left.


@dataclass(frozen=True, kw_only=True)
class ChangeRecord:
    """One step in a connected system, as the ledger has it."""

    right: str
    step: int
    state: str
    started_at: datetime
    ended_at: datetime | None
    detail: str


@dataclass(frozen=True, kw_only=True)
class NoticeRecord:
    """A recipient of the data who was told of a change, or why not (Art. 19)."""

    right: str
    recipient: str
    state: str  #: As in store.tables.RecipientNotice.
    why: str  #: It was left out.
    approved_by: str | None
    reminders: int
    sent_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class DutyRecord:
    """What was owed after the answer."""

    kind: str
    system: str
    object: str
    law: str
    due_on: date
    done_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class EventRecord:
    """An event of the audit trail."""

    at: datetime
    actor: str  #: Full name of the member of staff.
    name: str
    from_state: str | None
    to_state: str | None
    detail: Mapping[str, str]
    reason: str | None  #: That a person gave.


@dataclass(frozen=True, kw_only=True)
class HandlingRecord:
    """Everything that proves how a case was handled."""

    case_reference: str
    opened_at: datetime
    requester: str
    flags: tuple[str, ...]
    handler: str | None
    identity_level: str
    identity_method: str
    identified_at: datetime | None
    legal_hold: bool
    purged_at: datetime | None
    requests: tuple[RequestRecord, ...]
    mails: tuple[MailRecord, ...]
    searches: tuple[EventRecord, ...]  #: One per search, with the outcome of each system.
    letters: tuple[LetterRecord, ...]
    changes: tuple[ChangeRecord, ...]
    notices: tuple[NoticeRecord, ...]
    duties: tuple[DutyRecord, ...]
    events: tuple[EventRecord, ...]
    chain: ChainReport
    made_at: datetime
    made_by: str
    program: str

    def as_json(self) -> dict[str, Any]:
        """With a name and version of the form, so that a reader knows what it is."""
        return {"format": "dsar-handling-record", "version": 1, **vars(self)}


def handling_record(app: App, case: CaseFile, *, actor: str, now: datetime) -> HandlingRecord:
    """
    The record of *case*, purged or not; that it was made is itself recorded.

    Raises: NotPermittedError unless *actor* is an administrator.
    """
    approval.check_admin(actor, "export the record of a case", app.settings.roles(actor))
    with app.store.transaction() as tx:
        tx.record("record_exported", actor=actor, at=now, case_id=case.id)
        events = tuple(_events(app, tx, case))
        return HandlingRecord(
            case_reference=case.reference,
            opened_at=case.opened_at,
            requester=case.requester,
            flags=tuple(case.flags),
            handler=app.settings.staff_name(case.handler),
            identity_level=case.identity_level,
            identity_method=case.identity_method,
            identified_at=case.identified_at,
            legal_hold=case.legal_hold,
            purged_at=case.purged_at,
            requests=tuple(_request(app, request, events) for request in tx.requests(case.id or 0)),
            mails=tuple(_mails(app, tx, case)),
            searches=tuple(event for event in events if event.name == "searched" and event.from_state is None),
            letters=tuple(_letter(app, tx, row) for row in tx.outgoing_of_case(case.id or 0)),
            changes=tuple(_changes(tx, case)),
            notices=tuple(_notices(app, tx, case)),
            duties=tuple(
                DutyRecord(
                    kind=duty.kind,
                    system=duty.system,
                    object=duty.object,
                    law=duty.law,
                    due_on=duty.due_on,
                    done_at=duty.done_at,
                )
                for duty in tx.duties_of(case.reference)
            ),
            events=events,
            chain=tx.verify_chain(),
            made_at=now,
            made_by=app.settings.staff_name(actor) or actor,
            program=f"dsar {__version__}",
        )


def as_pdf(app: App, record: HandlingRecord, language: str) -> bytes:
    """The record as a document in "sv" or "en"."""
    markdown = record_markdown(record, controller=app.controller, language=language)
    return printing.document(app, record.case_reference, markdown, language, now=record.made_at)


def mails_as_they_were(app: App, case: CaseFile) -> Iterator[tuple[str, bytes]]:
    """(file name, exact bytes) of every mail of the case that is still kept, those that came and those that went."""
    if case.purged_at is not None:
        return
    with app.store.transaction() as tx:
        came = [message for _link, message in tx.case_messages(case.id or 0)]
        went = [row for row in tx.outgoing_of_case(case.id or 0) if row.sealed_mime]
    for number, message in enumerate(came, 1):
        yield f"in-{number:02}.eml", intake.raw_content(app, message)
    for number, row in enumerate(went, 1):
        context = f"outbox.mime:{row.message_id}"
        yield f"out-{number:02}-{row.kind}.eml", app.vault.unseal(case_key(case), context, row.sealed_mime)


# ------------------------------------------------------------------------------------------------------------ parts


def _request(app: App, request: Request, events: tuple[EventRecord, ...]) -> RequestRecord:
    clock = deadlines.deadlines(deadlines.received_on(request.received_at), closures=app.settings.closures)
    gross = (deadlines.received_on(request.closed_at) - clock.received_on).days if request.closed_at else None
    return RequestRecord(
        right=request.right,
        portability=request.portability,
        received_at=request.received_at,
        received_by="person" if any(event.name == "receipt_set" for event in events) else "mail server",
        nominal_on=clock.nominal_on,
        legal_on=request.legal_on,
        extended_at=request.extended_at,
        paused_days=request.paused_days,
        state=request.state,
        outcome=request.outcome,
        closed_at=request.closed_at,
        gross_days=gross,
        net_days=None if gross is None else max(gross - request.paused_days, 0),
    )


def _mails(app: App, tx: Transaction, case: CaseFile) -> Iterator[MailRecord]:
    for link, message in tx.case_messages(case.id or 0):
        yield MailRecord(
            received_at=message.received_at,
            mailbox=message.mailbox,
            role=link.role,
            sha256=message.sha256,
            disposition=message.disposition,
            reasons=triage_of(app, case, message.id or 0, link.sealed_triage).reasons,
        )


def _letter(app: App, tx: Transaction, row: OutboxRow) -> LetterRecord:
    letter: LetterRow | None = tx.letter(row.letter_id) if row.letter_id else None
    approved = tx.approval_of(letter.id or 0) if letter else None
    annexes = tx.annexes(letter.id or 0) if letter else ()
    return LetterRecord(
        kind=row.kind,
        language=letter.language if letter else None,
        composed_on=letter.composed_on if letter else None,
        approved_by=(app.settings.staff_name(approved.actor) or approved.actor) if approved else None,
        approved_at=approved.at if approved else None,
        template_sha256=letter.template_sha256 if letter else None,
        annexes={annex.filename: annex.sha256 for annex in annexes},
        message_id=row.message_id,
        mime_sha256=row.mime_sha256,
        state=row.state,
        sent_at=row.sent_at,
        evidence=row.evidence,
    )


def _changes(tx: Transaction, case: CaseFile) -> Iterator[ChangeRecord]:
    for request in tx.requests(case.id or 0):
        for plan in tx.plans_of(request.id or 0):
            for position, entry in sorted(tx.ledger(plan.id or 0).items()):
                yield ChangeRecord(
                    right=request.right,
                    step=position,
                    state=entry.state,
                    started_at=entry.started_at,
                    ended_at=entry.ended_at,
                    detail=entry.detail,
                )


def _notices(app: App, tx: Transaction, case: CaseFile) -> Iterator[NoticeRecord]:
    for request in tx.requests(case.id or 0):
        for notice in tx.notices_of(request.id or 0):
            yield NoticeRecord(
                right=request.right,
                recipient=notice.recipient,
                state=notice.state,
                why=notice.why,
                approved_by=app.settings.staff_name(notice.approved_by) or notice.approved_by or None,
                reminders=notice.reminders,
                sent_at=notice.sent_at,
                ended_at=notice.ended_at,
            )


def _events(app: App, tx: Transaction, case: CaseFile) -> Iterator[EventRecord]:
    for event in tx.events(case.id or 0):
        yield EventRecord(
            at=event.at,
            actor=app.settings.staff_name(event.actor) or event.actor,
            name=event.name,
            from_state=event.from_state,
            to_state=event.to_state,
            detail={name: value for name, value in event.detail.items() if not name.startswith("sealed_")},
            reason=reason_of(app, case, event),
        )
