"""
A sender who cannot be told with certainty -> a letter that says how to confirm, and a code to the address on file.

Two mails go out without approval (P3(b)). The sender gets the same letter at the same step whether we hold anything or
not. The one-time code goes to a contact point on file, never to a claimed one (P4), and comes back as dsar.confirming
describes. The code stands in the sealed mail only; the database keeps its keyed digest.
"""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from dsar import clock, deadlines, dispatch, identity, letters
from dsar.casework import clocking, confirming, identifying, intake, reminding, unasked
from dsar.casework.context import PROGRAM, App, seal_contact, subject_of, triage_of
from dsar.casework.facts import base_facts
from dsar.casework.planning import FOR_ANOTHER, wanted_changes
from dsar.casework.sending import queue_letter
from dsar.casework.thread import WITHDRAWN, add_flags
from dsar.errors import MalformedMailError, UndeliverableAddressError
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
from dsar.store.tables import CaseFile, Challenge, Message, Request

#: How long a code is valid.
VALID = timedelta(hours=24)

#: Flag of a case whose code could go to no single personal address on file: a person decides how to check.
NO_SINGLE_CONTACT = "no_single_contact"

#: Flag of a case whose sender's address could be taken for the one on file; what the sender gets stays the same (P4).
NEAR_ADDRESS_ON_FILE = "near_address_on_file"

#: A requester is asked so often in one case; after that a person goes on.
_MOST_ROUNDS = 2

#: More codes in a day, for whichever cases, would pester whoever has the address.
_MOST_CODES_PER_DAY = 3

#: In the detail of the event that tells of a question: the day by which an answer was asked for, and the doubt.
REPLY_BY, DOUBT = "reply_by", "doubt"

#: Days that the letter gives for an answer, if the answer to the request is not due before.
_REPLY_DAYS = 14

#: What points at one person; a name, a phone or an order never makes the program write to anybody.
_LEADING = frozenset({IdentifierType.EMAIL, IdentifierType.CUSTOMER_NO})


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
        contacts = _contacts(app, tx, case, records, now=now)
        if any(resembles(mail.sender or "", contact.value) for contact in contacts):
            add_flags(tx, case, (NEAR_ADDRESS_ON_FILE,))
        if not _is_asked(tx, case):
            _ask(app, tx, case, requests, mail, triage, contacts, now=now)
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
    from_new_address = identifying.comes_from_new_address(app, tx, case)
    return [
        request
        for request in tx.requests(case.id or 0)
        if request.state == State.IDENTITY
        and identity.required_level(Right(request.right), identity.Risk.LOW, request.portability) == IdentityLevel.L1
        and (
            IdentityLevel(case.identity_level) < IdentityLevel.L1
            or (request.right == Right.UPDATE and from_new_address)
        )
    ]


def _is_asked(tx: Transaction, case: CaseFile) -> bool:
    """Whether a question is open already: a right that came later waits for the same answer."""
    return any(request.state == State.CLARIFYING for request in tx.requests(case.id or 0))


def _may_ask(app: App, tx: Transaction, case: CaseFile, mail: InboundMail, triage: Triage, *, now: datetime) -> bool:
    if not app.settings.automatic_identity_check or case.requester != Requester.SELF:
        return False
    flagged = replace(triage, flags=tuple(case.flags))  # staff and later mails may have added some
    if unasked.why_not(app, tx, mail, flagged, case=case, now=now) or not _is_deliverable(mail.sender or ""):
        return False
    rounds = sum(event.name == clocking.IDENTITY_ASKED for event in tx.events(case.id or 0))
    asked_lately = unasked.wrote_lately(app, tx, mail, LetterKind.IDENTITY_CHECK, but=case, now=now)
    return rounds < _MOST_ROUNDS and not asked_lately


def _readable(app: App, message: Message) -> InboundMail | None:
    try:
        return intake.read(app, message)
    except MalformedMailError:
        return None


def _is_deliverable(address: str) -> bool:
    try:
        dispatch.deliverable_address(address)
    except UndeliverableAddressError:
        return False
    return True


# --------------------------------------------------------------------------------------------------- contact on file


def _claimed(app: App, tx: Transaction, case: CaseFile) -> tuple[Identifier, ...]:
    """What the requester stated that leads to one person; an address that is only to be entered leads nowhere."""
    subject = subject_of(app, case)
    sender = Identifier(type=IdentifierType.EMAIL, value=subject.reply_address or "")
    stated = (sender, *(each for each in subject.identifiers if each.type in _LEADING))
    return tuple(dict.fromkeys(each for each in stated if each.value not in _wanted_addresses(app, tx, case)))


def _wanted_addresses(app: App, tx: Transaction, case: CaseFile) -> set[str]:
    changes = wanted_changes(app, tx, case)
    return {change.new.casefold() for change in changes if change.field == "email" and change.new}


def _contacts(
    app: App, tx: Transaction, case: CaseFile, records: Sequence[Record], *, now: datetime
) -> tuple[Identifier, ...]:
    """E-mail addresses on file in *records*, but for one that the requester only wants to have entered."""
    wanted = _wanted_addresses(app, tx, case)
    held = identifying.contacts_on_file(app, records, IdentifierType.EMAIL, now=now).values()
    return tuple(sorted({each for found in held for each in found if each.value not in wanted}))


# ------------------------------------------------------------------------------------------------------ the two mails


def _ask(
    app: App,
    tx: Transaction,
    case: CaseFile,
    requests: Sequence[Request],
    mail: InboundMail,
    triage: Triage,
    contacts: Sequence[Identifier],
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
    sent = bool(contacts) and _send_code(app, tx, case, requests[0], contacts, now=now)
    if contacts and not sent:
        add_flags(tx, case, (NO_SINGLE_CONTACT,))
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


def _send_code(
    app: App, tx: Transaction, case: CaseFile, request: Request, contacts: Sequence[Identifier], *, now: datetime
) -> bool:
    """Send a code to the one address on file; False if a person must decide where it goes."""
    known = tx.challenges(case.id or 0)
    if any(confirming.is_live(each, now=now) for each in known):
        return True  # one at a time: that code still counts
    contact = contacts[0]
    index = app.vault.index_identifier(contact)
    if len(contacts) > 1 or identity.is_role_mailbox(contact) or not _is_deliverable(contact.value):
        return False
    if tx.challenges_since(index, now - timedelta(days=1)) >= _MOST_CODES_PER_DAY:
        return False
    code = confirming.new_code(secrets.randbelow)
    digest = confirming.digest_of(app, case, code)
    expires_at = now + VALID
    tx.add_challenge(
        Challenge(
            case_id=case.id or 0,
            digest=digest,
            contact_index=index,
            sealed_contact=seal_contact(app, case, digest, contact),
            created_at=now,
            expires_at=expires_at,
        )
    )
    letter = _letter(app, case, request, now=now, reply_by_on=deadlines.received_on(expires_at), code=code)
    queue_letter(
        app,
        tx,
        case,
        letter,
        recipient=contact.value,
        auto_submitted="auto-replied",
        letter_id=None,
        threaded=False,
        now=now,
    )
    return True


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
        kind, case.language, replace(base, reply_by_on=reply_by_on, **facts), templates=app.settings.templates_folder
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
        if not waiting or asked is None or mail is None or reminding.was_reminded(tx, case, asked):
            return
        flagged = replace(triage, flags=tuple(case.flags))
        if unasked.why_not(app, tx, mail, flagged, case=case, now=now) or not _is_deliverable(mail.sender or ""):
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
            _send_code(app, tx, case, waiting[0], _contacts(app, tx, case, records, now=now), now=now)
        tx.record(reminding.REMINDED, actor=PROGRAM, at=now, case_id=case.id, detail={"question": str(asked.id)})
