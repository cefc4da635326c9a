"""What the processes on all machines share besides work: leases, marks of health, calls to systems that are counted."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


class Lease(Row, table=True):
    """Something only one process may do at a time, e.g. reading a mailbox."""

    name: str = Field(primary_key=True)
    holder: str
    until: datetime


class HealthMark(Row, table=True):
    """The last time that something happened by which one sees whether mail flows."""

    __tablename__ = "health_mark"
    name: str = Field(primary_key=True)  #: e.g. "self_test_sent", "alarm:mailbox privacy"
    at: datetime
    detail: str = ""  #: Of a self-test its Message-ID.


class CallTurn(Row, table=True):
    """A call to a connected system: under way, or begun so lately that it counts against what the system bears."""

    __tablename__ = "call_turn"
    id: int | None = Field(default=None, primary_key=True)
    system: str  #: Name in settings.
    holder: str  #: The process that makes it.
    begun: float  #: Seconds since 1970, by the clock of the database, which all machines share.
    until: float  #: The end of its lease, by the same clock; 0: it has ended.
    __table_args__ = (sa.Index("ix_call_turn_system", "system", "begun"),)


class CallPause(Row, table=True):
    """A system that asked to be left alone for a while."""

    __tablename__ = "call_pause"
    system: str = Field(primary_key=True)
    begun: float  #: As in CallTurn.
    until: float


class SchemaFloor(Row, table=True):
    """The tables are no longer made for programs that are older than this; see dsar/store/version.py."""

    __tablename__ = "schema_floor"
    revision: str = Field(primary_key=True)
