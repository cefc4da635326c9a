"""A person's triage: what the program was unsure about, or could not read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from dsar.casework import clocking, intake, opening
from dsar.casework.context import (
    App,
    mail_reason_of,
    reason_of,
    seal_mail_reason,
    seal_reason,
    seal_subject,
    subject_of,
    triage_of,
)
from dsar.casework.sending import acknowledge
from dsar.errors import MalformedMailError, UsageError
from dsar.lifecycle import Event, Outcome, State
from dsar.locale import said
from dsar.model import (
    Disposition,
    FoundRequest,
    InboundMail,
    Requester,
    Right,
    SenderAuthentication,
    Triage,
    TriageSubject,
)
from dsar.store import Transaction
from dsar.store.tables import CaseFile, CaseMessage, Message, Request

_REASON = "sorted by a person"
#: Event of a person's sorting, with what the program had found.
CORRECTED = "triage_corrected"


def sort_case(
    app: App,
    case: CaseFile,
    rights: Sequence[Right],
    *,
    received_on: date | None = None,
    why: str = "",
    actor: str,
    now: datetime,
) -> None:
    """
    Say which rights the mail of a case in triage exercises; none: it was no request.

    Args: received_on: the day on which it reached the company, where our mail server's time is not it; why: what the
    person goes by, kept with the case.
    Raises: UsageError if nothing of the case waits in triage, or nobody has said when a forwarded mail came.
    """
    with app.store.transaction() as tx:
        waiting = [request for request in tx.requests(case.id or 0) if request.state == State.TRIAGE]
        if not waiting:
            raise UsageError(
                said("{case} is sorted already; 'dsar show {case}' tells where it stands.", case=case.reference)
            )
        link, message = _asked_in(tx, waiting[0])
        triage = triage_of(app, case, message.id or 0, link.sealed_triage)
        received = _received(message, triage, received_on) if rights else message.received_at
        if received_on:
            tx.record("receipt_set", actor=actor, at=now, case_id=case.id, detail={"on": received_on.isoformat()})
        for request in waiting:
            if Right(request.right) in rights:
                begun = clocking.begin(app, Right(request.right), received) if received_on else {}
                tx.advance(request, Event.SORTED, actor=actor, at=now, **begun)
            else:
                tx.advance(request, Event.DISMISSED, actor=actor, at=now, outcome=Outcome.NOT_A_REQUEST, closed_at=now)
        found_rights = {request.right for person in triage.subjects for request in person.requests}
        detail = _compared(message, found_rights, rights)
        detail |= seal_reason(app, case, CORRECTED, why, at=now) if why else {}
        tx.record(CORRECTED, actor=actor, at=now, case_id=case.id, detail=detail)
        running = {
            Right(each.right)
            for each in tx.requests(case.id or 0)
            if each.message_id == message.id or each.state != State.CLOSED
        }
        missing = sorted(set(rights) - running)
        for right in missing:
            found = FoundRequest(right=right, evidence="", reason=_REASON)
            opening.add_request(app, tx, case, found, message, received=received, doubt=False, actor=actor, now=now)
        if missing or any(Right(request.right) in rights for request in waiting):
            tx.enqueue("identify", case.id or 0, due_at=now)
            acknowledge(app, tx, case, _read(app, message, within=tx)[0], triage, now=now)


def _compared(message: Message, program: Collection[Right], person: Collection[Right]) -> dict[str, str]:
    """Detail of an event that tells what the program found in a mail and what a person did."""
    named = {"program": program, "person": person}
    return {"message": str(message.id), **{who: ",".join(sorted(rights)) for who, rights in named.items()}}


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What a person said that a mail exercises, where the program had found the same or something else."""

    actor: str
    at: datetime
    program: tuple[Right, ...]
    person: tuple[Right, ...]
    why: str | None


def corrections(app: App, message: Message) -> list[Correction]:
    """How persons sorted *message*, oldest first."""
    with app.store.transaction(read_only=True) as tx:
        events = tx.events_of_message(CORRECTED, message.id or 0)
        found = []
        for event in events:
            case = tx.case_by_id(event.case_id) if event.case_id else None
            why = reason_of(app, case, event) if case else mail_reason_of(app, message.sha256, event)
            program, person = (
                tuple(Right(name) for name in event.detail[who].split(",") if name) for who in ("program", "person")
            )
            found.append(Correction(actor=event.actor, at=event.at, program=program, person=person, why=why))
    return found


def _asked_in(tx: Transaction, request: Request) -> tuple[CaseMessage, Message]:
    """The mail that asked for *request*."""
    return next(each for each in tx.case_messages(request.case_id) if each[1].id == request.message_id)


def set_own_matter(app: App, case: CaseFile, *, actor: str, now: datetime) -> None:
    """
    A person says that the sender writes for themselves, where the program took them for an agent.

    The name that it took for the person's is forgotten; who asks is looked at anew.
    """
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        case.requester = Requester.SELF
        case.sealed_subject = seal_subject(app, case, replace(subject_of(app, case), name=None))
        tx.add_case(case)
        tx.record("requester_set", actor=actor, at=now, case_id=case.id, detail={"to": Requester.SELF})
        tx.enqueue("identify", case.id or 0, due_at=now)


def sort_message(
    app: App,
    message: Message,
    rights: Sequence[Right],
    *,
    received_on: date | None = None,
    why: str = "",
    actor: str,
    now: datetime,
) -> tuple[str, ...]:
    """
    Say which rights a mail that waits for a person exercises; none: it is filed as no request.

    Args: received_on: the day on which it reached the company, where our mail server's time is not it; why: what the
    person goes by, kept as long as the mail.
    Returns: references of the cases opened; none, too, if all of it goes on already, as a plain marketing stop does.
    Raises: UsageError as sort_case.
    """
    filed = message.status == "sorted" and message.case_id is None
    if not filed and message.status not in {"person", "quarantine"}:
        raise _sorted_already(message)
    mail, triage = _read(app, message)
    program = {request.right for person in triage.subjects for request in person.requests}
    with app.store.transaction(read_only=True) as tx:
        goes_on = _asked_by(tx, message)
    exercised = {*rights, *goes_on}
    detail = _compared(message, program, exercised)
    detail |= seal_mail_reason(app, message.sha256, CORRECTED, why, at=now) if why else {}
    if exercised == goes_on:
        _file(app, message, Disposition.REQUEST if goes_on else Disposition.NOT_REQUEST, detail, actor=actor, now=now)
        return ()
    wanted = tuple(FoundRequest(right=right, evidence="", reason=_REASON) for right in rights if right not in goes_on)
    sorted_triage = replace(
        triage,
        disposition=Disposition.REQUEST,
        subjects=(replace(triage.subjects[0], requests=wanted),),
        needs_person=False,
        reasons=(_REASON,),
    )
    received = _received(message, triage, received_on)
    if filed:
        with app.store.transaction() as tx:
            intake.file_message(_unchanged(tx, message), Disposition.UNCLEAR, status="person")
            tx.record("message_taken_up", actor=actor, at=now)
    with app.store.transaction() as tx:
        tx.record(CORRECTED, actor=actor, at=now, detail=detail)
    opened = opening.open_cases(app, message.id or 0, mail, sorted_triage, actor=actor, received=received, now=now)
    if not opened:
        raise _sorted_already(message)
    return opened


def _file(
    app: App, message: Message, disposition: Disposition, detail: dict[str, str], *, actor: str, now: datetime
) -> None:
    """End a mail that asks for nothing, or for nothing but what goes on already."""
    with app.store.transaction() as tx:
        intake.file_message(_unchanged(tx, message), disposition, status="sorted")
        tx.record(CORRECTED, actor=actor, at=now, detail=detail)
        if disposition is Disposition.NOT_REQUEST:
            tx.record("message_dismissed", actor=actor, at=now)
        tx.enqueue("unwrap", message.id or 0, due_at=now)  # without effect unless it belongs to a case


def _asked_by(tx: Transaction, message: Message) -> set[Right]:
    """Rights that go on as requests of this mail already."""
    requests = [request for case in tx.cases_of_message(message.id or 0) for request in tx.requests(case.id or 0)]
    return {Right(request.right) for request in requests if request.message_id == message.id}


def _unchanged(tx: Transaction, message: Message) -> Message:
    """*message*, kept from others until the transaction ends. Raises: UsageError if somebody was faster."""
    found = tx.message(message.id or 0, keep=True)
    if found is None or (found.status, found.case_id) != (message.status, message.case_id):
        raise _sorted_already(message)
    return found


def _sorted_already(message: Message) -> UsageError:
    return UsageError(said("Mail M-{id} is sorted already.", id=message.id))


def _received(message: Message, triage: Triage, received_on: date | None) -> datetime:
    """When the request reached the company; a person's word comes first."""
    if received_on is not None:
        return opening.received_on_day(message, received_on)
    received = opening.received_at(message, triage)
    if received is None:
        raise UsageError("Nobody knows when the colleague got this mail: say so with --received DATE.")
    return received


def _read(app: App, message: Message, *, within: Transaction | None = None) -> tuple[InboundMail, Triage]:
    """A mail and its triage; what the program cannot read is taken up with an unknown sender."""
    try:
        mail = intake.read(app, message, within=within)
    except MalformedMailError:
        return _UNREADABLE, _UNKNOWN
    return mail, intake.examine(app, mail)


def assign(app: App, case: CaseFile, *, handler: str, actor: str, now: datetime) -> None:
    """Give a case to a member of staff."""
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        case.handler = handler
        tx.add_case(case)
        tx.record("assigned", actor=actor, at=now, case_id=case.id, detail={"to": handler})


_UNREADABLE = InboundMail(
    message_id=None,
    in_reply_to=(),
    references=(),
    sender=None,
    sender_name="",
    reply_to=(),
    to=(),
    cc=(),
    subject="",
    text="",
    own_text="",
    quoted_text="",
    attachments=(),
    authentication_results=(),
    machine_signs=("unreadable",),
    is_bounce=False,
    own_message_ids=(),
    hidden_text=False,
    defects=("unreadable",),
)
_UNKNOWN = Triage(
    disposition=Disposition.UNCLEAR,
    subjects=(TriageSubject(name=None, identifiers=(), requests=()),),
    language="sv",
    requester=Requester.SELF,
    flags=(),
    sender_authentication=SenderAuthentication.NONE,
    needs_person=True,
    reasons=(),
)
