"""Letters to data subjects on their way: draft, approval, outbox, pass-phrase."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


class LetterRow(Row, table=True):
    """A letter to a data subject, from draft to sent."""

    __tablename__ = "letter"
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case_file.id", index=True)
    kind: str  #: model.LetterKind
    language: str
    status: str = "draft"  #: draft, approved, sent, void
    composed_on: date  #: A letter of another day is made anew before approval.
    inputs_sha256: str = Field(max_length=64)  #: Keyed digest of what it was made from.
    template_sha256: str = Field(max_length=64)
    sealed_content: bytes = Field(sa_type=sa.LargeBinary)  #: JSON: subject, text, html, recipient.


class OutboxRow(Row, table=True):
    """One outgoing mail; committed, with its Message-ID, before any server hears of it (promise P2)."""

    __tablename__ = "outbox"
    id: int | None = Field(default=None, primary_key=True)
    case_id: int | None = Field(default=None, foreign_key="case_file.id", index=True)
    letter_id: int | None = Field(default=None, foreign_key="letter.id", index=True)
    notice_id: int | None = None  #: Of the RecipientNotice that it carries.
    kind: str
    channel: str = "mail"  #: mail, post
    part: int = 1  #: Of a letter that is too big for one mail: which of its mails this is, from 1.
    parts: int = 1  #: How many mails the letter takes.
    message_id: str = Field(unique=True)
    mime_sha256: str = Field(max_length=64)
    sealed_mime: bytes = Field(sa_type=sa.LargeBinary)  #: The exact mail; of a letter by post the PDF to print.
    sealed_recipient: bytes = Field(sa_type=sa.LargeBinary)
    state: str = Field(default="ready", index=True)  #: held, ready, sending, sent, to_post, uncertain, failed, recalled
    attempts: int = 0
    created_at: datetime
    sending_at: datetime | None = None  #: Start of the last attempt.
    sent_at: datetime | None = None
    evidence: str = ""  #: How we know it was sent: "accepted", "found_in_sent", "person"
    filed_at: datetime | None = None  #: A copy lies in the sent folder.
    copy_gone_at: datetime | None = None  #: That copy was removed when its time was up.


class PassPhrase(Row, table=True):
    """What opens the encrypted files of one letter; it never travels the way that they do."""

    __tablename__ = "pass_phrase"
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case_file.id", index=True)
    letter_id: int = Field(foreign_key="letter.id", unique=True)
    channel: str  #: sms, letter, voice
    #: held (until the letter left), ready, sending, sent, failed, uncertain (SMS), to_post, to_read, void
    state: str = Field(default="held", index=True)
    sealed_contact: bytes = Field(sa_type=sa.LargeBinary)  #: The phone or address on file; empty: none.
    sealed_phrase: bytes = Field(sa_type=sa.LargeBinary)  #: b"": destroyed.
    created_at: datetime
    told_at: datetime | None = None  #: When it was sent, posted or read out.
