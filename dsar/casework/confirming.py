"""
A reply with a one-time code -> identity confirmed by the contact point on file, or a flag for a person.

A code counts if it comes from exactly the address that it was sent to, within its time and tries, once; one that went
to a phone or a letter box counts from the address that asked, if our mail server confirms it. Any other code changes
nothing, discloses nothing and shows on the case; what else its mail says is read like any mail.
"""

import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from dsar import deadlines, identity
from dsar.casework import identifying, opening, thread
from dsar.casework.context import PROGRAM, App, contact_of, subject_of
from dsar.casework.flags import flag
from dsar.identifiers import normalise
from dsar.lifecycle import Event, State
from dsar.model import (
    Disposition,
    Identifier,
    IdentifierType,
    IdentityLevel,
    InboundMail,
    Right,
    SenderAuthentication,
    Triage,
)
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Challenge, Request

#: Answers to one code, right or wrong.
TRIES = 3

#: Flag of a case: a code came that is wrong, too late, used already, or one try too many.
CODE_WRONG = "code_wrong"

#: Flag of a case: a code came from another address than it was sent to, or from a forged one.
CODE_FROM_ELSEWHERE = "code_from_elsewhere"

_CODE = re.compile(r"(?<![\w+-])([0-9]{4})[ \u00a0]?([0-9]{4})(?![\w-])")

_OPEN = frozenset({State.IDENTITY, State.CLARIFYING})

#: Decision of a request whose neutral closing waits for approval: the true person may still answer.
_CLOSING = "unidentified"


# -------------------------------------------------------------------------------------------------------- the code


def new_code(random_below: Callable[[int], int]) -> str:
    """Eight digits, the first of them not zero; *random_below* gives a number from 0 to below its argument."""
    return str(10_000_000 + random_below(90_000_000))


def code_in(text: str) -> str | None:
    """The first run of eight digits in *text*, which may be set as two groups of four; None if there is none."""
    found = _CODE.search(text)
    return found[1] + found[2] if found else None


def digest_of(app: App, case: CaseFile, code: str) -> str:
    """Keyed digest of a code, bound to its case: eight digits could be guessed from a plain one."""
    return app.vault.index("code", f"{case.reference}\0{code}")


def is_live(challenge: Challenge, *, now: datetime) -> bool:
    """Whether the right answer would still count."""
    return challenge.answered_at is None and challenge.tries < TRIES and challenge.expires_at > now


# ------------------------------------------------------------------------------------------------------- its reply


def settle_code(app: App, message_id: int, mail: InboundMail, triage: Triage, *, now: datetime) -> bool:
    """
    Take a mail that answers a code; True if that is all that it does.

    An automatic reply is none: it shows that the address exists, not that anybody there has read and agreed.
    """
    code = code_in(mail.own_text)
    if code is None or mail.machine_signs or code in {each.value for each in triage.subjects[0].identifiers}:
        return False
    with app.store.transaction() as tx:
        message = tx.unsorted(message_id)
        if message is None:
            return True
        case = thread.case_of(app, tx, mail) or thread.named_by_requester(app, tx, mail, triage)
        if case is None:
            return False
        digest = digest_of(app, case, code)
        challenge = _meant(tx, case, digest)
        if challenge is None:
            return False
        fault = _judge(app, tx, case, challenge, digest, mail, triage, arrived=message.received_at, now=now)
        if fault:
            _refuse(tx, case, challenge, fault, now=now)
        about_another = thread.asks(triage) and thread.concerns_another(app, case, triage)
        says_more = about_another or (fault is not None and _says_more(app, case, triage))
        if says_more:
            return False  # a right that it asks for has its clock, and a withdrawal is heard, whatever the digits were
        opening.join(app, tx, case, message, mail, triage, role="stranger" if fault else "answer", now=now)
        message.disposition = Disposition.INTERNAL
        message.status = "sorted"
        if not fault:
            opening.extend_subject(app, tx, case, mail, triage.subjects[0])
            thread.add_new_rights(app, tx, case, triage, message, now=now)
            flag(tx, case, *thread.telling(triage))
    return True


def _says_more(app: App, case: CaseFile, triage: Triage) -> bool:
    """Whether a mail says anything beside its digits that must not be lost with them."""
    person = triage.subjects[0]
    told = set(person.identifiers) - set(subject_of(app, case).identifiers)
    sender = {each for each in told if each.value == triage.asked_by}
    return bool(person.requests or person.changes or told - sender or thread.telling(triage) or triage.is_reminder)


def _meant(tx: Transaction, case: CaseFile, digest: str) -> Challenge | None:
    """The challenge that a mail with this code answers: the one with this very code, else one that is waited for."""
    known = tx.challenges(case.id or 0)
    matching = [each for each in known if hmac.compare_digest(each.digest, digest)]
    waited_for = [each for each in known[-1:] if each.answered_at is None and _waiting(tx, case)]
    return next(iter(matching or waited_for), None)


def _waiting(tx: Transaction, case: CaseFile) -> list[Request]:
    return [
        request
        for request in tx.requests(case.id or 0)
        if request.state in _OPEN or (request.state == State.REVIEW and request.decision == _CLOSING)
    ]


def _judge(
    app: App,
    tx: Transaction,
    case: CaseFile,
    challenge: Challenge,
    digest: str,
    mail: InboundMail,
    triage: Triage,
    *,
    arrived: datetime,
    now: datetime,
) -> str | None:
    """Count the try and, if all is right, let the requests go on; else the flag that says what was wrong."""
    contact = contact_of(app, case, challenge)
    counted = tx.take_try(challenge, most=TRIES, now=now)
    if not _comes_from_there(app, case, contact, mail, triage):
        return CODE_FROM_ELSEWHERE
    waiting = _waiting(tx, case)
    right = hmac.compare_digest(challenge.digest, digest)
    if not (counted and right and waiting and tx.use_up(challenge, now=now)):
        return CODE_WRONG
    tx.record("code_confirmed", actor=PROGRAM, at=now, case_id=case.id)
    _confirm(app, tx, case, waiting, challenge, arrived=arrived, now=now)
    return None


def _comes_from_there(app: App, case: CaseFile, contact: Identifier, mail: InboundMail, triage: Triage) -> bool:
    """Whether a code comes from where it was sent, or, if no mail can come from there, from who asked."""
    sender = normalise(IdentifierType.EMAIL, mail.sender or "")
    if contact.type is IdentifierType.EMAIL:
        return sender == contact and triage.sender_authentication is not SenderAuthentication.FAIL
    asked_by = subject_of(app, case).reply_address
    confirmed = triage.sender_authentication is SenderAuthentication.PASS
    return sender is not None and sender.value == asked_by and confirmed


#: Channel of a code -> the check that its answer is.
_METHODS = {
    "mail": identity.CheckMethod.CODE,
    "sms": identity.CheckMethod.SMS_CODE,
    "letter": identity.CheckMethod.LETTER_CODE,
}


def _confirm(
    app: App,
    tx: Transaction,
    case: CaseFile,
    requests: Sequence[Request],
    challenge: Challenge,
    *,
    arrived: datetime,
    now: datetime,
) -> None:
    contact = contact_of(app, case, challenge)
    check = identity.IdentityCheck(
        method=_METHODS[challenge.channel],
        checked_by=PROGRAM,
        checked_on=deadlines.received_on(now),
        contact=contact,
    )
    asked_by = subject_of(app, case).reply_address
    # The mail that brings the code of a phone or a letter box shows who reads at the address that it comes from.
    through_it = contact.type is IdentifierType.EMAIL or asked_by is None
    reached = () if through_it else (Identifier(type=IdentifierType.EMAIL, value=asked_by or ""),)
    finding = identity.assess(
        sender=None, authentication=SenderAuthentication.NONE, on_file=(contact,), checks=(check,)
    )
    finding = replace(finding, proven=(*reached, *finding.proven))
    if case.mandate and finding.level == IdentityLevel.L1:  # the person confirms who acts for them
        finding = replace(finding, level=IdentityLevel.L2)
    identifying.keep_finding(app, tx, case, finding, now=now)
    for request in requests:
        # What is found may demand more: approving looks at it again (dsar.casework.approving).
        if finding.level < identity.required_level(
            Right(request.right), identity.Risk.LOW, portability=request.portability
        ):
            continue
        if request.state == State.REVIEW:
            identifying.reconsider(tx, request, actor=PROGRAM, now=now)
        else:
            identifying.identified(app, tx, request, finding, actor=PROGRAM, arrived=arrived, now=now)


def _refuse(tx: Transaction, case: CaseFile, challenge: Challenge, fault: str, *, now: datetime) -> None:
    flag(tx, case, fault)
    tx.record(
        "code_refused", actor=PROGRAM, at=now, case_id=case.id, detail={"because": fault, "tries": str(challenge.tries)}
    )
    if challenge.tries < TRIES or challenge.answered_at is not None:
        return
    for request in tx.requests(case.id or 0):
        if request.state == State.CLARIFYING:  # that code is dead: a person looks
            tx.advance(request, Event.ANSWERED, actor=PROGRAM, at=now, detail={"because": "code_tries"})
