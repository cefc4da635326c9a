"""
A record that tells of criminal convictions -> a flag on its case and a mail to management.

Art. 10 GDPR: "Processing of personal data relating to criminal convictions and offences ... shall be carried out only
under the control of official authority or when the processing is authorised by Union or Member State law". A company
that keeps an applicant's extract from the criminal record normally has neither (förordning (2018:219) 5 §): the person
is told of it like of anything else, and management decides at once how it came there and that it goes.
"""

from collections.abc import Sequence
from datetime import datetime

from dsar.approval import Role
from dsar.casework import health
from dsar.casework.context import PROGRAM, App, records_of
from dsar.casework.flags import flag
from dsar.errors import OutboxUnavailableError
from dsar.model import Record
from dsar.outbox import SmtpOutbox
from dsar.store import Transaction
from dsar.store.tables import CaseFile

#: Flag of a case for whose person a system holds data about convictions.
CRIMINAL = "criminal_record"

_CATEGORY = "criminal"


def heed(tx: Transaction, case: CaseFile, records: Sequence[Record], *, now: datetime) -> None:
    """Flag a case and have management told, once, with the caller's transaction."""
    places = sorted({record.system for record in records if _tells_of_crime(record)})
    if not places or CRIMINAL in case.flags:
        return
    flag(tx, case, CRIMINAL)
    tx.record("criminal_data_found", actor=PROGRAM, at=now, case_id=case.id, detail={"systems": ", ".join(places)})
    tx.enqueue("tell_management", case.id or 0, due_at=now)


def tell_management(app: App, case_id: int, *, outbox: SmtpOutbox, now: datetime) -> None:
    """
    Step: mail whoever is responsible for the program, and the address for alarms.

    Raises: OutboxUnavailableError: no mail could leave, try again.
    """
    with app.store.transaction(read_only=True) as tx:
        case = tx.case_by_id(case_id)
        found = [row.system for row in tx.search_results(case) if any(map(_tells_of_crime, records_of(app, case, row)))]
    to = [each.email for each in app.settings.members.values() if each.role == Role.ADMIN]
    to += [app.settings.health.alarm_address] if app.settings.health.alarm_address else []
    text = (
        f"{case.reference}: the program has found what looks like an extract from the criminal record in: "
        f"{', '.join(found) or 'a system that no longer holds it'}.\n\nA company may normally not keep one "
        "(Art. 10 GDPR). Please see to it that somebody looks at it today, that it is removed where no law allows it, "
        f"and that no more are taken in. 'dsar show {case.reference} --data' shows where it lies."
    )
    subject = f"dsar: {case.reference}, data about convictions"
    once = f"convictions {case_id}"
    sent = [health.tell(app, outbox, each, subject, text, now=now, once=once) for each in dict.fromkeys(to)]
    if to and not any(sent):
        raise OutboxUnavailableError("management could not be told")


def _tells_of_crime(record: Record) -> bool:
    return any(value.category == _CATEGORY and value.value for value in record.values)
