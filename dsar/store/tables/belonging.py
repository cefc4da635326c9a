"""How a mail finds its case, and a case its number."""

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


class Counter(Row, table=True):
    """Last number given in a series, e.g. "D-2026"."""

    series: str = Field(primary_key=True)
    last: int


class CaseIndex(Row, table=True):
    """Blind index: which cases an identifier or address belongs to."""

    __tablename__ = "case_index"
    case_id: int = Field(primary_key=True, foreign_key="case_file.id")
    digest: str = Field(primary_key=True, max_length=64, index=True)
    message_id: int | None = None  #: The mail that brought it first; None in cases of version 0.1.


class CaseMessage(Row, table=True):
    """A mail that belongs to a case; one mail may belong to several."""

    __tablename__ = "case_message"
    case_id: int = Field(primary_key=True, foreign_key="case_file.id")
    message_id: int = Field(primary_key=True, foreign_key="message.id", index=True)
    role: str  #: request, follow_up, copy, answer (to a code), stranger (from an address that is not of the case)
    sealed_triage: bytes = Field(sa_type=sa.LargeBinary)
