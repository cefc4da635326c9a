"""
A draft that a person has seen -> an approved letter in the outbox.

Approval binds the hashes of text, HTML and annexes as shown, the recipient and the channel. In the same transaction
the mail is built once, and its SHA-256 is stored: those bytes and no others are sent (P3).
"""

from datetime import datetime

from dsar import approval
from dsar.casework.answering import Draft, draft
from dsar.casework.context import App
from dsar.casework.facts import accepted_records, undecided_records
from dsar.casework.identifying import level_needed
from dsar.casework.sending import queue_letter
from dsar.errors import ApprovalError, CoverageError, IdentityNotVerifiedError
from dsar.identity import Risk, risk_of
from dsar.lifecycle import Event
from dsar.model import IdentityLevel, LetterKind, Record, Right, SystemOutcome
from dsar.store import Transaction
from dsar.store.tables import ApprovalRow, CaseFile, Request

#: Letters that tell nothing about what we hold, so that they need neither coverage nor identity.
_DISCLOSES_NOTHING = frozenset({LetterKind.REFUSAL, LetterKind.UNIDENTIFIED})

_SETTLED = frozenset({SystemOutcome.FOUND, SystemOutcome.NOTHING})


def approve(app: App, case: CaseFile, request: Request, *, actor: str, now: datetime) -> Draft:
    """
    Approve the letter that was shown and put it in the outbox, in one transaction.

    Raises: NotPermittedError (role, four eyes); IdentityNotVerifiedError (P4); CoverageError (P5); ApprovalError if the
    letter had to be made anew, so that nobody has seen it; UndeliverableAddressError; StaleStateError.
    """
    current = draft(app, case, request, now=now)
    with app.store.transaction() as tx:
        records = accepted_records(app, tx, case)
        _check_actor(app, current, request, records, actor=actor)
        if current.letter.kind not in _DISCLOSES_NOTHING:
            _check_identity(case, request, records)
            _check_coverage(app, tx, case)
        if current.fresh:
            raise ApprovalError(
                f"{case.reference}/{request.right}",
                "the letter was made anew just now and nobody has seen it; "
                f"look at it with 'dsar show {case.reference}/{request.right} --letter'",
            )
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
        tx.advance(request, Event.APPROVED, actor=actor, at=now, detail={"mime": outgoing.mime_sha256})
        tx.advance(request, Event.DISPATCH_STARTED, actor=actor, at=now)
    return current


def obstacles(app: App, tx: Transaction, case: CaseFile, request: Request) -> list[str]:
    """Everything that stands between a request in review and its approval, in words; empty if nothing does."""
    found = [] if request.decision else coverage_gaps(app, tx, case)
    needed = level_needed(accepted_records(app, tx, case), request)
    if not request.decision and IdentityLevel(case.identity_level) < needed:
        found.append(f"identity is {case.identity_level}, {needed} is needed")
    return found


def coverage_gaps(app: App, tx: Transaction, case: CaseFile) -> list[str]:
    """Places that have not answered in full, and candidates that nobody decided about (P5)."""
    rows = tx.search_results(case)
    gaps = [f"system {row.system} is {row.outcome}" for row in rows if row.outcome not in _SETTLED]
    gaps += [f"system {name} was not searched" for name in app.systems if name not in {row.system for row in rows}]
    if undecided := undecided_records(app, tx, case):
        gaps.append(f"{len(undecided)} candidate(s) are undecided ('dsar decide {case.reference}')")
    return gaps


def _check_actor(app: App, current: Draft, request: Request, records: tuple[Record, ...], *, actor: str) -> None:
    approval.check_may_approve(
        actor,
        roles=app.settings.roles(actor),
        author=current.row.author,
        right=Right(request.right),
        high_risk=risk_of(records) is Risk.HIGH,
        single_approver=app.settings.single_approver,
        refusal=current.letter.kind is LetterKind.REFUSAL,
    )


def _check_identity(case: CaseFile, request: Request, records: tuple[Record, ...]) -> None:
    needed = level_needed(records, request)
    if IdentityLevel(case.identity_level) < needed:
        raise IdentityNotVerifiedError(case.reference, case.identity_level, needed)


def _check_coverage(app: App, tx: Transaction, case: CaseFile) -> None:
    if gaps := coverage_gaps(app, tx, case):
        raise CoverageError(case.reference, gaps)
