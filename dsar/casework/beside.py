"""
A letter beside the answer, e.g. a question or a notice -> shown, approved, on its way; no request is closed by it.

It is approved like any other: as it was shown, by somebody who has seen it (P3).
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from dsar.casework import answering
from dsar.casework.answering import Draft, Inputs
from dsar.casework.approving import bind_letter
from dsar.casework.context import App
from dsar.errors import ApprovalError
from dsar.locale import said
from dsar.store import Transaction
from dsar.store.tables import CaseFile, LetterRow, OutboxRow, Request

#: What makes a letter's inputs anew, within the transaction that it is given.
MakeInputs = Callable[[Transaction, CaseFile], Inputs]


def draft(app: App, case: CaseFile, make: MakeInputs, *, now: datetime) -> Draft:
    """The letter as it would be sent now, kept as it is shown."""
    with app.store.transaction() as tx:
        inputs = make(tx, tx.case_by_id(case.id or 0))
        shown = answering.same_draft(app, tx, case, _unlinked(tx, case), inputs)
        if shown is not None:
            return shown
        documents = answering.documents_of(app, tx, case, inputs)
    letter = answering.compose(app, inputs.kind, case.language, inputs.facts, documents=documents, now=now)
    with app.store.transaction() as tx:
        row = answering.store_letter(app, tx, case, [], letter, inputs)  # it answers no request: that stays open
    return Draft(row=row, letter=letter, recipient=inputs.recipient)


def show(app: App, case: CaseFile, request: Request, make: MakeInputs, *, actor: str, now: datetime) -> Draft:
    """The letter as it would be sent now, and the record that *actor* has looked at exactly this one."""
    current = draft(app, case, make, now=now)
    with app.store.transaction() as tx:
        answering.mark_shown(tx, case, request, current, actor=actor, now=now)
    return current


def send(
    app: App, tx: Transaction, case: CaseFile, inputs: Inputs, *, command: str, actor: str, now: datetime
) -> tuple[Draft, OutboxRow]:
    """
    Approve the letter that was shown, with the caller's transaction.

    Args: command: that shows it, for the message.
    Raises: ApprovalError if *actor* has not seen it as it is now; UndeliverableAddressError.
    """
    current = answering.same_draft(app, tx, case, _unlinked(tx, case), inputs)
    if current is None or not answering.was_shown(tx, current, actor=actor):
        raise ApprovalError(
            case.reference, said("you have not seen this letter as it is now; '{command}' shows it", command=command)
        )
    return current, bind_letter(app, tx, case, current, plan=None, actor=actor, now=now)


def _unlinked(tx: Transaction, case: CaseFile) -> Sequence[LetterRow]:
    """Letters of the case that answer no request: a request's own draft is another letter, even with the same words."""
    return [row for row in tx.letters_of_case(case.id or 0) if not tx.requests_of_letter(row.id or 0)]
