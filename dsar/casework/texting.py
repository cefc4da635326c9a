"""
A replaced mobile number -> the security notice to it by SMS (P3(d)).

The notice is a person's duty (dsar.casework.duties), which holds the old number sealed; the gateway taking the message
ends it. What the gateway refuses, or nobody knows the fate of, stays a person's.
"""

from datetime import datetime

from dsar import deadlines, letters
from dsar.casework import duties, protecting
from dsar.casework.context import PROGRAM, App
from dsar.casework.flags import flag
from dsar.errors import SmsRefusedError, SmsUnavailableError, SmsUncertainError
from dsar.identifiers import is_mobile, normalise
from dsar.model import IdentifierType, Text
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Duty

#: Flag of a case whose text message could not be sent, or nobody knows whether it was.
SMS_FAILED = "sms_failed"

#: So often a gateway that does not answer is tried.
SMS_TRIES = 5

#: Events of a case: the notice was handed over, or the gateway surely did not take it. Detail: number of the duty.
_BEGUN, _NOT_TAKEN, _SENT = "notice_sms_begun", "notice_sms_not_taken", "notice_sms_sent"

_NOTICE = Text(
    sv="{name}: det här numret byttes ut hos oss {day} efter en begäran, ärende {reference}. Var det inte du? "
    "Skriv till {email}.",
    en="{name}: this number was replaced in our records on {day} following a request, case {reference}. "
    "If it was not you, write to {email}.",
)


def can_reach(app: App, case: CaseFile, number: str) -> bool:
    """Whether the program itself tells an old number of its change; nothing but letters goes to who asked for them."""
    phone = normalise(IdentifierType.PHONE, number)
    wanted = app.settings.automatic_contact_notice and protecting.channel_of(case) != protecting.POST
    return app.sms is not None and wanted and phone is not None and is_mobile(phone)


def queue_notice(tx: Transaction, duty: Duty, *, now: datetime) -> None:
    """Let the program do a duty of notice, with the caller's transaction."""
    tx.enqueue("notice_sms", duty.id or 0, due_at=now)


def send_notice(app: App, duty_id: int, *, attempt: int, now: datetime) -> None:
    """
    Step: hand the notice of a duty to the gateway, at most once; an attempt that began and never ended is a person's.

    Raises: SmsUnavailableError: it was not taken, try again.
    """
    with app.store.transaction() as tx:
        duty = next((row for row in tx.open_duties() if row.id == duty_id), None)
        if duty is None or app.sms is None:
            return
        case = tx.case(duty.case_reference)
        if _is_under_way(tx, case, duty_id):
            flag(tx, case, SMS_FAILED)
            return
        phone = normalise(IdentifierType.PHONE, duties.key_of(app, duty))
        if phone is None:
            return
        _note(tx, case, _BEGUN, duty_id, now=now)
        language = letters.letter_language(case.language)
        text = _NOTICE.in_language(language).format(
            name=app.controller.name,
            day=deadlines.received_on(now).isoformat(),
            reference=case.reference,
            email=app.controller.email,
        )
        reference = app.vault.index("notice_sms", f"{case.reference}\0{duty_id}")[:32]
    try:
        app.sms.send(phone.value, text, reference=reference)
    except SmsUnavailableError:
        with app.store.transaction() as tx:
            case = tx.case(case.reference)
            _note(tx, case, _NOT_TAKEN, duty_id, now=now)
            if attempt >= SMS_TRIES:
                flag(tx, case, SMS_FAILED)
                return
        raise
    except (SmsUncertainError, SmsRefusedError):
        with app.store.transaction() as tx:
            flag(tx, tx.case(case.reference), SMS_FAILED)
        return
    with app.store.transaction() as tx:
        _note(tx, tx.case(case.reference), _SENT, duty_id, now=now)
    duties.end(app, duty_id, actor=PROGRAM, now=now)


def _is_under_way(tx: Transaction, case: CaseFile, duty_id: int) -> bool:
    """Whether an attempt began of which nobody knows how it ended."""
    mine = [event.name for event in tx.events(case.id or 0) if event.detail.get("duty") == str(duty_id)]
    return mine.count(_BEGUN) > mine.count(_NOT_TAKEN)


def _note(tx: Transaction, case: CaseFile, name: str, duty_id: int, *, now: datetime) -> None:
    tx.record(name, actor=PROGRAM, at=now, case_id=case.id, detail={"duty": str(duty_id)})
