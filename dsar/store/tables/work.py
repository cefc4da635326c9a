"""Due steps, leases, the workers that hold them, and the marks by which one sees that mail flows."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


class Work(Row, table=True):
    """A due step: idempotent, leased to one worker at a time, removed when done."""

    id: int | None = Field(default=None, primary_key=True)
    step: str  #: Name in steps.STEPS.
    subject_id: int  #: Id of the message, case or outbox row it is about.
    due_at: datetime = Field(index=True)
    lease_until: datetime | None = None
    rerun_at: datetime | None = None  #: It became due again at this time while it was under way.
    worker: str = ""
    lock: str = ""  #: Lease that the worker holds besides, e.g. "case:17": nothing else about that case runs meanwhile.
    attempts: int = 0
    last_error: str = ""  #: Class of the last error, never its text.
    urgent: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})  #: Serves a marketing stop.
    older: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})  #: Of a matter of days before.
    __table_args__ = (
        sa.UniqueConstraint("step", "subject_id"),
        sa.Index("ix_work_urgent", "urgent", "due_at"),  # of the version before, which may work beside this one
        sa.Index("ix_work_order", "urgent", "older", "due_at"),
    )


class Worker(Row, table=True):
    """A process that does steps, on any machine; its beats tell the others that it lives."""

    name: str = Field(primary_key=True)  #: Host and process.
    version: str
    began_at: datetime
    seen_at: datetime  #: By its own clock; whether it lives is told by `beats` going up, whatever the clocks say.
    beats: int = 0
