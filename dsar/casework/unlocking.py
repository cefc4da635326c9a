"""
A pass-phrase whose answer has left -> the person: by SMS, on paper, or read out by staff.

Whoever cannot open the answer gets the pass-phrase again, by this way or another; each time is in the audit trail.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from dsar import letters
from dsar.casework import delivering, phrases, printing, protecting
from dsar.casework.context import PROGRAM, App
from dsar.casework.facts import accepted_records, base_facts
from dsar.casework.flags import flag
from dsar.casework.phrases import Way
from dsar.errors import SmsRefusedError, SmsUnavailableError, SmsUncertainError, StaleStateError, UsageError
from dsar.locale import said
from dsar.model import LetterKind, Right, Text
from dsar.store import Transaction
from dsar.store.tables import CaseFile, PassPhrase

#: Flag of a case whose pass-phrase could not be sent by SMS, or nobody knows whether it was.
PHRASE_FAILED = "phrase_failed"

#: So often a gateway that does not answer is tried.
_TRIES = 5

_SMS = Text(
    sv="Lösenfras för svaret i ärende {reference} som kommer med e-post: {phrase} Lämna den aldrig till någon.",
    en="Pass-phrase for the answer in case {reference} that comes by e-mail: {phrase} Never give it to anybody.",
)


@dataclass(frozen=True, kw_only=True)
class Told:
    """A pass-phrase as staff read it out."""

    phrase: str
    sent_at: datetime | None  #: When its answer left; None: it has not.


def send_sms(app: App, phrase_id: int, *, attempt: int, now: datetime) -> None:
    """
    Step: hand a pass-phrase to the gateway, at most once for each time that it is to be told.

    What began and never ended is not repeated: staff are shown that, and read it out or send it anew.
    Raises: SmsUnavailableError: it was not taken, try again; StaleStateError: another worker may yet give it back.
    """
    with app.store.transaction() as tx:
        row = tx.pass_phrase(phrase_id)
        case = tx.case_by_id(row.case_id)
        if row.state == "sending":
            if not _end(tx, case, row, "uncertain", now=now):
                raise StaleStateError(case.reference)
            return
        if row.state != "ready" or app.sms is None:
            return
        if not tx.move_pass_phrase(row, to="sending", expected="ready"):
            raise StaleStateError(case.reference)
        way = phrases.way_of(app, case, row)
        text = _SMS.in_language(letters.letter_language(case.language)).format(
            reference=case.reference, phrase=phrases.open_phrase(app, case, row)
        )
    state = "sent"
    try:
        app.sms.send(way.contact, text, reference=app.vault.index("pass_phrase", f"{row.id} {row.told_at}")[:32])
    except SmsUnavailableError:
        if attempt < _TRIES:
            with app.store.transaction() as tx:
                tx.move_pass_phrase(tx.pass_phrase(phrase_id), to="ready", expected="sending")
            raise
        state = "failed"
    except SmsUncertainError:
        state = "uncertain"
    except SmsRefusedError:
        state = "failed"
    with app.store.transaction() as tx:
        _end(tx, tx.case_by_id(case.id or 0), tx.pass_phrase(phrase_id), state, now=now)


def _end(tx: Transaction, case: CaseFile, row: PassPhrase, state: str, *, now: datetime) -> bool:
    """False if another worker was first."""
    if not tx.move_pass_phrase(row, to=state, expected="sending"):
        return False
    tx.record(f"phrase_{state}", actor=PROGRAM, at=now, case_id=case.id, detail={"channel": row.channel})
    if state == "sent":
        row.told_at = now
    else:
        flag(tx, case, PHRASE_FAILED)
    return True


def printed(app: App, case: CaseFile, row: PassPhrase, *, now: datetime) -> bytes:
    """A pass-phrase as a letter to print and post."""
    facts = replace(
        base_facts(app, case, received_at=row.created_at, rights=(), now=now),
        pass_phrase=phrases.open_phrase(app, case, row),
    )
    markdown = letters.markdown_of(
        LetterKind.PASS_PHRASE, case.language, facts, templates=app.settings.templates_folder
    )
    address = () if protecting.PROTECTED in case.flags else phrases.way_of(app, case, row).contact.split("\n")
    language = letters.letter_language(case.language)
    return printing.document(app, case.reference, markdown, language, address=address, now=now)


def read_out(app: App, case: CaseFile, *, actor: str, now: datetime) -> list[Told]:
    """
    The pass-phrases of a case, for a member of staff who has the person on the telephone; that is recorded.

    Raises: UsageError if there is none.
    """
    with app.store.transaction() as tx:
        live = [row for row in tx.pass_phrases(case.id or 0) if row.sealed_phrase]
        if not live:
            raise UsageError(said("{case} has no letter with a pass-phrase.", case=case.reference))
        tx.record("phrase_read", actor=actor, at=now, case_id=case.id, detail={"count": str(len(live))})
        told = []
        for row in live:
            sent = [mail.sent_at for mail in tx.outgoing_of_letter(row.letter_id) if mail.sent_at is not None]
            told.append(Told(phrase=phrases.open_phrase(app, case, row), sent_at=max(sent, default=None)))
            if row.state == "to_read":
                row.state, row.told_at = "sent", now
    return told


def choose(app: App, case: CaseFile, by: str, *, actor: str, now: datetime) -> tuple[Way, int]:
    """
    From now on the pass-phrases of a case go *by* this way; of answers that have left they go again.

    Returns: the way, and how many are told again. Raises: UsageError if there is no such way to the person;
    StaleStateError while an SMS with one of them is being handed over.
    """
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        if protecting.channel_of(case) == protecting.POST and not tx.pass_phrases(case.id or 0):
            raise UsageError(said("{case} is answered by post, which needs no pass-phrase.", case=case.reference))
        records = accepted_records(app, tx, case, Right.ACCESS)
        way = delivering.choose(app, case, records, by, now=now)
        case.phrase_by = by
        tx.add_case(case)
        again = [row for row in tx.pass_phrases(case.id or 0) if row.sealed_phrase and row.state != "held"]
        for row in again:
            phrases.tell_anew(app, tx, case, row, way, now=now)
        detail = {"channel": way.by, "again": str(len(again))}
        tx.record("phrase_way_chosen", actor=actor, at=now, case_id=case.id, detail=detail)
    return way, len(again)
