"""
The pass-phrase of an encrypted answer: sealed with its case, released when that has left, destroyed with its data.

It reaches the person by SMS, by letter or by telephone, and never by mail: whoever reads the mailbox must not be able
to open what lies in it (Art. 32 GDPR).
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from dsar import passphrase
from dsar.casework.context import App, case_key
from dsar.errors import StaleStateError, UsageError
from dsar.locale import said
from dsar.store import Transaction
from dsar.store.tables import CaseFile, PassPhrase

#: How it reaches the person.
SMS, LETTER, VOICE = "sms", "letter", "voice"
WAYS = (SMS, LETTER, VOICE)

#: Way -> the state of a pass-phrase whose answer has left.
_RELEASED = {SMS: "ready", LETTER: "to_post", VOICE: "to_read"}
_GONE = b""


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a pass-phrase reaches the person, and where."""

    by: str  #: One of WAYS.
    contact: str = ""  #: Phone in E.164, or lines of a postal address; "" for VOICE.

    def __str__(self) -> str:
        return f"{self.by} {self.contact}".strip()


def make(app: App, tx: Transaction, case: CaseFile, letter_id: int, way: Way, *, now: datetime) -> str:
    """A new pass-phrase for a letter that is approved now; it waits until the letter has left."""
    phrase = passphrase.make(secrets.randbelow)
    tx.add_pass_phrase(
        PassPhrase(
            case_id=case.id or 0,
            letter_id=letter_id,
            channel=way.by,
            sealed_contact=app.vault.seal(case_key(case), f"pass_phrase.contact:{letter_id}", way.contact.encode()),
            sealed_phrase=app.vault.seal(case_key(case), f"pass_phrase.phrase:{letter_id}", phrase.encode()),
            created_at=now,
        )
    )
    return phrase


def way_of(app: App, case: CaseFile, row: PassPhrase) -> Way:
    """How the pass-phrase of a letter reaches the person."""
    contact = app.vault.unseal(case_key(case), f"pass_phrase.contact:{row.letter_id}", row.sealed_contact)
    return Way(by=row.channel, contact=contact.decode())


def open_phrase(app: App, case: CaseFile, row: PassPhrase) -> str:
    """The pass-phrase itself; whoever shows it records that. Raises: UsageError if it was destroyed."""
    if not row.sealed_phrase:
        raise UsageError(said("The pass-phrase of {case} is gone, with the data that it opened.", case=case.reference))
    return app.vault.unseal(case_key(case), f"pass_phrase.phrase:{row.letter_id}", row.sealed_phrase).decode()


def release(tx: Transaction, letter_id: int, *, now: datetime) -> None:
    """The letter has left: its pass-phrase may go."""
    row = tx.pass_phrase_of(letter_id)
    if row is not None and tx.move_pass_phrase(row, to=_RELEASED[row.channel], expected="held") and row.channel == SMS:
        tx.enqueue("send_phrase", row.id or 0, due_at=now)


def tell_anew(app: App, tx: Transaction, case: CaseFile, row: PassPhrase, way: Way, *, now: datetime) -> None:
    """
    It goes to the person again, by this way from now on.

    Raises: StaleStateError while an SMS with it is being handed over: that way would still be used.
    """
    if row.state == "sending" or not tx.move_pass_phrase(row, to=_RELEASED[way.by], expected=row.state):
        raise StaleStateError(f"The pass-phrase of {case.reference}")
    row.channel = way.by
    row.sealed_contact = app.vault.seal(case_key(case), f"pass_phrase.contact:{row.letter_id}", way.contact.encode())
    if way.by == SMS:
        tx.enqueue("send_phrase", row.id or 0, due_at=now)


def end(tx: Transaction, letter_id: int) -> None:
    """The letter is void: nobody will need what opens it."""
    row = tx.pass_phrase_of(letter_id)
    if row is not None:
        row.state = "void"
        row.sealed_phrase = _GONE
