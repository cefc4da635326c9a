"""
A letter -> its bytes in the outbox, by mail or on paper.

Effects: writes the database, in the caller's transaction.
"""

import hashlib
import secrets
from datetime import datetime
from typing import Literal

from dsar import dispatch
from dsar.casework.context import App, case_key, subject_of
from dsar.casework.protecting import MAIL, POST
from dsar.model import Letter
from dsar.store import Transaction
from dsar.store.tables import CaseFile, OutboxRow


def queue_letter(
    app: App,
    tx: Transaction,
    case: CaseFile,
    letter: Letter,
    *,
    recipient: str,
    auto_submitted: Literal["no", "auto-replied"],
    letter_id: int | None,
    held: bool = False,
    threaded: bool = True,
    part: tuple[int, int] = (1, 1),
    now: datetime,
) -> OutboxRow:
    """
    Build the mail once and commit it to the outbox with the caller's transaction.

    Args: letter_id: of the approved letter, None for a mail that needs no approval; held: it waits until the plan that
    it tells of has been carried out and read back; threaded: it answers the requester's mails; False for a mail to
    somebody who may be another person and must not see their headers; part: which of how many mails of the letter.
    Raises: UndeliverableAddressError.
    """
    message_id = dispatch.new_message_id(case.reference, secrets.token_hex(8), app.settings.own_domain)
    subject = subject_of(app, case)
    thread = subject.thread if threaded else ()
    content = dispatch.build_mime(
        letter,
        sender=app.settings.smtp_sender,
        sender_name=app.settings.smtp_sender_name,
        recipient=recipient,
        reply_to=dispatch.tagged(app.settings.smtp_sender, subject.tag) if app.settings.smtp.tag else None,
        message_id=message_id,
        date=now,
        in_reply_to=thread[-1] if thread else None,
        references=thread,
        auto_submitted=auto_submitted,
        boundary_seed=message_id,
    )
    return commit_mail(
        app,
        tx,
        content,
        key=case_key(case),
        message_id=message_id,
        recipient=recipient,
        kind=letter.kind,
        case_id=case.id,
        letter_id=letter_id,
        part=part,
        held=held,
        now=now,
    )


def queue_paper(
    app: App,
    tx: Transaction,
    case: CaseFile,
    letter: Letter,
    content: bytes,
    *,
    recipient: str,
    letter_id: int | None,
    held: bool,
    now: datetime,
) -> OutboxRow:
    """
    Commit a letter that goes by post, with the caller's transaction; it is never mailed.

    Args: content: what is printed; recipient: as the approval binds it; the rest as of queue_letter().
    """
    message_id = dispatch.new_message_id(case.reference, secrets.token_hex(8), app.settings.own_domain)
    return commit_mail(
        app,
        tx,
        content,
        key=case_key(case),
        message_id=message_id,
        recipient=recipient,
        kind=letter.kind,
        case_id=case.id,
        letter_id=letter_id,
        channel=POST,
        held=held,
        now=now,
    )


def commit_mail(
    app: App,
    tx: Transaction,
    content: bytes,
    *,
    key: str,
    message_id: str,
    recipient: str,
    kind: str,
    case_id: int | None = None,
    letter_id: int | None = None,
    channel: str = MAIL,
    part: tuple[int, int] = (1, 1),
    held: bool = False,
    now: datetime,
) -> OutboxRow:
    """
    Commit exact bytes to the outbox with the caller's transaction, due at once unless they are held.

    Args: key: seals them, as outgoing_key() names it; the rest as of queue_letter().
    """
    row = tx.add_outgoing(
        OutboxRow(
            case_id=case_id,
            letter_id=letter_id,
            kind=kind,
            channel=channel,
            part=part[0],
            parts=part[1],
            message_id=message_id,
            mime_sha256=hashlib.sha256(content).hexdigest(),
            sealed_mime=app.vault.seal(key, f"outbox.mime:{message_id}", content),
            sealed_recipient=app.vault.seal(key, f"outbox.recipient:{message_id}", recipient.encode()),
            created_at=now,
            state="held" if held else "ready",
        )
    )
    if not held:
        tx.enqueue("dispatch", row.id or 0, due_at=now)
    return row
