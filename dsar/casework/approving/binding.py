"""
A draft as it was shown -> its approval, the mails with exactly those bytes, and the plan set going.

Effects: writes the database.
"""

from datetime import date, datetime, timedelta

from dsar import approval, deadlines
from dsar.casework import delivering, freezing, phrases, posting, protecting
from dsar.casework.answering import Draft, authors, check_unchanged, inputs_of, lacks, same_draft, was_shown
from dsar.casework.approving.judging import check_coverage, check_flags, check_redactions
from dsar.casework.context import PROGRAM, App, steps_of
from dsar.casework.facts import AFTER_CHANGES, accepted_records
from dsar.casework.identifying import check_identity, risk_of
from dsar.casework.sending import queue_letter, queue_paper
from dsar.casework.thread import STRANGER, WITHDRAWN
from dsar.errors import ApprovalError
from dsar.identity import Risk
from dsar.lifecycle import Event, Outcome, State
from dsar.locale import said
from dsar.model import LetterKind, Record, Right, StepAction
from dsar.store import Transaction
from dsar.store.tables import ApprovalRow, CaseFile, ChangePlan, OutboxRow, Request

#: Letters that tell nothing about what we hold, so that they need neither coverage nor identity.
_DISCLOSES_NOTHING = frozenset(
    {
        LetterKind.REFUSAL,
        LetterKind.UNIDENTIFIED,
        LetterKind.DECEASED,
        LetterKind.NOT_REQUEST,
        LetterKind.OBJECTION_DONE,
        LetterKind.CONSENT_WITHDRAWN,
    }
)

_REFUSALS = frozenset({LetterKind.REFUSAL, LetterKind.UPDATE_REFUSED})


def approve(app: App, case: CaseFile, request: Request, *, actor: str, now: datetime) -> Draft:
    """
    Approve the letter that was shown, with its plan, and set both going, in one transaction.

    Everything is judged and bound in one transaction, so that nothing can change between the judgement and the binding.
    Raises: NotPermittedError (role, four eyes); IdentityNotVerifiedError (P4); CoverageError (P5); ApprovalError if
    *actor* has not seen the letter as it is now; UndeliverableAddressError; StaleStateError.
    """
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)  # as it is now: the caller may have read it before a hold or a check
        seen = inputs_of(app, tx, case, request, now=now)
        records = accepted_records(app, tx, case, Right(request.right))
        _check_actor(app, tx, seen.kind, request, records, actor=actor)
        current = same_draft(app, tx, case, tx.letters_of(request.id or 0), seen)
        reference = f"{case.reference}/{request.right}"
        if current is None and (lacking := lacks(seen)):
            raise ApprovalError(reference, lacking)
        if current is None or not was_shown(tx, current, actor=actor):
            raise ApprovalError(
                reference,
                said(
                    "you have not seen its letter as it is now; look at it with 'dsar show {reference} --letter'",
                    reference=reference,
                ),
            )
        check_flags(case, request)
        check_unchanged(app, tx, case, request, seen, now=now)
        if case.legal_hold and request.right == Right.ERASE and not request.decision:
            raise ApprovalError(reference, "the case is under a hold, so nothing is erased")
        if current.letter.kind not in _DISCLOSES_NOTHING or request.decision in AFTER_CHANGES:
            check_identity(app, tx, case, request, records)
            check_coverage(app, tx, case)
            check_redactions(app, tx, case, request)
        elif request.right == Right.OBJECT and not case.search_proven and leaves_work(app, tx, case, current):
            raise ApprovalError(
                reference,
                said(
                    "its letter would tell a sender who is not verified which systems hold them; do what is left to "
                    "you, then say so with 'dsar done {reference}'",
                    reference=reference,
                ),
            )
        set_going(app, tx, case, request, current, actor=actor, now=now)
    return current


def leaves_work(app: App, tx: Transaction, case: CaseFile, current: Draft) -> bool:
    """Whether the plan leaves a person something to do, so that "done" would not be true."""
    plan = tx.plan_of_letter(current.row.id or 0)
    return plan is not None and any(step.action is StepAction.TASK for step in steps_of(app, case, plan))


def set_going(
    app: App, tx: Transaction, case: CaseFile, request: Request, current: Draft, *, actor: str, now: datetime
) -> None:
    """Bind the letter and its plan, and start what comes next: the changes, or the way to the mail server."""
    plan = tx.plan_of_letter(current.row.id or 0)
    outgoing = bind_letter(app, tx, case, current, plan=plan, actor=actor, now=now)
    mime = app.vault.index("mime", outgoing.mime_sha256)  # keyed: the trail outlives the letter (P9)
    tx.advance(request, Event.APPROVED, actor=actor, at=now, detail={"mime": mime})
    if plan is None:
        tx.advance(request, Event.DISPATCH_STARTED, actor=actor, at=now)
    elif request.right == Right.ERASE and _access_comes_first(tx, case):
        tx.advance(request, Event.BLOCKED, actor=PROGRAM, at=now, blocked_reason=_ACCESS_FIRST)
        tx.enqueue("release_erasure", request.id or 0, due_at=now)
    elif others := freezing.asked_elsewhere(app, tx, case, request):
        freezing.wait(tx, request, others, now=now)
    else:
        tx.advance(request, Event.APPLY_STARTED, actor=actor, at=now)
        tx.enqueue("apply", request.id or 0, due_at=now)


def bind_letter(
    app: App, tx: Transaction, case: CaseFile, current: Draft, *, plan: ChangePlan | None, actor: str, now: datetime
) -> OutboxRow:
    """
    Build the mails of an approved letter once, and bind text, HTML, annexes, recipient, channel, plan, exact bytes.

    Args: plan: that is approved with it; the mail is held until it was carried out and read back. Returns: the first.
    """
    channel, letter_id = protecting.channel_of(case), current.row.id or 0
    way = delivering.way(app, tx, case, current.letter.kind, now=now)
    if channel == protecting.POST:
        content = posting.on_paper(app, case, current.letter, current.recipient, now=now)
        outgoing = [
            queue_paper(
                app,
                tx,
                case,
                current.letter,
                content,
                recipient=current.recipient,
                letter_id=letter_id,
                held=plan is not None,
                now=now,
            )
        ]
    else:
        phrase = phrases.make(app, tx, case, letter_id, way, now=now) if way else None
        outgoing = _queue_mails(app, tx, case, current, phrase, held=plan is not None, now=now)
    bound = approval.binding(
        current.letter,
        recipient=current.recipient,
        channel=channel,
        plan_sha256=plan.sha256 if plan else None,
        mime_sha256s=[row.mime_sha256 for row in outgoing],
        phrase_to=str(way) if way else None,
    )
    tx.add_approval(ApprovalRow(letter_id=letter_id, actor=actor, at=now, binding=bound))
    tx.letter(letter_id).status = "approved"
    return outgoing[0]


def _queue_mails(
    app: App, tx: Transaction, case: CaseFile, current: Draft, phrase: str | None, *, held: bool, now: datetime
) -> list[OutboxRow]:
    """Every mail by which a letter travels; one, unless its files are too big for that."""
    parts = delivering.mails(app, tx, case, current.letter, phrase, now=now)
    return [
        queue_letter(
            app,
            tx,
            case,
            part,
            recipient=current.recipient,
            auto_submitted="no",
            letter_id=current.row.id,
            held=held,
            threaded=current.letter.kind is not LetterKind.IDENTITY_WARNING,  # it goes to another than who asks
            part=(number, len(parts)),
            now=now,
        )
        for number, part in enumerate(parts, 1)
    ]


#: Reason of an erasure that waits: EDPB 01/2022 s. 2.3: never erase to avoid answering.
_ACCESS_FIRST = "access_first"


def release_erasure(app: App, request_id: int, *, now: datetime) -> bool:
    """
    Step: let an erasure go on once the access answer was sent and has not come back for some working days.

    Returns: True when there is nothing more to wait for: it goes on, or a person must decide.
    """
    with app.store.transaction() as tx:
        request = tx.request(request_id)
        if request.state != State.BLOCKED or request.blocked_reason not in _STILL_AWAITED:
            return True
        case = tx.case_by_id(request.case_id)
        if case.legal_hold or {STRANGER, WITHDRAWN} & set(case.flags):
            return True  # a person decides (`dsar release`)
        today = deadlines.received_on(now)
        awaited = _STILL_AWAITED[request.blocked_reason](app, tx, case, request, today)
        if awaited is not False:
            return awaited is None
        if today > request.send_by_on:
            return True  # never past its own send-by without a person
        _start_applying(tx, request, actor=PROGRAM, now=now)
    return True


def _awaits_own_answer(app: App, tx: Transaction, case: CaseFile, _request: Request, today: date) -> bool | None:
    """Whether the access answer of the case is waited for, or its bounce; None: a person decides."""
    if _access_comes_first(tx, case):
        return True
    answered = [each for each in tx.requests(case.id or 0) if each.right == Right.ACCESS]
    if any(each.outcome not in {Outcome.FULFILLED, Outcome.NOTHING_FOUND, Outcome.PARTLY} for each in answered):
        return None  # access ended otherwise (`dsar release`)
    sent_on = max(deadlines.received_on(each.closed_at) for each in answered if each.closed_at)
    return today < deadlines.add_working_days(sent_on, app.settings.bounce_wait_working_days)


def _awaits_other_answers(app: App, tx: Transaction, case: CaseFile, request: Request, today: date) -> bool | None:
    """Whether the access answer of another case is waited for, or its bounce."""
    may_bounce = today
    while deadlines.add_working_days(may_bounce - timedelta(days=1), app.settings.bounce_wait_working_days) > today:
        may_bounce -= timedelta(days=1)
    return bool(freezing.asked_elsewhere(app, tx, case, request, answered_since=may_bounce))


#: Reason of a block -> what tells whether it still holds.
_STILL_AWAITED = {_ACCESS_FIRST: _awaits_own_answer, freezing.ACCESS_ELSEWHERE: _awaits_other_answers}


def _start_applying(tx: Transaction, request: Request, *, actor: str, now: datetime) -> None:
    tx.advance(request, Event.APPLY_STARTED, actor=actor, at=now, blocked_reason="")
    tx.enqueue("apply", request.id or 0, due_at=now)


def waits_for_access(app: App, tx: Transaction, case: CaseFile, request: Request) -> tuple[str, ...]:
    """References of the cases for whose access answer *request* would wait once it is approved."""
    if request.right == Right.ERASE and _access_comes_first(tx, case):
        return (case.reference,)
    return freezing.asked_elsewhere(app, tx, case, request)


def _access_comes_first(tx: Transaction, case: CaseFile) -> bool:
    """Whether the case has an access request that is not answered yet."""
    return any(each.right == Right.ACCESS and each.state != State.CLOSED for each in tx.requests(case.id or 0))


def _check_actor(
    app: App, tx: Transaction, kind: LetterKind, request: Request, records: tuple[Record, ...], *, actor: str
) -> None:
    approval.check_may_approve(
        actor,
        roles=app.settings.roles(actor),
        authors=authors(tx, request),
        right=Right(request.right),
        high_risk=risk_of(tx.case_by_id(request.case_id), records) is Risk.HIGH,
        single_approver=app.settings.single_approver,
        refusal=kind in _REFUSALS,
    )
