"""Changed contact details -> a notice to the old address, so that a takeover does not go unseen (P3(d))."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from dsar import letters
from dsar.casework.context import PROGRAM, App
from dsar.casework.facts import base_facts
from dsar.casework.sending import queue_letter
from dsar.errors import UndeliverableAddressError
from dsar.identifiers import normalise
from dsar.model import IdentifierType, LetterKind, PlanStep, StepAction
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request


def notify_old_addresses(
    app: App,
    tx: Transaction,
    case: CaseFile,
    request: Request,
    step: PlanStep,
    *,
    told: Sequence[PlanStep],
    now: datetime,
) -> None:
    """
    Queue the notice to every e-mail address that the applied *step* replaced, with the caller's transaction.

    Args: told: the steps applied before it, whose addresses have their notice already.
    """
    if not app.settings.automatic_contact_notice:
        return
    facts = base_facts(app, case, received_at=request.received_at, rights=(), now=now)
    letter = letters.compose(
        LetterKind.CONTACT_CHANGED_NOTICE,
        case.language,
        replace(facts, done_on=facts.today),
        templates=app.settings.templates_folder,
    )
    for address in sorted(_replaced_addresses((step,)) - _replaced_addresses(told)):
        try:
            queue_letter(
                app,
                tx,
                case,
                letter,
                recipient=address,
                auto_submitted="auto-replied",
                letter_id=None,
                threaded=False,
                now=now,
            )
        except UndeliverableAddressError:
            tx.record("contact_notice_undeliverable", actor=PROGRAM, at=now, case_id=case.id, request_id=request.id)
        else:
            tx.record("contact_notice_queued", actor=PROGRAM, at=now, case_id=case.id, request_id=request.id)


def _replaced_addresses(steps: Sequence[PlanStep]) -> set[str]:
    addresses = (
        normalise(IdentifierType.EMAIL, change.before)
        for step in steps
        if step.action is StepAction.UPDATE
        for change in step.changes
        if change.before != change.after
    )
    return {address.value for address in addresses if address is not None}
