"""
A request that looks like an attack on somebody whom we know -> a warning to them, at their address on file.

Nobody else is told anything by it: the requester gets the same mails at the same steps (P4). A member of staff decides,
because what looks like an attack is often a person with a new address.
"""

from datetime import datetime

from dsar.casework import beside, codes, identifying, protecting
from dsar.casework.answering import Draft, Inputs, seen_inputs
from dsar.casework.context import App, subject_of, triage_of
from dsar.casework.facts import base_facts
from dsar.errors import ApprovalError, UsageError
from dsar.identifiers import is_role_mailbox
from dsar.model import Identifier, IdentifierType, IdentityLevel, LetterKind, SenderAuthentication
from dsar.store import Transaction
from dsar.store.tables import CaseFile

#: Event: the person was warned. Detail: number of the mail.
WARNED = "person_warned"


def show(app: App, case: CaseFile, to: Identifier | None, *, actor: str, now: datetime) -> Draft:
    """
    The warning as it would be sent now.

    Args: to: the person's address; None: the only one that is on file for what the request states.
    Raises: UsageError if none or several are; ApprovalError for one that is not, where there is nobody to warn, or
    where they were warned; SystemUnavailableError.
    """
    contact = _address(app, case, to, now=now)
    with app.store.transaction() as tx:
        request = tx.requests(case.id or 0)[0]
        _check(tx, case)
    return beside.show(
        app, case, request, lambda tx, case: _inputs(app, tx, case, contact, now=now), actor=actor, now=now
    )


def send(app: App, case: CaseFile, to: Identifier | None, *, actor: str, now: datetime) -> None:
    """Send the warning that was shown, once for each case. Raises: as show()."""
    contact = _address(app, case, to, now=now)
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        _check(tx, case)
        inputs = _inputs(app, tx, case, contact, now=now)
        _, outgoing = beside.send(app, tx, case, inputs, command="dsar warn", actor=actor, now=now)
        tx.record(WARNED, actor=actor, at=now, case_id=case.id, detail={"mail": str(outgoing.id)})


def _check(tx: Transaction, case: CaseFile) -> None:
    if IdentityLevel(case.identity_level) > IdentityLevel.L0:
        raise ApprovalError(case.reference, "whoever asks was identified, so there is nobody else to warn")
    if protecting.channel_of(case) == protecting.POST:
        raise ApprovalError(case.reference, "nothing about this person is mailed: tell them by telephone or by post")
    if any(event.name == WARNED for event in tx.events(case.id or 0)):
        raise ApprovalError(case.reference, "the person was warned already")


def _address(app: App, case: CaseFile, to: Identifier | None, *, now: datetime) -> Identifier:
    """The address to warn: on file for what the request states, and not that of who sent it."""
    subject = subject_of(app, case)
    sender = Identifier(type=IdentifierType.EMAIL, value=subject.reply_address or "")
    stated = [each for each in (sender, *subject.identifiers) if each.type in identifying.LEADING and each.value]
    records = identifying.look_up(app, case, dict.fromkeys(stated), now=now) if stated else ()
    held = [
        each
        for each in identifying.all_on_file(app, records, IdentifierType.EMAIL, now=now)
        if codes.is_deliverable(each.value) and not is_role_mailbox(each)
    ]
    if _is_confirmed(app, case):
        held = [each for each in held if each != sender]
    if to is not None:
        if to not in held:
            raise ApprovalError(case.reference, "that address is not on file for whom the request is about")
        return to
    if len(held) != 1:
        raise UsageError(
            f"{len(held) or 'No'} address{'es' if len(held) > 1 else ''} of whom {case.reference} is about "
            f"{'are' if len(held) > 1 else 'is'} on file; --to says which."
        )
    return held[0]


def _is_confirmed(app: App, case: CaseFile) -> bool:
    """Whether our mail server confirms who asks: a forged sender is the very person to warn."""
    with app.store.transaction(read_only=True) as tx:
        link, message = tx.case_messages(case.id or 0)[0]
    triage = triage_of(app, case, message.id or 0, link.sealed_triage)
    return triage.sender_authentication is SenderAuthentication.PASS


def _inputs(app: App, tx: Transaction, case: CaseFile, contact: Identifier, *, now: datetime) -> Inputs:
    first = tx.requests(case.id or 0)[0]
    facts = base_facts(app, case, received_at=first.received_at, rights=(), now=now)
    kind = LetterKind.IDENTITY_WARNING
    return seen_inputs(app, case, kind, facts, purpose="warn", recipient=contact.value)
