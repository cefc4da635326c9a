"""What belongs to a letter: files, the requests it answers, and a person's approval."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


class LetterAnnex(Row, table=True):
    """A file that goes with a letter."""

    __tablename__ = "letter_annex"
    letter_id: int = Field(primary_key=True, foreign_key="letter.id")
    position: int = Field(primary_key=True)
    filename: str
    content_type: str
    sha256: str = Field(max_length=64)
    sealed_content: bytes = Field(sa_type=sa.LargeBinary)


class LetterRequest(Row, table=True):
    """Which requests a letter answers."""

    __tablename__ = "letter_request"
    letter_id: int = Field(primary_key=True, foreign_key="letter.id")
    request_id: int = Field(primary_key=True, foreign_key="request.id", index=True)


class ApprovalRow(Row, table=True):
    """A named person's approval; binds exactly what was shown (promise P3)."""

    __tablename__ = "approval"
    id: int | None = Field(default=None, primary_key=True)
    letter_id: int = Field(foreign_key="letter.id", index=True)
    actor: str
    at: datetime
    binding: dict[str, str] = Field(sa_type=sa.JSON)  #: Hashes of text, html, annexes, recipient, channel, plan, MIME.
    voided_at: datetime | None = None
    void_reason: str = ""
