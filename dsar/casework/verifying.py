"""
What staff do to make sure who asks -> how, when and with what result; never what was shown or said (Art. 5(1)(c)).

A recorded check, two facts compared with what the systems hold, a mandate, a code to a contact point on file. Facts and
contact points are compared and never shown: a wrong guess learns that it was wrong, and the third one ends it.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from dsar import identity
from dsar.casework import clocking, codes, identifying, protecting, searching
from dsar.casework.context import PROGRAM, App, content_of, subject_of, triage_of
from dsar.casework.identifying import FACTS, FEWEST_FACTS
from dsar.casework.planning import FOR_ANOTHER
from dsar.casework.sending import flag
from dsar.errors import ApprovalError, UsageError
from dsar.identifiers import normalise
from dsar.lifecycle import Event, State
from dsar.model import (
    Identifier,
    IdentifierType,
    IdentityFinding,
    IdentityLevel,
    Record,
    Requester,
    Right,
    SenderAuthentication,
)
from dsar.names import can_be_same_person, fold
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request

#: Comparisons of facts in a case, right or wrong.
FACT_TRIES = 3

#: Flags of a case: a check by staff failed, facts did not fit.
CHECK_FAILED, FACTS_WRONG = "check_failed", "facts_wrong"

_UNPROVEN = frozenset({State.IDENTITY, State.CLARIFYING})


class Mandate(StrEnum):
    """By what right somebody writes for a person."""

    POWER_OF_ATTORNEY = "power_of_attorney"  #: Fullmakt that covers personal data held by us.
    ADVOKAT = "advokat"  #: An advokat's own statement (rättegångsbalken 8 kap.), unless something is odd.
    GUARDIAN = "guardian"  #: Föräldrabalken 6 kap. 11 §: represents a child under 18, whose right it is.
    GOD_MAN = "god_man"  #: God man or förvaltare, within the scope of the decision.


def verify(
    app: App,
    case: CaseFile,
    *,
    method: identity.CheckMethod,
    contact: str | None,
    passed: bool = True,
    actor: str,
    now: datetime,
) -> IdentityLevel:
    """
    Record that a member of staff made sure who asks, or could not; only how, by whom, when and with what result.

    Args: contact: address that the answer shall go to, proven by the check; None: the address that the mail came from,
    where its sender writes for themselves.
    Returns: the level that the case now has. Raises: UsageError for a contact that is none, or proves somebody else.
    """
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        detail = {"method": method.value, "result": "passed" if passed else "failed"}
        if not passed:
            tx.record("verified", actor=actor, at=now, case_id=case.id, detail=detail)
            flag(tx, case, CHECK_FAILED)
            return IdentityLevel(case.identity_level)
        proven = (_proven_contact(app, tx, case, contact),)
        finding = IdentityFinding(
            level=max(identity.LEVEL_OF_CHECK[method], IdentityLevel(case.identity_level)),
            method=method,
            reason=f"{actor} recorded {method.replace('_', ' ')}.",
            proven=proven,
        )
        _search_anew(app, tx, case, proven[0], actor=actor, now=now)
        tx.record("verified", actor=actor, at=now, case_id=case.id, detail=detail | {"level": finding.level})
        _keep(app, tx, case, finding, actor=actor, now=now)
    return finding.level


def _keep(app: App, tx: Transaction, case: CaseFile, finding: IdentityFinding, *, actor: str, now: datetime) -> None:
    """Note a finding and let every request go on for which it is enough, as far as we know what is held."""
    identifying.keep_finding(app, tx, case, finding, now=now)
    for request in tx.requests(case.id or 0):
        enough = finding.level >= identity.required_level(
            Right(request.right),
            identity.Risk.LOW,
            request.portability,
            represented=case.requester in FOR_ANOTHER and bool(case.mandate),
        )
        if request.state in _UNPROVEN and enough:
            identifying.identified(app, tx, request, finding, actor=actor, now=now)
        elif request.state == State.REVIEW and request.decision == "unidentified" and enough:
            identifying.reconsider(tx, request, actor=actor, now=now)
    searching.note_obstacles(app, tx, case, now=now)


def _proven_contact(app: App, tx: Transaction, case: CaseFile, contact: str | None) -> Identifier:
    """
    The contact point that a check proved.

    Raises: UsageError if it is none, or must be named: whoever writes for somebody else does not prove them.
    """
    subject = subject_of(app, case)
    told = contact or (subject.reply_address if case.requester == Requester.SELF else None)
    address = normalise(IdentifierType.EMAIL, told) if told else None
    if address is None:
        raise UsageError("Name the e-mail address of the person that the check proved with --contact.")
    if case.requester in FOR_ANOTHER and address.value == subject.reply_address:
        raise UsageError(
            "That is the address of who writes for the person: name the person's own. If the mail is about its sender "
            f"after all, 'dsar sort {case.reference} --self' says so."
        )
    for row in tx.outgoing_of_case(case.id or 0):
        waits = row.letter_id is not None and row.state in {"held", "ready"}
        if waits and content_of(app, case, tx.letter(row.letter_id or 0)).recipient != address.value:
            raise UsageError(f"A letter to another address is approved; 'dsar recall {case.reference}' comes first.")
    return address


def _search_anew(app: App, tx: Transaction, case: CaseFile, contact: Identifier, *, actor: str, now: datetime) -> None:
    """What is searched for, or waits for approval, was found for another contact point: it is searched for anew."""
    if contact in subject_of(app, case).proven:
        return
    for request in tx.requests(case.id or 0):
        if request.state == State.REVIEW and not request.decision:
            tx.advance(request, Event.REVISED, actor=actor, at=now, detail={"because": "contact_proven"})
        if request.state == State.SEARCHING:
            tx.enqueue("search", request.case_id, due_at=now)


# ---------------------------------------------------------------------------------------------------- shared facts


def compare_facts(app: App, case: CaseFile, facts: Sequence[Identifier], *, actor: str, now: datetime) -> bool:
    """
    Compare facts that the requester gave with what the systems hold about the person who is proven so far.

    Returns: whether all of them fit. Raises: UsageError for fewer than two kinds; ApprovalError without a contact point
    on file (facts leak, so that they only add to one: 1&1, Art. 32), or after the last try.
    SystemUnavailableError: nothing was compared, and no try was used up.
    """
    if len({fact.type for fact in facts if fact.type in FACTS}) < FEWEST_FACTS:
        raise UsageError(f"Give two facts of different kinds; there are {', '.join(sorted(FACTS))}.")
    proven = subject_of(app, case).proven
    if not proven or IdentityLevel(case.identity_level) < IdentityLevel.L1:
        raise ApprovalError(case.reference, "facts count only together with a contact point on file")
    records = identifying.look_up(app, case, proven, now=now)
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        if not tx.take_fact_try(case, most=FACT_TRIES):
            raise ApprovalError(case.reference, "its facts were compared three times already; check by another way")
        fits = all(_holds(records, fact) for fact in facts)
        kinds = " ".join(sorted({fact.type for fact in facts}))
        detail = {"kinds": kinds, "result": "passed" if fits else "failed"}
        tx.record("facts_compared", actor=actor, at=now, case_id=case.id, detail=detail)
        if not fits:
            flag(tx, case, FACTS_WRONG)
            return False
        finding = IdentityFinding(
            level=max(IdentityLevel.L2, IdentityLevel(case.identity_level)),
            method=identity.CheckMethod.SHARED_FACTS,
            reason=f"Facts known to both ({kinds}) fit what the systems hold.",
        )
        _keep(app, tx, case, finding, actor=actor, now=now)
    return True


def compare_stated(app: App, case_id: int, *, now: datetime) -> None:
    """
    Step: compare what the requester has written of themselves, once there is something to compare it with.

    Raises: SystemUnavailableError: try again later.
    """
    with app.store.transaction() as tx:
        case = tx.case_by_id(case_id)
        if IdentityLevel(case.identity_level) != IdentityLevel.L1 or case.requester != Requester.SELF:
            return
        facts = tuple(each for each in subject_of(app, case).identifiers if each.type in FACTS)
        digest = app.vault.index("facts", "\0".join(sorted(f"{each.type}:{each.value}" for each in facts)))
        if any(event.name == _STATED and event.detail["facts"] == digest for event in tx.events(case_id)):
            return  # these were compared
        if len({each.type for each in facts}) < FEWEST_FACTS or case.fact_tries >= FACT_TRIES:
            return
    compare_facts(app, case, facts, actor=PROGRAM, now=now)
    with app.store.transaction() as tx:
        tx.record(_STATED, actor=PROGRAM, at=now, case_id=case_id, detail={"facts": digest})


#: Event: what a requester has stated was compared. Detail: keyed digest of it.
_STATED = "stated_facts_compared"


def _holds(records: Sequence[Record], fact: Identifier) -> bool:
    return any(
        value.vouched and normalise(fact.type, value.value) == fact for record in records for value in record.values
    )


# -------------------------------------------------------------------------------------------------------- mandates


def take_mandate(
    app: App,
    case: CaseFile,
    *,
    mandate: Mandate,
    person: Identifier,
    to_agent: bool,
    actor: str,
    now: datetime,
) -> IdentityLevel:
    """
    Record that staff have seen by what right somebody writes for a person, and whether it covers receiving the answer.

    Args: person: something that is on file for the person, e.g. their e-mail address or customer number, as the mandate
    names it; the search begins there. to_agent: the answer goes to who wrote; else to the person's own address.
    Returns: the level that the case now has.
    Raises: UsageError if nobody writes for anybody; ApprovalError if *person* is not on file, is who wrote, or our mail
    server does not confirm who wrote. SystemUnavailableError.
    """
    subject = subject_of(app, case)
    if case.requester not in FOR_ANOTHER:
        raise UsageError(f"The sender of {case.reference} writes for themselves.")
    if person.value == subject.reply_address:
        raise ApprovalError(case.reference, "that is the address of who writes; name the person's own")
    if to_agent and not _agent_is_confirmed(app, case):
        raise ApprovalError(
            case.reference, "the mail server does not confirm who writes, so the person gets the answer"
        )
    records = identifying.look_up(app, case, (person,), now=now)
    if not _is_persons(app, case, records):
        raise ApprovalError(case.reference, "that is not on file for the person whom the mandate names")
    if not to_agent and person.type is not IdentifierType.EMAIL:
        raise UsageError("Name the person's own e-mail address, or say that the mandate covers receiving the answer.")
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        confirmed_by_person = IdentityLevel(case.identity_level) >= IdentityLevel.L1 and case.identity_method == "code"
        case.mandate = mandate
        case.answer_to = "agent" if to_agent else "person"
        level = IdentityLevel.L2 if confirmed_by_person else identity.LEVEL_OF_CHECK[identity.CheckMethod.MANDATE]
        finding = IdentityFinding(
            level=max(level, IdentityLevel(case.identity_level)),
            method=identity.CheckMethod.MANDATE,
            reason=f"{actor} has seen the mandate ({mandate.replace('_', ' ')}).",
            proven=(person,),
        )
        detail = {"kind": mandate.value, "answer_to": case.answer_to, "result": "passed"}
        tx.record("mandate_seen", actor=actor, at=now, case_id=case.id, detail=detail)
        _search_anew(app, tx, case, person, actor=actor, now=now)
        _keep(app, tx, case, finding, actor=actor, now=now)
    return finding.level


def _agent_is_confirmed(app: App, case: CaseFile) -> bool:
    with app.store.transaction() as tx:
        link, message = tx.case_messages(case.id or 0)[0]
    triage = triage_of(app, case, message.id or 0, link.sealed_triage)
    return triage.sender_authentication is SenderAuthentication.PASS


def _is_persons(app: App, case: CaseFile, records: Sequence[Record]) -> bool:
    """Whether records are about the person of a case, as far as both are named."""
    name = subject_of(app, case).name
    names = [record.person_name for record in records if record.person_name]
    return bool(records) and (name is None or all(can_be_same_person(name, each) for each in names))


# ----------------------------------------------------------------------------------------------- codes sent by staff


def send_code(
    app: App, case: CaseFile, request: Request, contact: Identifier, *, actor: str, now: datetime
) -> bytes | None:
    """
    Send a code to a contact point on file that staff name: by mail, SMS, or as a PDF to print and post.

    Returns: the PDF for a postal address, else None. Raises: ApprovalError if it is not on file for this person, or has
    got enough codes today; UsageError without a gateway; SystemUnavailableError.
    """
    if contact.type is IdentifierType.PHONE and app.sms is None:
        raise UsageError("There is no SMS gateway in [sms].")
    if contact.type is IdentifierType.EMAIL and protecting.channel_of(case) == protecting.POST:
        raise ApprovalError(
            case.reference, f"it is answered by post; 'dsar channel {case.reference} mail' changes that"
        )
    subject = subject_of(app, case)
    stated = tuple(each for each in subject.identifiers if each.type in identifying.LEADING)
    records = identifying.look_up(app, case, dict.fromkeys((*subject.proven, contact, *stated)), now=now)
    mine = [record for record in records if _is_persons(app, case, [record])]
    if not _is_on_file(app, mine, contact, now=now):
        raise ApprovalError(case.reference, "that contact point is not on file for this person")
    with app.store.transaction() as tx:
        case, request = tx.case_by_id(case.id or 0), tx.request(request.id or 0)
        if codes.is_pestered(app, tx, contact, now=now):
            raise ApprovalError(case.reference, "that contact point has got enough codes today")
        detail = {"about": "code", "channel": codes.CHANNEL_OF[contact.type], "reply_by": _until(contact, now)}
        tx.record(clocking.IDENTITY_ASKED, actor=actor, at=now, case_id=case.id, detail=detail | {"grounded": "False"})
        if contact.type is IdentifierType.ADDRESS:
            document = codes.printed(app, tx, case, request, contact, now=now)
        else:
            document = None
            codes.send(app, tx, case, request, contact, now=now)
        if request.state in {State.IDENTITY, State.REVIEW}:
            tx.advance(request, Event.ASKED, actor=actor, at=now)
    return document


def _until(contact: Identifier, now: datetime) -> str:
    return (now + codes.VALID[codes.CHANNEL_OF[contact.type]]).date().isoformat()


def _is_on_file(app: App, records: Sequence[Record], contact: Identifier, *, now: datetime) -> bool:
    if contact.type is IdentifierType.ADDRESS:
        wanted = fold(contact.value.partition(",")[0]).split()
        return any(
            fold(value.value).replace(",", " ").split()[: len(wanted)] == wanted
            for record in records
            for value in record.values
            if value.vouched and value.category == "contact"
        )
    held = identifying.contacts_on_file(app, records, contact.type, now=now)
    return any(contact in found for found in held.values())
