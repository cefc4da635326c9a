"""
What was found so far -> an interim answer; the request stays open, and its date stands.

Only shortly before the planned date, and only by an approver with a reason: the rule is to wait for every place (P5).
Each missing place is named as not yet answered, with a date.
"""

from datetime import datetime

from dsar import approval, deadlines
from dsar.casework import answering
from dsar.casework.answering import Draft
from dsar.casework.approving import check_identity, undecided_gap
from dsar.casework.context import App, case_key
from dsar.casework.facts import accepted_records, answer_facts
from dsar.casework.sending import queue_letter
from dsar.errors import ApprovalError, CoverageError, NotPermittedError
from dsar.model import LetterKind, Right
from dsar.store.tables import ApprovalRow, CaseFile, Request

#: From so many working days before send-by on.
_WORKING_DAYS_BEFORE = 3


def draft(app: App, case: CaseFile, request: Request, *, now: datetime) -> Draft:
    """
    The interim answer as it would be sent now.

    Raises: ApprovalError if it is no access request, or too early.
    """
    reference = f"{case.reference}/{request.right}"
    if request.right != Right.ACCESS:
        raise ApprovalError(reference, "an interim answer exists for access only")
    opens_on = deadlines.add_working_days(request.send_by_on, -_WORKING_DAYS_BEFORE)
    if deadlines.received_on(now) < opens_on:
        raise ApprovalError(reference, f"an interim answer is possible from {opens_on} on")
    with app.store.transaction() as tx:
        facts = answer_facts(app, tx, case, request, now=now)
        recipient = answering.recipient_of(app, case)
        inputs = answering.digest_of_inputs(
            LetterKind.ACCESS_ANSWER, case.language, facts, recipient, app.settings.templates_folder
        )
        shown = answering.same_draft(app, tx, case, tx.letters_of_case(case.id or 0), inputs=inputs, facts=facts)
        if shown is not None:
            return shown
    letter = answering.compose(app, LetterKind.ACCESS_ANSWER, case.language, facts, now=now)
    with app.store.transaction() as tx:
        # it answers no request: that stays open
        row = answering.store_letter(app, tx, case, [], letter, recipient, inputs=inputs, facts=facts)
    return Draft(row=row, letter=letter, recipient=recipient, fresh=True)


def send(app: App, case: CaseFile, request: Request, *, reason: str, actor: str, now: datetime) -> None:
    """
    Approve the interim answer that was shown.

    Raises: NotPermittedError; IdentityNotVerifiedError; CoverageError for undecided candidates; ApprovalError.
    """
    if approval.APPROVING.isdisjoint(app.settings.roles(actor)):
        raise NotPermittedError(actor, "send an interim answer", "the role approver or admin is needed")
    current = draft(app, case, request, now=now)
    if current.fresh:
        raise ApprovalError(case.reference, "nobody has seen this interim answer; 'dsar interim' shows it")
    with app.store.transaction() as tx:
        check_identity(app, tx, case, request, accepted_records(app, tx, case, Right.ACCESS))
        if gap := undecided_gap(app, tx, case):
            raise CoverageError(case.reference, [gap])
        outgoing = queue_letter(
            app,
            tx,
            case,
            current.letter,
            recipient=current.recipient,
            auto_submitted="no",
            letter_id=current.row.id,
            now=now,
        )
        bound = approval.binding(
            current.letter,
            recipient=current.recipient,
            channel="mail",
            plan_sha256=None,
            mime_sha256=outgoing.mime_sha256,
        )
        tx.add_approval(ApprovalRow(letter_id=current.row.id or 0, actor=actor, at=now, binding=bound))
        tx.letter(current.row.id or 0).status = "approved"
        sealed = app.vault.seal(case_key(case), "event.interim", reason.encode()).hex()
        tx.record(
            "interim_answer",
            actor=actor,
            at=now,
            case_id=case.id,
            request_id=request.id,
            detail={"sealed_reason": sealed},
        )
