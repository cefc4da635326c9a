"""
A request in review -> its draft: the one that was shown, or a new one if anything has changed.

Effects: reads and writes the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dsar.casework.answering.composing import compose, documents_of, store_letter
from dsar.casework.answering.inputs import Inputs, inputs_of
from dsar.casework.changing import store_plan
from dsar.casework.context import PROGRAM, App, content_of, stored_letter
from dsar.casework.facts import current_plan
from dsar.casework.planning import CHANGING
from dsar.casework.sending import void_letter
from dsar.errors import IllegalTransitionError, StaleStateError
from dsar.lifecycle import State
from dsar.model import Letter, Right
from dsar.store import Transaction
from dsar.store.tables import CaseFile, LetterRow, Request

#: Event: a member of staff looked at a letter.
_SHOWN = "looked_at_letter"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A stored draft as it is shown."""

    row: LetterRow
    letter: Letter
    recipient: str


def draft(app: App, case: CaseFile, request: Request, *, now: datetime) -> Draft:
    """
    The letter that would answer *request* now.

    Raises: IllegalTransitionError if the request is not in review; LetterError naming what a letter still lacks;
    StaleStateError if something changed while it was being made.
    """
    if request.state != State.REVIEW:
        raise IllegalTransitionError(f"{case.reference}/{request.right}", request.state, "draft")
    with app.store.transaction() as tx:
        inputs = inputs_of(app, tx, case, request, now=now)
        shown = same_draft(app, tx, case, tx.letters_of(request.id or 0), inputs)
        if shown is not None:
            return shown
        documents = documents_of(app, tx, case, inputs)
    letter = compose(app, inputs.kind, case.language, inputs.facts, documents=documents, now=now)
    with app.store.transaction() as tx:
        check_unchanged(app, tx, case, request, inputs, now=now)
        for known in tx.letters_of(request.id or 0):
            if known.status == "draft":
                void_letter(tx, known, reason="made_anew", now=now)
        row = store_letter(app, tx, case, [request.id or 0], letter, inputs)
        if Right(request.right) in CHANGING and not request.decision:
            steps = current_plan(app, tx, case, Right(request.right))
            store_plan(app, tx, case, request, row.id or 0, steps)
        tx.record(
            "letter_composed",
            actor=PROGRAM,
            at=now,
            case_id=case.id,
            request_id=request.id,
            detail={"kind": inputs.kind, "letter": str(row.id)},
        )
    return Draft(row=row, letter=letter, recipient=inputs.recipient)


def show(app: App, case: CaseFile, request: Request, *, actor: str, now: datetime) -> Draft:
    """The letter that would answer *request* now, and the record that *actor* has looked at exactly this one."""
    current = draft(app, case, request, now=now)
    with app.store.transaction() as tx:
        mark_shown(tx, case, request, current, actor=actor, now=now)
    return current


def mark_shown(tx: Transaction, case: CaseFile, request: Request, current: Draft, *, actor: str, now: datetime) -> None:
    """Record that *actor* has looked at this very letter."""
    detail = {"letter": str(current.row.id)}
    tx.record(_SHOWN, actor=actor, at=now, case_id=case.id, request_id=request.id, detail=detail)


def was_shown(tx: Transaction, current: Draft, *, actor: str) -> bool:
    """Whether *actor* has looked at this very letter: nobody approves what they have not seen (P3)."""
    return any(
        event.name == _SHOWN and event.actor == actor and event.detail.get("letter") == str(current.row.id)
        for event in tx.events(current.row.case_id)
    )


def check_unchanged(
    app: App, tx: Transaction, case: CaseFile, request: Request, seen: Inputs, *, now: datetime
) -> None:
    """Raises: StaleStateError if the request moved on, or its letter would now be made from something else."""
    current = tx.request(request.id or 0)
    same = (current.state, current.version) == (request.state, request.version)
    if not same or inputs_of(app, tx, tx.case_by_id(case.id or 0), current, now=now).sha256 != seen.sha256:
        raise StaleStateError(f"{case.reference}/{request.right}")


def same_draft(app: App, tx: Transaction, case: CaseFile, known: Sequence[LetterRow], inputs: Inputs) -> Draft | None:
    """The draft among *known* that was made today from the same inputs; None if there is none."""
    for row in known:
        if row.status == "draft" and row.composed_on == inputs.facts.today and row.inputs_sha256 == inputs.sha256:
            recipient = content_of(app, case, row).recipient
            return Draft(row=row, letter=stored_letter(app, tx, case, row), recipient=recipient)
    return None
