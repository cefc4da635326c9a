"""What the systems hold of a person, and a person's word on it."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


class SystemRow(Row, table=True):
    """How the search of one system ended in one run."""

    __tablename__ = "system_result"
    case_id: int = Field(primary_key=True, foreign_key="case_file.id")
    run: int = Field(primary_key=True)
    system: str = Field(primary_key=True)
    outcome: str  #: model.SystemOutcome
    detail: str = ""
    searched_at: datetime
    sealed_records: bytes = Field(sa_type=sa.LargeBinary)
