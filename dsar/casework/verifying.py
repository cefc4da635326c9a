"""
What staff do to make sure who asks -> how, when and with what result; never what was shown or said (Art. 5(1)(c)).

A recorded check, two facts compared with what the systems hold, a code to a contact point on file. Facts and
contact points are compared and never shown: a wrong guess learns that it was wrong, and the third one ends it.
"""

from collections.abc import Sequence
from datetime import datetime

from dsar import identity
from dsar.casework import clocking, codes, identifying, protecting, reminding, searching
from dsar.casework.context import PROGRAM, App, content_of, subject_of
from dsar.casework.flags import flag
from dsar.casework.identifying import FACTS, FEWEST_FACTS
from dsar.casework.planning import FOR_ANOTHER
from dsar.errors import ApprovalError, UsageError
from dsar.identifiers import is_mobile, normalise
from dsar.lifecycle import Event, State
from dsar.locale import said
from dsar.model import (
    Identifier,
    IdentifierType,
    IdentityFinding,
    IdentityLevel,
    Record,
    Requester,
    Right,
)
from dsar.names import can_be_same_person, fold
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request

#: Comparisons of facts in a case, right or wrong.
FACT_TRIES = 3

#: Flags of a case: a check by staff failed, facts did not fit.
CHECK_FAILED, FACTS_WRONG = "check_failed", "facts_wrong"

_UNPROVEN = frozenset({State.IDENTITY, State.CLARIFYING})


def verify(
    app: App,
    case: CaseFile,
    *,
    method: identity.CheckMethod,
    contact: str | None,
    phone: Identifier | None = None,
    passed: bool = True,
    actor: str,
    now: datetime,
) -> IdentityLevel:
    """
    Record that a member of staff made sure who asks, or could not; only how, by whom, when and with what result.

    Args: contact: address that the answer shall go to, proven by the check; None: the address that the mail came from,
    where its sender writes for themselves; phone: the number that staff called, of a call-back that succeeded.
    Returns: the level that the case now has. Raises: UsageError for a contact that is none, or proves somebody else;
    ApprovalError for a call to a number that is not on file: whoever asks chooses it. SystemUnavailableError.
    """
    called = _called(app, case, method, phone, actor=actor, now=now) if passed else ()
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        detail = {"method": method.value, "result": "passed" if passed else "failed"}
        if not passed:
            tx.record("verified", actor=actor, at=now, case_id=case.id, detail=detail)
            flag(tx, case, CHECK_FAILED)
            return IdentityLevel(case.identity_level)
        proven = (_proven_contact(app, tx, case, contact), *called)
        finding = IdentityFinding(
            level=max(identity.LEVEL_OF_CHECK[method], IdentityLevel(case.identity_level)),
            method=method,
            reason=said("{who} recorded it.", who=actor),
            proven=proven,
        )
        search_anew(app, tx, case, proven, actor=actor, now=now)
        tx.record("verified", actor=actor, at=now, case_id=case.id, detail=detail | {"level": finding.level})
        keep(app, tx, case, finding, actor=actor, now=now)
    return finding.level


def keep(app: App, tx: Transaction, case: CaseFile, finding: IdentityFinding, *, actor: str, now: datetime) -> None:
    """Note a finding and let every request go on for which it is enough, as far as we know what is held."""
    identifying.keep_finding(app, tx, case, finding, now=now)
    for request in tx.requests(case.id or 0):
        enough = finding.level >= identity.required_level(
            Right(request.right),
            identity.Risk.LOW,
            portability=request.portability,
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
            said(
                "That is the address of who writes for the person: name the person's own. If the mail is about its "
                "sender after all, 'dsar sort {case} --self' says so.",
                case=case.reference,
            )
        )
    for row in tx.outgoing_of_case(case.id or 0):
        waits = row.letter_id is not None and row.state in {"held", "ready"}
        if waits and content_of(app, case, tx.letter(row.letter_id or 0)).recipient != address.value:
            raise UsageError(
                said("A letter to another address is approved; 'dsar recall {case}' comes first.", case=case.reference)
            )
    return address


def _called(
    app: App,
    case: CaseFile,
    method: identity.CheckMethod,
    phone: Identifier | None,
    *,
    actor: str,
    now: datetime,
) -> tuple[Identifier, ...]:
    """
    The number of a call-back, if it is one person's own; a switchboard proves nothing about records that hold it.

    Raises: UsageError, ApprovalError: see verify().
    """
    if method is not identity.CheckMethod.CALL_BACK:
        if phone is not None:
            raise UsageError("--phone is the number of a call-back.")
        return ()
    if phone is None:
        raise UsageError("Name the number that you called with --phone; it must be on file for the person.")
    if not _is_on_file(app, case, phone, now=now):
        with app.store.transaction() as tx:
            case = tx.case_by_id(case.id or 0)
            detail = {"method": method.value, "result": "number_not_on_file"}
            tx.record("verified", actor=actor, at=now, case_id=case.id, detail=detail)
            flag(tx, case, CHECK_FAILED)
        raise ApprovalError(case.reference, "that number is not on file for this person; call one that is")
    return (phone,) if is_mobile(phone) else ()


def search_anew(
    app: App, tx: Transaction, case: CaseFile, contacts: Sequence[Identifier], *, actor: str, now: datetime
) -> None:
    """What is searched for, or waits for approval, was found for other contact points: it is searched for anew."""
    subject = subject_of(app, case)
    if set(contacts) <= {*subject.proven, *subject.followed}:
        return  # the search began from them, or went on from them
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
        raise UsageError(
            said("Give two facts of different kinds; there are {listed}.", listed=", ".join(sorted(FACTS)))
        )
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
            reason=said("Facts known to both ({kinds}) fit what the systems hold.", kinds=kinds),
        )
        keep(app, tx, case, finding, actor=actor, now=now)
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
            case.reference, said("it is answered by post; 'dsar channel {case} mail' changes that", case=case.reference)
        )
    if not _is_on_file(app, case, contact, now=now):
        raise ApprovalError(case.reference, "that contact point is not on file for this person")
    with app.store.transaction() as tx:
        case, request = tx.case_by_id(case.id or 0), tx.request(request.id or 0)
        if codes.is_pestered(app, tx, contact, now=now):
            raise ApprovalError(case.reference, "that contact point has got enough codes today")
        return ask_by_code(app, tx, case, request, contact, actor=actor, now=now)


def ask_by_code(
    app: App,
    tx: Transaction,
    case: CaseFile,
    request: Request,
    contact: Identifier,
    *,
    actor: str,
    now: datetime,
) -> bytes | None:
    """
    Send a code to a contact point on file and let *request* wait for it, with the caller's transaction.

    Returns: the PDF for a postal address, else None.
    """
    until = (now + codes.VALID[codes.CHANNEL_OF[contact.type]]).date()
    detail = {"about": "code", "channel": codes.CHANNEL_OF[contact.type], "reply_by": until.isoformat()}
    tx.record(clocking.IDENTITY_ASKED, actor=actor, at=now, case_id=case.id, detail=detail | {"grounded": "False"})
    document = None
    if contact.type is IdentifierType.ADDRESS:
        document = codes.printed(app, tx, case, request, contact, now=now)
    else:
        codes.send(app, tx, case, request, contact, now=now)
    if request.state in {State.IDENTITY, State.REVIEW}:
        tx.advance(request, Event.ASKED, actor=actor, at=now)
    reminding.plan(tx, case, [request], reply_by_on=until, now=now)
    return document


def is_persons(app: App, case: CaseFile, records: Sequence[Record]) -> bool:
    """Whether records are about the person of a case, as far as both are named."""
    name = subject_of(app, case).name
    names = [record.person_name for record in records if record.person_name]
    return bool(records) and (name is None or all(can_be_same_person(name, each) for each in names))


def _is_on_file(app: App, case: CaseFile, contact: Identifier, *, now: datetime) -> bool:
    """Whether a contact point that staff name is on file for the person of a case, in any system."""
    subject = subject_of(app, case)
    stated = tuple(each for each in subject.identifiers if each.type in identifying.LEADING)
    found = identifying.look_up(app, case, dict.fromkeys((*subject.proven, contact, *stated)), now=now)
    records = [record for record in found if is_persons(app, case, [record])]
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
