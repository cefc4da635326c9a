"""
A one-time code -> the contact point on file, by mail, SMS or printed letter.

It goes to contact points on file and never to claimed ones (P4). It stands in what is sent, sealed until then, and
nowhere else; the database keeps its keyed digest. What a code says is the same whatever we hold, if anything.
"""

import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta

from dsar import deadlines, dispatch, letters
from dsar.casework import confirming, printing
from dsar.casework.context import App, case_key, contact_of, seal_contact
from dsar.casework.facts import base_facts
from dsar.casework.flags import flag
from dsar.casework.planning import FOR_ANOTHER
from dsar.casework.sending import queue_letter
from dsar.casework.texting import SMS_FAILED, SMS_TRIES
from dsar.errors import (
    SmsRefusedError,
    SmsUnavailableError,
    SmsUncertainError,
    StaleStateError,
    UndeliverableAddressError,
)
from dsar.identifiers import is_mobile, is_role_mailbox
from dsar.model import Identifier, IdentifierType, LetterFacts, LetterKind, Requester, Text
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Challenge, Request

#: How long a code is valid; a printed one has to travel.
VALID = {"mail": timedelta(hours=24), "sms": timedelta(hours=24), "letter": timedelta(days=14)}

#: More codes in a day, for whichever cases, would pester whoever has the contact point.
_MOST_PER_DAY = 3

#: Channel of a code -> the kind of contact point that it is sent to.
CHANNEL_OF = {IdentifierType.EMAIL: "mail", IdentifierType.PHONE: "sms", IdentifierType.ADDRESS: "letter"}

_SMS = Text(
    sv="Kod {code} för ärende {reference}. Har du inte bett om något: gör ingenting. Lämna aldrig koden till någon.",
    en="Code {code} for case {reference}. If you have asked for nothing, do nothing. Never give the code to anybody.",
)


def choose(app: App, emails: Collection[Identifier], phones: Collection[Identifier]) -> Identifier | None:
    """
    Where a code goes by itself: the one personal e-mail address on file, else the one mobile phone; None: staff decide.

    The least intrusive way comes first (EDPB 01/2022 s. 3.3).
    """
    if len(emails) == 1:
        (email,) = emails
        if not is_role_mailbox(email) and is_deliverable(email.value):
            return email
    mobiles = [phone for phone in phones if is_mobile(phone)]
    return mobiles[0] if app.sms is not None and len(mobiles) == 1 else None


def is_deliverable(address: str) -> bool:
    """Whether our mail can carry *address* unchanged."""
    try:
        dispatch.deliverable_address(address)
    except UndeliverableAddressError:
        return False
    return True


def send(app: App, tx: Transaction, case: CaseFile, request: Request, contact: Identifier, *, now: datetime) -> bool:
    """
    Send a code by mail or SMS, with the caller's transaction; one that is still valid is not followed by another.

    Returns: False if the contact point got enough codes today.
    """
    if any(confirming.is_live(each, now=now) for each in tx.challenges(case.id or 0)):
        return True  # one at a time: that code still counts
    if is_pestered(app, tx, contact, now=now):
        return False
    code, challenge = _make(app, tx, case, contact, now=now)
    if challenge.channel == "sms":
        _queue_sms(app, tx, case, challenge, code, now=now)
        return True
    letter = letters.compose(
        LetterKind.IDENTITY_CHECK,
        case.language,
        _facts(app, case, request, code, valid_until=deadlines.received_on(challenge.expires_at), now=now),
        templates=app.settings.templates_folder,
        look=app.settings.look,
    )
    queue_letter(
        app,
        tx,
        case,
        letter,
        recipient=contact.value,
        auto_submitted="auto-replied",
        letter_id=None,
        threaded=False,
        now=now,
    )
    return True


def printed(
    app: App, tx: Transaction, case: CaseFile, request: Request, address: Identifier, *, now: datetime
) -> bytes:
    """A code as a PDF to print and post; it is kept nowhere."""
    code, challenge = _make(app, tx, case, address, now=now)
    facts = _facts(app, case, request, code, valid_until=deadlines.received_on(challenge.expires_at), now=now)
    kind = LetterKind.IDENTITY_CHECK
    markdown = letters.markdown_of(
        kind, case.language, replace(facts, by_post=True), templates=app.settings.templates_folder
    )
    return printing.document(app, case.reference, markdown, letters.letter_language(case.language), now=now)


def is_pestered(app: App, tx: Transaction, contact: Identifier, *, now: datetime) -> bool:
    """Whether a contact point got so many codes in a day, for whichever cases, that another would pester who has it."""
    return tx.challenges_since(app.vault.index_identifier(contact), now - timedelta(days=1)) >= _MOST_PER_DAY


def _make(app: App, tx: Transaction, case: CaseFile, contact: Identifier, *, now: datetime) -> tuple[str, Challenge]:
    code = confirming.new_code(secrets.randbelow)
    digest = confirming.digest_of(app, case, code)
    channel = CHANNEL_OF[contact.type]
    challenge = tx.add_challenge(
        Challenge(
            case_id=case.id or 0,
            digest=digest,
            channel=channel,
            contact_index=app.vault.index_identifier(contact),
            sealed_contact=seal_contact(app, case, digest, contact),
            created_at=now,
            expires_at=now + VALID[channel],
        )
    )
    return code, challenge


def _facts(app: App, case: CaseFile, request: Request, code: str, *, valid_until: date, now: datetime) -> LetterFacts:
    base = base_facts(app, case, received_at=request.received_at, rights=(), now=now)
    requester = Requester(case.requester) if case.requester in FOR_ANOTHER else None
    return replace(base, reply_by_on=valid_until, code=code, requester=requester)


# ------------------------------------------------------------------------------------------------------------- SMS


def _queue_sms(app: App, tx: Transaction, case: CaseFile, challenge: Challenge, code: str, *, now: datetime) -> None:
    text = _SMS.in_language(letters.letter_language(case.language)).format(code=code, reference=case.reference)
    challenge.sealed_text = app.vault.seal(case_key(case), f"challenge.text:{challenge.digest}", text.encode())
    challenge.state = "ready"
    tx.add_challenge(challenge)
    tx.enqueue("send_sms", challenge.id or 0, due_at=now)


def send_sms(app: App, challenge_id: int, *, attempt: int, now: datetime) -> None:
    """
    Step: hand a code to the gateway, at most once; its text is forgotten as soon as it has left.

    An attempt that began and never ended is not repeated: a lost code is replaced by another, a doubled one confuses.
    Raises: SmsUnavailableError: it was not taken, try again; StaleStateError.
    """
    with app.store.transaction() as tx:
        challenge = tx.challenge(challenge_id)
        case = tx.case_by_id(challenge.case_id)
        if app.sms is None or challenge.state != "ready" or challenge.expires_at <= now:
            _end(tx, case, challenge, "uncertain" if challenge.state == "sending" else challenge.state)
            return
        contact = contact_of(app, case, challenge)
        text = app.vault.unseal(case_key(case), f"challenge.text:{challenge.digest}", challenge.sealed_text or b"")
        if not tx.move_challenge(challenge, to="sending", expected="ready"):
            raise StaleStateError(case.reference)  # another worker was first, and may yet give it back
    state = "sent"
    try:
        app.sms.send(contact.value, text.decode(), reference=challenge.digest[:32])
    except SmsUnavailableError:
        state = "ready" if attempt < SMS_TRIES else "failed"
        if state == "ready":
            with app.store.transaction() as tx:
                tx.move_challenge(tx.challenge(challenge_id), to="ready", expected="sending")
            raise
    except SmsUncertainError:
        state = "uncertain"
    except SmsRefusedError:
        state = "failed"
    with app.store.transaction() as tx:
        _end(tx, tx.case_by_id(case.id or 0), tx.challenge(challenge_id), state)


def _end(tx: Transaction, case: CaseFile, challenge: Challenge, state: str) -> None:
    challenge.state = state
    challenge.sealed_text = None
    tx.add_challenge(challenge)
    if state in {"failed", "uncertain"}:
        flag(tx, case, SMS_FAILED)
