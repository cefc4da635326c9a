"""Who asks: the program's finding from the mail itself, or a person's recorded check."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dsar import deadlines, identity, search
from dsar.casework import clocking
from dsar.casework.context import PROGRAM, App, audit_index, seal_subject, subject_of, triage_of
from dsar.casework.flags import flag
from dsar.casework.planning import FOR_ANOTHER, wanted_changes
from dsar.casework.protecting import PROTECTED
from dsar.casework.sending import void_letter
from dsar.casework.thread import WITHDRAWN
from dsar.errors import IdentityNotVerifiedError, SystemUnavailableError
from dsar.lifecycle import Event, State
from dsar.mentions import find_identifiers
from dsar.model import (
    Identifier,
    IdentifierType,
    IdentityFinding,
    IdentityLevel,
    Record,
    Requester,
    Right,
    SearchResult,
    SenderAuthentication,
    Strength,
    SystemOutcome,
    Triage,
)
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request

#: What points at one person; a name, a phone or an order never makes the program write to anybody.
LEADING = frozenset({IdentifierType.EMAIL, IdentifierType.CUSTOMER_NO})

#: Flag of a case whose sender's address is known, but was changed lately or nobody knows when: a person decides.
FRESH_CONTACT = "fresh_contact"

#: Flag of a case whose sender's address one system has on file and another contradicts: a person decides.
SYSTEMS_DISAGREE = "systems_disagree"


def identify(app: App, case_id: int, *, now: datetime) -> None:
    """
    Step: compare the sender with the contact points on file and let every request go on whose risk allows it.

    The look-up asks the systems for the sender's address only and shows nothing to anybody; it is audited.
    What does not pass is asked to be confirmed (step "challenge"), or waits for a person (`dsar verify`).
    Raises: SystemUnavailableError: a system did not answer, try again later.
    """
    with app.store.transaction() as tx:
        case = tx.case_by_id(case_id)
        asking = _waiting(tx, case)
        asked_in = {each.id: _asked_in(app, tx, case, each) for each in asking}
        changes = any(each.right == Right.UPDATE for each in asking)
        moving = changes and comes_from_new_address(app, tx, case)
    on_file = {triage.asked_by: _look_at_sender(app, case, triage, now=now) for triage in asked_in.values()}
    with app.store.transaction() as tx:
        case = tx.case_by_id(case_id)
        waiting = [request for request in _waiting(tx, case) if request.id in asked_in]
        for request in waiting:
            right, triage = Right(request.right), asked_in[request.id]
            if right is Right.UPDATE and moving:
                continue
            sender = on_file[triage.asked_by]
            flag(tx, case, *sender.flags)
            finding = identity.assess(
                sender=triage.asked_by, authentication=triage.sender_authentication, on_file=sender.on_file
            )
            keep_finding(app, tx, case, finding, now=now)
            request.needed_level = identity.required_level(
                right, risk_of(case, sender.records), portability=request.portability
            )
            if finding.level >= IdentityLevel(request.needed_level):
                identified(app, tx, request, finding, actor=PROGRAM, now=now)
        compare_later(app, tx, case, now=now)
        if any(request.state == State.IDENTITY for request in waiting):
            tx.enqueue("challenge", case_id, due_at=now)


def _waiting(tx: Transaction, case: CaseFile) -> list[Request]:
    """
    Requests for which the program itself may look who asks; none after the requester has taken them back.

    Whoever writes for somebody else proves nothing about them by their own address, so a person looks; but a marketing
    stop needs no proof (Art. 21(3)).
    """
    if WITHDRAWN in case.flags:
        return []
    return [
        request
        for request in tx.requests(case.id or 0)
        if request.state == State.IDENTITY and (case.requester == Requester.SELF or request.right == Right.OBJECT)
    ]


def risk_of(case: CaseFile, records: Sequence[Record]) -> identity.Risk:
    """What a mistake would cost the person of *case*, by what was found and what they have told us."""
    return identity.risk_of(records, protected=PROTECTED in case.flags)


#: Changing one of these takes over how the person is reached or paid.
_CONTACT_FIELDS = frozenset({"email", "phone", "address", "bank"})

#: Field -> what its change costs at least, if it was somebody else who asked: money goes and does not come back.
_RISK_OF_CHANGE = {"bank": identity.Risk.MEDIUM}


def level_needed(
    app: App, tx: Transaction, case: CaseFile, request: Request, records: Sequence[Record]
) -> IdentityLevel:
    """Level that this request demands, by what was found and what is to change; the table is in dsar.identity."""
    right = Right(request.right)
    changed: Collection[str] = ()
    if right is Right.UPDATE:  # one that only a person can read may be any: the dearest counts
        changed = {change.field for change in wanted_changes(app, tx, case)} or _CONTACT_FIELDS
    return identity.required_level(
        right,
        max([risk_of(case, records), *(_RISK_OF_CHANGE.get(field, identity.Risk.LOW) for field in changed)]),
        portability=request.portability,
        contact_change=not _CONTACT_FIELDS.isdisjoint(changed),
        answer_elsewhere=goes_elsewhere(app, case, records),
        represented=case.requester in FOR_ANOTHER,
    )


def check_identity(app: App, tx: Transaction, case: CaseFile, request: Request, records: Sequence[Record]) -> None:
    """Raises: IdentityNotVerifiedError if less is known of who asks than what was found demands (P4)."""
    needed = level_needed(app, tx, case, request, records)
    if IdentityLevel(case.identity_level) < needed:
        raise IdentityNotVerifiedError(case.reference, case.identity_level, needed)


def goes_elsewhere(app: App, case: CaseFile, records: Sequence[Record]) -> bool:
    """Whether an answer that discloses something goes to an address that none of the records has."""
    to = answered_at(app, case)
    known = (value.value for record in records for value in record.values if value.vouched)
    return bool(records) and to is not None and not any(to in find_identifiers(text) for text in known)


def answered_at(app: App, case: CaseFile) -> Identifier | None:
    """The proven address to which what is disclosed goes; None if none is proven."""
    return next((each for each in subject_of(app, case).proven if each.type is IdentifierType.EMAIL), None)


#: What somebody who has met a person, or found a paper, knows less easily than a name or an address.
FACTS = frozenset({IdentifierType.ORDER_NO, IdentifierType.SERIAL, IdentifierType.CUSTOMER_NO})
FEWEST_FACTS = 2


def compare_later(app: App, tx: Transaction, case: CaseFile, *, now: datetime) -> None:
    """Have what the requester has stated compared with what the systems hold, if it is enough to compare."""
    if len({each.type for each in subject_of(app, case).identifiers if each.type in FACTS}) >= FEWEST_FACTS:
        tx.enqueue("facts", case.id or 0, due_at=now)


def comes_from_new_address(app: App, tx: Transaction, case: CaseFile) -> bool:
    """
    Whether the mail comes from the very address that is to replace another one.

    Who takes over the address takes over the person: such a change is confirmed from the old address, never by the new.
    """
    sender = subject_of(app, case).reply_address
    return any(
        change.field == "email" and change.new is not None and change.new.casefold() == sender
        for change in wanted_changes(app, tx, case)
    )


def identified(
    app: App,
    tx: Transaction,
    request: Request,
    finding: IdentityFinding,
    *,
    actor: str,
    arrived: datetime | None = None,
    now: datetime,
) -> None:
    """
    Identity is good enough for *request*: the search begins.

    Args: arrived: when the answer that shows it reached our mail server; None: now.
    """
    detail = {"level": finding.level, "method": finding.method} | clocking.arrived(arrived or now)
    tx.advance(request, Event.IDENTIFIED, actor=actor, at=now, detail=detail)
    clocking.refresh(app, tx, request, now=now)
    tx.enqueue("search", request.case_id, due_at=now)


def reconsider(tx: Transaction, request: Request, *, actor: str, now: datetime) -> None:
    """Who asks is known after all, while the closing that says otherwise waits for approval."""
    for letter in tx.letters_of(request.id or 0):
        if letter.status == "draft":
            void_letter(tx, letter, reason="identified", now=now)
    tx.advance(
        request,
        Event.REVISED,
        actor=actor,
        at=now,
        detail={"because": "identified"},
        decision="",
        sealed_grounds=None,
    )
    tx.enqueue("search", request.case_id, due_at=now)


def keep_finding(app: App, tx: Transaction, case: CaseFile, finding: IdentityFinding, *, now: datetime) -> None:
    """Note what is known about who asks; a finding never lowers the level that the case has."""
    if finding.level >= IdentityLevel(case.identity_level):
        case.identity_level = finding.level
        case.identity_method = finding.method
        case.identity_reason = finding.reason
        case.identified_at = now
    subject = subject_of(app, case)
    proven = tuple(dict.fromkeys((*finding.proven, *subject.proven)))
    case.sealed_subject = seal_subject(app, case, replace(subject, proven=proven))
    tx.add_case(case)


def _asked_in(app: App, tx: Transaction, case: CaseFile, request: Request) -> Triage:
    """Triage of the very mail that asked for *request*: one mail's proof is not lent to another."""
    link, message = next(
        (link, message) for link, message in tx.case_messages(case.id or 0) if message.id == request.message_id
    )
    return triage_of(app, case, message.id or 0, link.sealed_triage)


@dataclass(frozen=True, kw_only=True)
class _Sender:
    """What the systems say about a sender whom our mail server has confirmed."""

    on_file: tuple[Identifier, ...] = ()  #: Their address, if it is on file.
    records: tuple[Record, ...] = ()  #: That say so.
    flags: tuple[str, ...] = ()  #: Why a person must look although the address is known.


def _look_at_sender(app: App, case: CaseFile, triage: Triage, *, now: datetime) -> _Sender:
    """Nothing is looked up for a sender who is doubtful, or writes for somebody else."""
    proves = triage.sender_authentication is SenderAuthentication.PASS and case.requester == Requester.SELF
    if triage.asked_by is None or not proves:
        return _Sender()
    address = Identifier(type=IdentifierType.EMAIL, value=triage.asked_by)
    records = look_up(app, case, (address,), now=now)
    held = contacts_on_file(app, records, IdentifierType.EMAIL, now=now)
    if not any(address in by_system for by_system in held.values()):
        return _Sender(records=records, flags=(FRESH_CONTACT,) if records else ())
    if any(addresses and address not in addresses for addresses in held.values()):
        return _Sender(records=records, flags=(SYSTEMS_DISAGREE,))
    return _Sender(on_file=(address,), records=records)


def contacts_on_file(
    app: App, records: Sequence[Record], kind: IdentifierType, *, now: datetime
) -> dict[str, set[Identifier]]:
    """{system: contact points of *kind* that are on file in *records*}, for [identity] on_file_days."""
    today, days = deadlines.received_on(now), app.settings.identity.on_file_days
    held: dict[str, set[Identifier]] = {}
    for record in records:
        found = held.setdefault(record.system, set())
        for value in record.values:
            known = identity.on_file(value, today=today, days=days) is identity.OnFile.YES
            if known and value.category == "contact":
                found.update(each for each in find_identifiers(value.value) if each.type is kind)
    return held


def all_on_file(app: App, records: Sequence[Record], kind: IdentifierType, *, now: datetime) -> tuple[Identifier, ...]:
    """Contact points of *kind* on file in any of *records*, in order."""
    held = contacts_on_file(app, records, kind, now=now).values()
    return tuple(sorted({each for found in held for each in found}))


def look_up(app: App, case: CaseFile, identifiers: Iterable[Identifier], *, now: datetime) -> tuple[Record, ...]:
    """
    Certain records of whoever *identifiers* belong to, for the program's own judgement only; it is audited.

    Raises: SystemUnavailableError: a system did not answer in full.
    """
    identifiers = tuple(identifiers)
    result = search.search(app.systems, identifiers, now=now)
    with app.store.transaction() as tx:
        tx.record("looked_up", actor=PROGRAM, at=now, case_id=case.id, detail=_search_terms(app, case, identifiers))
    _demand_complete(result)
    return tuple(record for record in result.records if record.strength is Strength.CERTAIN)


def _search_terms(app: App, case: CaseFile, identifiers: Sequence[Identifier]) -> dict[str, str]:
    """Search terms as keyed digests: the audit trail shows that two searches were alike, not for whom (P8)."""
    return {
        f"{each.type}_{number}": audit_index(app, case, each.type, each.value)
        for number, each in enumerate(identifiers)
    }


def _demand_complete(result: SearchResult) -> None:
    for system in result.systems:
        if system.outcome not in {SystemOutcome.FOUND, SystemOutcome.NOTHING, SystemOutcome.WAITING}:
            raise SystemUnavailableError(system.system, system.detail or "the look-up was not complete")
