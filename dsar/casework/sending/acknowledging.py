"""
A mail and its triage -> the automatic acknowledgement in the outbox, where one is allowed.

Effects: writes the database, in the caller's transaction.
"""

from datetime import datetime

from dsar import letters
from dsar.casework import unasked
from dsar.casework.context import PROGRAM, App
from dsar.casework.facts import base_facts
from dsar.casework.sending.queueing import queue_letter
from dsar.errors import UndeliverableAddressError
from dsar.model import InboundMail, LetterKind, Requester, Triage
from dsar.store import Transaction
from dsar.store.tables import CaseFile

_ACKNOWLEDGED_REQUESTERS = frozenset({Requester.SELF, Requester.AGENT, Requester.PARENT, Requester.ESTATE})


def acknowledge(app: App, tx: Transaction, case: CaseFile, mail: InboundMail, triage: Triage, *, now: datetime) -> bool:
    """
    Queue the automatic acknowledgement if promise P3(a) allows one: once per case and once per sender and day (RFC
    3834), quoting nothing, confirming nothing, never to machines, forged senders, protected identities or minors.
    """
    if not _may_acknowledge(app, tx, mail, triage, now=now) or mail.sender is None:
        return False
    received = tx.requests(case.id or 0)[0].received_at
    facts = base_facts(app, case, received_at=received, rights=(), now=now)
    letter = letters.compose(
        LetterKind.ACKNOWLEDGEMENT,
        case.language,
        facts,
        templates=app.settings.templates_folder,
        look=app.settings.look,
    )
    try:
        queue_letter(
            app, tx, case, letter, recipient=mail.sender, auto_submitted="auto-replied", letter_id=None, now=now
        )
    except UndeliverableAddressError:
        return False
    tx.record("acknowledged", actor=PROGRAM, at=now, case_id=case.id)
    return True


def _may_acknowledge(app: App, tx: Transaction, mail: InboundMail, triage: Triage, *, now: datetime) -> bool:
    if not app.settings.automatic_acknowledgement or unasked.why_not(app, tx, mail, triage, now=now):
        return False
    if triage.requester not in _ACKNOWLEDGED_REQUESTERS:
        return False
    return not unasked.wrote_lately(app, tx, mail, LetterKind.ACKNOWLEDGEMENT, now=now)
