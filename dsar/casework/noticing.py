"""Changed contact details -> a notice to the old contact point, so that a takeover does not go unseen (P3(d))."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from dsar import letters
from dsar.casework import duties, identifying, protecting
from dsar.casework.context import PROGRAM, App
from dsar.casework.facts import accepted_records, base_facts
from dsar.casework.sending import queue_letter
from dsar.errors import UndeliverableAddressError
from dsar.identifiers import normalise
from dsar.model import IdentifierType, LetterKind, PlanStep, Right, StepAction
from dsar.names import fold
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
        if protecting.channel_of(case) == protecting.POST:  # no mail to who asked for none
            duties.owe_notice(app, tx, case, step, kind="e-mail address", old=address, now=now)
            continue
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


#: Changes of what no mail of ours reaches.
_BY_HAND = ("phone", "address")


def owe_notices(
    app: App, tx: Transaction, case: CaseFile, step: PlanStep, *, told: Sequence[PlanStep], now: datetime
) -> None:
    """
    A replaced phone number or postal address is told by a person: a duty that holds the old value, sealed.

    None is owed where the answer goes to an e-mail address that was on file before and stays.
    """
    records = accepted_records(app, tx, case, Right.UPDATE)
    if step.action is not StepAction.UPDATE or not identifying.goes_elsewhere(app, case, records):
        return
    declared = app.declarations[step.system].object(step.object, step.key)
    columns = {declared.update[name]: name for name in _BY_HAND if name in declared.update}
    known = {_comparable(change.before) for earlier in told for change in earlier.changes}
    for change in step.changes:
        new = {_comparable(change.after or ""), *known}
        if change.path in columns and change.before and _comparable(change.before) not in new:
            duties.owe_notice(app, tx, case, step, kind=columns[change.path], old=change.before, now=now)


def _comparable(text: str) -> str:
    """One spelling of a phone number or an address, so that two systems bring one notice."""
    number = normalise(IdentifierType.PHONE, text)
    return number.value if number else " ".join(fold(text).split())


def _replaced_addresses(steps: Sequence[PlanStep]) -> set[str]:
    addresses = (
        normalise(IdentifierType.EMAIL, change.before)
        for step in steps
        if step.action is StepAction.UPDATE
        for change in step.changes
        if change.before != change.after
    )
    return {address.value for address in addresses if address is not None}
