"""
More time for an answer -> a notice with its reasons, inside the month, or a refusal by the program.

Art. 12(3): "That period may be extended by two further months where necessary, taking into account the complexity and
number of the requests. The controller shall inform the data subject of any such extension within one month of receipt
of the request, together with the reasons for the delay." The new date counts once the letter has left.
"""

from dataclasses import replace
from datetime import date, datetime

from dsar import approval, deadlines
from dsar.casework import beside, clocking
from dsar.casework.answering import Draft, Inputs, seen_inputs
from dsar.casework.context import App, subject_of
from dsar.casework.facts import base_facts
from dsar.clock import Clock, ExtensionReason
from dsar.errors import ApprovalError, UsageError
from dsar.lifecycle import Outcome, State
from dsar.locale import said
from dsar.model import LetterKind, Right, Text
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request

#: A reason that is specific to the case takes more words than "the request is complex".
_SHORTEST_REASON = 40

#: What is ready already, as the notice tells it.
_READY = {
    Right.OBJECT: Text(sv="reklam är stoppad", en="marketing has been stopped"),
    Right.RESTRICT: Text(sv="användningen är begränsad", en="the use has been restricted"),
    Right.ACCESS: Text(sv="registerutdraget är skickat", en="the copy of the data has been sent"),
    Right.UPDATE: Text(sv="rättelsen är gjord", en="the correction has been made"),
    Right.ERASE: Text(sv="raderingen är gjord", en="the erasure has been carried out"),
}


def show(
    app: App,
    case: CaseFile,
    request: Request,
    *,
    reasons: str,
    until: date | None,
    actor: str,
    now: datetime,
) -> Draft:
    """
    The notice as it would be sent now.

    Args: reasons: specific to this request, in the language of the letter; until: the new date, None for all that the
    law allows. Raises: ApprovalError where the law allows no extension; UsageError.
    """
    with app.store.transaction() as tx:
        _check(app, tx, case, request, reasons=reasons, until=until, now=now)
    return beside.show(
        app,
        case,
        request,
        lambda tx, case: _inputs(app, tx, case, request, reasons=reasons, until=until, now=now),
        actor=actor,
        now=now,
    )


def send(
    app: App,
    case: CaseFile,
    request: Request,
    *,
    because: ExtensionReason,
    reasons: str,
    until: date | None,
    actor: str,
    now: datetime,
) -> None:
    """
    Approve the notice that was shown; the dates move when it has left.

    Raises: as show(); NotPermittedError.
    """
    approval.check_approver(actor, "extend the time for an answer", app.settings.roles(actor))
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        _check(app, tx, case, request, reasons=reasons, until=until, now=now)
        inputs = _inputs(app, tx, case, request, reasons=reasons, until=until, now=now)
        current, _ = beside.send(app, tx, case, inputs, command="dsar extend", actor=actor, now=now)
        detail = {"because": because.value, "letter": str(current.row.id)} | (
            {"until": until.isoformat()} if until else {}
        )
        tx.record(
            clocking.EXTENSION_APPROVED, actor=actor, at=now, case_id=case.id, request_id=request.id, detail=detail
        )


def _check(
    app: App, tx: Transaction, case: CaseFile, request: Request, *, reasons: str, until: date | None, now: datetime
) -> None:
    reference, clock = f"{case.reference}/{request.right}", clocking.clock_of(app, tx, request)
    if request.right == Right.OBJECT:
        raise ApprovalError(reference, "marketing stops at once, which nothing extends (Art. 21(3) GDPR)")
    if request.state == State.CLOSED:
        raise ApprovalError(reference, "it is closed")
    if clock.extended or _is_under_way(tx, request):
        raise ApprovalError(reference, "it is extended already, and once is all that the law allows")
    if deadlines.received_on(now) > clock.dates.legal_on:
        raise ApprovalError(
            reference,
            said(
                "the month ended on {legal_on}: an extension is told within it or has no effect (Art. 12(3) GDPR)",
                legal_on=clock.dates.legal_on,
            ),
        )
    if len(" ".join(reasons.split())) < _SHORTEST_REASON:
        raise UsageError("--reasons must say what makes this very request complex, or how many there are.")
    if until is not None and not clock.dates.nominal_on < until <= clock.dates.extended_nominal_on:
        raise UsageError(
            said(
                "--until must lie after {nominal_on} and not after {extended_nominal_on}.",
                nominal_on=clock.dates.nominal_on,
                extended_nominal_on=clock.dates.extended_nominal_on,
            )
        )


def _is_under_way(tx: Transaction, request: Request) -> bool:
    """Whether a notice was approved that has neither left nor been taken back."""
    return any(
        event.name == clocking.EXTENSION_APPROVED
        and event.request_id == request.id
        and tx.letter(int(event.detail["letter"])).status == "approved"
        for event in tx.events(request.case_id)
    )


def _inputs(
    app: App, tx: Transaction, case: CaseFile, request: Request, *, reasons: str, until: date | None, now: datetime
) -> Inputs:
    clock: Clock = clocking.clock_of(app, tx, request)
    right = Right(request.right)
    facts = base_facts(app, case, received_at=request.received_at, rights=(right,), now=now)
    subject = subject_of(app, case)
    done = {Outcome.FULFILLED, Outcome.PARTLY}
    facts = replace(
        facts,
        person_name=subject.name if subject.proven else None,
        reasons=reasons,
        extended_nominal_on=until or clock.dates.extended_nominal_on,
        other_outcomes=tuple(
            _READY[Right(other.right)].in_language(case.language)
            for other in tx.requests(case.id or 0)
            if other.id != request.id and other.outcome in done
        ),
    )
    return seen_inputs(app, case, LetterKind.EXTENSION, facts, purpose=f"extension {right}")
