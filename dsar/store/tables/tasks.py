"""Questions to colleagues, the mails that put them, and the answers."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


class Task(Row, table=True):
    """A question to a colleague about what they hold, or a change that they are to make."""

    id: int | None = Field(default=None, primary_key=True)
    reference: str = Field(unique=True)  #: TASK-7K3MX9Q2XA: random, so that nobody can guess it.
    case_id: int = Field(foreign_key="case_file.id", index=True)
    system: str
    kind: str  #: search, update, erase, anonymise, suppress
    state: str = Field(default="open", index=True)  #: open, person (waits for one), answered, late (waits for one)
    why: str = ""  #: Code of what a person must look at: unclear, unreadable, unreachable, cannot, contradicts, late
    owner_index: str = Field(max_length=64, index=True)  #: Blind index of who answers for it.
    sealed_owner: bytes = Field(sa_type=sa.LargeBinary)  #: Address.
    sealed_question: bytes = Field(sa_type=sa.LargeBinary)  #: What finds the person, or the step.
    step_index: str | None = Field(default=None, unique=True, max_length=64)  #: Of a change: put before them once.
    opened_at: datetime
    asked_at: datetime | None = None  #: First mail about it.
    reminders: int = 0
    escalated_at: datetime | None = None
    deputised: bool = False  #: The owner does not read mail: the deputy is asked.
    clarified: bool = False  #: An unclear answer was asked about.
    answered_at: datetime | None = None
