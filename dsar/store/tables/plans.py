"""Change plans as they are carried out, and the duties that outlive their case."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from dsar.store.tables.base import Row


class ChangePlan(Row, table=True):
    """What will be done in the systems for one request; approved together with the letter that tells it."""

    __tablename__ = "change_plan"
    id: int | None = Field(default=None, primary_key=True)
    request_id: int = Field(foreign_key="request.id", index=True)
    letter_id: int = Field(foreign_key="letter.id", unique=True)  #: The letter that tells its expected outcome.
    sha256: str = Field(max_length=64)  #: Keyed digest of approval.sha256_of_plan.
    sealed_steps: bytes = Field(sa_type=sa.LargeBinary)
    sealed_outcomes: bytes | None = Field(default=None, sa_type=sa.LargeBinary)  #: As read back; None: not applied.


class LedgerEntry(Row, table=True):
    """One step of a plan, written before and after it is done, so that a killed worker's steps are known."""

    __tablename__ = "ledger"
    plan_id: int = Field(primary_key=True, foreign_key="change_plan.id")
    position: int = Field(primary_key=True)
    state: str  #: started, done, failed
    started_at: datetime
    ended_at: datetime | None = None
    detail: str = ""  #: Why it failed, without personal data.
    #: {request of the step: id of the job that it began in the system}, until the step has ended.
    sealed_jobs: bytes | None = Field(default=None, sa_type=sa.LargeBinary)


class PlanLine(Row, table=True):
    """What a member of staff decided about one record in the plans of a request, instead of the program."""

    __tablename__ = "plan_line"
    request_id: int = Field(primary_key=True, foreign_key="request.id")
    record_index: str = Field(primary_key=True, max_length=64)  #: Blind index of system, object and key.
    sealed_line: bytes = Field(sa_type=sa.LargeBinary)
    actor: str
    at: datetime


class Suppression(Row, table=True):
    """A contact point that gets no marketing (Art. 21(3)); a keyed digest, no name, no reason."""

    digest: str = Field(primary_key=True, max_length=64)
    channel: str  #: email, phone, address
    since: datetime
    case_reference: str
