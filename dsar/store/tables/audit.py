"""The audit trail."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


class EventRow(Row, table=True):
    """Append-only audit trail: written in the transaction of what it tells, chained by the sealer (promise P8)."""

    __tablename__ = "event"
    #: The statistics look for the first event of these names by its case or request; the migration that made these
    #: indexes (0015) restricts them to those, which said here would load PostgreSQL's dialect with every command.
    __table_args__ = (
        sa.Index("ix_event_identity_asked", "case_id", "at"),
        sa.Index("ix_event_applied", "request_id", "at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(index=True)
    actor: str  #: Name of a member of staff, or "dsar".
    name: str  #: lifecycle.Event, or what was looked at or done.
    case_id: int | None = Field(default=None, index=True)
    request_id: int | None = None
    from_state: str | None = None
    to_state: str | None = None
    detail: dict[str, str] = Field(default_factory=dict, sa_type=sa.JSON)  #: Codes, counts and digests only.
