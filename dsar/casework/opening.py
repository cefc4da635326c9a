"""
A mail that asks for something -> cases, one per person, with one request per right.

The clock of every request starts at the mail's arrival at the mail server (Art. 12(3) GDPR: "within one month of
receipt"), or when a colleague got what was forwarded.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dsar import deadlines
from dsar.casework import clocking, suspecting
from dsar.casework.context import (
    PROGRAM,
    App,
    CaseSubject,
    case_key,
    is_mailbox_key,
    mail_key,
    seal_subject,
    seal_triage,
    subject_of,
)
from dsar.casework.sending import acknowledge
from dsar.errors import UsageError
from dsar.lifecycle import Event, State
from dsar.model import (
    RIGHTS_IN_ORDER,
    Disposition,
    FoundRequest,
    Identifier,
    InboundMail,
    Requester,
    Triage,
    TriageSubject,
)
from dsar.names import can_be_same_person
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Message, Request

#: Of the tag by which an answer is known: more than anybody can guess.
_TAG_BYTES = 8

#: A forwarded mail that is older than this has a date that nobody should believe without asking.
_OLDEST_FORWARD = timedelta(days=366)


def received_at(message: Message, triage: Triage) -> datetime | None:
    """
    When a request reached the company: our mail server's time, or, of what a colleague forwarded, when the colleague
    got it, never later than our own; None: that cannot be read, and a person must say.

    Art. 12(3) counts from receipt by the controller, whoever of its staff it was (EDPB 01/2022 s. 3.1.2, 5.3).
    """
    if triage.requester is not Requester.COLLEAGUE_FORWARD:
        return message.received_at
    first = triage.first_received_at
    if first is None or abs(message.received_at - first) > _OLDEST_FORWARD:
        return None
    return min(first.astimezone(UTC), message.received_at)


def received_on_day(message: Message, day: date) -> datetime:
    """
    *day* as a time of receipt, at noon, never later than our mail server's. Raises: UsageError if the day is later.
    """
    if day > deadlines.received_on(message.received_at):
        raise UsageError("Our own mail server had it before that day.")
    noon = datetime.combine(day, time(12), ZoneInfo("Europe/Stockholm")).astimezone(UTC)
    return min(noon, message.received_at)


def open_cases(
    app: App,
    message_id: int,
    mail: InboundMail,
    triage: Triage,
    *,
    actor: str,
    received: datetime | None = None,
    now: datetime,
) -> tuple[str, ...]:
    """
    Open a case for every person that the mail is about.

    Args: actor: who sorted the mail: the program, or the member of staff whose sorting leaves no doubt; received: when
    it reached the company, if a person said so.
    Returns: references of the cases; none if another process was first.
    """
    with app.store.transaction() as tx:
        message = tx.message(message_id, keep=True)
        if message is None or message.status == "sorted" or (actor == PROGRAM and message.status != "new"):
            return ()
        with app.vault.one_commit():  # within: whoever has the mail may need the keys, too
            return open_within(app, tx, message, mail, triage, actor=actor, received=received, now=now)


def open_within(
    app: App,
    tx: Transaction,
    message: Message,
    mail: InboundMail,
    triage: Triage,
    *,
    actor: str,
    received: datetime | None = None,
    now: datetime,
) -> tuple[str, ...]:
    """As open_cases, in the caller's transaction, of a message that is not sorted."""
    references = []
    begun = received or received_at(message, triage) or message.received_at
    for subject in (subject for subject in triage.subjects if subject.requests):
        case = _open_case(app, tx, message, mail, triage, subject, now=now)
        for found in in_order(subject.requests):
            doubt = is_in_doubt(triage, found)
            add_request(app, tx, case, found, message, received=begun, doubt=doubt, actor=actor, now=now)
        if not all(is_in_doubt(triage, found) for found in subject.requests):
            tx.enqueue("identify", _id(case), due_at=now)
        if not triage.needs_person:
            acknowledge(app, tx, case, mail, triage, now=now)
        references.append(case.reference)
    message.disposition = Disposition.REQUEST
    begun_for_all = [found for subject in triage.subjects for found in subject.requests]
    message.status = "person" if must_be_read(triage, begun_for_all) else "sorted"
    return tuple(references)


def is_in_doubt(triage: Triage, found: FoundRequest) -> bool:
    """Whether a person must sort the mail before *found* goes on."""
    return triage.needs_person and not found.beyond_doubt


def must_be_read(triage: Triage, begun: Sequence[FoundRequest]) -> bool:
    """Whether a person must read the mail for more, although all that it has *begun* goes on without one."""
    return triage.needs_person and bool(begun) and not any(is_in_doubt(triage, each) for each in begun)


def _open_case(
    app: App,
    tx: Transaction,
    message: Message,
    mail: InboundMail,
    triage: Triage,
    person: TriageSubject,
    *,
    now: datetime,
) -> CaseFile:
    case = CaseFile(
        reference=tx.next_reference(deadlines.received_on(message.received_at).year),
        opened_at=now,
        language=triage.language,
        requester=_role(mail, triage, person),
        flags=list(triage.flags),
        handler=app.settings.default_handler,
    )
    app.vault.create_key(case_key(case))
    subject = CaseSubject(
        name=person.name,
        identifiers=person.identifiers,
        reply_address=triage.asked_by,
        tag=secrets.token_hex(_TAG_BYTES),
        thread=(mail.message_id,) if mail.message_id else (),
    )
    case.sealed_subject = seal_subject(app, case, subject)
    tx.add_case(case)
    tx.record("case_opened", actor="dsar", at=now, case_id=case.id, detail={"language": case.language})
    join(app, tx, case, message, mail, replace(triage, subjects=(person,)), role="request", now=now)
    suspecting.look_for_shadows(app, tx, case, person)
    return case


def _role(mail: InboundMail, triage: Triage, person: TriageSubject) -> Requester:
    """In which role the sender writes about *person*: beside, or under, another name they write for somebody else."""
    if triage.requester is not Requester.SELF:
        return triage.requester
    beside = len(triage.subjects) > 1 and all(each.value != triage.asked_by for each in person.identifiers)
    renamed = bool(person.name and mail.sender_name) and not can_be_same_person(person.name or "", mail.sender_name)
    return Requester.AGENT if beside or renamed else Requester.SELF


def join(
    app: App,
    tx: Transaction,
    case: CaseFile,
    message: Message,
    mail: InboundMail,
    triage: Triage,
    *,
    role: str,
    now: datetime,
) -> None:
    """Make a mail part of a case: its key, its triage, and the blind indexes by which later mails find the case."""
    app.vault.share_key(mail_key(message.sha256), wrapped_by=case_key(case))
    message_id = message.id or 0
    tx.enqueue("unwrap", message_id, due_at=now)
    tx.join_case(_id(case), message_id, role=role, sealed_triage=seal_triage(app, case, message_id, triage))
    digests = [copy] if (copy := copy_index(app, mail)) else []
    digests += [app.vault.index("message_id", mail.message_id)] if mail.message_id else []
    if role not in {"stranger", "recipient"}:  # what a stranger states is not the case's
        digests += [app.vault.index_identifier(identifier) for identifier in triage.subjects[0].identifiers]
        digests += [app.vault.index("sender", triage.asked_by)] if triage.asked_by else []
        digests += [app.vault.index("tag", subject_of(app, case).tag)]
    tx.index_case(_id(case), digests, message_id=message_id)


def unwrap(app: App, message_id: int) -> None:
    """
    Step: end the mailbox's access to a mail that belongs to cases; it may be repeated.

    From then on the mail is as readable as its cases are: purging the last of them makes it unreadable (P9). A mail
    that still waits for a person keeps that way in.
    """
    with app.store.transaction() as tx:
        message = tx.message(message_id)
        if message is None or message.status != "sorted" or not tx.cases_of_message(message_id):
            return
    key = mail_key(message.sha256)
    for wrapping in app.vault.wrapped_by(key):
        if is_mailbox_key(wrapping):
            app.vault.withdraw_key(key, wrapped_by=wrapping)


def copy_index(app: App, mail: InboundMail) -> str | None:
    """
    Blind index of what a mail says, by whichever way it came; None without a Message-ID and a sender.

    A relay may encode the mail anew, break its lines elsewhere and put a notice below it. Another sender, other words
    of the sender's own, or other files under the same Message-ID, which anybody can write, are another mail.
    """
    if mail.message_id is None or mail.sender is None:
        return None
    said = (" ".join(text.split()) for text in (mail.subject, mail.own_text, mail.signature))
    files = (hashlib.sha256(each.content).hexdigest() for each in mail.attachments)
    return app.vault.index("copy", "\0".join((mail.message_id, mail.sender, *said, *files)))


def extend_subject(app: App, tx: Transaction, case: CaseFile, mail: InboundMail, person: TriageSubject) -> bool:
    """Add what a later mail of the thread tells about the person; True if it names new identifiers."""
    subject = subject_of(app, case)
    case.sealed_subject = seal_subject(
        app,
        case,
        replace(
            subject,
            name=subject.name or person.name,
            identifiers=_merged(subject.identifiers, person.identifiers),
            thread=(*subject.thread, mail.message_id) if mail.message_id else subject.thread,
        ),
    )
    tx.add_case(case)
    return not set(person.identifiers) <= set(subject.identifiers)


def add_request(
    app: App,
    tx: Transaction,
    case: CaseFile,
    found: FoundRequest,
    message: Message,
    *,
    received: datetime,
    doubt: bool,
    actor: str,
    now: datetime,
) -> Request:
    """
    Start the clock of one right at *received*.

    Args: message: the mail that asks for it, by whose sender it is judged; doubt: puts it before a person instead of
    going on.
    """
    request = tx.add_request(
        Request(
            case_id=_id(case),
            right=found.right,
            portability=found.portability,
            message_id=message.id,
            state=State.RECEIVED,
            **clocking.begin(app, found.right, received),
        )
    )
    tx.advance(request, Event.DOUBTED if doubt else Event.SORTED, actor=actor, at=now)
    clocking.watch(tx, request)
    return request


def in_order(requests: Sequence[FoundRequest]) -> list[FoundRequest]:
    """One request per right, in the order in which they are dealt with."""
    by_right = {found.right: found for found in reversed(requests)}
    return [by_right[right] for right in RIGHTS_IN_ORDER if right in by_right]


def _merged(known: tuple[Identifier, ...], more: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
    return tuple(dict.fromkeys((*known, *more)))


def _id(case: CaseFile) -> int:
    return case.id or 0
