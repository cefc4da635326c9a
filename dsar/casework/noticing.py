"""
Changed contact details -> a notice to the old contact point, so that a takeover does not go unseen (P3(d)).

By mail to an e-mail address, by SMS to a mobile where there is a gateway; anything else is a person's duty.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from dsar import letters
from dsar.casework import duties, identifying, protecting, texting
from dsar.casework.context import PROGRAM, App
from dsar.casework.facts import accepted_records, base_facts
from dsar.casework.sending import queue_letter
from dsar.errors import UndeliverableAddressError
from dsar.identifiers import normalise
from dsar.model import FieldChange, IdentifierType, LetterKind, PlanStep, Record, Right, StepAction
from dsar.names import fold
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Request

#: What is told of a change -> what the duty calls it.
_TOLD = {"phone": "phone number", "address": "address", "bank": "bank account"}


def tell_old_contact_points(
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
    Tell whoever was reached by what the applied *step* replaced, with the caller's transaction.

    A replaced e-mail address or mobile always hears of it. The rest is told where the answer goes to a contact point
    that was not on file before; else the answer itself tells it.
    Args: told: the steps applied before it, whose old contact points have their notice already.
    """
    if step.action is not StepAction.UPDATE:
        return
    for address in sorted(_replaced_addresses((step,)) - _replaced_addresses(told)):
        _mail(app, tx, case, request, step, address, now=now)
    records = accepted_records(app, tx, case, Right.UPDATE)
    elsewhere = identifying.goes_elsewhere(app, case, records)
    earlier = {_comparable(change.before) for each in told for _, change in _replaced(app, each)}
    for field, change in _replaced(app, step):
        if _comparable(change.before) in earlier:
            continue
        if field == "phone" and texting.can_reach(app, case, change.before):
            duty = duties.owe_notice(app, tx, case, step, kind=_TOLD[field], old=change.before, now=now)
            texting.queue_notice(tx, duty, now=now)
        elif field == "bank" and elsewhere:
            _tell_of_account(app, tx, case, request, step, records, now=now)
        elif field != "bank" and elsewhere:
            duties.owe_notice(app, tx, case, step, kind=_TOLD[field], old=change.before, now=now)


def _replaced(app: App, step: PlanStep) -> Iterator[tuple[str, FieldChange]]:
    """(field, change) of each old value in *step* that is no e-mail address and that another one took the place of."""
    if step.action is not StepAction.UPDATE:
        return
    declared = app.declarations[step.system].object(step.object, step.key)
    fields = {declared.update[name]: name for name in _TOLD if name in declared.update}
    for change in step.changes:
        if change.path in fields and change.before and _comparable(change.before) != _comparable(change.after or ""):
            yield fields[change.path], change


def _tell_of_account(
    app: App,
    tx: Transaction,
    case: CaseFile,
    request: Request,
    step: PlanStep,
    records: Sequence[Record],
    *,
    now: datetime,
) -> None:
    """An account hears nothing: every e-mail address on file does, or else a person tells the one whose it was."""
    answered = identifying.answered_at(app, case)
    held = identifying.all_on_file(app, records, IdentifierType.EMAIL, now=now)
    addresses = [each for each in held if each != answered]
    for address in addresses:
        _mail(app, tx, case, request, step, address.value, now=now)
    if not addresses:
        duties.owe_notice(app, tx, case, step, kind=_TOLD["bank"], old=step.key, now=now)


def _mail(
    app: App, tx: Transaction, case: CaseFile, request: Request, step: PlanStep, address: str, *, now: datetime
) -> None:
    wanted = app.settings.automatic_contact_notice
    if not wanted or protecting.channel_of(case) == protecting.POST:  # no mail to who asked for none
        duties.owe_notice(app, tx, case, step, kind="e-mail address", old=address, now=now)
        return
    facts = base_facts(app, case, received_at=request.received_at, rights=(), now=now)
    letter = letters.compose(
        LetterKind.CONTACT_CHANGED_NOTICE,
        case.language,
        replace(facts, done_on=facts.today),
        templates=app.settings.templates_folder,
        look=app.settings.look,
    )
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
        duties.owe_notice(app, tx, case, step, kind="e-mail address", old=address, now=now)  # a person tells them
    else:
        tx.record("contact_notice_queued", actor=PROGRAM, at=now, case_id=case.id, request_id=request.id)


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
