"""The chain over the audit trail."""

from sqlmodel import Field

from dsar.store.tables.base import Row


class Seal(Row, table=True):
    """Link of the hash chain: digest over the previous digest and one event."""

    event_id: int = Field(primary_key=True, foreign_key="event.id")
    position: int = Field(unique=True)
    digest: str = Field(max_length=64)
