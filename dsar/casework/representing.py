"""
Somebody who writes for a person -> by what right, and who gets the answer.

A person looks at the mandate; the person whom it names confirms it at their own contact point on file where the risk
demands that (law: EDPB 01/2022 s. 3.4).
"""

from datetime import datetime
from enum import StrEnum

from dsar import identity
from dsar.casework import codes, identifying, protecting, verifying
from dsar.casework.context import PROGRAM, App, subject_of, triage_of
from dsar.casework.flags import flag
from dsar.casework.planning import FOR_ANOTHER
from dsar.casework.suspecting import BURST, NO_SINGLE_CONTACT
from dsar.errors import ApprovalError, UsageError
from dsar.lifecycle import State
from dsar.locale import said
from dsar.model import Identifier, IdentifierType, IdentityFinding, IdentityLevel, Requester, SenderAuthentication
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request


class Mandate(StrEnum):
    """By what right somebody writes for a person."""

    POWER_OF_ATTORNEY = "power_of_attorney"  #: Fullmakt that covers personal data held by us.
    ADVOKAT = "advokat"  #: An advokat's own statement (rättegångsbalken 8 kap.), unless something is odd.
    ORGANISATION = "organisation"  #: Art. 80(1): a not-for-profit body that the person has mandated.
    GUARDIAN = "guardian"  #: Föräldrabalken 6 kap. 11 §: represents a child under 18, whose right it is.
    GOD_MAN = "god_man"  #: God man or förvaltare, within the scope of the decision.


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
    Raises: UsageError if nobody writes for anybody; ApprovalError if *person* is not on file, is who wrote, our mail
    server does not confirm who wrote, or a service would get the answer. SystemUnavailableError.
    """
    subject = subject_of(app, case)
    if case.requester not in FOR_ANOTHER:
        raise UsageError(said("The sender of {case} writes for themselves.", case=case.reference))
    if person.value == subject.reply_address:
        raise ApprovalError(case.reference, "that is the address of who writes; name the person's own")
    if to_agent and case.requester == Requester.SERVICE:
        # EDPB 01/2022 s. 3.4: there is no duty to upload anything into a portal; the person is answered.
        raise ApprovalError(case.reference, "an app or service asks for its user, who gets the answer")
    if to_agent and not _agent_is_confirmed(app, case):
        raise ApprovalError(
            case.reference, "the mail server does not confirm who writes, so the person gets the answer"
        )
    records = identifying.look_up(app, case, (person,), now=now)
    if not verifying.is_persons(app, case, records):
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
            reason=said("{who} has seen the mandate ({kind}).", who=actor, kind=mandate.value),
            proven=(person,),
        )
        detail = {"kind": mandate.value, "answer_to": case.answer_to, "result": "passed"}
        tx.record("mandate_seen", actor=actor, at=now, case_id=case.id, detail=detail)
        verifying.search_anew(app, tx, case, (person,), actor=actor, now=now)
        verifying.keep(app, tx, case, finding, actor=actor, now=now)
    return finding.level


#: Whoever gave one of these can say so themselves; a child or a ward is asked by nobody but a person.
_GIVEN_BY_THE_PERSON = frozenset({Mandate.POWER_OF_ATTORNEY, Mandate.ADVOKAT, Mandate.ORGANISATION})


def ask_principal(app: App, case_id: int, *, now: datetime) -> None:
    """
    Step: where what was found takes more than the mandate, the person is asked by a code at a contact point on file.

    Once for each mandate, and only where one such contact point is theirs alone; else staff choose the way. Nothing is
    sent to who lives with protected identity. Raises: SystemUnavailableError.
    """
    with app.store.transaction() as tx:
        case = tx.case_by_id(case_id)
        if not _wants_principal(app, tx, case):
            return
    found = identifying.look_up(app, case, subject_of(app, case).proven, now=now)
    records = [record for record in found if verifying.is_persons(app, case, [record])]
    with app.store.transaction() as tx:
        case = tx.case_by_id(case_id)
        waiting = _wants_principal(app, tx, case)
        if not waiting or protecting.heed_marks(tx, case, records, now=now):
            return
        contact = codes.choose(
            app,
            identifying.all_on_file(app, records, IdentifierType.EMAIL, now=now),
            identifying.all_on_file(app, records, IdentifierType.PHONE, now=now),
        )
        if contact is None or contact.value == subject_of(app, case).reply_address:
            flag(tx, case, NO_SINGLE_CONTACT)
        elif codes.is_pestered(app, tx, contact, now=now):
            flag(tx, case, BURST)
        else:
            for request in waiting:
                verifying.ask_by_code(app, tx, case, request, contact, actor=PROGRAM, now=now)


def _wants_principal(app: App, tx: Transaction, case: CaseFile) -> list[Request]:
    """Requests that the person's own word would let go on."""
    asked = bool(tx.challenges(case.id or 0)) or not app.settings.automatic_identity_check
    if asked or case.mandate not in _GIVEN_BY_THE_PERSON or protecting.channel_of(case) == protecting.POST:
        return []
    return [
        request
        for request in tx.requests(case.id or 0)
        if request.state == State.REVIEW
        and request.needed_level == IdentityLevel.L2
        and IdentityLevel(case.identity_level) < IdentityLevel.L2
    ]


def _agent_is_confirmed(app: App, case: CaseFile) -> bool:
    with app.store.transaction() as tx:
        link, message = tx.case_messages(case.id or 0)[0]
    triage = triage_of(app, case, message.id or 0, link.sealed_triage)
    return triage.sender_authentication is SenderAuthentication.PASS
