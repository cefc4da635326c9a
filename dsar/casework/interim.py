"""
What was found so far -> an interim answer; the request stays open, and its date stands.

Only shortly before the planned date, and only by an approver with a reason: the rule is to wait for every place (P5).
Each missing place is named as not yet answered, with a date.
"""

from datetime import datetime

from dsar import approval, deadlines
from dsar.casework import answering, beside
from dsar.casework.answering import Draft, Inputs
from dsar.casework.approving import check_flags, check_redactions, undecided_gap
from dsar.casework.context import App, seal_reason
from dsar.casework.facts import accepted_records, answer_facts
from dsar.casework.identifying import check_identity
from dsar.errors import ApprovalError, CoverageError
from dsar.lifecycle import State
from dsar.locale import said
from dsar.model import LetterKind, Right
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request

#: From so many working days before send-by on.
_WORKING_DAYS_BEFORE = 3

#: Name of the event.
_SENT = "interim_answer"

_STATES = frozenset({State.SEARCHING, State.REVIEW})


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
        raise ApprovalError(reference, said("an interim answer is possible from {opens_on} on", opens_on=opens_on))
    if State(request.state) not in _STATES:
        raise ApprovalError(reference, "it is not being searched or reviewed")
    return beside.draft(app, case, lambda tx, case: _inputs(app, tx, case, request, now=now), now=now)


def show(app: App, case: CaseFile, request: Request, *, actor: str, now: datetime) -> Draft:
    """The interim answer as it would be sent now, and the record that *actor* has looked at exactly this one."""
    current = draft(app, case, request, now=now)
    with app.store.transaction() as tx:
        answering.mark_shown(tx, case, request, current, actor=actor, now=now)
    return current


def send(app: App, case: CaseFile, request: Request, *, reason: str, actor: str, now: datetime) -> None:
    """
    Approve the interim answer that was shown.

    Raises: NotPermittedError; IdentityNotVerifiedError; CoverageError for undecided candidates; ApprovalError if
    *actor* has not seen it as it is now.
    """
    approval.check_approver(actor, "send an interim answer", app.settings.roles(actor))
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        inputs = _inputs(app, tx, case, request, now=now)
        check_flags(case, request)
        check_identity(app, tx, case, request, accepted_records(app, tx, case, Right.ACCESS))
        if gap := undecided_gap(app, tx, case):
            raise CoverageError(case.reference, [gap])
        check_redactions(app, tx, case, request)
        beside.send(app, tx, case, inputs, command="dsar interim", actor=actor, now=now)
        detail = seal_reason(app, case, _SENT, reason, at=now)
        tx.record(_SENT, actor=actor, at=now, case_id=case.id, request_id=request.id, detail=detail)


def _inputs(app: App, tx: Transaction, case: CaseFile, request: Request, *, now: datetime) -> Inputs:
    facts = answer_facts(app, tx, case, request, now=now)
    return answering.with_data(app, tx, case, LetterKind.ACCESS_ANSWER, facts, purpose="interim", now=now)
