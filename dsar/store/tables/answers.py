"""Mails to colleagues, and what they answered."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


class TaskMail(Row, table=True):
    """Which tasks a mail to a colleague was about; whoever got one may answer."""

    __tablename__ = "task_mail"
    task_id: int = Field(primary_key=True, foreign_key="task.id")
    outbox_id: int = Field(primary_key=True, foreign_key="outbox.id", index=True)
    person_index: str = Field(max_length=64, index=True)  #: Blind index of the recipient.
    sent_on: date


class TaskAnswer(Row, table=True):
    """One answer to a task; a later one is added, never put in its place."""

    __tablename__ = "task_answer"
    id: int | None = Field(default=None, primary_key=True)
    task_id: int = Field(foreign_key="task.id", index=True)
    at: datetime
    word: str  #: nothing, held, done, cannot
    message_id: int | None = None  #: The mail that brought it.
    sealed_signer: bytes = Field(sa_type=sa.LargeBinary)  #: Who says so.
    sealed_content: bytes = Field(sa_type=sa.LargeBinary)  #: What is held, or why it cannot be done.
