"""
A sender who cannot be told with certainty -> a letter that says how to confirm, and a code to the address on file.

Two mails go out without approval (P3(b)). The sender gets the same letter at the same step whether we hold anything or
not. The one-time code goes to a contact point on file, never to a claimed one (P4), and comes back as dsar.confirming
describes. The code stands in the sealed mail only; the database keeps its keyed digest.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from dsar import clock, deadlines, identity, letters
from dsar.casework import clocking, codes, identifying, intake, protecting, reminding, unasked
from dsar.casework.context import PROGRAM, App, subject_of, triage_of
from dsar.casework.facts import base_facts
from dsar.casework.flags import flag
from dsar.casework.planning import FOR_ANOTHER, wanted_changes
from dsar.casework.sending import queue_letter
from dsar.casework.suspecting import BURST, KNOWN_PERSON_NEW_ADDRESS, NEAR_ADDRESS_ON_FILE, NO_SINGLE_CONTACT
from dsar.casework.thread import WITHDRAWN
from dsar.errors import MalformedMailError
from dsar.identifiers import normalise
from dsar.lifecycle import Event, State
from dsar.model import (
    Identifier,
    IdentifierType,
    IdentityLevel,
    InboundMail,
    Letter,
    LetterKind,
    Record,
    Requester,
    Right,
    SenderAuthentication,
    Triage,
)
from dsar.resemblance import resembles
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Message, Request

#: A requester is asked so often in one case; after that a person goes on.
_MOST_ROUNDS = 2

#: In the detail of the event that tells of a question: the day by which an answer was asked for, and the doubt.
REPLY_BY, DOUBT = "reply_by", "doubt"

#: Days that the letter gives for an answer, if the answer to the request is not due before.
_REPLY_DAYS = 14


def challenge(app: App, case_id: int, *, now: datetime) -> None:
    """
    Step: ask the sender to confirm the requests for which a code would be enough; the rest waits for a person.

    Letter, code, state and due steps are one transaction: repeating the step after a crash sends nothing twice.
    Raises: SystemUnavailableError: a system did not answer, try again later.
    """
    with app.store.transaction() as tx:
        case = tx.case_by_id(case_id)
        link, message = tx.case_messages(case_id)[0]
    mail, triage = _readable(app, message), triage_of(app, case, message.id or 0, link.sealed_triage)
    with app.store.transaction() as tx:
        if mail is None or not _could_confirm(app, tx, case) or not _may_ask(app, tx, case, mail, triage, now=now):
            return
        claimed = _claimed(app, tx, case)
    records = identifying.look_up(app, case, claimed, now=now) if claimed else ()
    with app.store.transaction() as tx:
        case = tx.case_by_id(case_id)
        requests = _could_confirm(app, tx, case)
        if not requests:
            return
        emails = _on_file(app, tx, case, records, IdentifierType.EMAIL, now=now)
        phones = _on_file(app, tx, case, records, IdentifierType.PHONE, now=now)
        if any(resembles(mail.sender or "", contact.value) for contact in emails):
            flag(tx, case, NEAR_ADDRESS_ON_FILE)
        known = {each.value for each in emails}
        if records and mail.sender not in known:
            flag(tx, case, KNOWN_PERSON_NEW_ADDRESS)
        if not _is_asked(tx, case):
            marked = protecting.heed_marks(tx, case, records, now=now)
            contact = None if marked else codes.choose(app, emails, phones)  # no e-mail by default; a person goes on
            if records and contact is None:
                flag(tx, case, NO_SINGLE_CONTACT)
            _ask(app, tx, case, requests, mail, triage, contact, now=now)
        for request in requests:
            tx.advance(request, Event.ASKED, actor=PROGRAM, at=now)


# ------------------------------------------------------------------------------------------------------ who is asked


def _could_confirm(app: App, tx: Transaction, case: CaseFile) -> list[Request]:
    """
    Requests in doubt for which level L1 would do.

    Judged as if nothing were held (lowest risk), so that who is asked tells nothing about what we hold.
    """
    if WITHDRAWN in case.flags:
        return []  # taken back: a person decides
    return [
        request
        for request in tx.requests(case.id or 0)
        if request.state == State.IDENTITY
        and identity.required_level(Right(request.right), identity.Risk.LOW, portability=request.portability)
        == IdentityLevel.L1
        and (
            IdentityLevel(case.identity_level) < IdentityLevel.L1
            or (request.right == Right.UPDATE and identifying.comes_from_new_address(app, tx, case))
        )
    ]


def _is_asked(tx: Transaction, case: CaseFile) -> bool:
    """Whether a question is open already: a right that came later waits for the same answer."""
    return any(request.state == State.CLARIFYING for request in tx.requests(case.id or 0))


def _may_ask(app: App, tx: Transaction, case: CaseFile, mail: InboundMail, triage: Triage, *, now: datetime) -> bool:
    if not app.settings.automatic_identity_check or case.requester != Requester.SELF:
        return False
    flagged = replace(triage, flags=tuple(case.flags))  # staff and later mails may have added some
    if unasked.why_not(app, tx, mail, flagged, case=case, now=now) or not codes.is_deliverable(mail.sender or ""):
        return False
    rounds = sum(event.name == clocking.IDENTITY_ASKED for event in tx.events(case.id or 0))
    asked_lately = unasked.wrote_lately(app, tx, mail, LetterKind.IDENTITY_CHECK, but=case, now=now)
    return rounds < _MOST_ROUNDS and not asked_lately


def _readable(app: App, message: Message) -> InboundMail | None:
    try:
        return intake.read(app, message)
    except MalformedMailError:
        return None


# --------------------------------------------------------------------------------------------------- contact on file


def _claimed(app: App, tx: Transaction, case: CaseFile) -> tuple[Identifier, ...]:
    """What the requester stated that leads to one person; an address that is only to be entered leads nowhere."""
    subject = subject_of(app, case)
    sender = Identifier(type=IdentifierType.EMAIL, value=subject.reply_address or "")
    stated = (sender, *(each for each in subject.identifiers if each.type in identifying.LEADING))
    wanted = _wanted_contacts(app, tx, case)
    return tuple(dict.fromkeys(each for each in stated if each.value not in wanted))


def _wanted_contacts(app: App, tx: Transaction, case: CaseFile) -> set[str]:
    kinds = {"email": IdentifierType.EMAIL, "phone": IdentifierType.PHONE}
    wanted = (
        normalise(kinds[change.field], change.new)
        for change in wanted_changes(app, tx, case)
        if change.field in kinds and change.new
    )
    return {each.value for each in wanted if each is not None}


def _on_file(
    app: App, tx: Transaction, case: CaseFile, records: Sequence[Record], kind: IdentifierType, *, now: datetime
) -> tuple[Identifier, ...]:
    """Contact points on file in *records*, but for one that the requester only wants to have entered."""
    wanted = _wanted_contacts(app, tx, case)
    held = identifying.all_on_file(app, records, kind, now=now)
    return tuple(each for each in held if each.value not in wanted)


# ------------------------------------------------------------------------------------------------------ the two mails


def _ask(
    app: App,
    tx: Transaction,
    case: CaseFile,
    requests: Sequence[Request],
    mail: InboundMail,
    triage: Triage,
    contact: Identifier | None,
    *,
    now: datetime,
) -> None:
    doubt = _doubt(app, tx, case, triage)
    reply_by_on = _reply_by(requests, now)
    today = deadlines.received_on(now)
    letter = _letter(
        app,
        case,
        requests[0],
        now=now,
        reply_by_on=reply_by_on,
        doubt=doubt,
        clock_paused=any(
            clock.can_pause(Right(each.right), deadlines.received_on(each.received_at), today) for each in requests
        ),
    )
    row = queue_letter(
        app, tx, case, letter, recipient=mail.sender or "", auto_submitted="auto-replied", letter_id=None, now=now
    )
    sent = contact is not None and codes.send(app, tx, case, requests[0], contact, now=now)
    if contact is not None and not sent:
        flag(tx, case, BURST)
    # Art. 12(6): only "reasonable doubts concerning the identity of the natural person making the request", which are
    # written down before anything is asked; without them the clock would not stop.
    detail = {"codes": str(int(sent)), REPLY_BY: reply_by_on.isoformat(), DOUBT: doubt}
    detail |= {clocking.MAIL: str(row.id), "grounded": "True"}
    tx.record(clocking.IDENTITY_ASKED, actor=PROGRAM, at=now, case_id=case.id, detail=detail)
    reminding.plan(tx, case, requests, reply_by_on=reply_by_on, now=now)


def _doubt(app: App, tx: Transaction, case: CaseFile, triage: Triage) -> str:
    """
    Why it is doubtful that this sender is the person; a code of letters.DOUBTS.

    It follows from the mail alone, so that it tells nothing about what we hold (P4).
    """
    if identifying.comes_from_new_address(app, tx, case):
        return "new_address"
    return "unknown" if triage.sender_authentication is SenderAuthentication.PASS else "unconfirmed"


def _letter(
    app: App,
    case: CaseFile,
    request: Request,
    *,
    now: datetime,
    reply_by_on: date,
    kind: LetterKind = LetterKind.IDENTITY_CHECK,
    **facts: Any,  # noqa: ANN401  # further fields of LetterFacts
) -> Letter:
    base = base_facts(app, case, received_at=request.received_at, rights=(), now=now)
    return letters.compose(
        kind,
        case.language,
        replace(base, reply_by_on=reply_by_on, **facts),
        templates=app.settings.templates_folder,
        look=app.settings.look,
    )


def _reply_by(requests: Sequence[Request], now: datetime) -> date:
    """Art. 12(6) leaves the month running: an answer helps until ours is due; a late one is waited for anyway."""
    today = deadlines.received_on(now)
    enough = today + timedelta(days=_REPLY_DAYS)
    send_by_on = min(request.send_by_on for request in requests)
    return min(enough, send_by_on) if send_by_on > today else enough


def remind(app: App, case_id: int, *, now: datetime) -> None:
    """
    Step: remind a requester who has not answered for a week, and send a fresh code where one could be sent before.

    Once for each question; the clock is not touched: it follows from the first letter.
    """
    with app.store.transaction() as tx:
        case = tx.case_by_id(case_id)
        link, message = tx.case_messages(case_id)[0]
    mail, triage = _readable(app, message), triage_of(app, case, message.id or 0, link.sealed_triage)
    with app.store.transaction() as tx:
        claimed = _claimed(app, tx, case)
    records = identifying.look_up(app, case, claimed, now=now) if claimed else ()
    with app.store.transaction() as tx:
        case = tx.case_by_id(case_id)
        waiting = [request for request in tx.requests(case_id) if request.state == State.CLARIFYING]
        asked = reminding.open_question(tx, case)
        wanted = app.settings.automatic_identity_check and mail is not None
        if not waiting or asked is None or not wanted or mail is None or reminding.was_reminded(tx, case, asked):
            return
        flagged = replace(triage, flags=tuple(case.flags))
        if unasked.why_not(app, tx, mail, flagged, case=case, now=now) or not codes.is_deliverable(mail.sender or ""):
            return
        reply_by_on = date.fromisoformat(asked.detail[REPLY_BY])
        letter = _letter(
            app,
            case,
            waiting[0],
            now=now,
            reply_by_on=reply_by_on,
            kind=LetterKind.IDENTITY_REMINDER,
            requester=Requester(case.requester) if case.requester in FOR_ANOTHER else None,
        )
        queue_letter(
            app, tx, case, letter, recipient=mail.sender or "", auto_submitted="auto-replied", letter_id=None, now=now
        )
        if asked.detail.get("codes") == "1":
            emails = _on_file(app, tx, case, records, IdentifierType.EMAIL, now=now)
            phones = _on_file(app, tx, case, records, IdentifierType.PHONE, now=now)
            contact = codes.choose(app, emails, phones)
            if contact is not None:
                codes.send(app, tx, case, waiting[0], contact, now=now)
        tx.record(reminding.REMINDED, actor=PROGRAM, at=now, case_id=case.id, detail={"question": str(asked.id)})
