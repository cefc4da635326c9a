"""
What staff decide about the answer to a request, and who has shaped it.

Effects: writes the database.
"""

from datetime import datetime

from dsar.casework import duties
from dsar.casework.context import PROGRAM, App, Grounds, seal_grounds, seal_note, seal_reason
from dsar.casework.facts import accepted_records
from dsar.casework.grounds import article_of
from dsar.casework.identifying import check_identity
from dsar.casework.sending import void_letter
from dsar.errors import UsageError
from dsar.lifecycle import Event
from dsar.locale import said
from dsar.model import Right
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request

#: Events by which a person decides what is answered, whatever was found.
_DECIDING = frozenset({Event.REFUSED, Event.UNIDENTIFIED, Event.DONE_BY_HAND})

#: Events by which a person decides whom an answer is about and what it covers.
SHAPING = frozenset(
    {
        Event.SORTED,
        "verified",
        "mandate_seen",
        "requester_set",
        "candidate_decided",
        "plan_corrected",
        "redacted",
        "note_added",
    }
)


def refuse(
    app: App, case: CaseFile, request: Request, *, reasons: str, legal_ground: str, actor: str, now: datetime
) -> None:
    """
    Decide to refuse, with reasons of the case and the law (Art. 12(4): "inform the data subject [...] of the reasons").

    Raises: IllegalTransitionError.
    """
    with app.store.transaction() as tx:
        sealed = seal_grounds(app, case, request.id or 0, Grounds(reasons=reasons, legal_ground=legal_ground))
        tx.advance(
            request,
            Event.REFUSED,
            actor=actor,
            at=now,
            decision="refuse",
            sealed_grounds=sealed,
            refusal_ground=article_of(legal_ground),
        )


def done_by_hand(app: App, case: CaseFile, request: Request, *, what: str, actor: str, now: datetime) -> None:
    """
    A member of staff states what they did by hand where the program could do nothing; the letter says it.

    Args: what: in the language of the letter.
    Raises: UsageError for access and erasure, which are told from what the systems hold; IdentityNotVerifiedError for a
    change, which nobody makes before it is known who asks (P4); IllegalTransitionError.
    """
    if request.right in {Right.ACCESS, Right.ERASE}:
        raise UsageError(
            said(
                "{case}/{right} is answered from what the systems hold: approve its letter; 'dsar duties --done' then "
                "ends what was left to you.",
                case=case.reference,
                right=request.right,
            )
        )
    with app.store.transaction() as tx:
        if request.right == Right.UPDATE:
            check_identity(app, tx, case, request, accepted_records(app, tx, case, Right.UPDATE))
        sealed = seal_grounds(app, case, request.id or 0, Grounds(reasons=what, legal_ground=""))
        tx.advance(request, Event.DONE_BY_HAND, actor=actor, at=now, decision="done", sealed_grounds=sealed)
        if request.right == Right.RESTRICT:
            duties.watch_restriction(app, tx, case, now=now)


def add_note(app: App, case: CaseFile, request: Request, note: str, *, actor: str, now: datetime) -> None:
    """
    What the letters of a request say besides, in staff's own words and shown as such; "" takes it back.

    Whoever wrote it has shaped the letter; a draft that was shown before is made anew (P3).
    """
    with app.store.transaction() as tx:
        current = tx.request(request.id or 0)
        current.sealed_note = seal_note(app, case, request.id or 0, note.strip()) if note.strip() else None
        tx.record("note_added", actor=actor, at=now, case_id=case.id, request_id=request.id)


def answer_estate(app: App, request: Request, *, actor: str, now: datetime) -> None:
    """
    Decide that the person has died, so that the GDPR gives nobody a right to their data (recital 27).

    The letter says so kindly and names who helps the estate; it does not say whether we hold anything.
    """
    with app.store.transaction() as tx:
        tx.advance(request, Event.REFUSED, actor=actor, at=now, decision="deceased")


def pass_on(app: App, case: CaseFile, request: Request, *, what: str, actor: str, now: datetime) -> None:
    """
    Decide that a mail was no request about personal data after all, and tell its sender kindly.

    Args: what: what it seems to be about and whom it was passed on to, in the language of the letter.
    """
    with app.store.transaction() as tx:
        sealed = seal_grounds(app, case, request.id or 0, Grounds(reasons=what, legal_ground=""))
        tx.advance(request, Event.REFUSED, actor=actor, at=now, decision="not_request", sealed_grounds=sealed)


def give_up_identity(app: App, request: Request, *, actor: str, now: datetime) -> None:
    """Decide to end a request whose sender could not be identified (Art. 12(6), 11(2)) by a neutral letter."""
    with app.store.transaction() as tx:
        tx.advance(request, Event.UNIDENTIFIED, actor=actor, at=now, decision="unidentified")


def reject(app: App, case: CaseFile, request: Request, *, reason: str, actor: str, now: datetime) -> None:
    """Send a draft back: it becomes void, and the reason stands in the timeline under the case's key."""
    with app.store.transaction() as tx:
        for known in tx.letters_of(request.id or 0):
            if known.status == "draft":
                void_letter(tx, known, reason="rejected", now=now)
        detail = seal_reason(app, case, "rejected", reason, at=now)
        tx.record("rejected", actor=actor, at=now, case_id=case.id, request_id=request.id, detail=detail)


def authors(tx: Transaction, request: Request) -> frozenset[str]:
    """
    Who decided what the answer to *request* says: who refused it, or else who shaped the case that it answers.

    Empty where the program did it all.
    """
    events = tx.events(request.case_id)
    if request.decision:
        events = [event for event in events if event.request_id == request.id and event.name in _DECIDING]
    else:
        events = [event for event in events if event.request_id in {None, request.id} and event.name in SHAPING]
    return frozenset(event.actor for event in events) - {PROGRAM}
